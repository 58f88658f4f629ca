//! Text as pixels: shaped, broken into lines and ordered by cosmic-text, drawn from the fonts in the box, and from those
//! of the system for what the former do not have.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use cosmic_text::{
    Align, Attrs, Buffer, Color, Family, FontSystem, Metrics, Placement, Shaping, SwashCache, SwashContent, Weight,
    fontdb::{Database, Source},
};
use tintype_media::Canvas;

/// Latin, Greek and Cyrillic. Under the SIL Open Font License, which lies beside them.
const FONT: &str = "Noto Sans";
static REGULAR: &[u8] = include_bytes!("../../fonts/NotoSans-Regular.ttf");
static BOLD: &[u8] = include_bytes!("../../fonts/NotoSans-Bold.ttf");

static FONTS: LazyLock<Mutex<FontSystem>> = LazyLock::new(|| Mutex::new(fonts()));

/// Pixels around the lines for what stands out of them, as a part of the size of the letters.
const OVERHANG: f32 = 0.5;

pub(super) struct Script {
    pub text: String,
    pub font: Option<String>,
    pub bold: bool,
    /// Pixels.
    pub size: f32,
    /// As a multiple of the size.
    pub line_height: f32,
    pub alignment: Alignment,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Alignment {
    Left,
    Centre,
    Right,
}

pub(super) struct Lettering {
    /// The letters, and `edge` pixels on each side of their lines.
    pub letters: Canvas,
    pub edge: u32,
    /// Of the lines.
    pub size: (u32, u32),
    /// Whether some have colours of their own.
    pub coloured: bool,
    /// What no font has.
    pub missing: Vec<char>,
}

impl Lettering {
    /// In lines of at most `breadth`. What would be beyond `room` is cut off. The error lists the fonts that there are.
    pub fn set(script: &Script, breadth: f32, room: (u32, u32)) -> Result<Self, Vec<String>> {
        let mut fonts = FONTS.lock().unwrap_or_else(PoisonError::into_inner);
        let family = family(&fonts, script.font.as_deref())?;
        let mut buffer = Buffer::new(&mut fonts, Metrics::relative(script.size, script.line_height));
        buffer.set_size(Some(breadth), None);
        let weight = if script.bold { Weight::BOLD } else { Weight::NORMAL };
        let attributes = Attrs::new().family(Family::Name(&family)).weight(weight);
        let align = match script.alignment {
            Alignment::Left => Align::Left,
            Alignment::Centre => Align::Center,
            Alignment::Right => Align::Right,
        };
        buffer.set_text(&script.text, &attributes, Shaping::Advanced, Some(align));
        buffer.shape_until_scroll(&mut fonts, false);
        Ok(Self::draw(&mut fonts, &buffer, script.size, room))
    }

    fn draw(fonts: &mut FontSystem, buffer: &Buffer, letter: f32, room: (u32, u32)) -> Self {
        let runs = || buffer.layout_runs();
        let glyphs = || runs().flat_map(|run| run.glyphs.iter().map(move |glyph| (run.text, run.line_y, glyph)));
        let left = glyphs().map(|(_, _, glyph)| glyph.x).fold(f32::INFINITY, f32::min);
        let right = glyphs().map(|(_, _, glyph)| glyph.x + glyph.w).fold(0.0, f32::max);
        let bottom = runs().map(|run| run.line_top + run.line_height).fold(0.0, f32::max);
        let left = if left.is_finite() { left.floor() } else { 0.0 };
        let size = ((right - left).ceil().max(1.0) as u32, bottom.ceil().max(1.0) as u32);
        let size = (size.0.min(room.0), size.1.min(room.1));
        let edge = (letter * OVERHANG).ceil() as u32;
        let mut made = Self {
            letters: Canvas::filled(size.0 + 2 * edge, size.1 + 2 * edge, [0; 4]),
            edge,
            size,
            coloured: false,
            missing: Vec::new(),
        };
        let mut cache = SwashCache::new();
        for (text, line, glyph) in glyphs() {
            if glyph.glyph_id == 0 {
                let letters = text.get(glyph.start..glyph.end).unwrap_or_default().chars();
                made.missing.extend(letters.filter(|letter| !letter.is_whitespace() && !letter.is_control()));
            }
            let placed = glyph.physical((edge as f32 - left, line + edge as f32), 1.0);
            let Some(image) = cache.get_image(fonts, placed.cache_key) else { continue };
            if !made.shows(placed.x + image.placement.left, placed.y - image.placement.top, &image.placement) {
                continue;
            }
            made.coloured |= image.content == SwashContent::Color;
            cache.with_pixels(fonts, placed.cache_key, Color::rgb(0, 0, 0), |x, y, color| {
                let at = (i64::from(placed.x + x), i64::from(placed.y + y));
                made.letters.tint(at, [color.r(), color.g(), color.b(), 255], color.a());
            });
        }
        made
    }

