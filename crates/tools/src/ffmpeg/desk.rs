//! The folder of one call, and the runs of FFmpeg in it.

use std::{
    fs,
    io::{self, BufReader, ErrorKind},
};

use bytes::Bytes;
use tintype_engine::{Detail, Invalid, RunError, Step, Watch};
use tintype_programs::{
    Caller, Ended, Place,
    ffmpeg::{Ffmpeg, MAX_MADE},
};

use super::{
    failure,
    input::{Asked, File, Kind},
    job::Job,
    probe::{self, Media},
    still,
};

pub(super) struct Desk<'a> {
    place: Place,
    asked: Vec<Asked>,
    media: Vec<Option<Media>>,
    ffmpeg: &'static Ffmpeg,
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
        ffmpeg: &'static Ffmpeg,
        watch: &'a mut dyn Watch,
    ) -> Result<Self, RunError> {
        let place = Place::make().map_err(broken)?;
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
            fs::write(place.of(&name(File(number))), bytes).map_err(broken)?;
        }
        let media = asked.iter().map(|_| None).collect();
        Ok(Self { place, asked, media, ffmpeg, watch })
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
        let mut told = Told { watch: self.watch, text: String::new() };
        let ended = self.ffmpeg.probe(name, &self.place, &mut told)?;
        let text = told.text;
        let size = fs::metadata(self.place.of(name)).map_or(0, |file| file.len());
        let media = if ended.success { probe::read(&text, size) } else { None };
        media.ok_or_else(|| RunError::Computation(Box::new(failure::Unreadable)))
    }

    /// The length of a file that does not state it.
    fn measure(&mut self, file: File) -> Result<f64, RunError> {
        let job = Job::new().input(file).words(["-map", "0", "-c", "copy", "-f", "null", "-"]);
        let (_, reached) = self.perform(&job)?;
        Ok(reached.seconds)
    }

    /// Runs a job to its end.
    pub fn run(&mut self, job: &Job) -> Result<(), RunError> {
        self.run_and_hear(job).map(drop)
    }

    /// As `run`; how many pictures it wrote. FFmpeg counts itself: what it wrote without any is no file that can be read.
    pub fn run_and_count(&mut self, job: &Job) -> Result<u64, RunError> {
        let (ended, reached) = self.perform(job)?;
        self.judge(ended)?;
        reached.frames.ok_or_else(|| broken(io::Error::other("FFmpeg does not say how many pictures it wrote")))
    }

    /// As `run`; what FFmpeg said on the way, for filters that report.
    pub fn run_and_hear(&mut self, job: &Job) -> Result<String, RunError> {
        let (ended, _) = self.perform(job)?;
        self.judge(ended)
    }

    fn judge(&self, ended: Ended) -> Result<String, RunError> {
        match ended {
            Ended { success: true, errors, .. } => Ok(errors),
            Ended { overflowed: true, .. } => Err(failure::overflow(self.asked.first(), MAX_MADE)),
            Ended { errors, .. } => Err(failure::explain(&errors, self.asked.first())),
        }
    }

    fn perform(&mut self, job: &Job) -> Result<(Ended, Reached), RunError> {
        let reached = Reached { seconds: 0.0, frames: None };
        let mut progress = Progress { watch: self.watch, total: job.seconds(), reached, told: 0 };
        let ended = self.ffmpeg.run(job.arguments(), job.level(), &self.place, &mut progress)?;
        Ok((ended, progress.reached))
    }

    pub fn folder(&self, name: &str) -> Result<(), RunError> {
        fs::create_dir(self.place.of(name)).map_err(broken)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Result<(), RunError> {
        fs::write(self.place.of(name), content).map_err(broken)
    }

    pub fn read(&self, name: &str) -> Result<Bytes, RunError> {
        fs::read(self.place.of(name)).map(Bytes::from).map_err(broken)
    }

    /// A file to be read in parts, and its length.
    pub fn open(&self, name: &str) -> Result<(BufReader<fs::File>, u64), RunError> {
        let file = fs::File::open(self.place.of(name)).map_err(broken)?;
        let bytes = file.metadata().map_err(broken)?.len();
        Ok((BufReader::with_capacity(1 << 16, file), bytes))
    }

    /// The length of a file.
    pub fn bytes(&self, name: &str) -> Result<u64, RunError> {
        fs::metadata(self.place.of(name)).map(|file| file.len()).map_err(broken)
    }

    /// What is said to whoever asked.
    pub fn note(&mut self, message: &str) {
        self.watch.note(message);
    }

    pub fn has(&self, name: &str) -> bool {
        fs::metadata(self.place.of(name)).is_ok_and(|file| file.len() > 0)
    }

    /// Files that a job numbered from 1: `name` makes the name of each.
    pub fn numbered(&self, name: impl Fn(u32) -> String) -> Result<Vec<Bytes>, RunError> {
        let mut all = Vec::new();
        for number in 1.. {
            match fs::read(self.place.of(&name(number))) {
                Ok(bytes) => all.push(bytes.into()),
                Err(error) if error.kind() == ErrorKind::NotFound => break,
                Err(error) => return Err(broken(error)),
            }
        }
        Ok(all)
    }
}

/// What a program prints, whole.
struct Told<'a> {
    watch: &'a dyn Watch,
    text: String,
}

impl Caller for Told<'_> {
    fn wanted(&self) -> bool {
        self.watch.wanted().is_ok()
    }

    fn heard(&mut self, line: &str) -> bool {
        self.text.push_str(line);
        true
    }
}

/// How far a run came.
#[derive(Clone, Copy)]
struct Reached {
    seconds: f64,
    frames: Option<u64>,
}

/// FFmpeg's reports, told in tenths.
struct Progress<'a> {
    watch: &'a mut dyn Watch,
    total: Option<f64>,
    reached: Reached,
    told: u32,
}

impl Caller for Progress<'_> {
    fn wanted(&self) -> bool {
        self.watch.wanted().is_ok()
    }

    fn heard(&mut self, line: &str) -> bool {
        if let Some(frames) = line.strip_prefix("frame=") {
            self.reached.frames = frames.trim().parse().ok();
        }
        let Some(micros) = line.strip_prefix("out_time_us=").and_then(|micros| micros.parse::<f64>().ok()) else {
            return true;
        };
        self.reached.seconds = self.reached.seconds.max(micros / 1e6);
        let Some(total) = self.total else { return true };
        let done = (self.reached.seconds / total * 10.0).clamp(0.0, 10.0) as u32;
        if done <= self.told {
            return true;
        }
        self.told = done;
        self.watch.step(Step { done: done * 10, total: 100, measures: &[], preview: &|| None }).is_ok()
    }
}
