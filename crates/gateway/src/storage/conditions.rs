//! What a reader asks of a file beyond its bytes: a range, or only news (RFC 9110, sections 13 and 14).

use std::ops::Range;

use http::{HeaderMap, HeaderName, header};
use jiff::fmt::rfc2822;
use tintype_domain::Timestamp;

/// How to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Whole,
    Part(Range<u64>),
    NotModified,
    PreconditionFailed,
    /// The range lies outside; here it is, as asked.
    Unsatisfiable(String),
}

/// What the conditions are about.
pub(crate) struct Current<'a> {
    /// With quotes.
    pub etag: &'a str,
    pub modified: Timestamp,
    pub size: u64,
}

pub(crate) fn answer(headers: &HeaderMap, current: &Current<'_>) -> Answer {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let met = match (text(header::IF_MATCH), text(header::IF_UNMODIFIED_SINCE)) {
        (Some(tags), _) => listed(tags, current.etag, Comparison::Strong),
        (None, Some(date)) => since(date).is_none_or(|date| current.modified.as_secs() <= date),
        (None, None) => true,
    };
    if !met {
        return Answer::PreconditionFailed;
    }
    let known = match (text(header::IF_NONE_MATCH), text(header::IF_MODIFIED_SINCE)) {
        (Some(tags), _) => listed(tags, current.etag, Comparison::Weak),
        (None, Some(date)) => since(date).is_some_and(|date| current.modified.as_secs() <= date),
        (None, None) => false,
    };
    if known {
        return Answer::NotModified;
    }
    // A part of something else than the reader has would not fit to what it has.
    let fits = text(header::IF_RANGE).is_none_or(|validator| is_current(validator, current));
    text(header::RANGE).filter(|_| fits).map_or(Answer::Whole, |range| part(range, current.size))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Strong,
    Weak,
}

fn listed(tags: &str, etag: &str, comparison: Comparison) -> bool {
    tags.split(',').map(str::trim).any(|tag| {
        let tag = if comparison == Comparison::Weak { tag.trim_start_matches("W/") } else { tag };
        tag == "*" || tag == etag
    })
}

fn is_current(validator: &str, current: &Current<'_>) -> bool {
    let validator = validator.trim();
    validator == current.etag || since(validator).is_some_and(|date| date == current.modified.as_secs())
}

fn since(date: &str) -> Option<i64> {
    let parser = rfc2822::DateTimeParser::new();
    parser.parse_timestamp(date.trim()).ok().map(jiff::Timestamp::as_second)
}

/// One range is served; several at once, and what is not understood, get the whole, as the standard permits.
fn part(range: &str, size: u64) -> Answer {
    let Some(spec) = range.trim().strip_prefix("bytes=").map(str::trim) else { return Answer::Whole };
    if spec.contains(',') {
        return Answer::Whole;
    }
    let Some((first, last)) = spec.split_once('-') else { return Answer::Whole };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let part = match (first.trim(), last.trim()) {
        ("", suffix) => number(suffix).map(|count| size.saturating_sub(count)..size),
        (first, "") => number(first).map(|first| first..size),
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => Some(first..size.min(last.saturating_add(1))),
            _ => None,
        },
    };
    match part {
        None => Answer::Whole,
        Some(part) if part.start >= part.end => Answer::Unsatisfiable(spec.chars().take(60).collect()),
        Some(part) => Answer::Part(part),
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(crate) fn http_date(at: Timestamp) -> Option<String> {
    let at = jiff::Timestamp::from_second(at.as_secs()).ok()?;
    rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODIFIED: Timestamp = Timestamp::from_micros(784_111_777_500_000);
    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn asked(headers: &[(&'static str, &str)]) -> Answer {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        answer(&headers, &Current { etag: "\"abc\"", modified: MODIFIED, size: 100 })
    }

    #[test]
    fn dates_are_written_and_read() {
        assert_eq!(http_date(MODIFIED).as_deref(), Some(DATE));
        assert_eq!(since(DATE), Some(784_111_777));
        assert_eq!(since("yesterday"), None);
    }

    #[test]
    fn ranges_are_cut_to_the_file() {
        for (range, expected) in [
            ("bytes=0-0", Answer::Part(0..1)),
            ("bytes=10-19", Answer::Part(10..20)),
            ("bytes=90-", Answer::Part(90..100)),
            ("bytes=90-999999999999999999", Answer::Part(90..100)),
            ("bytes=0-18446744073709551615", Answer::Part(0..100)),
            ("bytes=-10", Answer::Part(90..100)),
            ("bytes=-1000", Answer::Part(0..100)),
            ("bytes=100-", Answer::Unsatisfiable("100-".into())),
            ("bytes=-0", Answer::Unsatisfiable("-0".into())),
            ("bytes=20-10", Answer::Whole),
            ("bytes=0-1,5-6", Answer::Whole),
            ("bytes=a-b", Answer::Whole),
            ("lines=1-2", Answer::Whole),
            ("bytes=99999999999999999999-", Answer::Whole),
        ] {
            assert_eq!(asked(&[("range", range)]), expected, "{range}");
        }
    }

    #[test]
    fn who_has_the_file_gets_no_second_copy() {
        for tags in ["\"abc\"", "W/\"abc\"", "\"x\", \"abc\"", "*"] {
            assert_eq!(asked(&[("if-none-match", tags)]), Answer::NotModified, "{tags}");
        }
        assert_eq!(asked(&[("if-none-match", "\"x\""), ("if-modified-since", DATE)]), Answer::Whole);
        assert_eq!(asked(&[("if-modified-since", DATE)]), Answer::NotModified);
        assert_eq!(asked(&[("if-modified-since", "Sun, 06 Nov 1994 08:49:36 GMT")]), Answer::Whole);
    }

    #[test]
    fn a_precondition_that_fails_is_said() {
        assert_eq!(asked(&[("if-match", "\"x\"")]), Answer::PreconditionFailed);
        assert_eq!(asked(&[("if-match", "W/\"abc\"")]), Answer::PreconditionFailed);
        assert_eq!(asked(&[("if-unmodified-since", "Sun, 06 Nov 1994 08:49:36 GMT")]), Answer::PreconditionFailed);
        assert_eq!(asked(&[("if-match", "\"abc\""), ("range", "bytes=0-4")]), Answer::Part(0..5));
    }

    #[test]
    fn a_range_of_another_version_becomes_the_whole() {
        assert_eq!(asked(&[("if-range", "\"abc\""), ("range", "bytes=0-4")]), Answer::Part(0..5));
        assert_eq!(asked(&[("if-range", DATE), ("range", "bytes=0-4")]), Answer::Part(0..5));
        assert_eq!(asked(&[("if-range", "\"old\""), ("range", "bytes=0-4")]), Answer::Whole);
    }
}
