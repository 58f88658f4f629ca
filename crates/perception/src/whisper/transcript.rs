//! From a sound to its chunks of text: window after window, each beginning where the last one's text ends.

use tintype_engine::{RunError, Step, Watch};

use super::{
    Parts,
    input::{Call, Level},
    mel::{RATE, Transform},
    segments::{FRAME, Segment, split},
    words,
    write::{Writer, Written},
};
use crate::audio::Sound;

#[derive(Clone, Debug, PartialEq)]
pub struct Chunk {
    pub start: f64,
    pub end: f64,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Transcript {
    pub text: String,
    pub chunks: Vec<Chunk>,
    pub language: Option<String>,
}

pub fn transcribe(parts: &Parts, call: &Call, sound: &Sound, watch: &mut dyn Watch) -> Result<Transcript, RunError> {
    let Parts { config, rules, network, vocabulary, .. } = parts;
    debug_assert_eq!(sound.rate, RATE, "it was decoded at the rate of the network");
    let mel = Transform::new(config.num_mel_bins)?.apply(&sound.samples)?;
    let all = mel.frames;
    let follow: &[(usize, usize)] =
        if call.level == Level::Word { rules.alignment_heads.as_deref().unwrap_or_default() } else { &[] };
    let spell = |tokens: &[u32]| vocabulary.text(tokens);
    let tries = parts.tries.clone();
    let writer = Writer { network, config, rules, spell: &spell, timed: call.level != Level::None, follow, tries };
    let mut language = call.language.as_deref().and_then(|code| rules.language(code));
    let (mut segments, mut chunks, mut offset) = (Vec::new(), Vec::new(), 0);
    while offset < all {
        watch.wanted()?;
        let frames = config.window().min(all - offset);
        let heard = network.hear(&mel.window(offset, config.window())?)?;
        if language.is_none() && !rules.lang_to_id.is_empty() {
            language = writer.language(&heard)?;
        }
        let prefix = prefix(parts, call, language, writer.timed);
        let next = match writer.write(&heard, &prefix, watch)? {
            None => frames,
            Some(written) => {
                let (found, next) = split(&written.tokens, rules.timestamps(), offset, frames);
                match call.level {
                    Level::Word => chunks.extend(spoken(parts, &found, &written, offset, frames, language)),
                    _ => chunks.extend(found.iter().filter_map(|segment| chunk(parts, segment))),
                }
                segments.extend(found);
                next
            }
        };
        // A text that ends where it began must not keep us here for ever.
        offset += if next == 0 { frames } else { next };
        report(watch, offset.min(all), all)?;
    }
    let words: Vec<u32> = segments.iter().flat_map(|segment: &Segment| &segment.tokens).copied().collect();
    let text = vocabulary.text(&words).trim().to_owned();
    if call.level == Level::None {
        chunks = vec![Chunk { start: 0.0, end: sound.seconds(), text: text.clone() }];
    }
    let language = language.and_then(|id| rules.code(id)).map(str::to_owned);
    Ok(Transcript { text, chunks, language })
}

/// Progress in whole seconds of sound.
fn report(watch: &mut dyn Watch, done: usize, all: usize) -> Result<(), RunError> {
    let seconds = |frames: usize| (frames as f64 * FRAME).ceil() as u32;
    Ok(watch.step(Step { done: seconds(done), total: seconds(all), measures: &[], preview: &|| None })?)
}

/// What the network reads before it writes: the caller's words, then language, task and whether times are wanted.
fn prefix(parts: &Parts, call: &Call, language: Option<u32>, timed: bool) -> Vec<u32> {
    let Parts { config, rules, vocabulary, .. } = parts;
    let mut prefix = Vec::new();
    if let Some(mark) = rules.prev_sot_token_id.or(vocabulary.special("<|startofprev|>"))
        && !call.prompt.trim().is_empty()
    {
        let words = vocabulary.tokens(&format!(" {}", call.prompt.trim()));
        let most = config.max_target_positions / 2 - 1;
        prefix.push(mark);
        prefix.extend(&words[words.len().saturating_sub(most)..]);
    }
    prefix.push(rules.decoder_start_token_id);
    if let Some(language) = language {
        prefix.push(language);
        prefix.extend(rules.task_to_id.get(if call.translate { "translate" } else { "transcribe" }));
    }
    if !timed {
        prefix.push(rules.no_timestamps_token_id);
    }
    prefix
}

fn chunk(parts: &Parts, segment: &Segment) -> Option<Chunk> {
    let text = parts.vocabulary.text(&segment.tokens).trim().to_owned();
    (!text.is_empty()).then_some(Chunk { start: segment.start, end: segment.end, text })
}

/// The segments' words. A word ends where the next token begins.
fn spoken(
    parts: &Parts,
    segments: &[Segment],
    written: &Written,
    offset: usize,
    frames: usize,
    language: Option<u32>,
) -> Vec<Chunk> {
    let times = words::token_times(&written.attention, frames / 2, parts.config.median_filter_width);
    let begin = offset as f64 * FRAME;
    let time = |token: usize| begin + times.get(token).or(times.last()).copied().unwrap_or(0.0);
    let first_time = parts.rules.timestamps();
    let code = language.and_then(|id| parts.rules.code(id));
    let spaced = !code.is_some_and(|code| ["zh", "ja", "th", "lo", "my", "yue"].contains(&code));
    let mut chunks = Vec::new();
    for segment in segments {
        let places: Vec<usize> =
            (0..segment.tokens.len()).filter(|n| segment.tokens[*n] < first_time).map(|n| segment.first + n).collect();
        let tokens: Vec<u32> = places.iter().map(|n| written.tokens[*n]).collect();
        let mut at = 0;
        for (word, count) in words::words(&parts.vocabulary.pieces(&tokens), spaced) {
            let (start, end) = (time(places[at]), time(places[at + count - 1] + 1));
            at += count;
            if !word.trim().is_empty() {
                chunks.push(Chunk { start, end: end.max(start), text: word.trim().to_owned() });
            }
        }
    }
    chunks
}

/// Neighbours become one chunk while they fit into `longest` seconds.
pub fn merged(chunks: Vec<Chunk>, longest: f64) -> Vec<Chunk> {
    let mut merged: Vec<Chunk> = Vec::new();
    for chunk in chunks {
        match merged.last_mut() {
            Some(last) if chunk.end - last.start <= longest => {
                last.end = chunk.end;
                last.text = format!("{} {}", last.text, chunk.text);
            }
            _ => merged.push(chunk),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_merged_while_they_fit() {
        let chunk = |start: f64, end: f64| Chunk { start, end, text: format!("{start}") };
        let found = merged(vec![chunk(0.0, 10.0), chunk(10.0, 25.0), chunk(25.0, 31.0)], 29.0);
        assert_eq!(found[0], Chunk { start: 0.0, end: 25.0, text: "0 10".into() });
        assert_eq!(found.len(), 2);
    }
}
