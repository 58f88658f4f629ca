//! The diary of one runner: its record, its lines, and what is worth knowing of its end.

use std::{sync::Arc, time::Duration};

use tintype_domain::{
    LogEntry, LogLevel, RequestId, Timestamp,
    app::{Event, Step},
};
use tintype_launch::{ExitReason, Occurrence};
use tintype_store::{LogSource, RunnerLog, RunnerRecord};
use tracing::{info, warn};

use crate::{
    actor::{Actor, Resident},
    views::in_days,
};

/// Characters kept of what a runner wrote before it failed to start.
const MOST_WORDS: usize = 500;

pub(crate) struct Diary {
    actor: Arc<Actor>,
    record: RunnerRecord,
    /// What it wrote last to standard error before it was ready: no request was with it yet, so it is nobody's secret.
    last_words: Option<String>,
    /// The last line that names an exception, which says more than the words after it.
    exception: Option<String>,
    last_line: Timestamp,
}

impl Diary {
    pub fn open(actor: &Arc<Actor>, resident: &Resident) -> Self {
        let (definition, runner) = (&resident.definition, &resident.link.runner);
        let record = RunnerRecord {
            runner: runner.clone(),
            account: definition.owner.clone(),
            app: definition.app.clone(),
            revision: definition.revision.clone(),
            machine_type: definition.machine_type.clone().unwrap_or_default(),
            created_at: actor.house.day(),
            started_at: None,
            ready_at: None,
            ended_at: None,
            reason: None,
            timeline: "[]".into(),
        };
        let actor = actor.clone();
        let mut diary = Self { actor, record, last_words: None, exception: None, last_line: Timestamp::EPOCH };
        info!(app = %definition.app, runner = %runner, "starting runner {runner}");
        diary.remark(LogLevel::Info, format!("starting runner {runner}"));
        if definition.revision.is_some() {
            let (runner, name) = (runner.clone(), Step::ENVIRONMENT.to_owned());
            diary.actor.tell(Event::RunnerStage { runner, name, detail: None });
        }
        diary.write(None);
        diary
    }

    /// Its process exists.
    pub fn began(&mut self) {
        self.record.started_at = Some(self.actor.house.day());
    }

    pub fn take(&mut self, occurrence: Occurrence) {
        let (actor, runner) = (self.actor.clone(), self.record.runner.clone());
        match occurrence {
            Occurrence::Stage { name, detail } => {
                actor.tell(Event::RunnerStage { runner, name: name.to_owned(), detail });
            }
            Occurrence::Ready => {
                info!(app = %actor.app, runner = %runner, "runner {runner} is ready");
                self.ready();
                actor.tell(Event::RunnerReady { runner });
                self.write(None);
            }
            Occurrence::Unhealthy { detail } => {
                warn!(app = %actor.app, runner = %runner, "runner {runner} is unhealthy and is replaced: {detail}");
                self.remark(LogLevel::Warn, format!("the runner is unhealthy and is replaced: {detail}"));
                actor.tell(Event::RunnerUnhealthy { runner, detail });
            }
            Occurrence::Log { level, message, request, endpoint } => self.log(level, message, request, endpoint),
            // The loop ends on it.
            Occurrence::Exited { .. } => {}
        }
    }

    fn ready(&mut self) {
        let now = self.actor.house.day();
        self.record.ready_at = Some(now);
        let took = now.since(self.record.created_at);
        self.remark(LogLevel::Info, format!("the runner is ready after {}", seconds(took)));
    }

    fn log(&mut self, level: LogLevel, message: String, request: Option<RequestId>, endpoint: Option<String>) {
        if self.record.ready_at.is_none() && request.is_none() {
            self.listen(level, &message);
        }
        let house = &self.actor.house;
        // Only a request that passed the queue has a place where its lines can be read.
        if let Some(id) = request.filter(|id| house.actor_of(*id).is_some()) {
            house.logs.push((id, LogEntry { timestamp: house.day(), level, message: message.clone() }));
            house.watchers.notify(id);
        }
        self.line(level, LogSource::User, message, request, endpoint);
    }

    fn listen(&mut self, level: LogLevel, message: &str) {
        let words = message.trim();
        if matches!(level, LogLevel::Stderr | LogLevel::Error) && !words.is_empty() {
            let words: String = words.chars().take(MOST_WORDS).collect();
            if names_exception(message) {
                self.exception = Some(words.clone());
            }
            self.last_words = Some(words);
        }
    }

    /// A line of the platform about the runner.
    fn remark(&mut self, level: LogLevel, message: String) {
        self.line(level, LogSource::Bridge, message, None, None);
    }

    fn line(
        &mut self,
        level: LogLevel,
        source: LogSource,
        message: String,
        request: Option<RequestId>,
        endpoint: Option<String>,
    ) {
        // No two lines of a runner have the same time, so that a page can begin where the last one ended.
        let timestamp = self.actor.house.day().max(self.last_line.plus(Duration::from_micros(1)));
        self.last_line = timestamp;
        let (runner, app) = (self.record.runner.clone(), self.record.app.clone());
        let line = RunnerLog { seq: 0, runner, app, timestamp, level, source, message, request, endpoint };
        self.actor.house.chronicle.line(line);
    }

    /// What made it end, in words.
    pub fn ending(&self, reason: &ExitReason) -> String {
        match self.exception.as_ref().or(self.last_words.as_ref()) {
            Some(words) if self.record.ready_at.is_none() => format!("{reason}; it wrote: {words}"),
            _ => reason.to_string(),
        }
    }

    /// The end. Before the machine hears of it, while it still knows the runner.
    pub fn close(mut self, reason: &str) {
        let (now, runner) = (self.actor.house.day(), &self.record.runner);
        info!(app = %self.actor.app, runner = %runner, "runner {runner} is gone: {reason}");
        self.remark(LogLevel::Info, format!("the runner is gone: {reason}"));
        let complaint = self.actor.ask(|app| app.complaint(&self.record.runner).map(str::to_owned));
        self.record.reason = Some(complaint.unwrap_or_else(|| reason.to_owned()));
        self.record.ended_at = Some(now);
        self.write(Some(Step { stage: "ended".into(), at: now, detail: None }));
    }

    fn write(&mut self, last: Option<Step>) {
        let steps = self.actor.ask(|app| app.steps(&self.record.runner).map(<[Step]>::to_vec));
        let mut steps = in_days(&self.actor.house.steady, steps.unwrap_or_default());
        steps.extend(last);
        self.record.timeline = serde_json::to_string(&steps).unwrap_or_else(|_| "[]".into());
        self.actor.house.chronicle.record(self.record.clone());
    }
}

/// The last line of a traceback: a name like `ValueError` or `my.module.OutOfStock`, alone or before a colon.
fn names_exception(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or_default();
    let last = name.rsplit('.').next().unwrap_or_default();
    let plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.');
    let kinds = ["Error", "Exception", "Exit", "Interrupt", "Warning", "Timeout"];
    plain && last.starts_with(char::is_uppercase) && kinds.iter().any(|kind| last.ends_with(kind))
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_traceback_that_names_the_exception_is_known() {
        for line in ["ValueError: bad weights", "torch.cuda.OutOfMemoryError: no room", "KeyboardInterrupt"] {
            assert!(names_exception(line), "{line}");
        }
        for line in ["ERROR:    Application startup failed. Exiting.", "  raise ValueError()", "error: x", ": x", ""] {
            assert!(!names_exception(line), "{line}");
        }
    }
}
