//! Words on their way to the thing that they are said of.
//!
//! "A red dragon and a cube": what is said of a thing that has no name here must not stick to the next, and whoever asked
//! is told what was not used.

#[derive(Debug, Default)]
pub(crate) struct Phrase {
    words: Vec<Said>,
    /// It has a comma, as lists of properties have.
    listed: bool,
    unknown: Vec<String>,
}

#[derive(Debug)]
struct Said {
    word: String,
    strange: bool,
}

impl Phrase {
    /// A word that says something of what comes.
    pub fn known(&mut self, word: &str) {
        self.words.push(Said { word: word.to_owned(), strange: false });
    }

    /// A word that says nothing here. It may have been the name of a thing.
    pub fn strange(&mut self, word: &str) {
        self.words.push(Said { word: word.to_owned(), strange: true });
    }

    /// How many words wait.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    pub fn has_strange(&self) -> bool {
        self.words.iter().any(|said| said.strange)
    }

    /// At a comma. "A large, dreamy, red cube" goes on, "a large dragon, a cube" does not: whether it ended.
    pub fn comma(&mut self) -> bool {
        let ended = self.has_strange() && !self.listed;
        self.listed = !ended && self.len() > 0;
        ended
    }

    /// The last words were said of something else, and served.
    pub fn served(&mut self, count: usize) {
        self.words.truncate(self.len().saturating_sub(count));
    }

    /// The word at this place served.
    pub fn served_at(&mut self, place: usize) {
        if place < self.len() {
            self.words.remove(place);
        }
    }

    /// What they were said of has come.
    pub fn named(&mut self) {
        let strange = self.words.drain(..).filter(|said| said.strange);
        self.unknown.extend(strange.map(|said| said.word));
        self.listed = false;
    }

    /// What they were said of is nothing that is known.
    pub fn unnamed(&mut self) {
        self.unknown.extend(self.words.drain(..).map(|said| said.word));
        self.listed = false;
    }

    /// A word that had no effect.
    pub fn tell(&mut self, word: &str) {
        self.unknown.push(word.to_owned());
    }

    /// All that was not used.
    pub fn finish(mut self) -> Vec<String> {
        self.unnamed();
        self.unknown
    }
}
