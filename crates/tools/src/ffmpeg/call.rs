//! A call of a tool: checked, then worked on at a desk.

use bytes::Bytes;
use serde_json::{Map, Value};
use tintype_engine::{Invalid, Output, Plan, RunError, Wanted, Watch};
use tintype_programs::ffmpeg::Ffmpeg;

use super::{
    desk::Desk,
    input::{Asked, Input},
};
use crate::Route;

/// What follows once the files are on the desk.
pub(super) type Work = Box<dyn FnOnce(&mut Desk<'_>) -> Result<Output, RunError> + Send>;

/// Reads an input; what is wrong with it is collected there.
pub(super) type Tool = fn(&mut Input<'_>) -> Work;

pub(super) fn route(path: &'static str, tool: Tool) -> Route {
    Route::new(path, move |input| plan(tool, input))
}

/// All files of a call together lie in memory for a moment.
const ALL_FILES_BYTES: u64 = 1 << 30;

struct Call {
    asked: Vec<Asked>,
    work: Work,
    ffmpeg: &'static Ffmpeg,
}

fn plan(tool: Tool, input: &Map<String, Value>) -> Result<Call, Invalid> {
    let mut input = Input::new(input);
    let work = tool(&mut input);
    let asked = input.finish()?;
    Ok(Call { asked, work, ffmpeg: Ffmpeg::find()? })
}

impl Plan for Call {
    fn files(&self) -> Vec<Wanted> {
        let share = ALL_FILES_BYTES / self.asked.len().max(1) as u64;
        let wanted = |asked: &Asked| {
            let Asked { field, url, kind } = asked.clone();
            Wanted { field, url, max_bytes: share.min(kind.max_bytes()) }
        };
        self.asked.iter().map(wanted).collect()
    }

    fn inline(&self) -> bool {
        false
    }

    fn run(self: Box<Self>, files: Vec<Bytes>, watch: &mut dyn Watch) -> Result<Output, RunError> {
        let Self { asked, work, ffmpeg } = *self;
        work(&mut Desk::lay(asked, files, ffmpeg, watch)?)
    }
}
