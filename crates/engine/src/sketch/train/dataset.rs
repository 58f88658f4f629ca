//! What a run learns from: pictures as tensors, what is said of each, and the words that are new.

use std::collections::{BTreeMap, HashMap};

use candle_core::Tensor;
use tintype_media::{Limits, decode};

use super::{
    super::{
        canvas,
        tokens::{Tokenizer, words},
    },
    archive::{self, ArchiveError, EXTENSIONS, Kind},
    captions,
    input::Call,
};
use crate::{Cancelled, Detail, Invalid, RunError, Watch};

const FIELD: &str = "images_data_url";
const LEAST_PICTURES: usize = 4;
const MOST_PICTURES: usize = 1000;
/// The most words that one run learns.
const MOST_WORDS: usize = 16;
/// Captions that one answer finds fault with.
const MOST_FINDINGS: usize = 10;

pub(super) struct Dataset {
    /// (1, 3, 64, 64) each, from -1 to 1.
    pub pictures: Vec<Tensor>,
    /// As many as pictures.
    pub captions: Vec<String>,
    /// Words that the model does not know yet.
    pub words: Vec<String>,
}

/// Files by their names without the extension.
#[derive(Default)]
struct Files {
    pictures: BTreeMap<String, Tensor>,
    captions: HashMap<String, String>,
}

impl Dataset {
    pub fn read(bytes: &[u8], call: &Call, tokenizer: &Tokenizer, watch: &mut dyn Watch) -> Result<Self, RunError> {
        let mut files = Files::default();
        let others = archive::read(bytes, |kind, name, bytes| {
            watch.wanted()?;
            files.add(kind, name, &bytes)
        })?;
        if others > 0 {
            watch.note(&format!("{others} files of the archive are neither pictures nor captions and are not used"));
        }
        let Files { pictures, captions } = files;
        check_count(pictures.len())?;
        check_words(&pictures, &captions)?;
        let captions = said(&pictures, &captions, call)?;
        if let Some(trigger) = &call.trigger
            && tokenizer.unknown(trigger).is_empty()
        {
            watch.note(&format!("the model knows `{trigger}` already: what it draws for it changes"));
        }
        if let Some(trigger) = &call.trigger
            && !captions.iter().any(|caption| caption.contains(trigger.as_str()))
        {
            watch.note("every picture has a caption of its own, so the trigger word is not used");
        }
        let words = new_words(&captions, tokenizer, watch)?;
        tell_of_long_captions(&captions, &tokenizer.extended(&words), watch);
        Ok(Self { pictures: pictures.into_values().collect(), captions, words })
    }
}

impl Files {
    fn add(&mut self, kind: Kind, name: &str, bytes: &[u8]) -> Result<(), RunError> {
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned();
        match kind {
            Kind::Picture => {
                let picture = decode(bytes, &Limits::default()).map_err(|error| {
                    Invalid::from(Detail::new(FIELD, "image_load_error", format!("Could not use `{name}`: {error}")))
                })?;
                // More is refused in the end; until then, only their number counts.
                if self.pictures.len() <= MOST_PICTURES {
                    self.pictures.insert(stem, canvas::from_picture(&picture)?);
                }
            }
            Kind::Caption => {
                let text = captions::decode(bytes).ok_or_else(|| ArchiveError::Caption { name: name.into() })?;
                self.captions.insert(stem, text);
            }
            Kind::Other => {}
        }
        Ok(())
    }
}

/// A caption in letters that the model does not read would teach its picture to a prompt that says nothing.
fn check_words(pictures: &BTreeMap<String, Tensor>, captions: &HashMap<String, String>) -> Result<(), Invalid> {
    let told = pictures.keys().filter_map(|stem| Some((stem, captions.get(stem)?)));
    let empty = |(_, caption): &(&String, &String)| !caption.is_empty() && words(caption).next().is_none();
    let found: Vec<Detail> = told
        .filter(empty)
        .take(MOST_FINDINGS)
        .map(|(stem, caption)| {
            let message =
                format!("The caption `{stem}.txt` has no word in letters a to z or digits: the model reads no others");
            Detail::new(FIELD, "value_error", message).found(&caption.as_str().into())
        })
        .collect();
    if found.is_empty() { Ok(()) } else { Err(Invalid(found)) }
}

