//! Text as pixels: shaped, broken into lines and ordered by cosmic-text.

use cosmic_text::{
    Align, Attrs, Buffer, CacheKey, Family, FontSystem, Metrics, Placement, Shaping, SwashCache, SwashContent,
    SwashImage, Weight,
};
use tintype_media::Canvas;

use crate::fonts;

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
        let mut fonts = fonts::fonts();
        let family = fonts::family(&fonts, script.font.as_deref())?;
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
        let glyphs = || runs().flat_map(|run| run.glyphs.iter().map(move |glyph| (run.line_y, glyph)));
        let left = glyphs().map(|(_, glyph)| glyph.x).fold(f32::INFINITY, f32::min);
        let right = glyphs().map(|(_, glyph)| glyph.x + glyph.w).fold(0.0, f32::max);
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
            missing: fonts::missing(buffer),
        };
        // A cache of its pictures would hold a text of large letters many times over.
        let mut pen = SwashCache::new();
        for (line, glyph) in glyphs() {
            let placed = glyph.physical((edge as f32 - left, line + edge as f32), 1.0);
            let near = Placement {
                left: 0,
                top: 0,
                width: (glyph.w + 4.0 * letter).ceil() as u32,
                height: (4.0 * letter).ceil() as u32,
            };
            let reach = (2.0 * letter) as i32;
            if made.shows(placed.x.saturating_sub(reach), placed.y.saturating_sub(reach), &near) {
                made.ink(&mut pen, fonts, placed.cache_key, (placed.x, placed.y));
            }
        }
        made
    }

    fn ink(&mut self, pen: &mut SwashCache, fonts: &mut FontSystem, glyph: CacheKey, at: (i32, i32)) {
        let Some(SwashImage { placement, content, data, .. }) = pen.get_image_uncached(fonts, glyph) else { return };
        let (left, top) = (at.0.saturating_add(placement.left), at.1.saturating_sub(placement.top));
        if !self.shows(left, top, &placement) || placement.width == 0 {
            return;
        }
        let place = |n: usize| {
            let n = n as u32;
            (i64::from(left) + i64::from(n % placement.width), i64::from(top) + i64::from(n / placement.width))
        };
        if content == SwashContent::Color {
            self.coloured = true;
            for (n, pixel) in data.chunks_exact(4).enumerate() {
                self.letters.tint(place(n), [pixel[0], pixel[1], pixel[2], 255], pixel[3]);
            }
        } else {
            for (n, coverage) in data.into_iter().enumerate() {
                self.letters.tint(place(n), [0, 0, 0, 255], coverage);
            }
        }
    }

    /// Whether anything of a letter is on the canvas: a long text in large letters is mostly beyond it.
    fn shows(&self, left: i32, top: i32, letter: &Placement) -> bool {
        let within =
            |start: i32, length: u32, room: u32| start < room as i32 && i64::from(start) + i64::from(length) > 0;
        within(left, letter.width, self.letters.width()) && within(top, letter.height, self.letters.height())
    }
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
}
