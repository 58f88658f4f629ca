//! Apps come, change and go, and their runners with them.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures::{StreamExt, stream};
use tintype_domain::{
    AccountId, AppId, RunnerId,
    app::{App, Event, Spec, Strategy},
};
use tintype_store::{RunnerLog, StoreError};
use tokio::{
    sync::{broadcast, oneshot},
    time::timeout,
};

use crate::{
    AppDefinition, CancelAnswer, Dispatch, RegisterError, UnknownApp, UnknownRunner,
    actor::{Actor, Belongings},
    service,
};

const REMOVAL_PATIENCE: Duration = Duration::from_secs(10);
/// Cancellations under way at one time when a queue is emptied.
const CANCELS: usize = 256;

/// A new definition on its way to take the place of the old one. Dropping it does not stop it.
#[derive(Debug)]
pub struct Rollout(oneshot::Receiver<Result<(), RolloutFailed>>);

/// The old definition stays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct RolloutFailed {
    pub reason: String,
}

impl Rollout {
    /// Resolves when traffic goes to the new definition, or when it is certain that it will not.
    pub async fn finished(self) -> Result<(), RolloutFailed> {
        let lost = || RolloutFailed { reason: "the server was stopped before the rollout ended".into() };
        self.0.await.unwrap_or_else(|_| Err(lost()))
    }
}

impl Dispatch {
    /// A new app; takes up what the store holds for it.
    pub async fn register(&self, definition: AppDefinition) -> Result<(), RegisterError> {
        let _registering = self.house.registering.lock().await;
        let app = definition.app.clone();
        if self.house.stopping.load(Ordering::SeqCst) {
            return Err(RegisterError::Stopping);
        }
        if self.knows(&app) {
            return Err(RegisterError::Exists { app });
        }
        let taken_up = service::take_up(&self.house, definition).await;
        taken_up.map_err(|source| RegisterError::Recovery { app, source })
    }

    /// A new definition of an app.
    pub fn replace(&self, definition: AppDefinition, strategy: Strategy) -> Result<Rollout, UnknownApp> {
        let actor = self.actor(&definition.app)?;
        let spec = definition.spec.clone();
        Ok(actor.roll(|_| definition, |generation| Event::Replace { generation, spec, strategy }))
    }

    /// The same definition with fresh runners; `force` kills the old ones instead of letting them finish.
    pub fn restart(&self, app: &AppId, force: bool) -> Result<Rollout, UnknownApp> {
        let actor = self.actor(app)?;
        Ok(actor.roll(Clone::clone, |generation| Event::Restart { generation, force }))
    }

    /// Other scaling and limits, at once.
    pub fn retune(&self, app: &AppId, spec: Spec) -> Result<(), UnknownApp> {
        self.actor(app)?.tell_of(|belongings| {
            if let Some(definition) = belongings.definitions.get_mut(&belongings.serving) {
                Arc::make_mut(definition).spec = spec.clone();
            }
            Event::Retune { spec }
        });
        Ok(())
    }

    /// Waiting requests end as failed, runners are asked to end within their grace; the app is unknown at once.
    /// Resolves when everything that waited has ended.
    pub async fn remove(&self, app: &AppId) -> Result<(), UnknownApp> {
        let unknown = || UnknownApp { app: app.clone() };
        let actor = self.house.apps.write().remove(app).ok_or_else(unknown)?;
        self.house.leaving.lock().push(actor.clone());
        actor.tell(Event::Remove);
        self.house.spawn(see_off(actor.clone()));
        // What cannot be written down by then (a full disk) is tried on behind.
        let _ = timeout(REMOVAL_PATIENCE, actor.until(App::is_emptied)).await;
        Ok(())
    }

    /// Ends a runner when its requests have ended; `replace_first`: only once another is ready.
    pub fn stop_runner(&self, runner: &RunnerId, replace_first: bool) -> Result<(), UnknownRunner> {
        self.tell_runner(runner, |runner| Event::StopRunner { runner, replace_first })
    }

    /// Ends a runner now; its queued requests run again elsewhere.
    pub fn kill_runner(&self, runner: &RunnerId) -> Result<(), UnknownRunner> {
        self.tell_runner(runner, |runner| Event::KillRunner { runner })
    }

    /// Every line of every runner from now on; a listener that is too slow is told how many it missed.
    pub fn tail(&self) -> broadcast::Receiver<Arc<RunnerLog>> {
        self.house.chronicle.tail()
    }

    /// Writes down the lines and lives of runners that are on their way to the store.
    pub async fn flush_runner_logs(&self) -> Result<(), StoreError> {
        self.house.chronicle.flush(&self.house).await
    }

    /// A rollout is under way.
    pub fn is_rolling(&self, app: &AppId) -> bool {
        self.house.app(app).is_some_and(|actor| actor.ask(App::is_rolling))
    }

    /// How many requests of whom wait on an app.
    pub fn queue(&self, app: &AppId) -> Option<Vec<(AccountId, usize)>> {
        let actor = self.house.app(app)?;
        Some(actor.ask(App::waiting_by_account).into_iter().collect())
    }

    /// Cancels the queued requests that wait on an app, of one account or of all; returns how many it cancelled.
    pub async fn flush(&self, app: &AppId, account: Option<&AccountId>) -> usize {
        let Some(actor) = self.house.app(app) else { return 0 };
        let queued = actor.ask(|app| app.queued(account));
        let cancels = stream::iter(queued).map(|id| async move { self.cancel(id).await });
        let answers = cancels.buffer_unordered(CANCELS);
        answers.filter(|answer| std::future::ready(matches!(answer, Ok(CancelAnswer::Removed)))).count().await
    }

    fn actor(&self, app: &AppId) -> Result<Arc<Actor>, UnknownApp> {
        self.house.app(app).ok_or_else(|| UnknownApp { app: app.clone() })
    }

    fn tell_runner(&self, runner: &RunnerId, event: impl FnOnce(RunnerId) -> Event) -> Result<(), UnknownRunner> {
        let unknown = || UnknownRunner { runner: runner.clone() };
        self.house.home_of(runner).ok_or_else(unknown)?.tell(event(runner.clone()));
        Ok(())
    }
}

impl Actor {
    /// Gives the app a new definition, made from the one that serves.
    fn roll(
        self: &Arc<Self>,
        definition: impl FnOnce(&AppDefinition) -> AppDefinition,
        event: impl FnOnce(u32) -> Event,
    ) -> Rollout {
        let (sender, receiver) = oneshot::channel();
        self.tell_of(|belongings| {
            let Belongings { definitions, serving, rollouts, generations, .. } = belongings;
            *generations += 1;
            let definition = definition(&definitions[serving]);
            definitions.insert(*generations, Arc::new(definition));
            rollouts.insert(*generations, sender);
            event(*generations)
        });
        Rollout(receiver)
    }
}

/// Keeps an app that was removed until its last runner has ended.
async fn see_off(actor: Arc<Actor>) {
    actor.until(App::is_gone).await;
    actor.end.cancel();
    actor.house.leaving.lock().retain(|other| !Arc::ptr_eq(other, &actor));
}
