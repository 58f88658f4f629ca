//! What is remembered of runners, and the lines that they wrote.

mod logs;
mod records;
mod seam;
mod sweep;

pub(super) use sweep::sweep;
