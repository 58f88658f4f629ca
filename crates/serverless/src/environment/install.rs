//! The steps of one build, each a command of uv's.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use tintype_launch::{Bind, Confinement, ExitReason, Sandbox};
use tokio::time::Instant;

use super::{
    Environment,
    error::BuildError,
    explain::explain,
    flight::Flight,
    job::{Done, Job, run},
    plan::{Plan, short},
    python::Interpreter,
    requirement::{Layer, package},
    shelf::{Bench, Record},
    uv,
    workshop::Workshop,
};

/// Compilers fork a lot; a bomb forks more.
const PROCESSES: u32 = 4096;
const SCRATCH_BYTES: u64 = 8 << 30;

pub(super) struct Installer<'a> {
    shop: &'a Workshop,
    plan: &'a Plan,
    interpreter: &'a Interpreter,
    flight: &'a Flight,
    uv: PathBuf,
    bench: &'a Bench,
    begun: Instant,
    commands: AtomicU32,
}

impl<'a> Installer<'a> {
    pub(super) async fn new(
        shop: &'a Workshop,
        plan: &'a Plan,
        interpreter: &'a Interpreter,
        flight: &'a Flight,
        bench: &'a Bench,
    ) -> Result<Self, BuildError> {
        let uv = shop.uv.locate(|line| flight.say(line)).await?;
        Ok(Self { shop, plan, interpreter, flight, uv, bench, begun: Instant::now(), commands: AtomicU32::new(0) })
    }

    pub(super) async fn install(&self) -> Result<Environment, BuildError> {
        let Plan { id, layers, .. } = self.plan;
        let interpreter = self.interpreter;
        self.say(&format!("building the environment {} with Python {}", short(id), interpreter.version));
        self.make().await?;
        for (index, layer) in layers.iter().enumerate() {
            self.layer(index + 1, layer).await?;
        }
        self.add_what_the_harness_needs().await?;
        self.publish().await?;
        let found = self.shop.shelf.find(id);
        self.say(&format!("the environment {} is built, in {:.1} s", short(id), self.begun.elapsed().as_secs_f64()));
        found.ok_or_else(|| BuildError::Disk { reason: "it is gone, directly after it was built".into() })
    }

    async fn make(&self) -> Result<(), BuildError> {
        let program = text(&self.interpreter.program);
        // Relocatable, because it is moved when it is complete.
        let args = ["venv", "--quiet", "--relocatable", "--no-project", "--python", &program, &text(&self.bench.root)];
        let done = self.uv(&args, &self.bench.room, |_| {}).await?;
        match done.fault {
            None => Ok(()),
            Some(fault) => Err(BuildError::Job { reason: format!("{}: {}", ended(&fault), done.stderr.join(" ")) }),
        }
    }

    async fn layer(&self, number: usize, layer: &Layer) -> Result<(), BuildError> {
        let count = self.plan.layers.len();
        let which = if count > 1 { format!(" of layer {number} of {count}") } else { String::new() };
        if count > 1 {
            self.say(&format!("installing layer {number} of {count}"));
        }
        let file = format!("layer-{number}.txt");
        let done = self.pip_install(&file, &layer.file, &layer.flags, true).await?;
        self.judge(done, layer, &which)
    }

    /// At lower priority than what the app asks for: what is there stays as it is, wherever that is possible.
    async fn add_what_the_harness_needs(&self) -> Result<(), BuildError> {
        let frozen = self.uv(&["pip", "freeze", "--python", "bin/python"], &self.bench.root, |_| {}).await?.stdout;
        let is_other = |pin: &&String| !["3.0.", "3.1."].iter().any(|series| pin.contains(&format!("=={series}")));
        let pinned = frozen.iter().find(|line| package(line).as_deref() == Some("cloudpickle"));
        if let Some(pin) = pinned.filter(is_other) {
            self.say(&format!("{pin} cannot read what is deployed: cloudpickle 3.1 takes its place"));
        }
        let (mut layer, own) = (self.plan.harness_layer(), self.plan.additions);
        let is_fixed = |line: &&String| line.contains("==") && !own.iter().any(|own| package(own) == package(line));
        let constraints: Vec<String> = frozen.iter().filter(is_fixed).cloned().collect();
        self.write("installed.txt", &constraints)?;
        let mut flags = layer.flags.clone();
        flags.extend(["--constraints".into(), "installed.txt".into()]);
        let done = self.pip_install("harness.txt", &layer.file, &flags, false).await?;
        fs::remove_file(self.bench.lists.join("installed.txt"))?;
        if done.fault.is_none() {
            return Ok(());
        }
        self.say(&format!("{} do not go with every version that is installed: some are changed", own.join(" and ")));
        let done = self.pip_install("harness.txt", &layer.file, &layer.flags, true).await?;
        layer.file.drain(..layer.file.len() - own.len());
        self.judge(done, &layer, " that the server adds")
    }

