//! Reading what a call to a picture tool says: fields with their defaults, and the pictures that they name.

use serde_json::{Map, Value};
use tintype_engine::{Detail, Fields, Invalid, Output, RunError, Wanted};
use tintype_media::{Encoding, Format, Limits};

use super::{
    anchor::Anchor,
    colour::Colour,
    given::{Given, Job},
};

/// Long enough for a data URI of the largest file.
const LONGEST_URL: usize = 64 << 20;

pub(super) struct Call<'a> {
    fields: Fields<'a>,
    wanted: Vec<Wanted>,
}

impl<'a> Call<'a> {
    pub fn new(input: &'a Map<String, Value>) -> Self {
        Self { fields: Fields::new(input), wanted: Vec::new() }
    }

    /// A picture without which there is nothing to do.
    pub fn picture(&mut self, name: &str) {
        self.fields.require(name);
        self.optional_picture(name);
    }

    /// Whether it is given.
    pub fn optional_picture(&mut self, name: &str) -> bool {
        let Some(url) = self.fields.text(name, LONGEST_URL).filter(|url| !url.is_empty()) else { return false };
        self.want(name.to_owned(), url);
        true
    }

    /// A list of pictures; how many there are.
    pub fn pictures(&mut self, name: &str, least: usize, most: usize) -> usize {
        let urls = self.list(name, least, most);
        for (at, url) in urls.iter().enumerate() {
            self.want(format!("{name}.{at}"), url.clone());
        }
        urls.len()
    }

    /// A list of texts, none of which is empty.
    pub fn list(&mut self, name: &str, least: usize, most: usize) -> Vec<String> {
        texts(&mut self.fields, name, least, most).unwrap_or_default()
    }

    /// One of the pictures of a list: those beside it are never fetched.
    pub fn one_of_pictures(&mut self, name: &str, most: usize, index: &str) -> String {
        let urls = self.list(name, 1, most);
        let Some(at) = self.fields.whole(index, 0, urls.len().saturating_sub(1) as u64).or(Some(0)) else {
            return String::new();
        };
        let url = urls.get(at as usize).cloned().unwrap_or_default();
        self.want(format!("{name}.{at}"), url.clone());
        url
    }

    pub fn require(&mut self, name: &str) {
        self.fields.require(name);
    }

    pub fn whole(&mut self, name: &str, (least, most): (u64, u64), default: u32) -> u32 {
        self.fields.whole(name, least, most).map_or(default, |value| value as u32)
    }

    pub fn optional_whole(&mut self, name: &str, (least, most): (u64, u64)) -> Option<u32> {
        self.fields.whole(name, least, most).map(|value| value as u32)
    }

    pub fn number(&mut self, name: &str, (least, most): (f64, f64), default: f32) -> f32 {
        self.fields.number(name, least, most).map_or(default, |value| value as f32)
    }

    pub fn flag(&mut self, name: &str, default: bool) -> bool {
        self.fields.flag(name).unwrap_or(default)
    }

    pub fn text(&mut self, name: &str, longest: usize) -> Option<String> {
        self.fields.text(name, longest)
    }

    pub fn choice<T: Copy>(&mut self, name: &str, choices: &[(&str, T)], default: T) -> T {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        self.fields.choice(name, &names).map_or(default, |at| choices[at].1)
    }

    pub fn colour(&mut self, name: &str, default: Colour) -> Colour {
        self.optional_colour(name).unwrap_or(default)
    }

    pub fn optional_colour(&mut self, name: &str) -> Option<Colour> {
        let value = self.fields.get(name)?;
        let found = Colour::read(value);
        if found.is_none() {
            let message = format!("Input should be a colour: {}", Colour::FORMS);
            self.fields.reject(Detail::new(name, "value_error", message).found(value));
        }
        found
    }

    /// A colour; none when absent, or one of these words.
    pub fn unless(&mut self, name: &str, words: &[&str]) -> Option<Colour> {
        let word = self.fields.get(name).and_then(Value::as_str);
        if word.is_some_and(|word| words.contains(&word)) { None } else { self.optional_colour(name) }
    }

    pub fn anchor(&mut self, name: &str, default: Anchor) -> Anchor {
        let Some(value) = self.fields.get(name) else { return default };
        let found = value.as_str().and_then(Anchor::named);
        if found.is_none() {
            let message = format!("Input should be one of {}", tintype_engine::quoted(&Anchor::NAMES));
            let detail = Detail::new(name, "one_of", message).with("expected", Anchor::NAMES.to_vec());
            self.fields.reject(detail.found(value));
        }
        found.unwrap_or(default)
    }

    /// `output_format`.
    pub fn format(&mut self, default: Format) -> Encoding {
        let formats = [("png", Format::Png), ("jpeg", Format::Jpeg), ("jpg", Format::Jpeg), ("webp", Format::Webp)];
        Encoding::new(self.choice("output_format", &formats, default))
    }

    /// The job, if nothing was wrong.
    pub fn finish(
        mut self,
        work: impl FnOnce(&mut Given<'_>) -> Result<Output, RunError> + Send + 'static,
    ) -> Result<Job, Invalid> {
        let inline = self.flag("sync_mode", false);
        self.fields.finish()?;
        Ok(Job { wanted: self.wanted, inline, work: Box::new(work) })
    }

    fn want(&mut self, field: String, url: String) {
        self.wanted.push(Wanted { field, url, max_bytes: Limits::default().max_bytes as u64 });
    }
}

/// A required list of texts.
pub(crate) fn texts(fields: &mut Fields<'_>, name: &str, least: usize, most: usize) -> Option<Vec<String>> {
    fields.require(name);
    let value = fields.get(name)?;
    let Value::Array(items) = value else {
        fields.reject(Detail::new(name, "list_type", "Input should be a valid list").found(value));
        return None;
    };
    if !fields.counted(name, items.len(), (least, most)) {
        return None;
    }
    let mut texts = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        match item {
            Value::String(text) => texts.push(text.clone()),
            other => {
                let path = format!("{name}.{at}");
                fields.reject(Detail::new(&path, "string_type", "Input should be a valid string").found(other));
            }
        }
    }
    Some(texts)
}
