//! The words of one run of FFmpeg.

use tintype_programs::ffmpeg::GUARDS;

use super::{desk, input::File};

/// A job: inputs, filters, and what becomes of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Job {
    words: Vec<String>,
    seconds: Option<f64>,
    /// Filters that report do so among the informations.
    talkative: bool,
}

impl Job {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn input(self, file: File) -> Self {
        self.input_as(&[], file)
    }

    /// `options` hold for this input.
    pub fn input_as(self, options: &[String], file: File) -> Self {
        self.words(options.iter().cloned()).words(GUARDS).words(["-i".to_owned(), desk::name(file)])
    }

    /// A file that another job made here.
    pub fn own(self, name: &str) -> Self {
        self.words(["-protocol_whitelist", "file", "-i", name])
    }

    pub fn graph(self, graph: impl Into<String>) -> Self {
        self.words(["-filter_complex".to_owned(), graph.into()])
    }

    pub fn map(self, what: impl Into<String>) -> Self {
        self.words(["-map".to_owned(), what.into()])
    }

    pub fn words<W: Into<String>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        self.words.extend(words.into_iter().map(Into::into));
        self
    }

    /// How long what it makes will be, for whoever looks on.
    pub fn lasting(mut self, seconds: f64) -> Self {
        self.seconds = Some(seconds.max(0.01));
        self
    }

    pub fn talkative(mut self) -> Self {
        self.talkative = true;
        self
    }

    /// The end of it: the name of what it makes. Nothing of where it came from stays in it.
    pub fn to(self, name: &str) -> Self {
        self.words(["-map_metadata", "-1", "-map_chapters", "-1", name])
    }

    /// H.264 and AAC in MP4, which plays everywhere and from its first byte on.
    pub fn into_mp4(self, name: &str) -> Self {
        self.words(["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p"])
            .words(["-c:a", "aac", "-b:a", "192k", "-movflags", "+faststart"])
            .to(name)
    }

    pub fn seconds(&self) -> Option<f64> {
        self.seconds
    }

    pub fn arguments(&self) -> &[String] {
        &self.words
    }

    /// From where on FFmpeg speaks.
    pub fn level(&self) -> &'static str {
        if self.talkative { "info" } else { "error" }
    }
}
