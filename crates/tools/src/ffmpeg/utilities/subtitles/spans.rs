//! Which subtitles are seen in which span of time: those that overlap in time stand above each other, as one text.

use std::collections::BTreeSet;

/// Seen at once; more would find no room in the picture.
pub(super) const MOST: usize = 8;

/// A time in which the same subtitles are seen, in hundredths of a second.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub start: u64,
    pub end: u64,
    /// In the order in which they came.
    pub seen: Vec<Seen>,
}

/// When it came, and its number.
pub(super) type Seen = (u64, usize);

/// From when each is seen and until when, in seconds. An error names the one that comes when there are too many.
pub(super) fn spans(times: impl Iterator<Item = (f64, f64)>) -> Result<Vec<Span>, usize> {
    let (mut seen, mut all, mut before) = (BTreeSet::new(), Vec::new(), 0);
    for Change { at, comes, which } in changes(times) {
        if at > before && !seen.is_empty() {
            all.push(Span { start: before, end: at, seen: seen.iter().copied().collect() });
        }
        before = at;
        if comes {
            seen.insert(which);
        } else {
            seen.remove(&which);
        }
        if seen.len() > MOST {
            return Err(which.1);
        }
    }
    Ok(all)
}

struct Change {
    at: u64,
    comes: bool,
    which: Seen,
}

/// In the order of time; at one time, those that go are ahead of those that come.
fn changes(times: impl Iterator<Item = (f64, f64)>) -> Vec<Change> {
    let hundredths = |seconds: f64| (seconds * 100.0).round() as u64;
    let times = times.map(|(start, end)| (hundredths(start), hundredths(end)));
    let lasting = times.enumerate().filter(|(_, (start, end))| start < end);
    let both = |(number, (start, end))| {
        let which = (start, number);
        [Change { at: start, comes: true, which }, Change { at: end, comes: false, which }]
    };
    let mut all: Vec<Change> = lasting.flat_map(both).collect();
    all.sort_by_key(|change| (change.at, change.comes, change.which));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(times: &[(f64, f64)]) -> Result<Vec<(u64, u64, Vec<usize>)>, usize> {
        let numbers =
            |span: Span| (span.start, span.end, span.seen.into_iter().map(|(_, number)| number).collect::<Vec<_>>());
        Ok(spans(times.iter().copied())?.into_iter().map(numbers).collect())
    }

    #[test]
    fn what_overlaps_is_one_span_and_what_follows_is_another() {
        assert_eq!(seen(&[(0.0, 1.0), (1.0, 2.0)]), Ok(vec![(0, 100, vec![0]), (100, 200, vec![1])]));
        let expected = vec![(100, 200, vec![1]), (200, 250, vec![1, 0]), (250, 400, vec![0])];
        assert_eq!(seen(&[(2.0, 4.0), (1.0, 2.5)]), Ok(expected));
        assert_eq!(seen(&[(1.0, 2.0), (1.0, 2.0)]), Ok(vec![(100, 200, vec![0, 1])]));
        assert_eq!(seen(&[(1.0, 1.001)]), Ok(Vec::new()));
    }

    #[test]
    fn the_one_that_comes_when_there_is_no_room_is_named() {
        let mut times = vec![(0.0, 10.0); MOST];
        assert!(seen(&times).is_ok());
        times.push((5.0, 6.0));
        assert_eq!(seen(&times), Err(MOST));
    }
}
