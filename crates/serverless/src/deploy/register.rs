//! A deploy, from what was asked to an alias that serves it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tintype_domain::{AccountId, AppId, RequestId, RevisionId, app::Strategy};
use tintype_store::{AliasRecord, AuthMode, RevisionRecord};

use super::{
    asked::Asked,
    build::For,
    definition::Definition,
    error::DeployError,
    machine::{self, Share},
    moving::Move,
    name,
    payload::{self, FILES, Payload},
    scaling::Scaling,
    schema,
};
use crate::{
    Serverless,
    rpc::{Line, Teller, random},
};

pub(crate) struct Deploy {
    pub owner: AccountId,
    pub asked: Asked,
    pub strategy: Strategy,
    /// Whether to wait for the new version to serve; `None`: if there is an old one to come back to.
    pub attach: Option<bool>,
}

#[derive(Debug)]
pub(crate) struct Deployed {
    pub app: AppId,
    pub revision: RevisionId,
    pub env_id: String,
}

impl Serverless {
    pub(crate) async fn deploy<T>(&self, deploy: Deploy, teller: &Teller<T>) -> Result<Deployed, DeployError> {
        let Deploy { owner, asked, strategy, attach } = deploy;
        let app = name::app(&owner, &asked.name)?;
        self.check_environment(&owner, &asked.environment).await?;
        self.check_files(&owner, &asked.definition)?;
        let prepared = self.prepare(&owner, asked, teller).await?;
        let revision = prepared.revision.clone();
        let env_id = prepared.definition.env_id.clone();
        let _alone = self.lock(&app).await;
        if let Err(error) = self.point_at(&app, owner, prepared, (strategy, attach), teller).await {
            self.drop_revision(&revision).await;
            return Err(error);
        }
        Ok(Deployed { app, revision, env_id })
    }

    /// The alias' lock is held.
    async fn point_at<T>(
        &self,
        app: &AppId,
        owner: AccountId,
        prepared: Prepared,
        (strategy, attach): (Strategy, Option<bool>),
        teller: &Teller<T>,
    ) -> Result<(), DeployError> {
        let Prepared { asked, definition, revision } = prepared;
        let before = self.store.alias(app).await?;
        let alias = alias_record(self, app, &owner, &asked, &definition, &revision, before.as_ref())?;
        if let Some(note) = self.share(&definition, &read_scaling(&alias.scaling)?)?.note {
            teller.line(Line::bridge(note)).await;
        }
        if let Some(note) = schema::note(definition.openapi()) {
            teller.line(Line::warning(note)).await;
        }
        self.plan(&alias, &definition)?;
        let record = RevisionRecord {
            id: revision,
            account: owner,
            app: app.clone(),
            environment: asked.environment,
            created_at: self.clock.now(),
            definition: definition.to_text(),
        };
        let moving = Move { alias, before, definition, strategy, attach, new: Some(record) };
        self.move_alias(moving, teller).await
    }

    fn check_files(&self, owner: &AccountId, definition: &Definition) -> Result<(), DeployError> {
        let hashes: Vec<_> = definition.files.iter().map(|file| file.hash.clone()).collect();
        let missing = self.files.missing(owner, &hashes);
        let Some(first) = missing.first() else { return Ok(()) };
        let path = definition.files.iter().find(|file| file.hash == *first).map_or("?", |file| &file.path);
        Err(DeployError::Refused(format!(
            "app file `{path}` was not uploaded ({} of {} are missing): deploy again",
            missing.len(),
            hashes.len()
        )))
    }

    /// Builds, and lays the payload down under a new name.
    async fn prepare<T>(
        &self,
        owner: &AccountId,
        mut asked: Asked,
        teller: &Teller<T>,
    ) -> Result<Prepared, DeployError> {
        let scaling = Scaling::of_code(&asked.definition.wishes)?;
        // What this machine cannot be is said before anything is built for it.
        self.share(&asked.definition, &scaling)?;
        let revision = RevisionId::new(self.new_id());
        let mut definition = asked.definition.clone();
        let folder = self.folder(&revision);
        definition.env_id =
            self.lay_down(owner, &asked.environment, &definition, &mut asked.payload, &folder, teller).await?;
        Ok(Prepared { asked, definition: Arc::new(definition), revision })
    }

