//! From a Dockerfile or a name to the id of an image with everything in it, and on to its files.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::atomic::AtomicU32,
};

use tintype_launch::ExitReason;
use tokio::time::Instant;

use super::{
    Image, Inside, Source,
    file::{CACHE, OURS, Tools},
    files, podman,
};
use crate::environment::{
    Environment,
    error::BuildError,
    explain::explain,
    flight::Flight,
    job::Done,
    plan::{Plan, short},
    requirement::Layer,
    shelf::{Bench, Record},
    uv,
    workshop::Workshop,
};

/// The list of what the harness needs; those of the app are `layer-1.txt` and so on.
const HARNESS: &str = "harness.txt";

pub(in crate::environment) struct ImageBuilder<'a> {
    pub(super) shop: &'a Workshop,
    pub(super) plan: &'a Plan,
    pub(super) image: &'a Image,
    pub(super) flight: &'a Flight,
    pub(super) bench: &'a Bench,
    /// Beside the environment to be, and gone with the build.
    pub(super) scratch: PathBuf,
    pub(super) podman: PathBuf,
    pub(super) begun: Instant,
    pub(super) commands: AtomicU32,
}

impl<'a> ImageBuilder<'a> {
    pub(in crate::environment) fn new(
        shop: &'a Workshop,
        plan: &'a Plan,
        image: &'a Image,
        flight: &'a Flight,
        bench: &'a Bench,
    ) -> Result<Self, BuildError> {
        let scratch = bench.root.with_extension("scratch");
        fs::create_dir_all(&scratch)?;
        // Secrets lie there while it is built.
        fs::set_permissions(&scratch, fs::Permissions::from_mode(0o700))?;
        let (podman, begun, commands) = (podman::find()?, Instant::now(), AtomicU32::new(0));
        Ok(Self { shop, plan, image, flight, bench, scratch, podman, begun, commands })
    }

    pub(in crate::environment) async fn build(&self) -> Result<Environment, BuildError> {
        let id = &self.plan.id;
        self.flight.say(&format!("building the environment {} from a container image", short(id)));
        let base = match &self.image.source {
            Source::Dockerfile { text, args, secrets } => {
                let secrets = secrets.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>();
                let args = args.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
                self.by_file(text, &args, &secrets).await?
            }
            Source::Reference(name) => self.fetch(name).await?,
        };
        let config = self.podman(&["image", "inspect", "--format", "{{json .Config}}", &base], false).await?;
        let mut inside = podman::inside(&config.stdout.join("\n"))?;
        let (image, prefix) = if self.image.python { self.install(&base).await? } else { (base, None) };
        self.unpack(&image).await?;
        if prefix.is_some() {
            // It was made for this alone. What it stands on stays: the next build of the same file begins there.
            let _ = self.podman_done(&["image", "rm", &image], false, Vec::new()).await;
        }
        if let Some((version, prefix)) = &prefix {
            inside.python = Some(self.program(version, prefix)?);
        }
        self.publish(inside, prefix.map(|(version, _)| version)).await?;
        let took = self.begun.elapsed().as_secs_f64();
        self.flight.say(&format!("the environment {} is built, in {took:.1} s", short(id)));
        let gone = || BuildError::Disk { reason: "it is gone, directly after it was built".into() };
        self.shop.shelf.find(id).ok_or_else(gone)
    }

    /// By the app's Dockerfile.
    async fn by_file(&self, text: &str, args: &[String], secrets: &[(&str, &str)]) -> Result<String, BuildError> {
        let context = self.scratch.join("context");
        fs::create_dir_all(&context)?;
        self.shop.lay_context(&self.plan.account, &self.image.files, &context)?;
        let file = self.write("Dockerfile", text)?;
        let mut words = self.build_words("image.id");
        for arg in args {
            words.extend(["--build-arg".to_owned(), arg.clone()]);
        }
        for (index, (name, value)) in secrets.iter().enumerate() {
            let path = self.write(&format!("secret-{index}"), value)?;
            words.extend(["--secret".to_owned(), format!("id={name},src={path}")]);
        }
        words.extend(self.credentials()?);
        if self.plan.force {
            words.extend(["--no-cache", "--pull=newer"].map(str::to_owned));
        }
        words.extend(["--file".to_owned(), file, context.display().to_string()]);
        self.run_build(&words, "image.id").await
    }

    /// One that is there, or from its registry.
    async fn fetch(&self, name: &str) -> Result<String, BuildError> {
        let known = self.podman_done(&["image", "exists", name], false, Vec::new()).await?.fault.is_none();
        if !known || self.plan.force {
            let credentials = self.credentials()?;
            let mut words = vec!["pull", "--quiet"];
            words.extend(credentials.iter().map(String::as_str));
            words.push(name);
            let pulled = self.podman_done(&words, true, Vec::new()).await?;
            // One that was made here is in no registry.
            if pulled.fault.is_some() && !known {
                return Err(self.failed(&pulled));
            }
        }
        let told = self.podman(&["image", "inspect", "--format", "{{.Id}}", name], false).await?;
        Ok(told.stdout.concat().trim().to_owned())
    }

