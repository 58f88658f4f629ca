//! How foreign programs fail, told to whoever called the model that runs them.

use tintype_programs::{NoWalls, ProcessError, Unready, ffmpeg, video::VideoError};

use crate::{Cancelled, Detail, Invalid, RunError};

impl From<Unready> for Invalid {
    fn from(unready: Unready) -> Self {
        Detail::new("", "feature_not_supported", unready.to_string()).into()
    }
}

impl From<Unready> for RunError {
    fn from(unready: Unready) -> Self {
        Self::Invalid(unready.into())
    }
}

impl From<NoWalls> for RunError {
    fn from(none: NoWalls) -> Self {
        Unready::from(none).into()
    }
}

impl From<ProcessError> for RunError {
    fn from(error: ProcessError) -> Self {
        match error {
            ProcessError::Cancelled => Cancelled.into(),
            other => Self::Computation(Box::new(other)),
        }
    }
}

impl From<ffmpeg::RunError> for RunError {
    fn from(error: ffmpeg::RunError) -> Self {
        match error {
            ffmpeg::RunError::NoWalls(none) => none.into(),
            ffmpeg::RunError::Process(error) => error.into(),
        }
    }
}

impl From<VideoError> for RunError {
    fn from(error: VideoError) -> Self {
        match error {
            VideoError::Unready(unready) => unready.into(),
            VideoError::Process(error) => error.into(),
            other => Self::Computation(Box::new(other)),
        }
    }
}