    async fn pip_install(
        &self,
        file: &str,
        lines: &[String],
        flags: &[String],
        aloud: bool,
    ) -> Result<Done, BuildError> {
        self.write(file, lines)?;
        // Without its bytecode each start of each runner would compile the packages anew.
        let python = text(&self.bench.root.join("bin/python"));
        let mut args = vec!["pip", "install", "--color", "never", "--compile-bytecode", "--python", &python];
        if self.plan.resolver.as_deref() != Some("uv") {
            // As pip does: the best version of all indexes, and not that of the first which has any.
            args.extend(["--index-strategy", "unsafe-best-match"]);
        }
        if self.plan.force {
            args.push("--refresh");
        }
        args.extend(flags.iter().map(String::as_str));
        args.extend(["--requirements", file]);
        let done = self.uv(&args, &self.bench.lists, |line| self.hear(line, aloud)).await;
        // It may hold secrets, which are for this step alone.
        fs::remove_file(self.bench.lists.join(file))?;
        done
    }

    fn hear(&self, line: &str, aloud: bool) {
        let is_news = !line.trim().is_empty() && !line.starts_with("Using Python");
        if is_news && (aloud || line.starts_with(" + ")) {
            self.say(&self.plan.mask.cover(line));
        }
    }

    fn judge(&self, done: Done, layer: &Layer, which: &str) -> Result<(), BuildError> {
        match done.fault {
            None => Ok(()),
            Some(ExitReason::Code(_)) => {
                let lines: Vec<_> = done.stderr.iter().map(|line| self.plan.mask.cover(line)).collect();
                Err(explain(&lines, layer, which))
            }
            Some(fault) => Err(BuildError::Job { reason: ended(&fault) }),
        }
    }

    async fn uv(&self, args: &[&str], folder: &Path, hear: impl Fn(&str)) -> Result<Done, BuildError> {
        let number = self.commands.fetch_add(1, Ordering::Relaxed);
        let job = Job {
            name: format!("build-{}-{}", self.bench.name, number),
            program: self.uv.clone(),
            args: [&["--directory", &text(folder)], args].concat().iter().map(|&arg| arg.to_owned()).collect(),
            env: uv::variables(&self.bench.cache),
            confinement: self.walls(),
            memory_limit_bytes: self.shop.options.memory_limit_bytes,
            deadline: self.begun + self.shop.options.time_limit,
        };
        run(&self.shop.launcher, job, hear).await
    }

    /// A build sees its account's downloads and the environment to be, and nothing else of the server.
    fn walls(&self) -> Confinement {
        let Some(network) = self.shop.options.network.clone() else { return Confinement::None };
        let shown = |path: &Path, writable| Bind { from: path.to_owned(), to: path.to_owned(), writable };
        let mut binds = vec![shown(&self.bench.room, true), shown(&self.bench.lists, false)];
        let others = [self.interpreter.base.clone(), self.uv.clone()].into_iter().chain(uv::files());
        binds.extend(others.filter(|path| !path.starts_with("/usr")).map(|path| shown(&path, false)));
        let copies = Vec::new();
        let (cpus, processes, scratch_bytes) = (None, PROCESSES, SCRATCH_BYTES);
        Confinement::Sandbox(Sandbox { binds, copies, network, cpus, processes, scratch_bytes, image: None })
    }

    async fn publish(&self) -> Result<(), BuildError> {
        let Plan { id, layers, .. } = self.plan;
        let interpreter = self.interpreter;
        let requirements = layers.iter().map(|layer| layer.written.clone()).collect();
        let record =
            Record { python: interpreter.version.clone(), base: interpreter.base.clone(), requirements, image: None };
        self.shop.settle(self.bench).await?;
        Ok(self.shop.shelf.publish(id, self.bench, &record)?)
    }

    fn write(&self, name: &str, lines: &[String]) -> io::Result<()> {
        let path = self.bench.lists.join(name);
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        lines.iter().try_for_each(|line| writeln!(file, "{line}"))
    }

    fn say(&self, line: &str) {
        self.flight.say(line);
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// The end of a command that did not decide it itself.
fn ended(reason: &ExitReason) -> String {
    match reason {
        ExitReason::OutOfMemory { limit_bytes } => {
            format!("it used more than the {} MiB of memory that a build may have", limit_bytes >> 20)
        }
        ExitReason::Code(code) => format!("uv ended with status {code}"),
        ExitReason::Signal(signal) => format!("uv was killed by signal {signal}"),
        _ => "it was stopped".to_owned(),
    }
}
