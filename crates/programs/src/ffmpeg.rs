//! What holds for every run of FFmpeg: where it is, what it may read, and how much it may use.

use std::{num::NonZero, path::PathBuf, process::Command, sync::OnceLock, thread, time::Duration};

use crate::{Caller, Ended, Limits, NoWalls, Place, ProcessError, Unready, process, walls};

/// Containers that are read. None of them names other files or addresses: no playlists, no session descriptions.
pub const FORMATS: &str = "mov,matroska,avi,mp3,wav,w64,flac,ogg,aac,aiff,au,caf,amr,asf,mpeg,mpegts,flv,gif,\
    apng,ac3,eac3,m4v,h264,hevc,ivf,dv,mxf,wv,ape,tta,dts,png_pipe,jpeg_pipe,webp_pipe,bmp_pipe,tiff_pipe,pam_pipe";

/// What stands ahead of every input that a stranger sent.
pub const GUARDS: [&str; 4] = ["-protocol_whitelist", "file", "-format_whitelist", FORMATS];

/// One run of FFmpeg.
pub const LIMIT: Duration = Duration::from_mins(15);
/// Looking at a file takes moments, unless it was made to take longer.
const PROBE_LIMIT: Duration = Duration::from_mins(1);
/// Room for pictures in flight at the largest size; what lies in memory of a program at all.
const MEMORY: u64 = 6 << 30;
/// The largest file that is made.
pub const MAX_MADE: u64 = 1 << 30;
/// Encoders take more memory for each.
const MAX_THREADS: usize = 8;

/// Where the programs are.
#[derive(Debug)]
pub struct Ffmpeg {
    ffmpeg: PathBuf,
    ffprobe: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    NoWalls(#[from] NoWalls),
    #[error("FFmpeg did not end well")]
    Process(#[from] ProcessError),
}

impl Ffmpeg {
    /// Both programs and what it takes to run them, or the word for the caller. What is missing may be installed later.
    pub fn find() -> Result<&'static Self, Unready> {
        static FOUND: OnceLock<Ffmpeg> = OnceLock::new();
        if FOUND.get().is_none() {
            let program = |name| walls::find(name).ok_or(Unready::Missing);
            let found = Self { ffmpeg: program("ffmpeg")?, ffprobe: program("ffprobe")? };
            // Whoever else looked meanwhile has found the same.
            let _ = FOUND.set(found);
        }
        walls::check()?;
        FOUND.get().ok_or(Unready::Missing)
    }

    /// Runs FFmpeg in `place`. Complaints are heard from `level` on; progress is printed.
    pub fn run(
        &self,
        words: &[String],
        level: &str,
        place: &Place,
        caller: &mut dyn Caller,
    ) -> Result<Ended, RunError> {
        let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MAX_THREADS).to_string();
        let mut command = walls::command(&self.ffmpeg, place.path(), limits(LIMIT))?;
        command.args(["-hide_banner", "-nostdin", "-nostats", "-v", level, "-y", "-progress", "pipe:1"]);
        command.args(["-stats_period", "0.5", "-threads", &threads, "-filter_complex_threads", &threads]);
        ended(command.args(words), LIMIT, caller)
    }

    /// Has `ffprobe` print what is in a file of `place`, as JSON.
    pub fn probe(&self, name: &str, place: &Place, caller: &mut dyn Caller) -> Result<Ended, RunError> {
        let mut command = walls::command(&self.ffprobe, place.path(), limits(PROBE_LIMIT))?;
        command.args(["-v", "error"]).args(GUARDS);
        ended(command.args(["-of", "json", "-show_format", "-show_streams", name]), PROBE_LIMIT, caller)
    }
}

fn ended(command: &mut Command, limit: Duration, caller: &mut dyn Caller) -> Result<Ended, RunError> {
    Ok(process::run(command, limit, caller)?)
}

fn limits(time: Duration) -> Limits {
    let cpu_secs = time.as_secs() * MAX_THREADS as u64;
    Limits { memory_bytes: MEMORY, cpu_secs, file_bytes: MAX_MADE }
}

/// The last line of what FFmpeg complained of.
pub fn last(said: &str) -> &str {
    said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("nothing").trim()
}
