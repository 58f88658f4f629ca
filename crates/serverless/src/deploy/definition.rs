//! Everything of a deployed version that a runner of it needs: the JSON in a revision's row.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tintype_domain::{
    RetryBudget,
    app::{CrashPause, Spec},
};

use super::{
    error::DeployError,
    recipe::Recipe,
    scaling::{Scaling, Wishes, seconds},
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Definition {
    pub callable: Callable,
    /// Module that reads the payload of the setup function, if there is one.
    pub setup: Option<String>,
    pub recipe: Recipe,
    /// The environment that was built from the recipe.
    pub env_id: String,
    /// As the code says.
    pub wishes: Wishes,
    pub num_gpus: Option<u32>,
    /// Absent: it serves nothing.
    pub exposed_port: Option<u16>,
    pub metrics_port: Option<u16>,
    pub files: Vec<AppFile>,
    pub data_mounts: Vec<String>,
    /// Absent: those that are exposed by default.
    pub secrets: Option<Vec<String>>,
    pub health: Option<Health>,
    pub retry: RetryBudget,
    pub grace_secs: u32,
    pub metadata: Option<Value>,
    pub private_logs: bool,
}

/// What is called to serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Callable {
    /// `function.pickle`, read by this module.
    Function { method: String },
    /// `module:attribute`.
    Entrypoint { path: String },
    /// Nothing of ours: the command of the image.
    Image,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AppFile {
    pub hash: String,
    pub path: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Health {
    pub post: bool,
    pub path: String,
    pub start_period_secs: u32,
    pub timeout_secs: u32,
    pub failure_threshold: u32,
    pub regularly: bool,
}

impl Definition {
    pub(crate) fn read(text: &str) -> Result<Self, DeployError> {
        serde_json::from_str(text)
            .map_err(|error| DeployError::Internal(format!("a stored revision cannot be read: {error}")))
    }

    pub(crate) fn to_text(&self) -> String {
        serde_json::to_string(self).expect("a definition has a JSON form")
    }

    /// What dispatch goes by under this scaling.
    pub(crate) fn spec(&self, scaling: &Scaling) -> Spec {
        Spec {
            min_concurrency: scaling.min_concurrency,
            max_concurrency: scaling.max_concurrency,
            concurrency_buffer: scaling.concurrency_buffer,
            concurrency_buffer_percent: scaling.concurrency_buffer_perc,
            keep_alive: seconds(scaling.keep_alive),
            scaling_delay: seconds(scaling.scaling_delay),
            max_multiplexing: scaling.max_multiplexing,
            request_start_timeout: scaling.request_start_timeout(),
            request_timeout: seconds(scaling.request_timeout),
            startup_timeout: seconds(scaling.startup_timeout),
            termination_grace_period: Duration::from_secs(self.grace_secs.into()),
            crash_pause: CrashPause::DEPLOYED,
            retry: self.retry,
            ..Spec::default()
        }
    }

    /// The OpenAPI document that the client computed.
    pub(crate) fn openapi(&self) -> Option<Value> {
        self.metadata.as_ref()?.get("openapi").cloned()
    }
}
