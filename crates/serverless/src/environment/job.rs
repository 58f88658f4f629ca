//! One command of a build, run by the launcher: confined where it can be, and killed with the server.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tintype_domain::{LogLevel, RunnerId};
use tintype_launch::{Command, Confinement, ExitReason, Launcher, Occurrence, Readiness, Start, StartError, Started};
use tokio::time::{Instant, timeout_at};

use super::error::BuildError;

/// What is kept of a command's output to explain its end.
const MOST_LINES: usize = 2_000;
const GRACE: Duration = Duration::from_secs(2);

#[derive(Clone)]
pub(super) struct Job {
    /// Unique among all that runs.
    pub name: String,
    pub program: PathBuf,
    pub args: Vec<String>,
    pub env: Vec<(String, String)>,
    pub confinement: Confinement,
    pub memory_limit_bytes: Option<u64>,
    pub deadline: Instant,
}

/// What a command wrote, and whether it ended well.
#[derive(Debug)]
pub(super) struct Done {
    pub stdout: Vec<String>,
    pub stderr: Vec<String>,
    /// `None`: status 0.
    pub fault: Option<ExitReason>,
}

/// Runs it to its end; `hear` is given each line as it comes.
pub(super) async fn run(launcher: &Arc<dyn Launcher>, job: Job, hear: impl Fn(&str)) -> Result<Done, BuildError> {
    let deadline = job.deadline;
    let started = launcher.start(start(job)).await.map_err(|error| not_started(&error))?;
    let control = started.control.clone();
    let mut done = Done { stdout: Vec::new(), stderr: Vec::new(), fault: None };
    if timeout_at(deadline, listen(started, &mut done, &hear)).await.is_err() {
        control.kill();
        return Err(BuildError::Job { reason: "it took longer than the server allows".into() });
    }
    Ok(done)
}

fn start(job: Job) -> Start {
    let command = Command {
        program: job.program,
        args: job.args,
        env: job.env,
        readiness: Readiness::Never,
        confinement: job.confinement,
        ..Command::default()
    };
    Start {
        runner: RunnerId::new(job.name),
        app: "tintype/build".parse().expect("this is the id of an app"),
        command,
        // The deadline is kept here; this is behind it.
        startup_timeout: job.deadline.saturating_duration_since(Instant::now()) + GRACE,
        memory_limit_bytes: job.memory_limit_bytes,
        grace: GRACE,
        mark: None,
    }
}

async fn listen(mut started: Started, done: &mut Done, hear: &impl Fn(&str)) {
    done.fault = Some(ExitReason::Killed);
    while let Some(occurrence) = started.occurrences.recv().await {
        match occurrence {
            Occurrence::Log { level: LogLevel::Stderr, message, .. } => {
                hear(&message);
                keep(&mut done.stderr, message);
            }
            Occurrence::Log { message, .. } => {
                hear(&message);
                keep(&mut done.stdout, message);
            }
            Occurrence::Exited { reason } => done.fault = (reason != ExitReason::Clean).then_some(reason),
            _ => {}
        }
    }
}

fn keep(lines: &mut Vec<String>, line: String) {
    if lines.len() == MOST_LINES {
        lines.drain(..MOST_LINES / 2);
    }
    lines.push(line);
}

fn not_started(error: &StartError) -> BuildError {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    BuildError::Job { reason: format!("{error}{cause}") }
}