fn tell_of_long_captions(captions: &[String], tokenizer: &Tokenizer, watch: &mut dyn Watch) {
    let room = tokenizer.room();
    let is_long = |caption: &&String| words(caption).filter(|word| tokenizer.id(word).is_some()).count() > room;
    let count = captions.iter().filter(is_long).count();
    if count > 0 {
        watch.note(&format!("of {count} captions the end is not read: the model reads {room} words of a prompt"));
    }
}

/// The caption of each picture; the trigger word stands in for one that is missing.
fn said(
    pictures: &BTreeMap<String, Tensor>,
    captions: &HashMap<String, String>,
    call: &Call,
) -> Result<Vec<String>, Invalid> {
    let one = |stem: &String| {
        let caption = captions.get(stem).filter(|caption| !caption.is_empty());
        match (caption, &call.trigger) {
            (Some(caption), Some(trigger)) if call.is_style => Ok(format!("{trigger} {caption}")),
            (Some(caption), _) => Ok(caption.clone()),
            (None, Some(trigger)) => Ok(trigger.clone()),
            (None, None) => {
                let message = format!(
                    "The picture `{stem}` has no caption: put a text beside it as `{stem}.txt`, or give a trigger word"
                );
                Err(Detail::new("trigger_word", "missing", message).into())
            }
        }
    };
    pictures.keys().map(one).collect()
}

/// The words that the captions use most, of those that mean nothing to the model yet.
fn new_words(captions: &[String], tokenizer: &Tokenizer, watch: &mut dyn Watch) -> Result<Vec<String>, Cancelled> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for caption in captions {
        watch.wanted()?;
        for word in tokenizer.unknown(caption) {
            *counts.entry(word).or_default() += 1;
        }
    }
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let mut words: Vec<String> = counts.into_iter().map(|(word, _)| word).collect();
    let dropped = words.split_off(words.len().min(MOST_WORDS));
    if !dropped.is_empty() {
        let (some, count) = (dropped[..dropped.len().min(10)].join(", "), dropped.len());
        watch.note(&format!("a run learns at most {MOST_WORDS} new words; it goes without {count}: {some}"));
    }
    Ok(words)
}

fn check_count(found: usize) -> Result<(), Invalid> {
    let (kind, bound, limit, word) = if found < LEAST_PICTURES {
        ("archive_file_count_below_minimum", "min_count", LEAST_PICTURES, "least")
    } else if found > MOST_PICTURES {
        ("archive_file_count_exceeds_maximum", "max_count", MOST_PICTURES, "most")
    } else {
        return Ok(());
    };
    let message = format!("The archive holds {found} pictures; it should hold at {word} {limit}");
    let detail = Detail::new(FIELD, kind, message).with(bound, limit).with("provided_count", found);
    Err(detail.with("supported_extensions", EXTENSIONS.to_vec()).into())
}

