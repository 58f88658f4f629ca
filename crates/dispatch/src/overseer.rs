//! Watches one runner from its start to its end and tells the machine.

use std::sync::Arc;
use tintype_domain::with_causes;

use tintype_domain::app::Event;
use tintype_launch::{Occurrence, Start, Started, Stop};
use tokio::sync::oneshot;

use crate::{
    actor::{Actor, Resident},
    diary::Diary,
    ending::Ending,
    link::Link,
};

pub(crate) async fn oversee(actor: Arc<Actor>, resident: Resident) {
    let mut diary = Diary::open(&actor, &resident);
    let (ending, began) = match launch(&actor, &resident).await {
        Ok(started) => {
            diary.began();
            (watch(&mut diary, &resident.link, started).await, true)
        }
        Err(ending) => (ending, false),
    };
    bury(&actor, &resident, diary, ending, began);
}

/// The end of a runner, for everybody.
pub(crate) fn bury(actor: &Arc<Actor>, resident: &Resident, diary: Diary, ending: Ending, began: bool) {
    diary.close(&ending);
    let reason = ending.reason;
    resident.link.end(&reason);
    let runner = resident.link.runner.clone();
    actor.tell_of(|belongings| {
        belongings.residents.remove(&runner);
        Event::RunnerExited { runner, reason, began }
    });
}

/// Until its process exists, which may take long where its environment has to be made. A runner that is not wanted any
/// more is not waited for: whoever makes it finds nobody to give it to, and drops it, which ends it.
async fn launch(actor: &Actor, resident: &Resident) -> Result<Started, Ending> {
    let (house, start) = (actor.house.clone(), start(resident));
    let (sender, mut started) = oneshot::channel();
    actor.house.spawn(async move {
        let starting = house.parts.launcher.start(start);
        if let Some(started) = house.end.run_until_cancelled(starting).await {
            // Nobody wants it any more.
            let _ = sender.send(started);
        }
    });
    let mut asked = resident.link.stop.subscribe();
    let started = tokio::select! {
        biased;
        started = &mut started => started,
        _ = asked.wait_for(|stop| *stop != Stop::No) => return Err(Ending::orderly("it was ended before its process began")),
    };
    match started {
        Ok(started) => started.map_err(|error| Ending::fault(with_causes(&error))),
        Err(_) => Err(Ending::orderly("the server is being stopped")),
    }
}

fn start(resident: &Resident) -> Start {
    let definition = &resident.definition;
    Start {
        runner: resident.link.runner.clone(),
        app: definition.app.clone(),
        command: definition.command.clone(),
        startup_timeout: definition.spec.startup_timeout,
        memory_limit_bytes: definition.memory_limit_bytes,
        grace: definition.spec.termination_grace_period,
        mark: Some(definition.mark()),
    }
}

/// Returns why it ended.
pub(crate) async fn watch(diary: &mut Diary, link: &Link, started: Started) -> Ending {
    let Started { address, mut occurrences, control } = started;
    link.place(address);
    let mut asked = link.stop.subscribe();
    // What was asked before it existed counts too.
    asked.mark_changed();
    loop {
        let heard = tokio::select! {
            biased;
            Ok(()) = asked.changed() => Heard::Stop(*asked.borrow_and_update()),
            () = link.check.notified() => Heard::Check,
            occurrence = occurrences.recv() => Heard::Occurrence(occurrence),
        };
        match heard {
            Heard::Stop(Stop::No) => {}
            Heard::Stop(Stop::Terminate) => control.terminate(),
            Heard::Stop(Stop::Kill) => control.kill(),
            Heard::Check => control.check(),
            Heard::Occurrence(Some(Occurrence::Exited { reason })) => return diary.ending(&reason),
            Heard::Occurrence(Some(occurrence)) => diary.take(occurrence),
            Heard::Occurrence(None) => return Ending::lost(),
        }
    }
}

enum Heard {
    Stop(Stop),
    Check,
    Occurrence(Option<Occurrence>),
}

/// After an answer that casts doubt on a runner: does it still take connections?
pub(crate) async fn probe(actor: Arc<Actor>, link: Arc<Link>) {
    if let Err(failure) = link.probe().await {
        let detail = format!("after an error it took no connection: {}", failure.detail);
        actor.tell(Event::RunnerUnhealthy { runner: link.runner.clone(), detail });
    }
}
