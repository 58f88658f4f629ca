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
    assert_eq!(whole.concat(), cut.concat());
    if std::str::from_utf8(&stream).is_ok() {
        assert!(cut.iter().all(|chunk| std::str::from_utf8(chunk).is_ok()));
    }
    assert!(stream.is_empty() || cut.concat().ends_with(b"\n\n") || ends_otherwise(&stream));
});

/// The other spellings of a blank line pass as they are.
fn ends_otherwise(stream: &[u8]) -> bool {
    stream.ends_with(b"\r\n\r\n") || stream.ends_with(b"\r\r")
}

fn framed(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut framer = Framer::default();
    let mut out: Vec<Vec<u8>> =
        pieces.iter().filter_map(|piece| framer.push(piece)).map(|chunk| chunk.to_vec()).collect();
    out.extend(framer.finish().map(|chunk| chunk.to_vec()));
    out
}
