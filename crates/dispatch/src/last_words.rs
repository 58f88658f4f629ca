//! What a runner wrote to standard error before it failed to start: no request was with it yet, so it is nobody's secret.

/// Characters kept.
const MOST: usize = 500;

/// By these a server leaves that has given up; asyncio reports them behind the cause.
const LEAVING: [&str; 3] = ["SystemExit", "KeyboardInterrupt", "asyncio.exceptions.CancelledError"];

#[derive(Debug, Default)]
pub(crate) struct LastWords {
    last: Option<String>,
    /// The exception under the last traceback of Python, which says more than what is written after it.
    exception: Option<String>,
    in_traceback: bool,
}

impl LastWords {
    pub fn hear(&mut self, message: &str) {
        for line in message.lines().filter(|line| !line.trim().is_empty()) {
            self.hear_line(line);
        }
    }

    fn hear_line(&mut self, line: &str) {
        let words: String = line.trim().chars().take(MOST).collect();
        if line.trim_end().ends_with("Traceback (most recent call last):") {
            self.in_traceback = true;
        } else if self.in_traceback && !line.starts_with(char::is_whitespace) {
            self.in_traceback = false;
            if self.exception.is_none() || !LEAVING.iter().any(|leaving| words.starts_with(leaving)) {
                self.exception = Some(words.clone());
            }
        }
        self.last = Some(words);
    }

    /// What tells most of the failure.
    pub fn telling(&self) -> Option<&str> {
        self.exception.as_deref().or(self.last.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn telling(lines: &[&str]) -> Option<String> {
        let mut words = LastWords::default();
        for line in lines {
            words.hear(line);
        }
        words.telling().map(str::to_owned)
    }

    #[test]
    fn the_exception_under_a_traceback_says_more_than_what_comes_after_it() {
        let whole = "ERROR:    Traceback (most recent call last):\n  File \"a.py\", line 1\n    setup()\nOutOfStock: none left\n";
        assert_eq!(telling(&[whole, "ERROR:    Application startup failed."]).unwrap(), "OutOfStock: none left");
        let lines = ["Traceback (most recent call last):", "  File \"a.py\"", "ValueError: bad", "bye"];
        assert_eq!(telling(&lines).unwrap(), "ValueError: bad");
    }

    #[test]
    fn the_cause_is_told_and_not_the_way_in_which_the_server_left() {
        let lines = ["Traceback (most recent call last):", "  File \"a.py\"", "ValueError: bad"];
        for last in ["SystemExit: 3", "asyncio.exceptions.CancelledError"] {
            let leaving = ["Traceback (most recent call last):", "    sys.exit(3)", last];
            assert_eq!(telling(&[&lines[..], &leaving[..]].concat()).unwrap(), "ValueError: bad");
            assert_eq!(telling(&leaving).unwrap(), last);
        }
    }

    #[test]
    fn without_a_traceback_the_last_line_is_told() {
        assert_eq!(telling(&["one", " two ", ""]).unwrap(), "two");
        assert_eq!(telling(&["", " "]), None);
    }
}