impl From<ArchiveError> for RunError {
    fn from(error: ArchiveError) -> Self {
        let message = format!("The archive cannot be used: {error}");
        let detail = Detail::new(FIELD, "invalid_archive", message);
        Invalid::from(detail.with("supported_extensions", EXTENSIONS.to_vec())).into()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tintype_media::{Format, Picture, encode};

    use super::{super::archive::tests::archive, *};
    use crate::Step;

    #[derive(Default)]
    struct Notes(Vec<String>);

    impl Watch for Notes {
        fn note(&mut self, message: &str) {
            self.0.push(message.into());
        }

        fn step(&mut self, _: Step<'_>) -> Result<(), Cancelled> {
            Ok(())
        }
    }

    fn picture() -> Vec<u8> {
        encode(&Picture::new(3, 2, vec![9; 18]).unwrap(), Format::Png, 90).unwrap().to_vec()
    }

    fn read(files: &[(&str, &[u8])], rest: &serde_json::Value) -> Result<(Dataset, Vec<String>), Invalid> {
        let mut input = rest.as_object().unwrap().clone();
        input.insert("images_data_url".into(), "data:,".into());
        let tokenizer = Tokenizer::load(super::super::VOCABULARY).unwrap();
        let call = super::super::input::read(&input, &tokenizer).unwrap();
        let mut notes = Notes::default();
        match Dataset::read(&archive(files), &call, &tokenizer, &mut notes) {
            Ok(dataset) => Ok((dataset, notes.0)),
            Err(RunError::Invalid(invalid)) => Err(invalid),
            Err(other) => panic!("{other}"),
        }
    }

    fn kind(files: &[(&str, &[u8])], rest: &serde_json::Value) -> String {
        read(files, rest).err().unwrap().0[0].kind.clone()
    }

    #[test]
    fn captions_find_their_pictures_and_new_words_are_those_not_known() {
        let p = &picture()[..];
        let files: [(&str, &[u8]); 7] = [
            ("x/b.png", p),
            ("a.png", p),
            ("c.png", p),
            ("d.jpeg", p),
            ("x/b.txt", b"a red zorp on a blue background"),
            ("c.txt", b"\xff\xfea\0 \0z\0o\0r\0p\0"),
            ("d.txt", b""),
        ];
        let (dataset, notes) = read(&files, &json!({ "trigger_word": "zorp quux" })).unwrap();
        assert_eq!(dataset.captions, ["zorp quux", "a zorp", "zorp quux", "a red zorp on a blue background"]);
        assert_eq!((dataset.words, notes.len()), (vec!["zorp".to_owned(), "quux".to_owned()], 0));
        let (dataset, _) = read(&files, &json!({ "trigger_word": "inky", "is_style": true })).unwrap();
        assert_eq!(dataset.captions[1], "inky a zorp");
        let long = "red ".repeat(30);
        let files = [files[0], files[1], files[2], files[3], ("a.txt", long.as_bytes())];
        let (_, notes) = read(&files, &json!({ "trigger_word": "circle" })).unwrap();
        assert!(notes[0].contains("knows `circle` already") && notes[1].contains("of 1 captions"), "{notes:?}");
    }

    #[test]
    fn of_very_many_new_words_those_said_in_most_captions_are_learned() {
        let tokenizer = Tokenizer::load(super::super::VOCABULARY).unwrap();
        let caption = |n: usize| (0..2000).map(|m| format!("w{n}x{m}")).collect::<Vec<_>>().join(" ") + " zorp";
        let captions: Vec<String> = (0..50).map(caption).collect();
        let mut notes = Notes::default();
        let words = new_words(&captions, &tokenizer, &mut notes).unwrap();
        assert_eq!((words.len(), &words[0][..], &words[1][..]), (MOST_WORDS, "zorp", "w0x0"));
        assert!(notes.0[0].contains("it goes without 99985: "), "{:?}", notes.0);
    }

    #[test]
    fn reading_captions_ends_when_nobody_waits() {
        struct Gone;
        impl Watch for Gone {
            fn note(&mut self, _: &str) {}

            fn step(&mut self, _: Step<'_>) -> Result<(), Cancelled> {
                Ok(())
            }

            fn wanted(&self) -> Result<(), Cancelled> {
                Err(Cancelled)
            }
        }
        let tokenizer = Tokenizer::load(super::super::VOCABULARY).unwrap();
        assert!(new_words(&["zorp".into()], &tokenizer, &mut Gone).is_err());
    }

    #[test]
    fn archives_that_do_not_serve_are_told_apart() {
        let p = &picture()[..];
        assert_eq!(kind(&[("a.png", p)], &json!({ "trigger_word": "x" })), "archive_file_count_below_minimum");
        let four: [(&str, &[u8]); 4] = [("a.png", p), ("b.png", p), ("c.png", p), ("d.png", p)];
        assert_eq!(kind(&four, &json!({})), "missing");
        let broken: [(&str, &[u8]); 2] = [("a.png", p), ("b.png", &p[..40])];
        assert_eq!(kind(&broken, &json!({ "trigger_word": "x" })), "image_load_error");
        let binary: [(&str, &[u8]); 2] = [("a.png", p), ("a.txt", &[1, 1, 0, 2, 0, 0])];
        assert_eq!(kind(&binary, &json!({ "trigger_word": "x" })), "invalid_archive");
        let noise: [(&str, &[u8]); 2] = [("a.png", p), ("a.txt", b"a \x01\x02 zorp")];
        assert_eq!(kind(&noise, &json!({ "trigger_word": "x" })), "invalid_archive");
        let foreign = [("a.png", p), ("b.png", p), ("c.png", p), ("d.png", p), ("a.txt", "写真".as_bytes())];
        let found = read(&foreign, &json!({ "trigger_word": "x" })).err().unwrap().0.remove(0);
        assert!(found.kind == "value_error" && found.msg.contains("`a.txt`"), "{}", found.msg);
        assert_eq!(kind(&[("../a.png", p)], &json!({ "trigger_word": "x" })), "invalid_archive");
    }
}
