//! Which entries of the gallery somebody looks for, and which come first.

use crate::gallery::Entry;

/// What an entry must be like; nothing given fits everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Search {
    words: Vec<String>,
    category: Option<String>,
}

/// Where a word was found: in the name before all else.
const WEIGHTS: [usize; 3] = [9, 3, 1];

impl Search {
    pub(crate) fn of(text: &str, category: &str) -> Self {
        let words = text.to_lowercase().split_whitespace().take(16).map(str::to_owned).collect();
        Self { words, category: Some(category.to_owned()).filter(|category| !category.is_empty()) }
    }

    /// Those that fit, best first; equals keep their order.
    pub(crate) fn ranked<'a, 'b: 'a>(&self, entries: impl Iterator<Item = &'a Entry<'b>>) -> Vec<&'a Entry<'b>> {
        let of_category = |entry: &&Entry<'_>| self.category.as_ref().is_none_or(|wanted| wanted == entry.category());
        let mut found: Vec<_> =
            entries.filter(of_category).filter_map(|entry| Some((self.score(&texts(entry))?, entry))).collect();
        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        found.into_iter().map(|(_, entry)| entry).collect()
    }

    /// Every word must be somewhere.
    fn score(&self, texts: &[String; 3]) -> Option<usize> {
        let place = |word: &String| {
            let hits = texts.iter().zip(WEIGHTS).filter(|(text, _)| text.contains(word.as_str()));
            Some(hits.map(|(_, weight)| weight).sum::<usize>()).filter(|weight| *weight > 0)
        };
        self.words.iter().map(place).sum()
    }
}

fn texts(entry: &Entry<'_>) -> [String; 3] {
    let about = match entry {
        Entry::Model { model, .. } => format!("{} {} {}", model.title, model.description, model.tags.join(" ")),
        Entry::App { .. } => String::new(),
    };
    [format!("{} {}", entry.id(), entry.title()), format!("{} {}", entry.category(), entry.summary()), about]
        .map(|text| text.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_must_be_somewhere_and_names_count_most() {
        let texts = ["acme/trim trim a video", "video-to-video cuts a video", "cpu"].map(str::to_owned);
        let score = |text: &str| Search::of(text, "").score(&texts);
        assert_eq!(score(""), Some(0));
        assert!(score("TRIM") > score("cuts") && score("cuts") > score("cpu"));
        assert!(score("video cuts").is_some());
        assert_eq!(score("video paint"), None);
    }
}