    /// An environment and a folder with the payload and the app's files; returns the environment's id.
    pub(crate) async fn lay_down<T>(
        &self,
        owner: &AccountId,
        environment: &str,
        definition: &Definition,
        payload: &mut Payload,
        folder: &Path,
        teller: &Teller<T>,
    ) -> Result<String, DeployError> {
        let whose = For { account: owner, environment, allowed: definition.secrets.as_deref() };
        let built = self.build(&definition.recipe, whose, false, teller).await?;
        let files: Vec<_> = definition.files.iter().map(|file| (file.hash.clone(), file.path.clone())).collect();
        let (store, account, folder, payload) =
            (Arc::clone(&self.files), owner.clone(), folder.to_owned(), std::mem::take(payload));
        let write = move || {
            let written = payload.write(&folder).map_err(DeployError::from).and_then(|()| {
                payload::make_private(&folder.join(FILES))?;
                store
                    .materialize(&account, &files, &folder.join(FILES))
                    .map_err(|error| DeployError::Refused(error.to_string()))
            });
            if written.is_err() {
                payload::remove(&folder);
            }
            written
        };
        let panicked = |_| DeployError::Internal("writing the payload came to nothing".into());
        tokio::task::spawn_blocking(write).await.map_err(panicked)??;
        Ok(built.id)
    }

    pub(crate) fn share(&self, definition: &Definition, scaling: &Scaling) -> Result<Share, DeployError> {
        machine::choose(&scaling.machine_types, definition.num_gpus, self.options.host)
    }

    pub(crate) fn folder(&self, revision: &RevisionId) -> PathBuf {
        self.starter.revisions().join(revision.as_str())
    }

    /// In the order of time, as all ids here.
    pub(crate) fn new_id(&self) -> String {
        RequestId::new(self.clock.now(), random()).to_string()
    }

    /// A revision of which nothing came.
    pub(crate) async fn drop_revision(&self, revision: &RevisionId) {
        self.starter.plans().remove(revision.as_str());
        match self.store.delete_revision(revision).await {
            // It serves after all: its payload must stay.
            Ok(tintype_store::DeleteRevision::InUse { .. }) => return,
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "could not drop revision {revision}"),
        }
        let folder = self.folder(revision);
        let _ = tokio::task::spawn_blocking(move || payload::remove(&folder)).await;
    }
}

struct Prepared {
    asked: Asked,
    definition: Arc<Definition>,
    revision: RevisionId,
}

fn alias_record(
    serverless: &Serverless,
    app: &AppId,
    owner: &AccountId,
    asked: &Asked,
    definition: &Definition,
    revision: &RevisionId,
    before: Option<&AliasRecord>,
) -> Result<AliasRecord, DeployError> {
    let scaling = match before {
        Some(before) if !asked.reset_scale => read_scaling(&before.scaling)?.inherit(&definition.wishes)?,
        _ => Scaling::of_code(&definition.wishes)?,
    };
    Ok(AliasRecord {
        app: app.clone(),
        account: owner.clone(),
        environment: asked.environment.clone(),
        revision: revision.clone(),
        auth_mode: asked.auth_mode.or(before.map(|before| before.auth_mode)).unwrap_or(AuthMode::Private),
        scaling: write_scaling(&scaling),
        updated_at: serverless.clock.now(),
    })
}

pub(crate) fn read_scaling(text: &str) -> Result<Scaling, DeployError> {
    serde_json::from_str(text)
        .map_err(|error| DeployError::Internal(format!("the stored scaling of an alias cannot be read: {error}")))
}

pub(crate) fn write_scaling(scaling: &Scaling) -> String {
    serde_json::to_string(scaling).expect("scaling has a JSON form")
}
