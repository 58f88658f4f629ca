//! The words of a prompt, one after the other.

mod piles;

use super::{
    super::shapes::{Shape, of_word},
    Item, Relation, Scene,
    saying::Saying,
};
use crate::prompt::{Phrase, Token, number};
use piles::Stacked;

/// Words that only hold others together.
const GLUE: [&str; 12] = ["of", "to", "is", "are", "next", "side", "by", "top", "that", "sits", "stands", "made"];
const ARTICLES: [&str; 4] = ["a", "an", "the", "another"];

#[derive(Default)]
pub(super) struct Reader {
    scene: Scene,
    phrase: Phrase,
    saying: Saying,
    pending: Option<Relation>,
    /// Where in the phrase it was said.
    said_at: usize,
    /// What lies so to something has no name here.
    lost: bool,
    stacked: Option<Stacked>,
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
            [Word("each"), Word("other"), ..] => {
                self.each_other("each other");
                return 2;
            }
            [Word("one"), Word("another"), ..] => {
                self.each_other("one another");
                return 2;
            }
            [Word(word @ ("other" | "another"))] | [Word(word @ ("other" | "another")), Comma | Stop, ..] => {
                self.each_other(word);
            }
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
            self.stack(word);
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
            self.pile = Some((self.scene.items.len(), word.word));
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
        self.said_at = self.phrase.len();
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
