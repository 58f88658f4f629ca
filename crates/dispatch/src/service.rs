//! Everything that runs in the background, from recovery to drain.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures::future::join_all;
use tintype_domain::{AppId, app::Event};
use tintype_store::{Pending, RequestRecord, RequestState, StoreError};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{AppDefinition, Dispatch, OpenError, Parts, actor::Actor, house::House};

/// After the grace everything is killed and written down; that takes no longer than this.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// How often what has expired is dropped.
const SWEEP: Duration = Duration::from_secs(60);
const SWEPT_AT_ONCE: u32 = 500;

/// The background of dispatch.
pub struct Service {
    house: Arc<House>,
    actors: Arc<BTreeMap<AppId, Arc<Actor>>>,
}

impl Service {
    /// Takes up what the last server left: what waited waits, what ran runs again as a new attempt.
    pub async fn open(parts: Parts, apps: Vec<AppDefinition>) -> Result<(Self, Dispatch), OpenError> {
        let house = Arc::new(House::new(parts));
        let mut actors = BTreeMap::new();
        for definition in apps {
            let app = definition.app.clone();
            if actors.insert(app.clone(), Actor::new(house.clone(), definition)).is_some() {
                return Err(OpenError::DefinedTwice { app });
            }
        }
        recover(&house, &actors).await.map_err(OpenError::Recovery)?;
        let actors = Arc::new(actors);
        let dispatch = Dispatch::new(house.clone(), actors.clone());
        Ok((Self { house, actors }, dispatch))
    }

    /// Runs until `stop`, then drains: nothing new is begun, what is under way has its grace, and what is left goes
    /// back to the queue for the next start.
    pub async fn run(self, stop: CancellationToken) {
        let end = CancellationToken::new();
        let background = self.background(&end);
        let serve = async {
            stop.cancelled().await;
            self.drain().await;
            end.cancel();
        };
        tokio::join!(background, serve);
        self.write_last_records().await;
    }

    async fn background(&self, end: &CancellationToken) {
        let (house, store) = (&self.house, &self.house.parts.store);
        let clocks = join_all(self.actors.values().map(|actor| actor.clone().keep_time(end.clone())));
        let logs = house.logs.run(|lines| store.append_logs(lines), end.clone());
        let calls = house.calls.run(|calls| store.record_direct(calls), end.clone());
        tokio::join!(clocks, logs, calls, self.sweep(end));
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
        for actor in self.actors.values() {
            actor.tell(event.clone());
        }
    }

    async fn settled(&self) {
        for actor in self.actors.values() {
            while !actor.is_settled() {
                actor.settled.notified().await;
            }
        }
    }

    async fn write_last_records(&self) {
        if timeout(LAST_WORDS, self.house.quiet()).await.is_err() {
            warn!("some calls had not ended when the service stopped");
        }
        for written in [self.house.flush_logs().await, self.house.flush_calls().await] {
            if let Err(error) = written {
                warn!("could not write the last records: {error}");
            }
        }
    }
}

async fn recover(house: &House, actors: &BTreeMap<AppId, Arc<Actor>>) -> Result<(), StoreError> {
    let (mut taken, mut left) = (0, 0);
    for pending in house.parts.store.pending().await? {
        let Some(actor) = actors.get(&pending.app) else {
            left += 1;
            continue;
        };
        let record = record(house, &pending).await?;
        actor.recover(pending, record);
        taken += 1;
    }
    if taken > 0 {
        info!("took up {taken} open requests of the last start");
    }
    if left > 0 {
        warn!("{left} open requests are for apps that do not run here: they are kept until the apps do");
    }
    Ok(())
}

async fn record(house: &House, pending: &Pending) -> Result<RequestRecord, StoreError> {
    if pending.attempts > 0
        && let Some(record) = house.parts.store.request(pending.id).await?
    {
        return Ok(record);
    }
    Ok(RequestRecord {
        id: pending.id,
        account: pending.account.clone(),
        app: pending.app.clone(),
        path: pending.path.clone(),
        priority: pending.priority,
        state: if pending.running { RequestState::Running } else { RequestState::Waiting },
        attempts: pending.attempts,
        gateway_request_id: pending.id,
        runner: None,
        submitted_at: pending.submitted_at,
        started_at: None,
        finished_at: None,
        status_code: None,
        error: None,
        error_type: None,
        expires_at: None,
        direct: false,
        // Read again from the store once it has ended, which is when it matters.
        keep_payloads: true,
    })
}
