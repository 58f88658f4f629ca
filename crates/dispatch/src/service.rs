//! Everything that runs in the background, from recovery to drain.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tintype_domain::app::{App, Event};
use tintype_store::{Pending, RequestRecord, StoreError};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{AppDefinition, Dispatch, OpenError, Parts, actor::Actor, adopt, house::House};

/// After the grace everything is killed and written down; that takes no longer than this.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// How often what has expired is dropped.
const SWEEP: Duration = Duration::from_secs(60);
const SWEPT_AT_ONCE: u32 = 500;

/// The background of dispatch.
pub struct Service {
    house: Arc<House>,
}

impl Service {
    /// Takes up what the last server left: what waited waits, what ran runs again as a new attempt.
    pub async fn open(parts: Parts, apps: Vec<AppDefinition>) -> Result<(Self, Dispatch), OpenError> {
        let house = Arc::new(House::new(parts));
        let survivors = house.parts.launcher.adopt().await;
        let living: Vec<_> = survivors.iter().map(|survivor| survivor.runner.clone()).collect();
        *house.survivors.lock() = survivors;
        house.chronicle.close_the_last(&house, &living).await;
        for pending in house.parts.store.pending().await.map_err(OpenError::Recovery)? {
            house.orphans.lock().entry(pending.app.clone()).or_default().push(pending);
        }
        for definition in apps {
            let app = definition.app.clone();
            if house.app(&app).is_some() {
                return Err(OpenError::DefinedTwice { app });
            }
            take_up(&house, definition).await.map_err(OpenError::Recovery)?;
        }
        let dispatch = Dispatch::new(house.clone());
        Ok((Self { house }, dispatch))
    }

    /// Runs until `stop`, then drains: nothing new is begun, what is under way has its grace, and what is left goes
    /// back to the queue for the next start.
    pub async fn run(self, stop: CancellationToken) {
        let background = self.background(&self.house.end);
        let serve = async {
            stop.cancelled().await;
            self.drain().await;
            self.house.end.cancel();
        };
        tokio::join!(background, serve);
        self.write_last_records().await;
    }

    async fn background(&self, end: &CancellationToken) {
        let (house, store) = (&self.house, &self.house.parts.store);
        let logs = house.logs.run(|lines| store.append_logs(lines), end.clone());
        let calls = house.calls.run(|calls| store.record_direct(calls), end.clone());
        tokio::join!(logs, calls, house.chronicle.run(house), self.sweep(end));
    }

    async fn sweep(&self, end: &CancellationToken) {
        while end.run_until_cancelled(tokio::time::sleep(SWEEP)).await.is_some() {
            loop {
                match self.house.parts.store.sweep(self.house.day(), SWEPT_AT_ONCE).await {
                    Ok(SWEPT_AT_ONCE) => {}
                    Ok(_) => break,
                    Err(error) => break warn!("could not drop expired results, trying again later: {error}"),
                }
            }
        }
    }

    async fn drain(&self) {
        self.house.stopping.store(true, Ordering::SeqCst);
        self.tell_all(&Event::Stop);
        if timeout(self.house.parts.options.stop_grace, self.settled()).await.is_ok() {
            return;
        }
        info!("requests are still under way after the grace period: they go back to the queue");
        self.tell_all(&Event::Halt);
        if timeout(LAST_WORDS, self.settled()).await.is_err() {
            warn!("not everything could be written down: the next start takes it up from the store");
        }
    }

    fn tell_all(&self, event: &Event) {
        for actor in self.house.actors() {
            actor.tell(event.clone());
        }
    }

    async fn settled(&self) {
        for actor in self.house.actors() {
            actor.until(App::is_settled).await;
        }
    }

    async fn write_last_records(&self) {
        if timeout(LAST_WORDS, self.house.quiet()).await.is_err() {
            warn!("some calls had not ended when the service stopped");
        }
        let house = &self.house;
        let written = [house.flush_logs().await, house.flush_calls().await, house.chronicle.flush(house).await];
        for written in written {
            if let Err(error) = written {
                warn!("could not write the last records: {error}");
            }
        }
    }
}

/// Makes the actor of an app and gives it what waits in the store.
pub(crate) async fn take_up(house: &Arc<House>, definition: AppDefinition) -> Result<(), StoreError> {
    let app = definition.app.clone();
    let found = house.orphans.lock().remove(&app).unwrap_or_default();
    let mut recovered = Vec::new();
    for pending in &found {
        match record(house, pending).await {
            Ok(record) => recovered.push(record),
            Err(error) => {
                house.orphans.lock().insert(app, found);
                return Err(error);
            }
        }
    }
    if !found.is_empty() {
        info!(app = %app, "took up {} open requests of app {app}", found.len());
    }
    let actor = Actor::new(house.clone(), definition);
    // First: what waits must not have others started for it.
    adopt::take_over(&actor, &found, &recovered).await;
    for (pending, record) in found.into_iter().zip(recovered) {
        actor.recover(pending, record);
    }
    house.apps.write().insert(app, actor.clone());
    actor.wind_up();
    // The word to stop may have gone round in this moment.
    if house.stopping.load(Ordering::SeqCst) {
        actor.tell(Event::Stop);
    }
    Ok(())
}

async fn record(house: &House, pending: &Pending) -> Result<RequestRecord, StoreError> {
    if pending.attempts > 0
        && let Some(record) = house.parts.store.request(pending.id).await?
    {
        return Ok(record);
    }
    // The rest is read again from the store once it has ended, which is when it matters.
    Ok(RequestRecord::pending(pending))
}
