//! The folder of one call, and the runs of FFmpeg in it.

use std::{
    fs,
    io::{self, ErrorKind},
    num::NonZero,
    path::PathBuf,
    sync::OnceLock,
    thread,
    time::Duration,
};

use bytes::Bytes;
use tempfile::TempDir;
use tintype_engine::{Cancelled, Detail, Invalid, RunError, Step, Watch};

use super::{
    failure,
    input::{Asked, File, Kind},
    job::{FORMATS, Job},
    probe::{self, Media},
    still,
};
use crate::{
    process::{self, Ended},
    walls::{self, Limits},
};

/// One run of FFmpeg.
const LIMIT: Duration = Duration::from_mins(15);
/// Looking at a file takes moments, unless it was made to take longer.
const PROBE_LIMIT: Duration = Duration::from_mins(1);
/// Room for pictures in flight at the largest size; what lies in memory of a program at all.
const MEMORY: u64 = 6 << 30;
/// The largest file that is made.
pub(super) const MAX_MADE: u64 = 1 << 30;
/// Encoders take more memory for each.
const MAX_THREADS: usize = 8;

/// Where the programs are.
pub(super) struct Programs {
    ffmpeg: PathBuf,
    ffprobe: PathBuf,
}

impl Programs {
    /// Both of them or none. What is missing may be installed later.
    pub fn find() -> Option<&'static Self> {
        static FOUND: OnceLock<Programs> = OnceLock::new();
        if FOUND.get().is_none() {
            let found = Self { ffmpeg: walls::find("ffmpeg")?, ffprobe: walls::find("ffprobe")? };
            // Whoever else looked meanwhile has found the same.
            let _ = FOUND.set(found);
        }
        FOUND.get()
    }
}

pub(super) struct Desk<'a> {
    folder: TempDir,
    asked: Vec<Asked>,
    media: Vec<Option<Media>>,
    programs: &'static Programs,
    watch: &'a mut dyn Watch,
}

/// Bytes of all pictures of a call, unfolded: a small file may hold a large picture.
const MOST_UNFOLDED: usize = 2 << 30;

/// The name of a file on the desk.
pub(super) fn name(file: File) -> String {
    format!("in{}", file.0)
}

fn broken(source: io::Error) -> RunError {
    RunError::Computation(Box::new(source))
}

impl<'a> Desk<'a> {
    pub fn lay(
        asked: Vec<Asked>,
        files: Vec<Bytes>,
        programs: &'static Programs,
        watch: &'a mut dyn Watch,
    ) -> Result<Self, RunError> {
        let folder = tempfile::Builder::new().prefix("tintype-media-").tempdir().map_err(broken)?;
        let mut unfolded = 0;
        // Each is let go from memory as soon as it is on disk.
        for (number, bytes) in files.into_iter().enumerate() {
            let still = asked.get(number).filter(|asked| asked.kind == Kind::Image);
            let bytes = if still.is_some() { still::upright(bytes) } else { bytes };
            if let Some(asked) = still {
                unfolded += bytes.len();
                if unfolded > MOST_UNFOLDED {
                    let message = "The pictures of this call are too large together: send fewer, or smaller ones";
                    let detail = Detail::new(&asked.field, "file_too_large", message).with("max_size", MOST_UNFOLDED);
                    return Err(Invalid::from(detail).into());
                }
            }
            fs::write(folder.path().join(name(File(number))), bytes).map_err(broken)?;
        }
        let media = asked.iter().map(|_| None).collect();
        Ok(Self { folder, asked, media, programs, watch })
    }

    pub fn asked(&self, file: File) -> &Asked {
        &self.asked[file.0]
    }

    /// What a file is; an error about its field, if that is not what was asked for.
    pub fn look(&mut self, file: File) -> Result<Media, RunError> {
        if let Some(media) = &self.media[file.0] {
            return Ok(media.clone());
        }
        let mut media = self.probe(&name(file)).map_err(|error| match error {
            RunError::Computation(source) if source.is::<failure::Unreadable>() => {
                failure::refuse(failure::unsupported(self.asked(file)))
            }
            other => other,
        })?;
        if media.needs_duration() {
            media.duration = self.measure(file)?;
        }
        media.check(self.asked(file))?;
        self.media[file.0] = Some(media.clone());
        Ok(media)
    }

