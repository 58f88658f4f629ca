//! Words drawn into a video, by libass.

mod spans;

use std::{cmp::Reverse, collections::BTreeSet, fmt::Write};

use tintype_engine::{Detail, RunError};

use super::super::{
    call::Work,
    desk::Desk,
    failure,
    input::{Input, Kind},
    job::Job,
    probe::Video,
    vision,
};
use crate::fonts;
use spans::{Span, spans};

/// Colours that have names, as `RRGGBB`.
const COLORS: [(&str, &str); 13] = [
    ("white", "FFFFFF"),
    ("black", "000000"),
    ("red", "FF0000"),
    ("green", "008000"),
    ("blue", "0000FF"),
    ("yellow", "FFFF00"),
    ("orange", "FFA500"),
    ("purple", "800080"),
    ("pink", "FFC0CB"),
    ("brown", "A52A2A"),
    ("gray", "808080"),
    ("cyan", "00FFFF"),
    ("magenta", "FF00FF"),
];

/// The font of the hosted endpoint; Noto Sans stands in where it is not installed.
const USUAL_FONT: &str = "Montserrat";
const MAX_SEGMENTS: usize = 2000;
const MAX_TEXT: usize = 1000;
/// Of the words of all spans: what is seen throughout many others is written once for each of them.
const MAX_WORDS: usize = 4_000_000;

struct Segment {
    start: f64,
    end: f64,
    text: String,
    /// The text as the script has it.
    words: String,
}

