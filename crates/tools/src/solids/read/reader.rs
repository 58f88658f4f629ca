//! The words of a prompt, one after the other.

use super::{
    super::shapes::{Shape, of_word},
    Item, Relation, Scene,
    saying::Saying,
};
use crate::prompt::{Phrase, Token, number};

/// Words that only hold others together.
const GLUE: [&str; 12] = ["of", "to", "is", "are", "next", "side", "by", "top", "that", "sits", "stands", "made"];
const ARTICLES: [&str; 4] = ["a", "an", "the", "another"];

#[derive(Default)]
pub(super) struct Reader {
    scene: Scene,
    phrase: Phrase,
    saying: Saying,
    pending: Option<Relation>,
    /// What lies so to something has no name here.
    lost: bool,
    /// The word that says that what comes is stacked, or what came.
    stacked: Option<String>,
    /// Solids are being stacked one by one: where the first is, and the word that says so.
    pile: Option<(usize, String)>,
}

impl Reader {
    /// Reads what comes first, and says how many words it was.
    pub fn take(&mut self, rest: &[Token<'_>]) -> usize {
        use Token::{Comma, Stop, Word};
        match *rest {
            [Stop, ..] => self.part(),
            [Comma, ..] => {
                self.pile_before(false);
                if self.phrase.comma() {
                    self.unnamed();
                }
                self.lost = false;
            }
            // "On top of each other", "one above the other".
            [Word("each"), Word("other"), ..] | [Word("one"), Word("another"), ..] => {
                self.each_other();
                return 2;
            }
            [Word("other" | "another")] | [Word("other" | "another"), Comma | Stop, ..] => self.each_other(),
            [Word(word), ..] => self.word(word),
            [] => {}
        }
        1
    }

    pub fn finish(mut self) -> Scene {
        self.part();
        Scene { unknown: self.phrase.finish(), ..self.scene }
    }

    fn word(&mut self, word: &str) {
        if let Some((shape, _)) = of_word(word) {
            self.solid(shape);
        } else if let Some(relation) = relation(word) {
            self.relation(relation, word);
        } else if matches!(word, "it" | "them") {
            self.it();
        } else if matches!(word, "stacked" | "piled" | "stack" | "pile" | "tower") {
            // "In a stack".
            if self.pending.take_if(|relation| *relation == Relation::Beside).is_some() {
                self.phrase.served(1);
            }
            self.stacked = Some(word.to_owned());
            self.phrase.known(word);
        } else if ARTICLES.contains(&word) || matches!(word, "and" | "with") {
            self.article(word);
        } else if let Some(count) = number(word) {
            self.article(word);
            self.saying.count = count;
            self.phrase.known(word);
        } else if self.saying.material.take(word) || self.saying.size(word) {
            self.phrase.known(word);
        } else if !GLUE.contains(&word) {
            self.phrase.strange(word);
        }
    }

    fn solid(&mut self, shape: Shape) {
        let said = std::mem::take(&mut self.saying);
        // "A on B" is read from its end: B is below A.
        let mut place = self.pending.take().map_or(Relation::Beside, Relation::turned);
        let size = said.stretch.map(|stretch| stretch * said.scale);
        let stacked = self.stacked.take();
        let column = stacked.is_some() && said.count > 1;
        if let Some(word) = stacked.filter(|_| !column) {
            self.pile = Some((self.scene.items.len(), word));
        } else if self.pile.is_some() && place == Relation::Beside {
            place = Relation::OnPile;
        }
        let Saying { count, material, .. } = said;
        self.scene.items.push(Item { shape, count, material, size, place, column });
        self.phrase.named();
        self.lost = false;
    }

    fn relation(&mut self, relation: Relation, word: &str) {
        self.pile_before(relation == Relation::Above);
        if self.phrase.has_strange() {
            self.unnamed();
            self.lost = true;
        }
        self.phrase.known(word);
        if self.lost {
            self.phrase.unnamed();
        } else {
            self.pending = Some(relation);
        }
    }

    /// "A, and B left of it".
    fn it(&mut self) {
        if let (Some(last), Some(relation)) = (self.scene.items.last_mut(), self.pending.take()) {
            last.place = relation;
            self.phrase.named();
        }
    }

    /// Something new begins: what was said of a thing without a name is not said of it.
    fn article(&mut self, word: &str) {
        if matches!(word, "and" | "with") {
            self.pile_before(false);
        }
        if self.phrase.has_strange() {
            self.unnamed();
        }
        self.lost &= !matches!(word, "and" | "with");
    }

    fn unnamed(&mut self) {
        self.phrase.unnamed();
        (self.saying, self.pending, self.stacked) = (Saying::default(), None, None);
    }

    /// The end of a part: nothing of it is said of the next.
    fn part(&mut self) {
        self.pile_before(false);
        self.unnamed();
        self.lost = false;
        // One alone is no stack.
        if let Some((first, word)) = self.pile.take()
            && !self.scene.items[first..].iter().any(|item| item.place == Relation::OnPile)
        {
            self.phrase.tell(&word);
        }
    }

    /// "Three cubes stacked": it is said of what came. Where a place is said too, it need not mean more than that.
    fn pile_before(&mut self, placed: bool) {
        if self.phrase.len() != 1 || self.scene.items.is_empty() {
            return;
        }
        if let Some(word) = self.stacked.take() {
            self.phrase.served(1);
            if !self.pile_up() && !placed {
                self.phrase.tell(&word);
            }
        }
    }

    fn each_other(&mut self) {
        self.phrase.named();
        self.saying = Saying::default();
        let served = match self.pending.take() {
            Some(Relation::Above | Relation::Below) => self.pile_up(),
            other => other == Some(Relation::Beside),
        };
        if !served {
            self.phrase.tell("each other");
        }
    }

    /// Stacks the last solids, if they are several.
    fn pile_up(&mut self) -> bool {
        let items = &mut self.scene.items;
        if let Some(last) = items.last_mut().filter(|last| last.count > 1) {
            last.column = true;
            return true;
        }
        let joined = |item: &&Item| item.count == 1 && matches!(item.place, Relation::Beside | Relation::OnPile);
        let run = items.iter().rev().take_while(joined).count();
        let first = items.len() - run;
        for item in items.iter_mut().skip(first + 1) {
            item.place = Relation::OnPile;
        }
        run > 1
    }
}

fn relation(word: &str) -> Option<Relation> {
    match word {
        "on" | "above" | "over" | "atop" => Some(Relation::Above),
        "under" | "below" | "beneath" | "underneath" => Some(Relation::Below),
        "left" => Some(Relation::LeftOf),
        "right" => Some(Relation::RightOf),
        "behind" => Some(Relation::Behind),
        "front" | "before" => Some(Relation::InFront),
        "in" | "beside" => Some(Relation::Beside),
        _ => None,
    }
}
