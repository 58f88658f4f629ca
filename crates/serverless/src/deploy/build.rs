//! The environment of an app: found or built, with the build's lines for whoever listens.

use std::pin::pin;

use tintype_domain::AccountId;
use tokio::sync::mpsc;

use super::{error::DeployError, recipe::Recipe};
use crate::{
    Serverless,
    environment::Environment,
    rpc::{Line, Teller},
};

/// Whose environment is built, and with which secrets.
pub(crate) struct For<'a> {
    pub account: &'a AccountId,
    pub environment: &'a str,
    /// Absent: those that are exposed by default.
    pub allowed: Option<&'a [String]>,
}

impl Serverless {
    pub(crate) async fn build<T>(
        &self,
        recipe: &Recipe,
        whose: For<'_>,
        force: bool,
        teller: &Teller<T>,
    ) -> Result<Environment, DeployError> {
        let For { account, environment, allowed } = whose;
        let names = recipe.secret_names();
        let mut secrets = self.starter.secrets(account, environment, allowed).await?;
        secrets.retain(|name, _| names.contains(name));
        let (sender, mut lines) = mpsc::unbounded_channel();
        let mut work = pin!(self.environments.build(recipe.wanted(account, secrets), force, sender));
        let built = loop {
            tokio::select! {
                biased;
                Some(line) = lines.recv() => teller.line(Line::builder(line)).await,
                ended = &mut work => break ended,
            }
        };
        while let Ok(line) = lines.try_recv() {
            teller.line(Line::builder(line)).await;
        }
        Ok(built?)
    }

    /// Drops environments that no app here may start in, down to the disk budget.
    pub async fn collect_environments(&self) {
        self.environments.collect(&self.starter.plans().environments()).await;
    }

    /// An environment that the account has, `main` or made before.
    pub(crate) async fn check_environment(&self, account: &AccountId, name: &str) -> Result<(), DeployError> {
        let main = name == tintype_store::MAIN_ENVIRONMENT;
        if main || self.store.environments(account).await?.iter().any(|known| known.name == name) {
            return Ok(());
        }
        Err(DeployError::NotFound(format!("environment `{name:.64}`")))
    }
}