    /// What a file that was made here is.
    pub fn probe(&mut self, name: &str) -> Result<Media, RunError> {
        let mut command = walls::command(&self.programs.ffprobe, self.folder.path(), limits(PROBE_LIMIT));
        command.args(["-v", "error", "-protocol_whitelist", "file", "-format_whitelist", FORMATS]);
        command.args(["-of", "json", "-show_format", "-show_streams", name]);
        let mut text = String::new();
        let ended = process::run(&mut command, PROBE_LIMIT, self.watch, &mut |line, _| {
            text.push_str(line);
            Ok(())
        })?;
        let size = fs::metadata(self.folder.path().join(name)).map_or(0, |file| file.len());
        let media = if ended.success { probe::read(&text, size) } else { None };
        media.ok_or_else(|| RunError::Computation(Box::new(failure::Unreadable)))
    }

    /// The length of a file that does not state it.
    fn measure(&mut self, file: File) -> Result<f64, RunError> {
        let job = Job::new().input(file).words(["-map", "0", "-c", "copy", "-f", "null", "-"]);
        let (_, seconds) = self.perform(&job)?;
        Ok(seconds)
    }

    /// Runs a job to its end.
    pub fn run(&mut self, job: &Job) -> Result<(), RunError> {
        self.run_and_hear(job).map(drop)
    }

    /// As `run`; what FFmpeg said on the way, for filters that report.
    pub fn run_and_hear(&mut self, job: &Job) -> Result<String, RunError> {
        let (ended, _) = self.perform(job)?;
        match ended {
            Ended { success: true, errors, .. } => Ok(errors),
            Ended { overflowed: true, .. } => Err(failure::overflow(self.asked.first(), MAX_MADE)),
            Ended { errors, .. } => Err(failure::explain(&errors, self.asked.first())),
        }
    }

    fn perform(&mut self, job: &Job) -> Result<(Ended, f64), RunError> {
        let mut command = walls::command(&self.programs.ffmpeg, self.folder.path(), limits(LIMIT));
        let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MAX_THREADS);
        command.args(job.arguments(threads));
        let mut progress = Progress { total: job.seconds(), reached: 0.0, told: 0 };
        let ended = process::run(&mut command, LIMIT, self.watch, &mut |line, watch| progress.hear(line, watch))?;
        Ok((ended, progress.reached))
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Result<(), RunError> {
        fs::write(self.folder.path().join(name), content).map_err(broken)
    }

    pub fn read(&self, name: &str) -> Result<Bytes, RunError> {
        fs::read(self.folder.path().join(name)).map(Bytes::from).map_err(broken)
    }

    /// Takes away what is not needed any more.
    pub fn drop(&self, name: &str) -> Result<(), RunError> {
        fs::remove_file(self.folder.path().join(name)).map_err(broken)
    }

    pub fn has(&self, name: &str) -> bool {
        fs::metadata(self.folder.path().join(name)).is_ok_and(|file| file.len() > 0)
    }

    /// Files that a job numbered from 1: `name` makes the name of each.
    pub fn numbered(&self, name: impl Fn(u32) -> String) -> Result<Vec<Bytes>, RunError> {
        let mut all = Vec::new();
        for number in 1.. {
            match fs::read(self.folder.path().join(name(number))) {
                Ok(bytes) => all.push(bytes.into()),
                Err(error) if error.kind() == ErrorKind::NotFound => break,
                Err(error) => return Err(broken(error)),
            }
        }
        Ok(all)
    }
}

fn limits(time: Duration) -> Limits {
    let cpu_secs = time.as_secs() * MAX_THREADS as u64;
    Limits { memory_bytes: MEMORY, cpu_secs, file_bytes: MAX_MADE }
}

/// FFmpeg's reports, told in tenths.
struct Progress {
    total: Option<f64>,
    reached: f64,
    told: u32,
}

impl Progress {
    fn hear(&mut self, line: &str, watch: &mut dyn Watch) -> Result<(), Cancelled> {
        let Some(micros) = line.strip_prefix("out_time_us=").and_then(|micros| micros.parse::<f64>().ok()) else {
            return Ok(());
        };
        self.reached = self.reached.max(micros / 1e6);
        let Some(total) = self.total else { return Ok(()) };
        let done = (self.reached / total * 10.0).clamp(0.0, 10.0) as u32;
        if done <= self.told {
            return Ok(());
        }
        self.told = done;
        watch.step(Step { done: done * 10, total: 100, measures: &[], preview: &|| None })
    }
}
