//! What is told of a run: how it ended, what happened in it, and the whole of it as a number.

use std::fmt;

/// How a story ended.
pub struct End {
    pub violation: Option<String>,
    pub trace: u64,
    pub effects: u64,
    pub seen: Seen,
}

/// What happened at least once; so that a quiet world is not taken for a proof.
#[derive(Debug, Default)]
pub struct Seen {
    pub kills: u32,
    pub stops: u32,
    pub crashes: u32,
    pub retries: u32,
    pub late: u32,
    pub removed: u32,
    pub expired: u32,
    pub full: u32,
    pub jumps: u32,
    pub refused: u32,
    pub revoked: u32,
    pub fenced: u32,
    pub rolled_out: u32,
    pub rolled_back: u32,
    pub tuned: u32,
    pub replaced: u32,
    pub deleted: u32,
    pub adopted: u32,
    pub unsettled: u32,
}

impl Seen {
    fn counts(&mut self) -> [&mut u32; 19] {
        [
            &mut self.kills,
            &mut self.stops,
            &mut self.crashes,
            &mut self.retries,
            &mut self.late,
            &mut self.removed,
            &mut self.expired,
            &mut self.full,
            &mut self.jumps,
            &mut self.refused,
            &mut self.revoked,
            &mut self.fenced,
            &mut self.rolled_out,
            &mut self.rolled_back,
            &mut self.tuned,
            &mut self.replaced,
            &mut self.deleted,
            &mut self.adopted,
            &mut self.unsettled,
        ]
    }

    pub fn add(&mut self, other: &Self) {
        let mut other = Self { ..*other };
        for (mine, theirs) in self.counts().into_iter().zip(other.counts()) {
            *mine += *theirs;
        }
    }

    pub fn everything(&mut self) -> bool {
        self.counts().into_iter().all(|count| *count > 0)
    }
}

/// The story as a number and, for people, in lines.
#[derive(Default)]
pub struct Trace {
    pub hash: u64,
    line: String,
    pub lines: Option<Vec<String>>,
}

impl Trace {
    pub fn end_line(&mut self) {
        if let Some(lines) = &mut self.lines {
            lines.push(std::mem::take(&mut self.line));
        }
    }
}

impl fmt::Write for Trace {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if self.lines.is_some() {
            self.line.push_str(text);
        }
        Ok(())
    }
}
