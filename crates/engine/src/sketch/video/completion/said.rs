//! What a prompt says, of its object and of its background.

/// Words in the model's own spelling.
pub(super) struct Said {
    object: Vec<String>,
    /// "light blue", as its words.
    pub background: Vec<String>,
    gradient: bool,
    pub names_background: bool,
}

impl Said {
    /// "on a light blue gradient background", or "on a background of light blue".
    pub fn read(mut words: Vec<String>, is_of_background: impl Fn(&str) -> bool) -> Self {
        let Some(at) = words.iter().position(|word| word == "background") else {
            return Self { object: words, background: Vec::new(), gradient: false, names_background: false };
        };
        let after = words.split_off(at + 1);
        words.pop();
        let names = |word: &&String| is_of_background(word) || *word == "gradient";
        let ahead = words.iter().rev().take(3).take_while(names).count();
        let behind = if ahead == 0 { after.iter().take(3).take_while(names).count() } else { 0 };
        let mut background = words.split_off(words.len() - ahead);
        background.extend_from_slice(&after[..behind]);
        let gradient = background.iter().any(|word| word == "gradient");
        background.retain(|word| word != "gradient");
        words.extend_from_slice(&after[behind..]);
        Self { object: words, background, gradient, names_background: true }
    }

    /// As a phrase, with words that were added ahead of the object's.
    pub fn written(&self, added: &[String]) -> String {
        let one = self.object.first().is_some_and(|word| word == "one");
        let article = if one && added.is_empty() { "one" } else { "a" };
        let object = added.iter().chain(&self.object[usize::from(one)..]).map(String::as_str);
        let ground = self.background.iter().map(String::as_str).chain(self.gradient.then_some("gradient"));
        let words: Vec<&str> = [article].into_iter().chain(object).collect();
        let ground: Vec<&str> = ["on", "a"].into_iter().chain(ground).chain(["background"]).collect();
        [words, ground].concat().join(" ")
    }

    pub fn of_object(&self, word: &str) -> bool {
        self.object.iter().any(|said| said == word)
    }

    pub fn one_of(&self, words: &[String]) -> bool {
        words.iter().any(|word| self.of_object(word))
    }

    pub fn changes_size(&self) -> bool {
        self.of_object("growing") || self.of_object("shrinking")
    }

    /// Of how it moves, what limits its size.
    pub fn pace(&self) -> &'static str {
        let moves = ["moving", "left", "right", "up", "down"].iter().any(|word| self.of_object(word));
        let pace = ["fast", "slowly"].into_iter().find(|word| self.of_object(word));
        if moves { pace.unwrap_or("moving") } else { "still" }
    }
}
