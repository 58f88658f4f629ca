//! CLIP's tokenizer: byte pairs of lower-cased text, between a begin and an end token.

use std::path::Path;

use tokenizers::{
    AddedToken, NormalizerWrapper, PreTokenizerWrapper, SplitDelimiterBehavior, Tokenizer,
    models::bpe::BPE,
    normalizers::{Lowercase, NFC, Replace, Sequence, replace::ReplacePattern},
    pre_tokenizers::{byte_level::ByteLevel, sequence::Sequence as Steps, split::Split, split::SplitPattern},
};

use crate::{LoadError, config};

const BEGIN: &str = "<|startoftext|>";
const END: &str = "<|endoftext|>";
const WORDS: &str = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

pub struct ClipTokenizer {
    inner: Tokenizer,
    begin: u32,
    end: u32,
    pad: u32,
    room: usize,
}

/// A prompt as ids, as many as the encoder takes.
pub struct Tokens {
    pub ids: Vec<u32>,
    /// The words that did not fit.
    pub lost: Option<String>,
}

/// `tokenizer_config.json`, and `special_tokens_map.json` beside it.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Settings {
    pad_token: Option<Special>,
    model_max_length: Option<f64>,
    /// Where this is said, all special tokens are, and the map beside is not asked.
    added_tokens_decoder: Option<serde_json::Value>,
}

/// A token by its text, or with properties beside it.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Special {
    Text(String),
    Full { content: String },
}

impl Special {
    fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Full { content: text } => text,
        }
    }
}

impl Settings {
    fn read(folder: &Path) -> Result<Self, LoadError> {
        let read = |name: &str| {
            let path = folder.join(name);
            if path.exists() { config::read::<Self>(&path) } else { Ok(Self::default()) }
        };
        let mut settings = read("tokenizer_config.json")?;
        if settings.added_tokens_decoder.is_none() {
            settings.pad_token = read("special_tokens_map.json")?.pad_token.or(settings.pad_token);
        }
        Ok(settings)
    }
}

impl ClipTokenizer {
    /// From a folder `tokenizer` with `vocab.json` and `merges.txt`. Prompts are as long as `tokenizer_config.json`
    /// says, or 77 tokens.
    pub fn load(folder: &Path) -> Result<Self, LoadError> {
        let wrong =
            |reason: &dyn std::fmt::Display| LoadError::Tokenizer { path: folder.into(), reason: reason.to_string() };
        let text = |name: &str| folder.join(name).to_string_lossy().into_owned();
        let bytes = BPE::from_file(&text("vocab.json"), &text("merges.txt"));
        let bytes = bytes.unk_token(END.into()).end_of_word_suffix("</w>".into()).build().map_err(|e| wrong(&e))?;
        let mut inner = Tokenizer::new(bytes);
        inner.with_normalizer(Some(normalizer().map_err(|e| wrong(&e))?)).map_err(|e| wrong(&e))?;
        inner.with_pre_tokenizer(Some(steps().map_err(|e| wrong(&e))?));
        let id = |token: &str| inner.token_to_id(token).ok_or_else(|| wrong(&format!("it has no `{token}`")));
        let (begin, end) = (id(BEGIN)?, id(END)?);
        let settings = Settings::read(folder)?;
        let written = settings.pad_token.as_ref().map_or(END, Special::text);
        let written = if inner.token_to_id(written).is_some() { written } else { END };
        let pad = inner.token_to_id(written).unwrap_or(end);
        // Written in a prompt, they are what they are: the models of OpenCLIP read an exclamation mark as padding.
        let special = [BEGIN, END, written].map(|token| AddedToken::from(token, true));
        inner.add_special_tokens(special).map_err(|e| wrong(&e))?;
        let room = settings.model_max_length.filter(|&room| room < 1e6);
        Ok(Self { inner, begin, end, pad, room: room.map_or(77, |room| (room as usize).max(3)) })
    }

    /// Begin, the prompt's tokens, end, and padding.
    pub fn encode(&self, prompt: &str) -> Result<Tokens, tokenizers::Error> {
        let encoding = self.inner.encode(prompt, false)?;
        let most = self.room - 2;
        let lost = encoding.get_offsets().get(most).map(|&(start, _)| prompt.get(start..).unwrap_or("").to_owned());
        let kept = encoding.get_ids().iter().take(most).copied();
        let mut ids: Vec<u32> = std::iter::once(self.begin).chain(kept).chain([self.end]).collect();
        ids.resize(self.room, self.pad);
        Ok(Tokens { ids, lost })
    }
}

fn normalizer() -> Result<NormalizerWrapper, tokenizers::Error> {
    let spaces = Replace::new(ReplacePattern::Regex(r"\s+".into()), " ")?;
    Ok(Sequence::new(vec![NFC.into(), spaces.into(), Lowercase.into()]).into())
}

fn steps() -> Result<PreTokenizerWrapper, tokenizers::Error> {
    let words = Split::new(SplitPattern::Regex(WORDS.into()), SplitDelimiterBehavior::Removed, true)?;
    let bytes = ByteLevel::new(false, true, true);
    Ok(Steps::new(vec![words.into(), bytes.into()]).into())
}
