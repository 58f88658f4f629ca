//! What it takes to start a runner of one revision, kept in memory while anything may start one.

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use parking_lot::RwLock;
use tintype_domain::{AccountId, AppId};

use crate::deploy::{definition::Definition, machine::Share};

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The name of its folder: the revision's id.
    pub id: String,
    pub account: AccountId,
    pub app: AppId,
    pub environment: String,
    /// Where its payload lies.
    pub folder: PathBuf,
    pub definition: Arc<Definition>,
    pub share: Share,
}

/// Bounded by the revisions that run or are about to.
#[derive(Default)]
pub(crate) struct Plans(RwLock<HashMap<String, Arc<Plan>>>);

impl Plans {
    pub(crate) fn put(&self, plan: Plan) {
        self.0.write().insert(plan.id.clone(), Arc::new(plan));
    }

    pub(crate) fn find(&self, id: &str) -> Option<Arc<Plan>> {
        self.0.read().get(id).cloned()
    }

    pub(crate) fn remove(&self, id: &str) {
        self.0.write().remove(id);
    }

    /// Environments that something here may start in.
    pub(crate) fn environments(&self) -> Vec<String> {
        self.0.read().values().map(|plan| plan.definition.env_id.clone()).collect()
    }
}
