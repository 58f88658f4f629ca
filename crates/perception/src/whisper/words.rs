//! When each word was said: the way of the decoder's attention through the sound, by dynamic time warping.

use super::segments::PRECISION;

/// Seconds into the window at which each token begins. `attention` is by head, by token, over the sound;
/// `positions` of it hold sound; `filter` is the width of a median filter over time.
pub fn token_times(attention: &[Vec<Vec<f32>>], positions: usize, filter: usize) -> Vec<f64> {
    let count = attention.first().map_or(0, Vec::len);
    if count == 0 || positions == 0 {
        return vec![0.0; count];
    }
    let mut matrix = vec![vec![0.0; positions]; count];
    for head in attention {
        for (sum, row) in matrix.iter_mut().zip(prepared(head, positions, filter)) {
            sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value / attention.len() as f32);
        }
    }
    let mut times = vec![0.0; count];
    // The path goes backwards, so the first position of each token is written last.
    for (token, position) in path(&matrix) {
        times[token] = position as f64 * PRECISION;
    }
    times
}

/// Each position relative to the other tokens, then smoothed over time.
fn prepared(head: &[Vec<f32>], positions: usize, filter: usize) -> Vec<Vec<f32>> {
    let count = head.len() as f32;
    let mut rows: Vec<Vec<f32>> = head.iter().map(|row| row[..positions].to_vec()).collect();
    for position in 0..positions {
        let mean = rows.iter().map(|row| row[position]).sum::<f32>() / count;
        let variance = rows.iter().map(|row| (row[position] - mean).powi(2)).sum::<f32>() / count;
        let deviation = variance.sqrt().max(f32::MIN_POSITIVE);
        for row in &mut rows {
            row[position] = (row[position] - mean) / deviation;
        }
    }
    rows.iter().map(|row| median(row, filter)).collect()
}

/// The edges are mirrored.
fn median(row: &[f32], width: usize) -> Vec<f32> {
    let (half, last) = ((width / 2) as isize, row.len() as isize - 1);
    if last < half {
        return row.to_vec();
    }
    let at = |n: isize| {
        row[(if n < 0 {
            -n
        } else if n > last {
            2 * last - n
        } else {
            n
        }) as usize]
    };
    let middle = |n: isize| {
        let mut around: Vec<f32> = (n - half..=n + half).map(at).collect();
        around.sort_unstable_by(f32::total_cmp);
        around[half as usize]
    };
    (0..=last).map(middle).collect()
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    Both,
    Token,
    Position,
}

/// The path through (token, position) along which the attention is greatest, from its end.
fn path(attention: &[Vec<f32>]) -> Vec<(usize, usize)> {
    let (tokens, positions) = (attention.len(), attention[0].len());
    let width = positions + 1;
    let mut cost = vec![f32::INFINITY; (tokens + 1) * width];
    let mut way = vec![Way::Position; (tokens + 1) * width];
    cost[0] = 0.0;
    for j in 1..=positions {
        for i in 1..=tokens {
            let (both, token, position) =
                (cost[(i - 1) * width + j - 1], cost[(i - 1) * width + j], cost[i * width + j - 1]);
            let (least, chosen) = if both < token && both < position {
                (both, Way::Both)
            } else if token < both && token < position {
                (token, Way::Token)
            } else {
                (position, Way::Position)
            };
            cost[i * width + j] = least - attention[i - 1][j - 1];
            way[i * width + j] = chosen;
        }
    }
    let (mut i, mut j, mut path) = (tokens, positions, Vec::new());
    while i > 0 && j > 0 {
        path.push((i - 1, j - 1));
        match way[i * width + j] {
            Way::Both => (i, j) = (i - 1, j - 1),
            Way::Token => i -= 1,
            Way::Position => j -= 1,
        }
    }
    path
}

/// Words as runs of tokens: `pieces` are the texts of the tokens, none of them cut inside a letter. Languages that
/// write without spaces have a word for each piece.
pub fn words(pieces: &[(String, usize)], spaced: bool) -> Vec<(String, usize)> {
    let mut words: Vec<(String, usize)> = Vec::new();
    for (piece, tokens) in pieces {
        let space = piece.starts_with(char::is_whitespace);
        let begins = space || !spaced;
        let mark = !space && !piece.is_empty() && piece.chars().all(|c| CLOSING.contains(c));
        let opened = !space && words.last().is_some_and(|(word, _)| word.trim().chars().all(|c| OPENING.contains(c)));
        match words.last_mut() {
            Some((word, count)) if mark || opened || !begins => {
                word.push_str(piece);
                *count += tokens;
            }
            _ => words.push((piece.clone(), *tokens)),
        }
    }
    words
}

/// Marks that belong to the word after them, and to the word before.
const OPENING: &str = "\"'“¿([{-";
const CLOSING: &str = "\"'.。,，!！?？:：”)]}、";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_follow_the_attention() {
        let row = |peak: usize| (0..30).map(|n| if n / 10 == peak { 0.09 } else { 0.005 }).collect::<Vec<f32>>();
        let times = token_times(&[vec![row(0), row(1), row(2)]], 30, 3);
        assert_eq!(times.iter().map(|time| (time / PRECISION).round() as usize).collect::<Vec<_>>(), [0, 10, 20]);
    }

    #[test]
    fn fewer_positions_than_tokens_are_no_trouble() {
        assert_eq!(token_times(&[vec![vec![1.0]; 4]], 1, 7).len(), 4);
        assert_eq!(token_times(&[vec![]], 10, 7), Vec::<f64>::new());
        assert_eq!(token_times(&[vec![vec![0.5; 4]; 2]], 0, 7), [0.0, 0.0]);
    }

    #[test]
    fn marks_stay_with_their_words() {
        let pieces = |texts: &[&str]| texts.iter().map(|text| ((*text).to_owned(), 1)).collect::<Vec<_>>();
        let found = words(&pieces(&[" He", "llo", ",", " \"", "you", "\"", "!"]), true);
        assert_eq!(found, [(" Hello,".to_owned(), 3), (" \"you\"!".to_owned(), 4)]);
        assert_eq!(words(&pieces(&["你", "好", "。"]), false), [("你".to_owned(), 1), ("好。".to_owned(), 2)]);
    }
}
