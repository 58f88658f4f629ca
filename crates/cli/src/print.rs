//! What is printed, for people or for programs.

use std::io::{self, IsTerminal, Write};

use serde_json::{Value, json};

use crate::failure::Failure;

#[derive(Clone, Copy)]
pub(crate) struct Output {
    /// For programs: one JSON document.
    pub(crate) json: bool,
}

impl Output {
    /// `value` for programs; for people what `words` makes of it.
    pub(crate) fn result(self, value: &Value, words: impl FnOnce(&Value) -> String) {
        let text = if self.json { pretty(value) } else { words(value) };
        line(&text);
    }

    pub(crate) fn failure(self, failure: &Failure) {
        if self.json {
            let answer = failure.answer.clone().unwrap_or_else(|| json!({ "detail": failure.message }));
            line(&pretty(&json!({ "error": answer })));
        }
        let mut stderr = io::stderr().lock();
        // Nobody to tell that nobody could be told.
        let _ = writeln!(stderr, "tintype: {failure}");
    }

    /// A remark beside the result, for people.
    pub(crate) fn remark(self, text: &str) {
        if !self.json {
            let _ = writeln!(io::stderr().lock(), "{text}");
        }
    }

    /// Whether progress can be drawn.
    pub(crate) fn draws(self) -> bool {
        !self.json && io::stderr().is_terminal()
    }
}

pub(crate) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// One line on standard output; a reader that left, such as `head`, is no error.
pub(crate) fn line(text: &str) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// Columns as wide as their widest cell. The first row is the heading.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<_> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let print = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}", width = *width));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(print).collect::<Vec<_>>().join("\n")
}

/// A text on lines of its own, each indented, for people who read in a terminal.
pub(crate) fn wrapped(text: &str, indent: usize) -> String {
    const WIDTH: usize = 96;
    let room = WIDTH.saturating_sub(indent);
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > room {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    let space = " ".repeat(indent);
    lines.iter().map(|line| format!("{space}{line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// A member as text; empty where it is not there.
pub(crate) fn text(value: &Value, member: &str) -> String {
    match &value[member] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_told_whole_on_several_lines() {
        let text = "word ".repeat(40);
        let told = wrapped(&text, 6);
        assert!(told.lines().all(|line| line.starts_with("      word") && line.len() <= 96), "{told}");
        assert_eq!((told.lines().count(), told.matches("word").count()), (3, 40));
        assert_eq!(wrapped("a\n\nb", 2), "  a\n\n  b");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["ID".into(), "STATE".into()], vec!["longer".into(), "é".into()]];
        assert_eq!(table(&rows), "ID      STATE\nlonger  é");
    }
}
