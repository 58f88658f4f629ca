//! A bar, or a line that says what is being waited for.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::print::Output;

pub(crate) struct Progress {
    bar: ProgressBar,
    output: Output,
}

impl Progress {
    pub(crate) fn start(output: Output, endpoint: &str) -> Self {
        let bar = if output.draws() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        bar.set_prefix(endpoint.to_owned());
        bar.set_style(style("{spinner} {prefix}  {msg}  {elapsed}"));
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar, output }
    }

    /// What is being waited for.
    pub(crate) fn say(&self, text: String) {
        // Where no bar is drawn, each news is a line.
        if !self.output.draws() && self.bar.message() != text {
            self.output.remark(&text);
        }
        self.bar.set_message(text);
    }

    pub(crate) fn step(&self, done: u64, total: u64) {
        if self.bar.length() != Some(total) {
            self.bar.set_length(total);
            self.bar.set_style(style("{spinner} {prefix}  {bar:30} {pos}/{len}  {elapsed}"));
        }
        self.bar.set_position(done);
    }

    /// A line that stays, above the bar.
    pub(crate) fn keep(&self, text: &str) {
        self.bar.suspend(|| self.output.remark(text));
    }

    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// `step 3/20`, or a progress bar's ` 15%|█▌  | 3/20 [00:01`: the last such pair in a line.
pub(super) fn steps(line: &str) -> Option<(u64, u64)> {
    let pair = |word: &str| {
        let (done, total) = word.split_once('/')?;
        Some((done.parse().ok()?, total.parse().ok()?))
    };
    line.split_whitespace().rev().find_map(pair).filter(|(done, total)| done <= total && *total > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_read_from_plain_lines_and_from_progress_bars() {
        assert_eq!(steps("step 3/20"), Some((3, 20)));
        assert_eq!(steps(" 15%|█▌        | 3/20 [00:01<00:05,  2.9it/s]"), Some((3, 20)));
        assert_eq!(steps("loading a/b"), None);
        assert_eq!(steps("9/3"), None);
    }
}