struct Style {
    font: String,
    size: u64,
    weight: u32,
    color: &'static str,
    stroke: &'static str,
    stroke_width: f64,
    /// Colour and opacity of the box behind the words.
    background: Option<(&'static str, f64)>,
    position: &'static str,
    offset: f64,
}

pub(in super::super) fn add_subtitles(input: &mut Input<'_>) -> Work {
    let file = input.file("video_url", Kind::Video);
    let segments = input.objects("subtitles", (1, MAX_SEGMENTS), segment);
    let spans = seen(input, &segments);
    let mut style = style(input);
    Box::new(move |desk| {
        check_letters(&segments)?;
        style.font = lay_fonts(desk, &style.font)?;
        let media = desk.look(file)?;
        let size = media.video.as_ref().map_or((2, 2), Video::even);
        desk.write("words.ass", script(&style, &segments, &spans, size))?;
        let (width, height) = size;
        let graph = format!(
            "{}{},scale={width}:{height},ass=words.ass:fontsdir=fonts[seen]",
            vision::of(0, &media),
            vision::SQUARE
        );
        let mut job = Job::new().lasting(media.duration).input(file).graph(graph).map("[seen]");
        if let Some(audio) = &media.audio {
            job = job.map(format!("0:{}", audio.index));
        }
        desk.run(&job.into_mp4("out.mp4"))?;
        desk.video_answer("out.mp4")
    })
}

/// What is seen when, if it can be.
fn seen(input: &mut Input<'_>, segments: &[Segment]) -> Vec<Span> {
    let spans = spans(segments.iter().map(|segment| (segment.start, segment.end))).unwrap_or_else(|number| {
        let (field, most) = (format!("subtitles.{number}.start"), spans::MOST);
        let message = format!("At most {most} subtitles can be seen at once, and {most} others are seen here already");
        input.reject(Detail::new(&field, "value_error", message).with("limit", most));
        Vec::new()
    });
    let bytes: usize = spans.iter().flat_map(|span| &span.seen).map(|(_, number)| segments[*number].words.len()).sum();
    if bytes > MAX_WORDS {
        let message = format!(
            "The words come to {bytes} bytes, as they are written again whenever another subtitle comes or goes; at most \
             {MAX_WORDS} can be drawn: let fewer be seen together, or make several calls"
        );
        input.reject(Detail::new("subtitles", "value_error", message).with("limit", MAX_WORDS));
    }
    spans
}

/// Each character is looked for once, however long the words are.
fn check_letters(segments: &[Segment]) -> Result<(), RunError> {
    let letters: BTreeSet<char> = segments.iter().flat_map(|segment| segment.text.chars()).collect();
    let letters: String = letters.into_iter().flat_map(|letter| [letter, ' ']).collect();
    let missing = fonts::missing_in(&letters);
    let place = segments.iter().position(|segment| segment.text.contains(missing.as_slice()));
    let refused = |number| failure::refuse(fonts::refuse(&format!("subtitles.{number}.text"), &missing));
    place.map_or(Ok(()), |number| Err(refused(number)))
}

/// The fonts in the box, beside those of the system; the name of the one that is used.
fn lay_fonts(desk: &mut Desk<'_>, wanted: &str) -> Result<String, RunError> {
    desk.folder("fonts")?;
    desk.write("fonts/regular.ttf", fonts::REGULAR)?;
    desk.write("fonts/bold.ttf", fonts::BOLD)?;
    let family = fonts::family(&fonts::fonts(), Some(wanted));
    Ok(family.unwrap_or_else(|_| {
        if wanted != USUAL_FONT {
            desk.note(&format!("there is no font '{wanted}' on this server: '{}' is taken", fonts::FONT));
        }
        fonts::FONT.to_owned()
    }))
}

fn segment(input: &mut Input<'_>) -> Segment {
    for name in ["start", "end", "text"] {
        input.require(name);
    }
    let start = input.number("start", 0.0, 86_400.0).unwrap_or(0.0);
    let end = input.number("end", 0.0, 86_400.0);
    if let Some(end) = end.filter(|end| *end <= start) {
        let message = format!("Input should be greater than the start, {start}");
        input.reject(Detail::new("end", "greater_than", message).with("gt", start).found(&end.into()));
    }
    let text = input.text("text", MAX_TEXT).unwrap_or_default();
    Segment { start, end: end.unwrap_or(start), words: escape(&text), text }
}

fn style(input: &mut Input<'_>) -> Style {
    let names = COLORS.map(|(name, _)| name);
    let backgrounds: Vec<&'static str> = ["none", "transparent"].into_iter().chain(names).collect();
    let font = input.text("font_name", 100).unwrap_or_else(|| USUAL_FONT.to_owned());
    let background = input.choice("background_color", &backgrounds, "none");
    let opacity = input.number("background_opacity", 0.0, 1.0).unwrap_or(0.0);
    Style {
        // Commas separate the parts of a style.
        font: font.replace([',', '\n', '\r'], " "),
        size: input.whole("font_size", 1, 1000).unwrap_or(70),
        weight: match input.choice("font_weight", &["bold", "normal", "black"], "bold") {
            "normal" => 400,
            "black" => 900,
            _ => 700,
        },
        color: input.choice("font_color", &names, "white"),
        stroke: input.choice("stroke_color", &names, "black"),
        stroke_width: input.number("stroke_width", 0.0, 50.0).unwrap_or(3.0),
        background: (!["none", "transparent"].contains(&background)).then_some((background, opacity)),
        position: input.choice("position", &["bottom", "top", "center"], "bottom"),
        offset: input.number("y_offset", -500.0, 500.0).unwrap_or(0.0),
    }
}

/// The colours of this format stand the other way round, and its opacity is a transparency.
fn color(name: &str, opacity: f64) -> String {
    let hex = COLORS.iter().find(|(known, _)| *known == name).map_or("FFFFFF", |(_, hex)| hex);
    let clear = ((1.0 - opacity) * 255.0).round() as u8;
    format!("&H{clear:02X}{}{}{}", &hex[4..], &hex[2..4], &hex[..2])
}

/// Share of the height between the words and the edge.
const EDGE: f64 = 0.08;

fn script(style: &Style, segments: &[Segment], spans: &[Span], (width, height): (u32, u32)) -> String {
    let Style { font, size, stroke_width, .. } = style;
    // The fourth kind of border is a box behind all lines, and leaves the stroke of the words.
    let (border, back) = match style.background {
        Some((background, opacity)) => (4, color(background, opacity)),
        None => (1, color("black", 0.0)),
    };
    let mut out = format!(
        "[Script Info]\nScriptType: v4.00+\nPlayResX: {width}\nPlayResY: {height}\nWrapStyle: 0\n\
         ScaledBorderAndShadow: yes\n\n[V4+ Styles]\n\
         Format: Name, Fontname, Fontsize, PrimaryColour, OutlineColour, BackColour, Bold, BorderStyle, Outline, Shadow, \
         Alignment, MarginL, MarginR, MarginV\n\
         Style: Words,{font},{size},{},{},{back},{},{border},{stroke_width},0,5,{margin},{margin},0\n\n[Events]\n\
         Format: Layer, Start, End, Style, Text\n",
        color(style.color, 1.0),
        color(style.stroke, 1.0),
        if style.weight > 400 { -1 } else { 0 },
        margin = width / 20,
    );
    let (anchor, share) = match style.position {
        "top" => (8, EDGE),
        "center" => (5, 0.5),
        _ => (2, 1.0 - EDGE),
    };
    let (x, y) = (width / 2, f64::from(height) * share + style.offset);
    for Span { start, end, seen } in spans {
        let mut seen = seen.clone();
        if anchor == 2 {
            // What stands at the lower edge stays there when more comes above it.
            seen.sort_by_key(|(start, number)| (Reverse(*start), *number));
        }
        let words: Vec<&str> = seen.iter().map(|(_, number)| segments[*number].words.as_str()).collect();
        // Writing into a string cannot fail.
        let _ = writeln!(
            out,
            "Dialogue: 0,{},{},Words,{{\\an{anchor}\\pos({x},{y:.0})\\b{}}}{}",
            clock(*start),
            clock(*end),
            style.weight,
            words.join("\\N")
        );
    }
    out
}

/// `H:MM:SS.cc`
fn clock(hundredths: u64) -> String {
    let (minutes, rest) = (hundredths / 6000, hundredths % 6000);
    format!("{}:{:02}:{:02}.{:02}", minutes / 60, minutes % 60, rest / 100, rest % 100)
}

/// Words of strangers, which must not be read as commands.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\N"),
            '{' => out.push_str("\\{"),
            '}' => out.push_str("\\}"),
            // A mark without width keeps it from the letter behind it.
            '\\' => out.push_str("\\\u{2060}"),
            other if other.is_control() => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_no_commands_and_times_are_those_of_the_format() {
        assert_eq!(escape("a{\\b1}\nc\r\\N"), "a\\{\\\u{2060}b1\\}\\Nc\\\u{2060}N");
        assert_eq!([clock(0), clock(6124), clock(372_550)], ["0:00:00.00", "0:01:01.24", "1:02:05.50"]);
        assert_eq!(color("orange", 1.0), "&H0000A5FF");
        assert_eq!(color("white", 0.0), "&HFFFFFFFF");
    }
}
