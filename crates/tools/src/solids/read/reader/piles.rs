//! Solids that stand on each other.

use super::{Reader, Saying};
use crate::solids::{
    material::Material,
    read::{Item, Relation},
};

/// What comes is stacked, or what came.
pub(super) struct Stacked {
    pub word: String,
    /// "In a stack", and where in the phrase the stack is: properties beside it are its own if nothing follows.
    pub inside: Option<usize>,
}

impl Reader {
    pub(super) fn stack(&mut self, word: &str) {
        let inside = self.pending.take_if(|relation| *relation == Relation::Beside).map(|_| {
            self.phrase.served_at(self.said_at);
            self.phrase.len()
        });
        self.stacked = Some(Stacked { word: word.to_owned(), inside });
        self.phrase.known(word);
    }

    /// "Three cubes stacked", "in a small stack": it is said of what came. Where a place is said too, it need not mean more
    /// than that.
    pub(super) fn pile_before(&mut self, placed: bool) {
        let (alone, none) = (self.phrase.len() == 1, self.scene.items.is_empty());
        let of_these = |stacked: &mut Stacked| !none && (alone || stacked.inside.is_some());
        let Some(Stacked { word, inside }) = self.stacked.take_if(of_these) else { return };
        self.phrase.served_at(inside.unwrap_or(0));
        match self.pile_up() {
            Some(first) => self.of_pile(first),
            None if !placed => self.phrase.tell(&word),
            None => {}
        }
        // What is left of the phrase was said of nothing else.
        self.unnamed();
    }

    /// What was said of a pile: a size is that of all that is in it.
    fn of_pile(&mut self, first: usize) {
        let Saying { count, material, scale, stretch } = std::mem::take(&mut self.saying);
        if self.phrase.has_strange() || count != 1 || material != Material::default() {
            return;
        }
        for item in &mut self.scene.items[first..] {
            for (side, stretch) in item.size.iter_mut().zip(stretch) {
                *side *= scale * stretch;
            }
        }
        self.phrase.named();
    }

    pub(super) fn each_other(&mut self, words: &str) {
        self.phrase.named();
        self.saying = Saying::default();
        let served = match self.pending.take() {
            Some(Relation::Above | Relation::Below) => self.pile_up().is_some(),
            other => other == Some(Relation::Beside),
        };
        if !served {
            self.phrase.tell(words);
        }
    }

    /// Stacks the last solids, if they are several; the first of them.
    fn pile_up(&mut self) -> Option<usize> {
        let items = &mut self.scene.items;
        if let Some(last) = items.last_mut().filter(|last| last.count > 1) {
            last.column = true;
            return Some(items.len() - 1);
        }
        let joined = |item: &&Item| item.count == 1 && matches!(item.place, Relation::Beside | Relation::OnPile);
        let run = items.iter().rev().take_while(joined).count();
        let first = items.len() - run;
        for item in items.iter_mut().skip(first + 1) {
            item.place = Relation::OnPile;
        }
        (run > 1).then_some(first)
    }
}
