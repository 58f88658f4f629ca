//! Installed weights, looked at whenever somebody calls: what was installed meanwhile is used without a restart.
//!
//! Runners are started with the weights that were there. When those are others now, the app gets a definition of its
//! own anew: runners with the old ones end when they are done, and failures with the old ones hold no start back.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tintype_dispatch::{AppDefinition, Dispatch, Strategy};
use tintype_domain::AppId;
use tintype_gateway::Installed;
use tintype_weights::Weights;
use tracing::info;

/// No runner reads it: by it, runners of other weights are other runners, for the next server too.
const VARIABLE: &str = "TINTYPE_INSTALLED";

pub(crate) fn installed_as(mark: &str) -> (String, String) {
    (VARIABLE.into(), mark.into())
}

pub(crate) struct Shelf {
    weights: Weights,
    dispatch: Dispatch,
    /// As they were started last, of models that need weights.
    definitions: Mutex<HashMap<AppId, AppDefinition>>,
}

impl Shelf {
    /// `definitions` are those that `dispatch` was opened with.
    pub(crate) fn new(weights: Weights, dispatch: Dispatch, definitions: Vec<AppDefinition>) -> Self {
        let marked = definitions.into_iter().filter(|definition| mark(definition).is_some());
        let definitions = marked.map(|definition| (definition.app.clone(), definition)).collect();
        Self { weights, dispatch, definitions: Mutex::new(definitions) }
    }

    pub(crate) fn installed(self) -> Installed {
        let shared = Arc::new(self);
        Arc::new(move |app| shared.look(app))
    }

    fn look(&self, app: &AppId) -> Vec<String> {
        // Looked at under the lock: an older look must not undo what a newer one brought.
        let mut definitions = self.definitions.lock().unwrap_or_else(PoisonError::into_inner);
        let (names, found) = self.weights.state(app);
        if let Some(definition) = definitions.get_mut(app).filter(|one| mark(one) != Some(found.as_str())) {
            definition.command.env.retain(|(name, _)| name != VARIABLE);
            definition.command.env.push(installed_as(&found));
            info!("the weights of {app} have changed: runners are started anew");
            // An app that is gone needs no runners; dropping the rollout does not stop it.
            let _ = self.dispatch.replace(definition.clone(), Strategy::Recreate);
        }
        names
    }
}

fn mark(definition: &AppDefinition) -> Option<&str> {
    definition.command.env.iter().find(|(name, _)| name == VARIABLE).map(|(_, mark)| mark.as_str())
}
