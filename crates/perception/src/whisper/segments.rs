//! From the tokens of a window to segments with times, and to where the next window begins.

/// A piece of text and when it was said.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// In seconds from the beginning of the sound.
    pub start: f64,
    pub end: f64,
    /// Words and times.
    pub tokens: Vec<u32>,
    /// Where the tokens are among those of the window.
    pub first: usize,
}

/// Seconds from one time token to the next.
pub const PRECISION: f64 = 0.02;
/// Seconds of a mel frame.
pub const FRAME: f64 = 0.01;

/// `timestamps` is the first token that is a time, `offset` the window's first frame, `frames` how many of its
/// frames hold sound. Gives the segments and the number of frames after which the next window begins.
pub fn split(tokens: &[u32], timestamps: u32, offset: usize, frames: usize) -> (Vec<Segment>, usize) {
    let begin = offset as f64 * FRAME;
    let time = |token: u32| f64::from(token.saturating_sub(timestamps)) * PRECISION;
    let is_time: Vec<bool> = tokens.iter().map(|token| *token >= timestamps).collect();
    let mut cuts: Vec<usize> = (1..tokens.len()).filter(|n| is_time[n - 1] && is_time[*n]).collect();
    let single = matches!(is_time[..], [.., false, true]);
    if cuts.is_empty() {
        let last = (0..tokens.len()).rev().find(|n| is_time[*n]).map(|n| tokens[n]).filter(|time| *time != timestamps);
        let end = begin + last.map_or(frames as f64 * FRAME, time);
        return (vec![Segment { start: begin, end, tokens: tokens.to_vec(), first: 0 }], frames);
    }
    if single {
        cuts.push(tokens.len());
    }
    let mut segments = Vec::new();
    let mut first = 0;
    for &cut in &cuts {
        let part = &tokens[first..cut];
        let (start, end) = (begin + time(part[0]), begin + time(part[part.len() - 1]));
        segments.push(Segment { start, end, tokens: part.to_vec(), first });
        first = cut;
    }
    // A single time at the end: nothing was said after it. Otherwise the last text was cut off by the window's end.
    let last = tokens[first - 1].saturating_sub(timestamps) as usize;
    (segments, if single { frames } else { last * 2 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(tokens: &[u32]) -> (Vec<(f64, f64, usize)>, usize) {
        let (segments, next) = split(tokens, 100, 1000, 3000);
        (segments.iter().map(|s| (s.start, s.end, s.tokens.len())).collect(), next)
    }

    #[test]
    fn text_between_times_is_a_segment() {
        assert_eq!(times(&[100, 1, 2, 150, 150, 3, 200]), (vec![(10.0, 11.0, 4), (11.0, 12.0, 3)], 3000));
    }

    #[test]
    fn text_that_the_window_cut_off_is_heard_again() {
        assert_eq!(times(&[100, 1, 150, 150, 3]), (vec![(10.0, 11.0, 3)], 100));
        assert_eq!(times(&[100, 1, 150, 150]), (vec![(10.0, 11.0, 3)], 100));
    }

    #[test]
    fn without_a_pair_of_times_the_window_is_one_segment() {
        assert_eq!(times(&[100, 1, 2]), (vec![(10.0, 40.0, 3)], 3000));
        assert_eq!(times(&[100, 1, 175]), (vec![(10.0, 11.5, 3)], 3000));
        assert_eq!(times(&[]), (vec![(10.0, 40.0, 0)], 3000));
    }
}
