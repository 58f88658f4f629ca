//! How far a file is.

use indicatif::{ProgressBar, ProgressStyle};
use tintype_weights::Progress;

use crate::print::Output;

/// A bar on a terminal, a line for each file elsewhere.
pub(super) struct Meter {
    output: Output,
    bar: ProgressBar,
}

impl Meter {
    pub(super) fn new(output: Output) -> Self {
        Self { output, bar: ProgressBar::hidden() }
    }
}

impl Progress for Meter {
    fn begin(&mut self, file: &str, bytes: Option<u64>) {
        if !self.output.draws() {
            let size = bytes.map(|bytes| format!("  {}", size(bytes))).unwrap_or_default();
            return self.output.remark(&format!("{file}{size}"));
        }
        let template = "{prefix}  {bar:30} {binary_bytes}/{binary_total_bytes}  {binary_bytes_per_sec}  {eta}";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        self.bar = bytes.map_or_else(ProgressBar::no_length, ProgressBar::new).with_style(style);
        self.bar.set_prefix(file.to_owned());
    }

    fn advance(&mut self, bytes: u64) {
        self.bar.inc(bytes);
    }

    fn end(&mut self) {
        self.bar.finish();
    }
}

pub(super) fn size(bytes: u64) -> String {
    indicatif::HumanBytes(bytes).to_string()
}
