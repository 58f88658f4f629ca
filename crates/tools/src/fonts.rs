//! The fonts in the box, and those of the system for what the former do not have.

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use cosmic_text::{
    Attrs, Buffer, Family, FontSystem, Metrics, Shaping,
    fontdb::{Database, Source},
};
use tintype_engine::Detail;

/// Latin, Greek and Cyrillic. Under the SIL Open Font License, which lies beside them.
pub(crate) const FONT: &str = "Noto Sans";
pub(crate) static REGULAR: &[u8] = include_bytes!("../fonts/NotoSans-Regular.ttf");
pub(crate) static BOLD: &[u8] = include_bytes!("../fonts/NotoSans-Bold.ttf");

static FONTS: LazyLock<Mutex<FontSystem>> = LazyLock::new(|| Mutex::new(all()));

fn all() -> FontSystem {
    let mut database = Database::new();
    for font in [REGULAR, BOLD] {
        database.load_font_source(Source::Binary(Arc::new(font)));
    }
    database.load_system_fonts();
    database.set_sans_serif_family(FONT);
    // The language decides between forms of the same character; no caller's language is known.
    FontSystem::new_with_locale_and_db("en-US".to_owned(), database)
}

pub(crate) fn fonts() -> MutexGuard<'static, FontSystem> {
    FONTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The family of this name as the font itself writes it; the error lists the families that there are.
pub(crate) fn family(fonts: &FontSystem, wanted: Option<&str>) -> Result<String, Vec<String>> {
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

/// Characters of shaped text that no font has, each once.
pub(crate) fn missing(buffer: &Buffer) -> Vec<char> {
    let mut missing = Vec::new();
    for run in buffer.layout_runs() {
        for glyph in run.glyphs.iter().filter(|glyph| glyph.glyph_id == 0) {
            let letters = run.text.get(glyph.start..glyph.end).unwrap_or_default().chars();
            missing.extend(letters.filter(|letter| is_seen(*letter)));
        }
    }
    missing.sort_unstable();
    missing.dedup();
    missing
}

/// As `missing`, of a text that something else will draw.
pub(crate) fn missing_in(text: &str) -> Vec<char> {
    let mut fonts = fonts();
    let mut buffer = Buffer::new(&mut fonts, Metrics::new(10.0, 10.0));
    buffer.set_size(None, None);
    buffer.set_text(text, &Attrs::new().family(Family::Name(FONT)), Shaping::Advanced, None);
    buffer.shape_until_scroll(&mut fonts, false);
    missing(&buffer)
}

/// Marks that only steer their neighbours are in few fonts, and nobody misses them.
fn is_seen(letter: char) -> bool {
    let steers = matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(letter, '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}');
    !steers && !letter.is_whitespace() && !letter.is_control()
}

/// Boxes in the place of letters are no answer.
pub(crate) fn refuse(field: &str, missing: &[char]) -> Detail {
    const SHOWN: usize = 10;
    let told: Vec<String> = missing.iter().take(SHOWN).map(|c| format!("'{c}' (U+{:04X})", u32::from(*c))).collect();
    let more = if missing.len() > SHOWN { " and others" } else { "" };
    let message = format!(
        "No font on this server has {}{more}. Its operator can install fonts that have them (Debian: fonts-noto-core, \
         fonts-noto-cjk, fonts-noto-color-emoji)",
        told.join(", ")
    );
    let characters: String = missing.iter().collect();
    Detail::new(field, "value_error", message).with("characters", characters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_font_is_answered_with_those_that_there_are() {
        assert!(family(&fonts(), Some("No such font")).unwrap_err().contains(&FONT.to_owned()));
        assert_eq!(family(&fonts(), Some("noto_sans")).unwrap(), FONT);
    }

    #[test]
    fn characters_of_no_font_are_named_once_and_marks_that_only_steer_are_none() {
        assert_eq!(missing_in("a\u{10FFFD}b\u{10FFFD}\n\u{10FFFC}"), ['\u{10FFFC}', '\u{10FFFD}']);
        assert_eq!(missing_in("Grüße, Ελλάδα,\nМосква\u{200b}\u{fe0f}\u{2060}"), []);
        let told = refuse("text", &['\u{4f60}']);
        assert!(told.msg.contains("'\u{4f60}' (U+4F60)") && told.msg.contains("fonts-noto-cjk"), "{}", told.msg);
    }
}
