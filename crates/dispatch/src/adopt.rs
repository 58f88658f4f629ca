//! Runners that outlived the last server.
//!
//! Nothing is taken over but the process. What ran on it is run again as the store says; so before it gets anything
//! new it must have ended what the last server sent: that is cancelled where it is known, and the runner is asked until
//! it says that it works on nothing. One that does not come to that, or cannot tell, is ended.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt, future, stream};
use tintype_domain::{
    RequestId, RunnerId,
    app::{Event, Step},
};
use tintype_launch::{Occurrence, Started, Stop, Survivor};
use tintype_store::{Pending, RequestRecord, RunnerRecord};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use crate::{
    Dispatch,
    actor::{Actor, Resident},
    asks,
    diary::Diary,
    ending::Ending,
    house::House,
    link::Link,
    overseer,
};

/// At least so long a runner has for what the last server sent.
const PATIENCE: Duration = Duration::from_secs(5);
const PACE: Duration = Duration::from_millis(500);
const CANCELS: usize = 64;

/// What the last server had sent: the request, and to which path.
type Lost = Vec<(RequestId, String)>;

impl Dispatch {
    /// Ends what outlived the last server and belongs to no app. To be called when all apps are taken up.
    pub fn dismiss_survivors(&self) {
        let strays = std::mem::take(&mut *self.house.survivors.lock());
        for stray in strays {
            dismiss(&self.house, stray, "its app is no more");
        }
    }
}

/// The runners of one app: its machine hears of those that it would start itself.
pub(crate) async fn take_over(actor: &Arc<Actor>, found: &[Pending], records: &[RequestRecord]) {
    let all = std::mem::take(&mut *actor.house.survivors.lock());
    let (own, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|survivor| survivor.app == actor.app);
    actor.house.survivors.lock().extend(others);
    let mut fit = Vec::new();
    for survivor in own {
        let running = found.iter().zip(records).filter(|(pending, _)| pending.running);
        let lost = running.filter(|(_, record)| record.runner.as_ref() == Some(&survivor.runner));
        let lost = lost.map(|(pending, record)| (pending.id, record.path.clone())).collect();
        fit.extend(actor.examine(survivor, lost).await);
    }
    actor.adopt(fit);
}

/// A runner that its app would start itself.
struct Fit {
    resident: Resident,
    record: RunnerRecord,
    started: Started,
    lost: Lost,
}

impl Actor {
    async fn examine(&self, survivor: Survivor, lost: Lost) -> Option<Fit> {
        let definition = self.definition();
        if survivor.mark != definition.mark() {
            dismiss(&self.house, survivor, "it would be started differently now");
            return None;
        }
        let Some(record) = record(&self.house, &survivor.runner).await else {
            dismiss(&self.house, survivor, "nothing is known of its life");
            return None;
        };
        let Survivor { runner, started, .. } = survivor;
        let resident = Resident { link: Arc::new(Link::new(runner)), definition };
        Some(Fit { resident, record, started, lost })
    }

    fn adopt(self: &Arc<Self>, fit: Vec<Fit>) {
        if fit.is_empty() {
            return;
        }
        let runners = fit.iter().map(|fit| (fit.resident.link.runner.clone(), self.steps(&fit.record))).collect();
        self.tell_with(
            |belongings| {
                let residents = fit.iter().map(|fit| (fit.resident.link.runner.clone(), fit.resident.clone()));
                belongings.residents.extend(residents);
            },
            Event::Adopted { runners },
        );
        for fit in fit {
            self.look_after(fit);
        }
    }

    /// What was written down of its start.
    fn steps(&self, record: &RunnerRecord) -> Vec<Step> {
        let written: Vec<Step> = serde_json::from_str(&record.timeline).unwrap_or_default();
        written.into_iter().map(|step| Step { at: self.house.steady.of_day(step.at), ..step }).collect()
    }

    fn look_after(self: &Arc<Self>, Fit { resident, record, started, lost }: Fit) {
        let actor = self.clone();
        self.house.spawn(async move {
            let mut diary = Diary::resume(&actor, &resident, record);
            let ending = match settle(&mut diary, &resident, started, lost).await {
                Ok(started) => overseer::watch(&mut diary, &resident.link, started).await,
                Err(ending) => ending,
            };
            overseer::bury(&actor, &resident, diary, ending, true);
        });
    }
}

/// Until it works on nothing; else why it ended.
async fn settle(diary: &mut Diary, resident: &Resident, mut started: Started, lost: Lost) -> Result<Started, Ending> {
    let link = &resident.link;
    link.place(started.address.clone());
    let mut asked = link.stop.subscribe();
    let patience = resident.definition.spec.termination_grace_period.max(PATIENCE);
    let free = async {
        let told = stream::iter(lost).for_each_concurrent(CANCELS, |(id, path)| async move {
            asks::cancel(link, &path, id, || true).await;
        });
        tokio::select! {
            quiet = timeout(patience, quiet(link)) => quiet.unwrap_or(false),
            () = told.then(|()| future::pending()) => false,
        }
    };
    let mut free = std::pin::pin!(free);
    let mut answers = false;
    loop {
        tokio::select! {
            biased;
            Ok(_) = asked.wait_for(|stop| *stop != Stop::No) => return Ok(started),
            occurrence = started.occurrences.recv() => match occurrence {
                Some(Occurrence::Ready) => answers = true,
                Some(Occurrence::Exited { reason }) => return Err(diary.ending(&reason)),
                None => return Err(Ending::lost()),
                Some(other) => diary.take(other),
            },
            free = &mut free, if answers => {
                if free {
                    diary.take(Occurrence::Ready);
                } else {
                    diary.is_not_free();
                    started.control.terminate();
                }
                return Ok(started);
            }
        }
    }
}

/// `false`: it does not say.
async fn quiet(link: &Link) -> bool {
    loop {
        match asks::running(link).await {
            Some(Some(0)) => return true,
            Some(None) => return false,
            Some(Some(_)) | None => sleep(PACE).await,
        }
    }
}

async fn record(house: &House, runner: &RunnerId) -> Option<RunnerRecord> {
    let found = house.parts.store.runner(runner).await;
    found.inspect_err(|error| warn!("could not read the record of runner {runner}: {error}")).ok().flatten()
}

/// Ends one that nobody wants.
fn dismiss(house: &Arc<House>, survivor: Survivor, why: &'static str) {
    let house = house.clone();
    house.clone().spawn(async move {
        let Survivor { runner, app, started: Started { mut occurrences, control, .. }, .. } = survivor;
        info!(%app, %runner, "runner {runner} of the last server is ended: {why}");
        control.terminate();
        while let Some(occurrence) = occurrences.recv().await {
            if matches!(occurrence, Occurrence::Exited { .. }) {
                break;
            }
        }
        if let Some(record) = record(&house, &runner).await {
            let (ended_at, reason) = (Some(house.day()), Some(why.to_owned()));
            house.chronicle.record(RunnerRecord { ended_at, reason, ..record });
        }
    });
}
