//! Watches one runner from its start to its end and tells the machine.

use std::sync::Arc;

use tintype_domain::{LogEntry, LogLevel, app::Event};
use tintype_launch::{ExitReason, Occurrence, Start, Started, Stop};
use tracing::{debug, info, warn};

use crate::{actor::Actor, link::Link};

pub(crate) async fn oversee(actor: Arc<Actor>, link: Arc<Link>) {
    let reason = match actor.house.parts.launcher.start(start(&actor, &link)).await {
        Ok(started) => watch(&actor, &link, started).await,
        Err(error) => with_causes(&error),
    };
    let runner = link.runner.clone();
    info!(app = %actor.definition.app, runner = %runner, "runner {runner} is gone: {reason}");
    link.end(&reason);
    let gone = runner.clone();
    actor.tell_with(|belongings| _ = belongings.links.remove(&gone), Event::RunnerExited { runner, reason, began: true });
}

fn start(actor: &Actor, link: &Link) -> Start {
    let definition = &actor.definition;
    info!(app = %definition.app, runner = %link.runner, "starting runner {}", link.runner);
    Start {
        runner: link.runner.clone(),
        app: definition.app.clone(),
        command: definition.command.clone(),
        startup_timeout: definition.spec.startup_timeout,
        memory_limit_bytes: definition.memory_limit_bytes,
        grace: definition.spec.termination_grace_period,
    }
}

/// Returns why it ended.
async fn watch(actor: &Arc<Actor>, link: &Arc<Link>, started: Started) -> String {
    let Started { address, mut occurrences, control } = started;
    link.place(address);
    let mut asked = link.stop.subscribe();
    // What was asked before it existed counts too.
    asked.mark_changed();
    let mut diary = Diary::default();
    loop {
        let heard = tokio::select! {
            biased;
            Ok(()) = asked.changed() => Heard::Stop(*asked.borrow_and_update()),
            occurrence = occurrences.recv() => Heard::Occurrence(occurrence),
        };
        match heard {
            Heard::Stop(Stop::No) => {}
            Heard::Stop(Stop::Terminate) => control.terminate(),
            Heard::Stop(Stop::Kill) => control.kill(),
            Heard::Occurrence(Some(Occurrence::Exited { reason })) => return diary.ending(&reason),
            Heard::Occurrence(Some(occurrence)) => diary.take(actor, link, occurrence),
            Heard::Occurrence(None) => return "the launcher lost sight of the runner".into(),
        }
    }
}

enum Heard {
    Stop(Stop),
    Occurrence(Option<Occurrence>),
}

/// What is remembered of a runner.
#[derive(Default)]
struct Diary {
    ready: bool,
    /// What it wrote last to standard error before it was ready: no request was with it yet, so it is nobody's secret.
    last_words: Option<String>,
}

impl Diary {
    fn take(&mut self, actor: &Arc<Actor>, link: &Link, occurrence: Occurrence) {
        let runner = link.runner.clone();
        match occurrence {
            Occurrence::Stage { name, detail } => {
                actor.tell(Event::RunnerStage { runner, name: name.to_owned(), detail });
            }
            Occurrence::Ready => {
                info!(app = %actor.definition.app, runner = %runner, "runner {runner} is ready");
                self.ready = true;
                actor.tell(Event::RunnerReady { runner });
            }
            Occurrence::Unhealthy { detail } => {
                warn!(app = %actor.definition.app, runner = %runner, "runner {runner} is unhealthy and is replaced: {detail}");
                actor.tell(Event::RunnerUnhealthy { runner, detail });
            }
            Occurrence::Log { level, message, request: Some(id), .. } => log(actor, id, level, message),
            Occurrence::Log { level, message, request: None, .. } => {
                debug!(app = %actor.definition.app, runner = %runner, ?level, "runner {runner} wrote a line");
                if !self.ready && matches!(level, LogLevel::Stderr | LogLevel::Error) && !message.trim().is_empty() {
                    self.last_words = Some(message.trim().chars().take(300).collect());
                }
            }
            // The loop ends on it.
            Occurrence::Exited { .. } => {}
        }
    }

    fn ending(&self, reason: &ExitReason) -> String {
        match &self.last_words {
            Some(words) if !self.ready => format!("{reason}; it wrote: {words}"),
            _ => reason.to_string(),
        }
    }
}

fn log(actor: &Actor, id: tintype_domain::RequestId, level: LogLevel, message: String) {
    let house = &actor.house;
    // Only a request that passed the queue has a place where its lines can be read.
    if house.actor_of(id).is_some() {
        house.logs.push((id, LogEntry { timestamp: house.day(), level, message }));
        house.watchers.notify(id);
    }
}

/// After an answer that casts doubt on a runner: does it still take connections?
pub(crate) async fn probe(actor: Arc<Actor>, link: Arc<Link>) {
    if let Err(failure) = link.probe().await {
        let detail = format!("after an error it took no connection: {}", failure.detail);
        actor.tell(Event::RunnerUnhealthy { runner: link.runner.clone(), detail });
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
