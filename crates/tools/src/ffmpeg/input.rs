//! Reading the input of a tool: its fields, and the files that it names.

use serde_json::{Map, Value};
use tintype_engine::{Detail, Fields, Invalid, Size};

/// What a file is asked to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Video,
    /// Anything that can be heard, a video's track as well.
    Audio,
    /// A still.
    Image,
    /// Whatever can be heard or seen over time.
    Media,
}

impl Kind {
    pub fn max_bytes(self) -> u64 {
        match self {
            Self::Video | Self::Media => 512 << 20,
            Self::Audio => 256 << 20,
            Self::Image => 32 << 20,
        }
    }
}

/// A file that an input names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub field: String,
    pub url: String,
    pub kind: Kind,
}

/// Its place among the files of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct File(pub usize);

pub(super) struct Input<'a> {
    fields: Fields<'a>,
    /// Where this object lies in the input; empty, or ends with a dot.
    within: String,
    first: usize,
    asked: Vec<Asked>,
    inner: Vec<Detail>,
}

impl<'a> Input<'a> {
    pub fn new(input: &'a Map<String, Value>) -> Self {
        Self::at(input, String::new(), 0)
    }

    fn at(input: &'a Map<String, Value>, within: String, first: usize) -> Self {
        Self { fields: Fields::new(input), within, first, asked: Vec::new(), inner: Vec::new() }
    }

    pub fn finish(self) -> Result<Vec<Asked>, Invalid> {
        let mut found = self.fields.finish().err().map(|invalid| invalid.0).unwrap_or_default();
        let place: Vec<Value> = Detail::new(&self.within, "", "").loc.split_off(1);
        for detail in &mut found {
            detail.loc.splice(1..1, place.iter().cloned());
        }
        found.extend(self.inner);
        if found.is_empty() { Ok(self.asked) } else { Err(Invalid(found)) }
    }

    pub fn reject(&mut self, detail: Detail) {
        self.fields.reject(detail);
    }

    pub fn has(&self, name: &str) -> bool {
        self.fields.get(name).is_some()
    }

    pub fn file(&mut self, name: &str, kind: Kind) -> File {
        self.fields.require(name);
        match self.fields.get(name) {
            Some(value) => self.named(name, value, kind),
            None => File(usize::MAX),
        }
    }

    pub fn files(&mut self, name: &str, kind: Kind, least: usize, most: usize) -> Vec<File> {
        let items = self.list(name, least, most);
        let named = |(number, value): (usize, &'a Value)| self.named(&format!("{name}.{number}"), value, kind);
        items.iter().enumerate().map(named).collect()
    }

    fn named(&mut self, field: &str, value: &Value, kind: Kind) -> File {
        match value.as_str().map(str::trim) {
            Some(url) if !url.is_empty() => {
                let file = File(self.first + self.asked.len());
                self.asked.push(Asked { field: format!("{}{field}", self.within), url: url.to_owned(), kind });
                file
            }
            Some(_) => {
                let message = "Input should be the address of a file, or a data URI";
                self.reject(Detail::new(field, "file_download_error", message).found(value));
                File(usize::MAX)
            }
            None => {
                self.reject(Detail::new(field, "string_type", "Input should be a valid string").found(value));
                File(usize::MAX)
            }
        }
    }

    /// The items of a list; absent ones are too few.
    fn list(&mut self, name: &str, least: usize, most: usize) -> &'a [Value] {
        let items = match self.fields.get(name) {
            None if least > 0 => {
                self.fields.require(name);
                return &[];
            }
            None => return &[],
            Some(Value::Array(items)) => items,
            Some(value) => {
                self.reject(Detail::new(name, "list_type", "Input should be a valid list").found(value));
                return &[];
            }
        };
        // Of a list that is too short, the rest is told as well.
        if self.fields.counted(name, items.len(), (least, most)) || items.len() < least { items } else { &[] }
    }

    /// Reads each object of a list as an input of its own.
    pub fn objects<T>(
        &mut self,
        name: &str,
        (least, most): (usize, usize),
        mut read: impl FnMut(&mut Input<'a>) -> T,
    ) -> Vec<T> {
        let items = self.list(name, least, most);
        let mut out = Vec::with_capacity(items.len());
        for (number, value) in items.iter().enumerate() {
            let Value::Object(members) = value else {
                let field = format!("{name}.{number}");
                self.reject(Detail::new(&field, "dict_type", "Input should be an object").found(value));
                continue;
            };
            let place = format!("{}{name}.{number}.", self.within);
            let mut inner = Input::at(members, place, self.first + self.asked.len());
            out.push(read(&mut inner));
            match inner.finish() {
                Ok(asked) => self.asked.extend(asked),
                Err(Invalid(found)) => self.inner.extend(found),
            }
        }
        out
    }

    pub fn number(&mut self, name: &str, least: f64, most: f64) -> Option<f64> {
        self.fields.number(name, least, most)
    }

    pub fn whole(&mut self, name: &str, least: u64, most: u64) -> Option<u64> {
        self.fields.whole(name, least, most)
    }

    pub fn flag(&mut self, name: &str, default: bool) -> bool {
        self.fields.flag(name).unwrap_or(default)
    }

    pub fn text(&mut self, name: &str, longest: usize) -> Option<String> {
        self.fields.text(name, longest)
    }

    pub fn require(&mut self, name: &str) {
        self.fields.require(name);
    }

    /// One of `allowed`; the first of them when absent.
    pub fn choice(&mut self, name: &str, allowed: &[&'static str], default: &'static str) -> &'static str {
        self.fields.choice(name, allowed).map_or(default, |place| allowed[place])
    }

    pub fn numbers(&mut self, name: &str, (least, most): (usize, usize), within: (f64, f64)) -> Vec<f64> {
        let items = self.list(name, least, most);
        let mut out = Vec::with_capacity(items.len());
        for (number, value) in items.iter().enumerate() {
            match value.as_f64() {
                Some(value) if (within.0..=within.1).contains(&value) => out.push(value),
                _ => {
                    let message = format!("Input should be a number from {} to {}", within.0, within.1);
                    let field = format!("{name}.{number}");
                    self.reject(Detail::new(&field, "float_type", message).found(value));
                }
            }
        }
        out
    }

    /// A named size or `{width, height}` within limits.
    pub fn size(&mut self, name: &str, least: u64, most: u64) -> Option<(u32, u32)> {
        if !self.fields.get(name)?.is_object() {
            let place = self.fields.choice(name, &Size::PRESETS.map(|(word, _)| word))?;
            let Size { width, height } = Size::PRESETS[place].1;
            return Some((width, height));
        }
        let mut side = |part: &str| {
            let value = self.fields.get(name).and_then(|size| size.get(part)).filter(|side| !side.is_null());
            let place = format!("{name}.{part}");
            if let Some(value) = value {
                return self.fields.whole_at(&place, value, least, most);
            }
            self.fields.reject(Detail::new(&place, "missing", "Field required"));
            None
        };
        let (width, height) = (side("width"), side("height"));
        Some((width? as u32, height? as u32))
    }
}
