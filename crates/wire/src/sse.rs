//! Server-sent events, cut so that every client survives them.
//!
//! Clients decode each chunk by itself, so a chunk must hold whole events and never split a letter; one
//! of them fails on a comment once it has seen an `id:`; and all lose an event that no blank line ends.
//! [`Framer`] turns any stream of bytes into whole events, in memory bounded by one event.

use std::fmt::Write as _;

use bytes::{Bytes, BytesMut};

/// A comment with its blank line: keeps a silent stream open.
pub const KEEP_ALIVE: &[u8] = b": keep-alive\n\n";
/// An event that exceeds this is passed on in pieces.
const LARGEST_EVENT: usize = 64 << 20;

/// One event whose data is `json`, which must hold no line break.
pub fn event(json: &str) -> Bytes {
    Bytes::from(format!("data: {json}\n\n"))
}

#[derive(Debug, Default)]
pub struct Framer {
    held: BytesMut,
    /// How much of `held` is known to hold no end of an event.
    searched: usize,
    has_ids: bool,
    started: bool,
}

impl Framer {
    /// Takes bytes in; gives back the whole events that are now there, or nothing.
    pub fn push(&mut self, chunk: &[u8]) -> Option<Bytes> {
        self.held.extend_from_slice(chunk);
        let from = self.searched.saturating_sub(3);
        let end = last_end(&self.held[from..]).map(|end| from + end);
        self.searched = self.held.len();
        match end {
            Some(end) => Some(self.release(end)),
            None if self.held.len() > LARGEST_EVENT => Some(self.release(whole_letters(&self.held))),
            None => None,
        }
    }

    /// The stream ended: what is left, closed by a blank line.
    pub fn finish(&mut self) -> Option<Bytes> {
        if self.held.is_empty() {
            return None;
        }
        self.held.extend_from_slice(if self.held.ends_with(b"\n") { b"\n" } else { b"\n\n" });
        Some(self.release(self.held.len()))
    }

    /// Whether a comment may be sent now: between events, and to a client that has seen no `id:`.
    pub fn may_comment(&self) -> bool {
        self.held.is_empty() && !self.has_ids
    }

    /// Whether anything has been passed on.
    pub fn has_started(&self) -> bool {
        self.started
    }

    fn release(&mut self, end: usize) -> Bytes {
        let events = self.held.split_to(end).freeze();
        self.searched = self.held.len();
        self.started = true;
        self.has_ids = self.has_ids || lines(&events).any(|line| line.starts_with(b"id:") || line == b"id");
        if events.is_ascii() { events } else { escape(&events) }
    }
}

/// The position behind the last blank line.
fn last_end(bytes: &[u8]) -> Option<usize> {
    let ends = |index: &usize| {
        let before = &bytes[..=*index];
        before.ends_with(b"\n\n") || before.ends_with(b"\n\r\n") || before.ends_with(b"\r\r")
    };
    (0..bytes.len()).rev().find(ends).map(|index| index + 1)
}

/// The length without a letter that is cut off at the end.
fn whole_letters(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    }
}

/// A line ends with any of the three line ends; between the two letters of one of them lies an empty line.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| matches!(byte, b'\n' | b'\r'))
}

/// Writes letters beyond ASCII as JSON escapes, line by line, where the data of a line is whole JSON: a long event
/// is still cut by the network, and a client that decodes pieces must find no letter to break.
fn escape(events: &[u8]) -> Bytes {
    let Ok(text) = std::str::from_utf8(events) else { return Bytes::copy_from_slice(events) };
    let mut escaped = String::with_capacity(events.len() + events.len() / 8);
    for line in text.split_inclusive(['\n', '\r']) {
        if is_json_data(line) { push_escaped(&mut escaped, line) } else { escaped.push_str(line) }
    }
    escaped.into()
}

fn is_json_data(line: &str) -> bool {
    let data = line.strip_prefix("data:");
    !line.is_ascii() && data.is_some_and(|data| serde_json::from_str::<serde::de::IgnoredAny>(data).is_ok())
}

