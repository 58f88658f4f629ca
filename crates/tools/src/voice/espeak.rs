//! The library itself, opened when it is needed: this program runs where it is not installed, too.
//!
//! Only functions of its stable interface are called, from one thread.
#![expect(unsafe_code, reason = "the library is C; every call says why it is sound")]

use std::{
    ffi::{CStr, CString, c_char, c_int, c_short, c_uint, c_void},
    ptr, slice,
    sync::{Mutex, PoisonError},
};

use libloading::{Library, Symbol};
use serde::{Deserialize, Serialize};

use super::speaker::Voice;

/// The library's names, newest first.
const NAMES: [&str; 2] = ["libespeak-ng.so.1", "libespeak-ng.1.dylib"];

/// Sound is handed over, and nothing is played.
const SYNCHRONOUS: c_int = 2;
/// A missing folder of voices is an error and not the end of this process.
const DO_NOT_EXIT: c_int = 1 << 15;
const UTF8: c_uint = 1;
const END_PAUSE: c_uint = 0x1000;
const BY_CHARACTER: c_int = 1;
const RATE: c_int = 1;
const PITCH: c_int = 3;
const WORD_GAP: c_int = 7;
/// Kinds of events.
const LIST_END: c_int = 0;
const WORD: c_int = 1;
const CLAUSE_END: c_int = 5;

#[derive(Debug, thiserror::Error)]
pub(super) enum EspeakError {
    #[error("espeak-ng is not installed")]
    Missing(#[source] libloading::Error),
    #[error("espeak-ng has no function `{0}`")]
    Function(String),
    #[error("espeak-ng did not start: its voices are missing")]
    Start,
    #[error("espeak-ng refused to {0}")]
    Refused(&'static str),
}

/// Something that happens at a time: a word begins, or a clause ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// Characters from the start of the text, the first being 1.
    pub position: usize,
    /// Of the word; a clause that ends has none.
    pub length: Option<usize>,
    pub millis: u32,
}

#[derive(Default)]
pub(super) struct Said {
    pub rate: u32,
    pub samples: Vec<i16>,
    pub marks: Vec<Mark>,
}

/// As in the library's header.
#[repr(C)]
struct Event {
    kind: c_int,
    message: c_uint,
    text_position: c_int,
    length: c_int,
    audio_position: c_int,
    sample: c_int,
    user_data: *mut c_void,
    /// A union: a number, a name or eight characters.
    id: u64,
}

/// As in the library's header.
#[repr(C)]
struct VoiceEntry {
    name: *const c_char,
    languages: *const c_char,
    identifier: *const c_char,
    gender: u8,
    age: u8,
    variant: u8,
    unused: u8,
    score: c_int,
    spare: *mut c_void,
}

/// Text, size, position, what it counts, end, flags, message and whose it is.
type Synth =
    unsafe extern "C" fn(*const c_void, usize, c_uint, c_int, c_uint, c_uint, *mut c_uint, *mut c_void) -> c_int;

pub(super) struct Espeak {
    library: Library,
    rate: u32,
}

/// What the library hands over meanwhile: its callback knows nobody.
static HEARD: Mutex<(Vec<i16>, Vec<Mark>)> = Mutex::new((Vec::new(), Vec::new()));
/// Longer speech is nobody's wish: an hour.
const MAX_SAMPLES: usize = 80_000_000;

extern "C" fn heard(wav: *mut c_short, count: c_int, events: *mut Event) -> c_int {
    let mut taken = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
    if !wav.is_null() && count > 0 {
        // SAFETY: the library hands over `count` samples at `wav`, which stay there during this call.
        let samples = unsafe { slice::from_raw_parts(wav, count as usize) };
        taken.0.extend_from_slice(samples);
    }
    let mut event = events;
    // SAFETY: `events` is a list that ends with one of the kind `LIST_END`, and each before it can be read.
    while let Some(found) = unsafe { event.as_ref() }
        && found.kind != LIST_END
    {
        if found.kind == WORD || found.kind == CLAUSE_END {
            taken.1.push(Mark {
                position: found.text_position.max(0) as usize,
                length: (found.kind == WORD).then_some(found.length.max(0) as usize),
                millis: found.audio_position.max(0) as u32,
            });
        }
        // SAFETY: the end of the list was not reached, so that another event follows.
        event = unsafe { event.add(1) };
    }
    c_int::from(taken.0.len() > MAX_SAMPLES)
}

impl Espeak {
    pub fn open() -> Result<Self, EspeakError> {
        let mut last = None;
        let opened = NAMES.iter().find_map(|name| {
            // SAFETY: what the library does when it is loaded is to set up its own tables.
            unsafe { Library::new(*name) }.map_err(|error| last = Some(error)).ok()
        });
        let library = match (opened, last) {
            (Some(library), _) => library,
            (None, Some(error)) => return Err(EspeakError::Missing(error)),
            (None, None) => return Err(EspeakError::Start),
        };
        let mut espeak = Self { library, rate: 0 };
        let start: Symbol<'_, unsafe extern "C" fn(c_int, c_int, *const c_char, c_int) -> c_int> =
            espeak.function("espeak_Initialize")?;
        // SAFETY: the arguments are those of the header; no path means its own.
        let rate = unsafe { start(SYNCHRONOUS, 0, ptr::null(), DO_NOT_EXIT) };
        espeak.rate = u32::try_from(rate).ok().filter(|rate| *rate > 0).ok_or(EspeakError::Start)?;
        let listen: Symbol<'_, unsafe extern "C" fn(extern "C" fn(*mut c_short, c_int, *mut Event) -> c_int)> =
            espeak.function("espeak_SetSynthCallback")?;
        // SAFETY: the function lives as long as this process.
        unsafe { listen(heard) };
        Ok(espeak)
    }

