//! However a stream of events is cut on its way in, the same events come out, and no letter is split.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tintype_wire::sse::Framer;

fuzz_target!(|input: (Vec<u8>, Vec<u8>)| {
    let (stream, cuts) = input;
    let whole = framed(&[&stream]);
    let mut pieces = Vec::new();
    let mut rest = &stream[..];
    for cut in cuts {
        let (piece, after) = rest.split_at(usize::from(cut).min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    let cut = framed(&pieces);
    assert_eq!(events(&whole.concat()), events(&cut.concat()));
    if std::str::from_utf8(&stream).is_ok() {
        assert!(cut.iter().all(|chunk| std::str::from_utf8(chunk).is_ok()));
    }
    assert!(stream.is_empty() || ends_an_event(&cut.concat()));
});

/// A blank line, in each of its spellings.
fn ends_an_event(stream: &[u8]) -> bool {
    [&b"\n\n"[..], b"\n\r\n", b"\r\r"].iter().any(|end| stream.ends_with(end))
}

/// The fields of each event, as a client reads them.
fn events(stream: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let unix = replaced(&replaced(stream, b"\r\n"), b"\r");
    let (mut events, mut event) = (Vec::new(), Vec::new());
    for line in unix.split(|byte| *byte == b'\n') {
        match line {
            [] if !event.is_empty() => events.push(std::mem::take(&mut event)),
            [] => {}
            line => event.push(line.to_vec()),
        }
    }
    events
}

/// Every `end` of a line becomes a line feed.
fn replaced(stream: &[u8], end: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), stream);
    while let Some(at) = rest.windows(end.len()).position(|window| window == end) {
        out.extend_from_slice(&rest[..at]);
        out.push(b'\n');
        rest = &rest[at + end.len()..];
    }
    out.extend_from_slice(rest);
    out
}

fn framed(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut framer = Framer::default();
    let mut out: Vec<Vec<u8>> =
        pieces.iter().filter_map(|piece| framer.push(piece)).map(|chunk| chunk.to_vec()).collect();
    out.extend(framer.finish().map(|chunk| chunk.to_vec()));
    out
}
