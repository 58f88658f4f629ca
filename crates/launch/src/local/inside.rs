//! Which runners are up, and how one gets into them.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use tintype_domain::RunnerId;

use super::{cgroup::Group, prepare::Keep};
use crate::Start;

#[derive(Clone, Debug, Default)]
pub(super) struct Insides(Arc<Mutex<HashMap<RunnerId, Arc<Inside>>>>);

/// The way into one runner.
#[derive(Debug)]
pub(super) struct Inside {
    pub(super) env: Vec<(String, String)>,
    pub(super) workdir: Option<PathBuf>,
    pub(super) group: Option<Arc<Group>>,
    /// Whether there are walls around it.
    pub(super) walled: bool,
    /// The first process in its namespaces, once they are made; without walls, the runner itself.
    pub(super) first: OnceLock<u32>,
}

/// A runner's place among those that are up; it ends with it.
pub(super) struct Place {
    pub(super) inside: Arc<Inside>,
    runner: RunnerId,
    insides: Insides,
}

impl Insides {
    pub(super) fn enter(&self, start: &Start, keep: &Keep, pid: u32) -> Place {
        let walled = keep.walls.is_some();
        let inside = Arc::new(Inside {
            env: start.command.env.clone(),
            workdir: start.command.workdir.clone(),
            group: keep.group.clone(),
            walled,
            first: if walled { OnceLock::new() } else { OnceLock::from(pid) },
        });
        self.lock().insert(start.runner.clone(), Arc::clone(&inside));
        Place { inside, runner: start.runner.clone(), insides: self.clone() }
    }

    pub(super) fn of(&self, runner: &RunnerId) -> Option<Arc<Inside>> {
        self.lock().get(runner).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RunnerId, Arc<Inside>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.insides.lock().remove(&self.runner);
    }
}
