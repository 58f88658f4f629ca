//! Commands of one image's build, and the files that they read.

use std::{fs, path::Path, sync::atomic::Ordering};

use base64::{Engine, engine::general_purpose::STANDARD};
use tintype_launch::{Confinement, Network};

use super::{build::ImageBuilder, podman};
use crate::environment::{
    error::BuildError,
    job::{Done, Job, run},
};

impl ImageBuilder<'_> {
    pub(super) fn build_words(&self, id: &str) -> Vec<String> {
        let network = if self.shop.options.network == Some(Network::None) { "none" } else { "host" };
        let id = self.scratch.join(id).display().to_string();
        let fixed = ["build", "--isolation", "oci", "--network", network, "--iidfile", &id];
        let mut words: Vec<_> = fixed.map(str::to_owned).into();
        words.extend(podman::limits());
        words
    }

    pub(super) async fn run_build(&self, words: &[String], id: &str) -> Result<String, BuildError> {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        self.podman(&words, true).await?;
        self.id(id)
    }

    pub(super) fn id(&self, file: &str) -> Result<String, BuildError> {
        Ok(fs::read_to_string(self.scratch.join(file))?.trim().to_owned())
    }

    /// A file in the form of `podman login`, for registries that want a password.
    pub(super) fn credentials(&self) -> Result<Vec<String>, BuildError> {
        if self.image.registries.is_empty() {
            return Ok(Vec::new());
        }
        let entry = |(host, (user, password)): (&String, &(String, String))| {
            (host.clone(), serde_json::json!({ "auth": STANDARD.encode(format!("{user}:{password}")) }))
        };
        let auths: serde_json::Map<_, _> = self.image.registries.iter().map(entry).collect();
        let path = self.write("auth.json", &serde_json::json!({ "auths": auths }).to_string())?;
        Ok(vec!["--authfile".to_owned(), path])
    }

    pub(super) fn write(&self, name: &str, text: &str) -> Result<String, BuildError> {
        let path = self.scratch.join(name);
        fs::write(&path, text)?;
        Ok(path.display().to_string())
    }

    pub(super) async fn podman(&self, args: &[&str], aloud: bool) -> Result<Done, BuildError> {
        let done = self.podman_done(args, aloud, Vec::new()).await?;
        self.judge(&done).map(|()| done)
    }

    pub(super) async fn podman_done(
        &self,
        args: &[&str],
        aloud: bool,
        variables: Vec<(String, String)>,
    ) -> Result<Done, BuildError> {
        let general = podman::general();
        let args: Vec<_> = general.iter().map(String::as_str).chain(args.iter().copied()).collect();
        self.command(&self.podman, &args, variables, aloud).await
    }

    /// podman makes its own walls, and cannot do so behind ours.
    pub(super) async fn command(
        &self,
        program: &Path,
        args: &[&str],
        variables: Vec<(String, String)>,
        aloud: bool,
    ) -> Result<Done, BuildError> {
        let number = self.commands.fetch_add(1, Ordering::Relaxed);
        let mut env = podman::variables();
        env.retain(|(name, _)| !variables.iter().any(|(other, _)| other == name));
        env.extend(variables);
        let job = Job {
            name: format!("build-{}-{number}", self.bench.name),
            program: program.to_owned(),
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            env,
            confinement: Confinement::None,
            memory_limit_bytes: None,
            deadline: self.begun + self.shop.options.time_limit,
        };
        let hear = |line: &str| {
            if aloud && !line.trim().is_empty() {
                self.flight.say(&self.plan.mask.cover(line));
            }
        };
        run(&self.shop.launcher, job, hear).await
    }

    pub(super) fn judge(&self, done: &Done) -> Result<(), BuildError> {
        if done.fault.is_none() { Ok(()) } else { Err(self.failed(done)) }
    }

    pub(super) fn failed(&self, done: &Done) -> BuildError {
        BuildError::Image { reason: self.plan.mask.cover(&podman::reason(&done.stderr)) }
    }
}