    /// Python packages on top. Also tells the version of the image's Python, and where it lies.
    async fn install(&self, base: &str) -> Result<(String, Option<(String, String)>), BuildError> {
        let uv = self.shop.uv.locate(|line| self.flight.say(line)).await?;
        let tools = Tools::gather(&self.scratch.join("tools"), &uv)?;
        let mut lists = Vec::new();
        for (index, layer) in self.plan.layers.iter().enumerate() {
            let file = format!("layer-{}.txt", index + 1);
            tools.write(&file, &layer.file)?;
            lists.push((file, [self.flags(), layer.flags.clone()].concat()));
        }
        let harness = self.plan.harness_layer();
        tools.write(HARNESS, &harness.file)?;
        lists.push((HARNESS.to_owned(), [self.flags(), harness.flags].concat()));
        let variables = tools.variables(uv::variables(&self.bench.cache));
        let file = self.write("Dockerfile.python", &tools.dockerfile(base, &self.plan.minor, &lists, &variables))?;
        let mut words = self.build_words("python.id");
        let mount = |from: &Path, to: &str| ["--volume".to_owned(), format!("{}:{to}", from.display())];
        words.extend(mount(tools.folder(), &format!("{OURS}:ro")));
        words.extend(mount(&self.bench.cache, CACHE));
        // Without a value here it is taken from podman's own variables, which nobody else can read.
        words.extend(variables.iter().flat_map(|(name, _)| ["--build-arg".to_owned(), name.clone()]));
        let empty = self.scratch.join("empty");
        fs::create_dir_all(&empty)?;
        words.extend(["--layers=false".to_owned(), "--file".to_owned(), file, empty.display().to_string()]);
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let done = self.podman_done(&words, true, variables).await?;
        if matches!(done.fault, Some(ExitReason::Code(_))) {
            return Err(self.blame(&done));
        }
        self.judge(&done)?;
        let python = done.stderr.iter().find_map(|line| {
            line.strip_prefix("Using Python ")?.split_once(" environment at: ").map(|(v, at)| (v.into(), at.into()))
        });
        Ok((self.id("python.id")?, python))
    }

    fn flags(&self) -> Vec<String> {
        let mut flags = Vec::new();
        if self.plan.resolver.as_deref() != Some("uv") {
            flags.extend(["--index-strategy", "unsafe-best-match"].map(str::to_owned));
        }
        if self.plan.force {
            flags.push("--refresh".to_owned());
        }
        flags
    }

    /// Which list podman was at tells which layer failed.
    fn blame(&self, done: &Done) -> BuildError {
        let step = done.stdout.iter().rev().find(|line| line.starts_with("STEP ")).map_or("", String::as_str);
        let at = |index: &usize| step.contains(&format!("layer-{}.txt", index + 1));
        let failed = (0..self.plan.layers.len()).find(at);
        let none = Layer::default();
        let layer = failed.map_or(&none, |index| &self.plan.layers[index]);
        let which = failed.map_or(" that the server adds".to_owned(), |index| format!(" of layer {}", index + 1));
        let lines: Vec<_> = done.stderr.iter().filter(|line| !line.starts_with("Error: ")).collect();
        if lines.iter().any(|line| line.starts_with("error: ")) {
            let lines: Vec<_> = lines.into_iter().map(|line| self.plan.mask.cover(line)).collect();
            return explain(&lines, layer, &which);
        }
        self.failed(done)
    }

    /// The files of an image as a folder.
    async fn unpack(&self, image: &str) -> Result<(), BuildError> {
        self.flight.say("unpacking the image");
        // It is never started, but podman wants to know what it would be started with.
        let container = self.podman(&["create", image, "true"], false).await?.stdout.concat();
        let archive = self.scratch.join("root.tar").display().to_string();
        let exported = self.podman(&["export", "--output", &archive, container.trim()], false).await;
        self.podman(&["rm", container.trim()], false).await?;
        exported?;
        let root = files::root(&self.bench.root);
        fs::create_dir_all(&root)?;
        let root = root.display().to_string();
        let args = ["--extract", "--no-same-owner", "--exclude=dev/*", "--directory", &root, "--file", &archive];
        let done = self.command(Path::new("tar"), &args, Vec::new(), false).await?;
        self.judge(&done)?;
        Ok(files::furnish(Path::new(&root))?)
    }

    fn program(&self, version: &str, prefix: &str) -> Result<PathBuf, BuildError> {
        let minor = &self.plan.minor;
        let missing = || BuildError::Image { reason: format!("its Python {version} is not where it says: {prefix}") };
        files::python(&files::root(&self.bench.root), Path::new(prefix), minor).ok_or_else(missing)
    }

    async fn publish(&self, inside: Inside, version: Option<String>) -> Result<(), BuildError> {
        let requirements = self.plan.layers.iter().map(|layer| layer.written.clone()).collect();
        let record =
            Record { python: version.unwrap_or_default(), base: PathBuf::new(), requirements, image: Some(inside) };
        self.shop.settle(self.bench).await?;
        Ok(self.shop.shelf.publish(&self.plan.id, self.bench, &record)?)
    }
}

impl Drop for ImageBuilder<'_> {
    fn drop(&mut self) {
        self.shop.shelf.discard(&self.scratch);
        self.shop.shelf.empty_trash();
    }
}
