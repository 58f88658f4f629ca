//! Which tokens may come next: times go in pairs and never back, and some tokens are never written.

use super::config::Generation;

/// Takes away what may not follow `written`, the tokens of this window so far.
pub fn apply(scores: &mut [f32], written: &[u32], timed: bool, rules: &Generation) {
    let forbid = |scores: &mut [f32], ids: &[u32]| {
        for &id in ids {
            scores[id as usize] = f32::NEG_INFINITY;
        }
    };
    if written.is_empty() {
        forbid(scores, rules.begin_suppress_tokens.as_deref().unwrap_or_default());
    }
    forbid(scores, rules.suppress_tokens.as_deref().unwrap_or_default());
    if timed {
        times(scores, written, rules);
    }
}

fn times(scores: &mut [f32], written: &[u32], rules: &Generation) {
    let first = rules.timestamps() as usize;
    scores[rules.no_timestamps_token_id as usize] = f32::NEG_INFINITY;
    let is_time = |token: &u32| *token as usize >= first;
    let last = written.last().is_some_and(is_time);
    let before = written.len() < 2 || is_time(&written[written.len() - 2]);
    match (last, before) {
        (true, true) => scores[first..].fill(f32::NEG_INFINITY),
        (true, false) => scores[..rules.eos_token_id as usize].fill(f32::NEG_INFINITY),
        (false, _) => {}
    }
    if let Some(&time) = written.iter().rev().find(|token| is_time(token)) {
        // The same time again only as the second of a pair.
        let earliest = if last && !before { time } else { time + 1 } as usize;
        let end = earliest.min(scores.len());
        scores[first..end].fill(f32::NEG_INFINITY);
    }
    if written.is_empty() {
        scores[..first].fill(f32::NEG_INFINITY);
        if let Some(most) = rules.max_initial_timestamp_index {
            let end = (first + most as usize + 1).min(scores.len());
            scores[end..].fill(f32::NEG_INFINITY);
        }
    }
    // Where some time is likelier than any word, it is a time.
    let top = |scores: &[f32]| scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let (word, time) = (top(&scores[..first]), top(&scores[first..]));
    if time > f32::NEG_INFINITY {
        let sum: f64 = scores[first..].iter().map(|score| f64::from(score - time).exp()).sum();
        if f64::from(time) + sum.ln() > f64::from(word) {
            scores[..first].fill(f32::NEG_INFINITY);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words 0 to 3, the end 4, no times 5, times 6 to 11.
    fn rules() -> Generation {
        serde_json::from_value(serde_json::json!({
            "decoder_start_token_id": 3, "eos_token_id": [4], "no_timestamps_token_id": 5,
            "suppress_tokens": [2], "begin_suppress_tokens": [1], "max_initial_timestamp_index": 1,
        }))
        .unwrap()
    }

    fn allowed(written: &[u32], timed: bool) -> Vec<usize> {
        // Words are so likely that times are only taken where they must be.
        let mut scores = vec![50.0; 12];
        scores[6..].fill(0.0);
        apply(&mut scores, written, timed, &rules());
        (0..12).filter(|n| scores[*n] > f32::NEG_INFINITY).collect()
    }

    #[test]
    fn times_go_in_pairs_and_never_back() {
        assert_eq!(allowed(&[], true), [6, 7]);
        assert_eq!(allowed(&[6], true), [0, 1, 3, 4]);
        assert_eq!(allowed(&[6, 0], true), [0, 1, 3, 4, 7, 8, 9, 10, 11]);
        assert_eq!(allowed(&[6, 0, 8], true), [4, 8, 9, 10, 11]);
        assert_eq!(allowed(&[6, 0, 11, 11], true), [0, 1, 3, 4]);
    }

    #[test]
    fn without_times_only_the_lists_count() {
        assert_eq!(allowed(&[], false), [0, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
        assert_eq!(allowed(&[0], false), [0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    }

    #[test]
    fn a_time_that_is_likelier_than_any_word_is_taken() {
        let mut scores = vec![0.0; 12];
        apply(&mut scores, &[6, 0], true, &rules());
        assert!(scores[..6].iter().all(|score| *score == f32::NEG_INFINITY));
    }
}