    fn function<T>(&self, name: &str) -> Result<Symbol<'_, T>, EspeakError> {
        // SAFETY: every caller names the type that the header gives to this function.
        unsafe { self.library.get(name.as_bytes()) }.map_err(|_| EspeakError::Function(name.to_owned()))
    }

    /// Those that need nothing beyond this library, each under its first language.
    pub fn voices(&self) -> Vec<Voice> {
        let entries = self.list(None).into_iter();
        let mut voices: Vec<Voice> = entries
            .filter(|(_, identifier, _)| !identifier.starts_with("mb/"))
            .map(|(name, _, language)| Voice { language, name })
            .collect();
        voices.sort_by(|one, other| one.language.cmp(&other.language));
        voices.dedup_by(|one, other| one.language == other.language);
        voices
    }

    /// Ways in which each voice can sound.
    pub fn variants(&self) -> Vec<String> {
        let entries = self.list(Some(c"variant")).into_iter();
        let mut variants: Vec<String> =
            entries.filter_map(|(_, identifier, _)| identifier.strip_prefix("!v/").map(str::to_owned)).collect();
        variants.sort();
        variants
    }

    /// Name, identifier and first language of each.
    fn list(&self, language: Option<&CStr>) -> Vec<(String, String, String)> {
        type List = unsafe extern "C" fn(*const VoiceEntry) -> *const *const VoiceEntry;
        let Ok(list) = self.function::<List>("espeak_ListVoices") else { return Vec::new() };
        let wanted = language.map(|language| VoiceEntry {
            name: ptr::null(),
            languages: language.as_ptr(),
            identifier: ptr::null(),
            gender: 0,
            age: 0,
            variant: 0,
            unused: 0,
            score: 0,
            spare: ptr::null_mut(),
        });
        // SAFETY: no wish means all; a wish lives until the call has returned.
        let mut entry = unsafe { list(wanted.as_ref().map_or(ptr::null(), ptr::from_ref)) };
        let mut found = Vec::new();
        // SAFETY: the list ends with a null, and the library keeps it and its texts until it is asked again.
        while let Some(voice) = unsafe { entry.as_ref().and_then(|voice| voice.as_ref()) } {
            let text = |text: *const c_char| {
                if text.is_null() {
                    return String::new();
                }
                // SAFETY: texts of the library end with a zero.
                unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
            };
            // A priority comes ahead of each language.
            let first = if voice.languages.is_null() { ptr::null() } else { voice.languages.wrapping_add(1) };
            found.push((text(voice.name), text(voice.identifier), text(first)));
            entry = entry.wrapping_add(1);
        }
        found
    }

    pub fn say(&mut self, text: &str, voice: &str, pace: i32, pitch: i32, gap: i32) -> Result<Said, EspeakError> {
        // The end of a text is a zero to the library.
        let words = CString::new(text.replace('\0', " ")).map_err(|_| EspeakError::Refused("read the text"))?;
        let voice = CString::new(voice).map_err(|_| EspeakError::Refused("take the voice"))?;
        let choose: Symbol<'_, unsafe extern "C" fn(*const c_char) -> c_int> =
            self.function("espeak_SetVoiceByName")?;
        // SAFETY: a text that ends with a zero, which is copied.
        if unsafe { choose(voice.as_ptr()) } != 0 {
            return Err(EspeakError::Refused("take the voice"));
        }
        let set: Symbol<'_, unsafe extern "C" fn(c_int, c_int, c_int) -> c_int> =
            self.function("espeak_SetParameter")?;
        for (parameter, value) in [(RATE, pace), (PITCH, pitch), (WORD_GAP, gap)] {
            // SAFETY: three numbers.
            if unsafe { set(parameter, value, 0) } != 0 {
                return Err(EspeakError::Refused("set its pace, pitch or pauses"));
            }
        }
        let synth: Symbol<'_, Synth> = self.function("espeak_Synth")?;
        let size = words.as_bytes_with_nul().len();
        // SAFETY: the text and its size with the zero; neither markup nor phonemes are read out of it. The call returns
        // when all has been handed to `heard`.
        let done = unsafe {
            synth(words.as_ptr().cast(), size, 0, BY_CHARACTER, 0, UTF8 | END_PAUSE, ptr::null_mut(), ptr::null_mut())
        };
        if done != 0 {
            return Err(EspeakError::Refused("speak"));
        }
        let (samples, marks) = std::mem::take(&mut *HEARD.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Said { rate: self.rate, samples, marks })
    }
}
