//! A call from its input to the model's output: check, fetch, wait for a slot, compute.

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use serde_json::{Map, Value};
use tintype_engine::{Cancelled, Model, Output, Picture, Plan, RunError, Step, Watch};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::files::fetch_all;
use crate::{
    Options,
    caller::Caller,
    log::{self, Level},
    problem::Problem,
    scratch::Scratch,
    serve::Shared,
};

/// What a model's calls share.
#[derive(Clone)]
pub(super) struct Work {
    pub shared: Shared,
    pub model: Arc<dyn Model>,
    slots: Arc<Semaphore>,
}

/// A call whose input is good and whose files are here.
pub(super) struct Ready {
    plan: Box<dyn Plan>,
    files: Vec<Bytes>,
    /// Whether pictures go into the answer itself.
    pub inline: bool,
}

/// How far a call is.
pub(super) struct Preview {
    pub done: u32,
    pub total: u32,
    pub measures: Vec<(&'static str, f64)>,
    /// Not every model can show what it has by now.
    pub picture: Option<Picture>,
}

impl Work {
    pub fn new(shared: &Shared, model: Arc<dyn Model>) -> Self {
        Self { shared: shared.clone(), model, slots: shared.slots.clone() }
    }

    pub fn options(&self) -> &Options {
        &self.shared.options
    }

    /// Where the computation of a call may leave something for a later attempt.
    pub fn scratch(&self, caller: &Caller) -> Option<Scratch> {
        Scratch::of(self.options().scratch.as_deref(), caller.request.as_deref())
    }

    /// Forgets what was left for a later attempt, unless there may be one: a caller who vanished may ask again.
    pub fn settle<T>(&self, caller: &Caller, result: &Result<T, Problem>) {
        if !matches!(result, Err(Problem::Cancelled(_)))
            && let Some(scratch) = self.scratch(caller)
        {
            scratch.discard();
        }
    }

    pub async fn prepare(
        &self,
        path: &str,
        input: &Map<String, Value>,
        caller: &Caller,
        token: &CancellationToken,
    ) -> Result<Ready, Problem> {
        let plan = self.model.plan(path, input)?;
        let wanted = plan.files();
        let fetched = fetch_all(&self.shared.platform, caller, &wanted);
        let files = token.run_until_cancelled(fetched).await.ok_or(Cancelled)??;
        Ok(Ready { inline: plan.inline(), plan, files })
    }

    /// Computes on a thread of its own. Previews are made only while somebody takes them.
    pub async fn compute(
        &self,
        ready: Ready,
        caller: &Caller,
        token: &CancellationToken,
        previews: Option<mpsc::Sender<Preview>>,
    ) -> Result<Output, Problem> {
        let slot = token.run_until_cancelled(self.slots.clone().acquire_owned()).await.ok_or(Cancelled)?;
        let (request, token) = (caller.request.clone(), token.clone());
        let mut watch = Looker { request, token, previews, scratch: self.scratch(caller) };
        let computed = tokio::task::spawn_blocking(move || {
            // Given back when the computation ends, not when the caller leaves.
            let _slot = slot;
            let Ready { plan, files, .. } = ready;
            plan.run(files, &mut watch)
        });
        let output = computed.await.map_err(|error| RunError::Computation(Box::new(error)));
        output.flatten().map_err(Problem::from)
    }
}

/// Logs each step, hands out previews, and carries the caller's will to the computation.
struct Looker {
    request: Option<String>,
    token: CancellationToken,
    previews: Option<mpsc::Sender<Preview>>,
    scratch: Option<Scratch>,
}

impl Watch for Looker {
    fn note(&mut self, message: &str) {
        log::line(Level::Warn, self.request.as_deref(), message);
    }

    fn wanted(&self) -> Result<(), Cancelled> {
        if self.token.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }

    fn scratch(&self) -> Option<&Path> {
        self.scratch.as_ref()?.open()
    }

    fn step(&mut self, step: Step<'_>) -> Result<(), Cancelled> {
        self.wanted()?;
        let Step { done, total, measures, preview } = step;
        let told = measures.iter().map(|(name, value)| format!("{name}={value:.5}"));
        let words: Vec<String> = std::iter::once(format!("step {done}/{total}")).chain(told).collect();
        log::line(Level::Info, self.request.as_deref(), &words.join(" "));
        // The last step's preview would come with the answer. A caller who reads slowly gets fewer of them.
        if let Some(previews) = &self.previews
            && done < total
            && let Ok(room) = previews.try_reserve()
        {
            room.send(Preview { done, total, measures: measures.to_vec(), picture: preview() });
        }
        Ok(())
    }
}