    /// Whether anything of a letter is on the canvas: a long text in large letters is mostly beyond it.
    fn shows(&self, left: i32, top: i32, letter: &Placement) -> bool {
        let within =
            |start: i32, length: u32, room: u32| start < room as i32 && i64::from(start) + i64::from(length) > 0;
        within(left, letter.width, self.letters.width()) && within(top, letter.height, self.letters.height())
    }
}

/// The family of this name as the font itself writes it.
fn family(fonts: &FontSystem, wanted: Option<&str>) -> Result<String, Vec<String>> {
    let Some(wanted) = wanted else { return Ok(FONT.to_owned()) };
    let names = || fonts.db().faces().flat_map(|face| face.families.iter().map(|(name, _)| name));
    let simple = |name: &str| name.to_lowercase().replace(['-', '_', ' '], "");
    if let Some(found) = names().find(|name| simple(name) == simple(wanted)) {
        return Ok(found.clone());
    }
    let mut known: Vec<_> = names().cloned().collect();
    known.sort();
    known.dedup();
    Err(known)
}

fn fonts() -> FontSystem {
    let mut database = Database::new();
    for font in [REGULAR, BOLD] {
        database.load_font_source(Source::Binary(Arc::new(font)));
    }
    database.load_system_fonts();
    database.set_sans_serif_family(FONT);
    // The language decides between forms of the same character; no caller's language is known.
    FontSystem::new_with_locale_and_db("en-US".to_owned(), database)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str, breadth: f32) -> Lettering {
        let script = Script {
            text: text.to_owned(),
            font: None,
            bold: false,
            size: 40.0,
            line_height: 1.25,
            alignment: Alignment::Left,
        };
        Lettering::set(&script, breadth, (4000, 4000)).unwrap()
    }

    fn ink(lettering: &Lettering) -> u64 {
        lettering.letters.pixels().chunks_exact(4).map(|pixel| u64::from(pixel[3])).sum()
    }

    #[test]
    fn more_letters_are_more_ink_and_wider() {
        let (short, long) = (set("ab", 1000.0), set("abab", 1000.0));
        assert!(long.size.0 > short.size.0 * 3 / 2 && long.size.1 == short.size.1);
        assert!(ink(&long) > ink(&short) * 3 / 2);
        assert_eq!(short.size.1, 50);
    }

    #[test]
    fn lines_are_broken_at_words_and_by_the_text_itself() {
        assert_eq!(set("one two three four", 150.0).size.1 % 50, 0);
        assert!(set("one two three four", 150.0).size.1 >= 100);
        assert_eq!(set("one\ntwo\nthree", 1000.0).size.1, 150);
    }

    #[test]
    fn letters_are_shaped_not_set_one_by_one() {
        let width = |text: &str| set(text, 1000.0).size.0;
        assert!(width("AVAVAV") < 3 * width("A") + 3 * width("V"), "pairs are brought together");
        assert_eq!(width("e\u{301}"), width("e"), "a combining accent takes no room");
    }

    #[test]
    fn characters_of_no_font_are_told_and_an_empty_text_is_nothing() {
        assert_eq!(set("a\u{10FFFD}", 1000.0).missing, ['\u{10FFFD}']);
        assert!(set("Grüße, Ελλάδα, Москва", 2000.0).missing.is_empty());
        assert_eq!(ink(&set("", 100.0)), 0);
    }

    #[test]
    fn an_unknown_font_is_answered_with_those_that_there_are() {
        let fonts = fonts();
        assert!(family(&fonts, Some("No such font")).unwrap_err().contains(&FONT.to_owned()));
        assert_eq!(family(&fonts, Some("noto_sans")).unwrap(), FONT);
    }
}
