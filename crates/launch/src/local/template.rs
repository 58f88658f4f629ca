//! Processes that are ahead of need.
//!
//! A Python app pays for the start of the interpreter and for its imports each time it starts. A template has done
//! both: it stands inside the walls of a runner, has imported what runners of its environment import, and waits. When
//! a runner is wanted, the template gets the app's files and its command line, and *is* the runner from then on; the
//! next template is made as soon as that runner is ready.
//!
//! Nothing is forked, on purpose. A fork would have to be put behind walls after it began, so whatever the imports run
//! would stand behind weaker walls than an app; and it would inherit locks without their threads. A template has the
//! same walls as any runner, serves one app, and may hold threads. The price is that it serves one start: of several
//! at once the rest take the ordinary way. So does every start about which there is any doubt.

mod make;
mod mould;
mod shelf;
mod spare;

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

pub(super) use mould::Mould;
use shelf::Shelf;
pub(super) use spare::{Order, Spare};
use tokio::{sync::Mutex as Turn, time::Instant};

/// How many templates are kept, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Templates {
    /// All of them together; none at all with 0.
    pub most: usize,
    /// A template that nobody wanted for so long ends.
    pub idle: Duration,
}

impl Default for Templates {
    fn default() -> Self {
        Self { most: 8, idle: Duration::from_mins(10) }
    }
}

/// What templates hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    pub count: usize,
    /// When they began to wait.
    pub resident_bytes: u64,
}

/// The templates that wait.
#[derive(Clone)]
pub(super) struct Waiting {
    shelf: Arc<Mutex<Shelf<Spare>>>,
    /// One is made at a time: what makes them takes processors from the runners that work.
    turn: Arc<Turn<()>>,
    /// Differs between two lives of a server.
    life: Arc<str>,
}

impl Waiting {
    pub(super) fn new(templates: Templates) -> Self {
        let life = format!("{:08x}", RandomState::new().build_hasher().finish() as u32).into();
        Self { shelf: Arc::new(Mutex::new(Shelf::new(templates))), turn: Arc::default(), life }
    }

    /// One that is alive. The mould is remembered to be in use either way.
    pub(super) fn take(&self, mould: &Mould) -> Option<Spare> {
        while let Some(mut spare) = self.lock().take(mould, Instant::now()) {
            if spare.alive() {
                return Some(spare);
            }
            spare.end();
        }
        None
    }

    pub(super) fn held(&self) -> Held {
        let waiting = self.lock();
        let count = waiting.all().count();
        // What they report of themselves may be any number.
        let resident_bytes = waiting.all().fold(0, |sum: u64, spare| sum.saturating_add(spare.report.resident_bytes));
        Held { count, resident_bytes }
    }

    /// Ends the one with this number when it has waited for long enough, or has done what it must not.
    async fn watch(self, number: u64, mut trouble: spare::Trouble) {
        loop {
            let Some(deadline) = self.lock().deadline(number) else { return };
            let over = if let Ok(reason) = tokio::time::timeout_at(deadline, trouble.happened()).await {
                tracing::warn!(%reason, "a template is ended");
                self.lock().remove(number)
            } else {
                self.lock().expire(number, Instant::now())
            };
            if let Some(spare) = over {
                return spare.end();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shelf<Spare>> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