fn push_escaped(out: &mut String, line: &str) {
    let mut units = [0; 2];
    for letter in line.chars() {
        if letter.is_ascii() {
            out.push(letter);
            continue;
        }
        for unit in letter.encode_utf16(&mut units) {
            // Writing to a string does not fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(chunks: &[&[u8]]) -> Vec<String> {
        let mut framer = Framer::default();
        let mut out: Vec<_> = chunks.iter().filter_map(|chunk| framer.push(chunk)).collect();
        out.extend(framer.finish());
        out.into_iter().map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()).collect()
    }

    #[test]
    fn an_event_leaves_whole_however_it_arrives() {
        assert_eq!(run(&[b"data: 1\n", b"\ndata: 2\n\nda", b"ta: 3\n\n"]), ["data: 1\n\ndata: 2\n\n", "data: 3\n\n"]);
        assert_eq!(run(&[b"data: 1\r\n\r", b"\n"]), ["data: 1\r\n\r\n"]);
        let bytes: Vec<&[u8]> = b"data: 1\n\ndata: 2\n\n".chunks(1).collect();
        assert_eq!(run(&bytes), ["data: 1\n\n", "data: 2\n\n"]);
    }

    #[test]
    fn the_last_event_is_closed_by_a_blank_line() {
        assert_eq!(run(&[b"data: 1"]), ["data: 1\n\n"]);
        assert_eq!(run(&[b"data: 1\n"]), ["data: 1\n\n"]);
        assert!(run(&[b""]).is_empty());
    }

    #[test]
    fn letters_beyond_ascii_in_json_are_escaped() {
        assert_eq!(
            run(&["data: {\"a\":\"\u{e9}\u{1f600}\"}\n\n".as_bytes()]),
            ["data: {\"a\":\"\\u00e9\\ud83d\\ude00\"}\n\n"]
        );
    }

    #[test]
    fn lines_that_end_in_carriage_returns_are_lines() {
        let text = "data: {\"a\":\"\u{e9}\"}\r\rdata: \r\r".as_bytes();
        let escaped = "data: {\"a\":\"\\u00e9\"}\r\rdata: \r\r";
        assert_eq!(run(&[text]).concat().trim_end(), escaped.trim_end());
        let mut framer = Framer::default();
        framer.push(b"data: 1\rid: 4\r\r");
        assert!(!framer.may_comment());
    }

    #[test]
    fn letters_in_data_that_is_not_json_stay_and_are_not_split() {
        let text = "data: caf\u{e9}\n\n".as_bytes();
        assert_eq!(run(&[&text[..10], &text[10..]]), ["data: caf\u{e9}\n\n"]);
    }

    #[test]
    fn no_comment_goes_inside_an_event_or_behind_an_id() {
        let mut framer = Framer::default();
        assert!(framer.may_comment());
        framer.push(b"data: ");
        assert!(!framer.may_comment());
        framer.push(b"1\n\n");
        assert!(framer.may_comment());
        framer.push(b"id: 4\ndata: 2\n\n");
        assert!(!framer.may_comment());
    }

    #[test]
    fn mixed_line_ends_end_an_event_too() {
        let mut framer = Framer::default();
        assert_eq!(framer.push(b"data: 1\n\r\n").unwrap(), &b"data: 1\n\r\n"[..]);
    }

    proptest! {
        /// Cutting changes where chunks end, never what they say in sum; and nothing is held for ever.
        #[test]
        fn the_sum_of_the_chunks_does_not_depend_on_the_cuts(
            text in "(data: |id: 1|\\{\"a\":\"\u{e9}\"\\}|[a-z\\r\\n])*",
            cut in 1_usize..9,
        ) {
            let whole = run(&[text.as_bytes()]).concat();
            let cut: Vec<&[u8]> = text.as_bytes().chunks(cut).collect();
            let cut = run(&cut).concat();
            prop_assert_eq!(whole.trim_end(), cut.trim_end());
            prop_assert!(text.trim().is_empty() || whole.ends_with(['\n', '\r']));
        }

        #[test]
        fn no_bytes_make_it_panic(chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..20)) {
            let mut framer = Framer::default();
            for chunk in &chunks {
                framer.push(chunk);
            }
            framer.finish();
        }
    }

    #[test]
    fn bytes_that_are_no_text_pass_unchanged() {
        let mut framer = Framer::default();
        assert_eq!(framer.push(b"data: \xff\n\n").unwrap(), &b"data: \xff\n\n"[..]);
    }
}
