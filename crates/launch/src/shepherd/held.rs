//! What a runner wrote while no server listened: the latest, within a bound.

use std::collections::VecDeque;

/// Of both streams together.
pub(super) const MOST: usize = 1 << 20;

#[derive(Default)]
pub(super) struct Held {
    /// Which stream, and what it wrote.
    pieces: VecDeque<(usize, Vec<u8>)>,
    bytes: usize,
    /// Bytes that were dropped.
    pub(super) lost: u64,
}

impl Held {
    pub(super) fn add(&mut self, stream: usize, piece: &[u8]) {
        self.bytes += piece.len();
        self.pieces.push_back((stream, piece.to_owned()));
        while self.bytes > MOST
            && let Some((_, oldest)) = self.pieces.pop_front()
        {
            self.bytes -= oldest.len();
            self.lost += oldest.len() as u64;
        }
    }

    /// Of each stream.
    pub(super) fn all(&self) -> [Vec<u8>; 2] {
        let mut all = [Vec::new(), Vec::new()];
        for (stream, piece) in &self.pieces {
            all[*stream].extend_from_slice(piece);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_is_kept_in_order_and_what_was_lost_is_counted() {
        let mut held = Held::default();
        held.add(0, b"first");
        held.add(1, b"error");
        held.add(0, b" second");
        assert_eq!(held.all(), [b"first second".to_vec(), b"error".to_vec()]);
        assert_eq!(held.lost, 0);
        held.add(0, &vec![b'x'; MOST]);
        assert_eq!(held.lost, 17);
        assert_eq!(held.all(), [vec![b'x'; MOST], Vec::new()]);
    }

    #[test]
    fn a_runner_that_writes_without_end_costs_no_more_than_the_bound() {
        let mut held = Held::default();
        for _ in 0..1000 {
            held.add(0, &[b'x'; 16 * 1024]);
        }
        assert!(held.bytes <= MOST);
        assert_eq!(held.lost + held.bytes as u64, 1000 * 16 * 1024);
    }
}
