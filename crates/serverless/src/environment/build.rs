//! From what is wanted to an environment: found, joined while it is being built, or built.

use std::{
    collections::HashMap,
    io,
    path::Path,
    sync::{Arc, OnceLock},
};

use parking_lot::Mutex;
use tintype_launch::Launcher;
use tokio::sync::{RwLock, Semaphore, mpsc};

use super::{
    Environment, Image, Lay, Options, Wanted,
    container::ImageBuilder,
    error::BuildError,
    flight::Flight,
    install::Installer,
    key,
    python::{Interpreter, Interpreters, minor_of},
    requirement::Layer,
    secret::{Mask, fill},
    shelf::{self, Bench, Room, Shelf},
    uv::Uv,
};

/// What the harness needs in every environment; `cloudpickle` of these series alone reads what clients send.
const ADDITIONS: [&str; 1] = ["cloudpickle>=3,<3.2"];
/// And what it needs where it serves: the class of an app names it.
const SERVED_ADDITIONS: [&str; 2] = ["cloudpickle>=3,<3.2", "grpcio"];

/// Everything that builds share.
pub(super) struct Workshop {
    pub shelf: Shelf,
    pub options: Options,
    pub launcher: Arc<dyn Launcher>,
    pub pythons: Interpreters,
    pub uv: Uv,
    /// Held for reading while downloads are in use, for writing while they are thrown away.
    pub downloads: RwLock<()>,
    /// Lays files that were uploaded into a folder.
    pub lay: OnceLock<Lay>,
    permits: Semaphore,
    flights: Mutex<HashMap<(String, bool), Arc<Flight>>>,
}

impl Workshop {
    pub(super) fn open(root: &Path, options: Options, launcher: Arc<dyn Launcher>) -> io::Result<Self> {
        std::fs::create_dir_all(root)?;
        let shelf = Shelf::open(root)?;
        let tools = shelf.root().join("tools");
        Ok(Self {
            pythons: Interpreters::new(tools.join("python")),
            uv: Uv::new(options.uv.clone(), tools.join("uv")),
            permits: Semaphore::new(options.at_once.max(1)),
            downloads: RwLock::default(),
            lay: OnceLock::new(),
            flights: Mutex::default(),
            shelf,
            options,
            launcher,
        })
    }

    pub(super) fn lay_context(&self, account: &str, files: &[(String, String)], into: &Path) -> Result<(), BuildError> {
        match self.lay.get() {
            Some(lay) => lay(account, files, into).map_err(|reason| BuildError::Image { reason }),
            None if files.is_empty() => Ok(()),
            None => Err(BuildError::Image { reason: "its files were not uploaded here".into() }),
        }
    }

    /// Waits for the disk, and holds no thread that serves while it does.
    pub(super) async fn settle(&self, bench: &Bench) -> Result<(), BuildError> {
        let room = bench.room.clone();
        let settled = tokio::task::spawn_blocking(move || shelf::settle(&room)).await;
        Ok(settled.map_err(|error| BuildError::Job { reason: error.to_string() })??)
    }
}

/// What is wanted, read and checked.
pub(super) struct Plan {
    pub id: String,
    pub account: String,
    pub minor: String,
    pub base: Base,
    pub layers: Vec<Layer>,
    pub resolver: Option<String>,
    pub additions: &'static [&'static str],
    pub mask: Mask,
    pub force: bool,
}

/// What packages are installed into.
pub(super) enum Base {
    Interpreter(Interpreter),
    Image(Image),
}

/// What stands in a layer's file to say where packages come from; it holds for the harness' packages too.
const SOURCES: [&str; 6] = ["-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--no-index"];

impl Plan {
    /// What the harness needs, from where the app's packages come.
    pub(super) fn harness_layer(&self) -> Layer {
        let mut layer = Layer::default();
        for from in &self.layers {
            let is_source = |line: &&String| {
                let name = line.split(|c: char| c == '=' || c.is_whitespace()).next().unwrap_or_default();
                SOURCES.contains(&name)
            };
            layer.file.extend(from.file.iter().filter(is_source).cloned());
            let hosts = from.flags.windows(2).filter(|pair| pair[0] == "--allow-insecure-host");
            layer.flags.extend(hosts.flatten().cloned());
        }
        layer.written = self.additions.iter().map(|&line| line.to_owned()).collect();
        layer.file.extend(layer.written.clone());
        layer
    }
}

pub(super) async fn find_or_build(
    shop: Arc<Workshop>,
    wanted: Wanted,
    force: bool,
    lines: mpsc::UnboundedSender<String>,
) -> Result<Environment, BuildError> {
    let plan = plan(&shop, wanted, force, &lines).await?;
    let flight = match board(&shop, &plan) {
        Boarded::Found(environment) => {
            let _ = lines.send(format!("the environment {} is there", short(&environment.id)));
            return Ok(*environment);
        }
        Boarded::Joined(flight) => {
            let _ = lines.send("the same environment is being built already".to_owned());
            flight
        }
        Boarded::Leading(flight) => {
            // Apart from its caller: that one may go away, and others may wait.
            tokio::spawn(fly(Arc::clone(&shop), plan, Arc::clone(&flight)));
            flight
        }
    };
    flight.listen(lines);
    flight.ending().await
}

async fn plan(
    shop: &Workshop,
    wanted: Wanted,
    force: bool,
    lines: &mpsc::UnboundedSender<String>,
) -> Result<Plan, BuildError> {
    let minor = minor_of(&wanted.python)?;
    let mut mask = Mask::default();
    let layers = read(&wanted, &mut mask)?;
    let base = match wanted.image {
        Some(image) => {
            for secret in image.secrets() {
                mask.add(secret);
            }
            Base::Image(image)
        }
        None => Base::Interpreter(interpreter(shop, &minor, lines).await?),
    };
    let foundation = match &base {
        Base::Interpreter(interpreter) => interpreter.version.clone(),
        Base::Image(image) => format!("{} {minor}", image.key()),
    };
    let additions: &[&str] = if wanted.served { &SERVED_ADDITIONS } else { &ADDITIONS };
    let id = key::id(&wanted.account, &foundation, &layers, wanted.resolver.as_deref(), additions);
    let Wanted { account, resolver, .. } = wanted;
    Ok(Plan { id, account, minor, base, layers, resolver, additions, mask, force })
}

/// One that is here, else one that is fetched.
async fn interpreter(
    shop: &Workshop,
    minor: &str,
    lines: &mpsc::UnboundedSender<String>,
) -> Result<Interpreter, BuildError> {
    if let Some(found) = shop.pythons.find(minor).await {
        return Ok(found);
    }
    let say = |line: &str| drop(lines.send(line.to_owned()));
    let uv = shop.uv.locate(say).await?;
    say(&format!("there is no Python {minor} on this server: fetching one"));
    shop.pythons.fetch(&uv, minor).await
}

fn read(wanted: &Wanted, mask: &mut Mask) -> Result<Vec<Layer>, BuildError> {
    let mut layers = Vec::new();
    for lines in &wanted.layers {
        let mut layer = Layer::default();
        for line in lines {
            layer.add(line, &fill(line, &wanted.secrets, mask)?)?;
        }
        layers.push(layer);
    }
    layers.retain(|layer| !layer.is_empty());
    Ok(layers)
}

enum Boarded {
    Found(Box<Environment>),
    Joined(Arc<Flight>),
    Leading(Arc<Flight>),
}

/// One look under one lock: between "nobody builds it" and "I do" nobody else can begin.
fn board(shop: &Workshop, plan: &Plan) -> Boarded {
    let mut flights = shop.flights.lock();
    let key = (plan.id.clone(), plan.force);
    if let Some(flight) = flights.get(&key) {
        return Boarded::Joined(Arc::clone(flight));
    }
    if let Some(found) = shop.shelf.find(&plan.id).filter(|_| !plan.force) {
        return Boarded::Found(Box::new(found));
    }
    let flight = Arc::new(Flight::new());
    flights.insert(key, Arc::clone(&flight));
    Boarded::Leading(flight)
}

async fn fly(shop: Arc<Workshop>, plan: Plan, flight: Arc<Flight>) {
    let landing = Landing { shop: &shop, key: (plan.id.clone(), plan.force), flight: &flight };
    let built = build(&shop, &plan, &flight).await;
    landing.end(built);
}

async fn build(shop: &Workshop, plan: &Plan, flight: &Flight) -> Result<Environment, BuildError> {
    if shop.permits.available_permits() == 0 {
        flight.say("waiting for other builds to end");
    }
    let closed = |_| BuildError::Job { reason: "the server stops".into() };
    let _permit = shop.permits.acquire().await.map_err(closed)?;
    let _downloads = shop.downloads.read().await;
    let kind = if matches!(plan.base, Base::Image(_)) { Room::Images } else { Room::Packages };
    let bench = shop.shelf.bench(&plan.account, &plan.id, kind)?;
    let installed = match &plan.base {
        Base::Interpreter(interpreter) => match Installer::new(shop, plan, interpreter, flight, &bench).await {
            Ok(installer) => installer.install().await,
            Err(error) => Err(error),
        },
        Base::Image(image) => match ImageBuilder::new(shop, plan, image, flight, &bench) {
            Ok(builder) => builder.build().await,
            Err(error) => Err(error),
        },
    };
    shop.shelf.discard(&bench.lists);
    if installed.is_err() {
        shop.shelf.discard(&bench.root);
    }
    shop.shelf.empty_trash();
    installed
}

/// Ends the flight even if the build panics, so that nobody waits for ever.
struct Landing<'a> {
    shop: &'a Workshop,
    key: (String, bool),
    flight: &'a Flight,
}

impl Landing<'_> {
    fn end(self, ending: Result<Environment, BuildError>) {
        self.shop.flights.lock().remove(&self.key);
        self.flight.end(ending);
    }
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        if !self.flight.has_ended() {
            self.shop.flights.lock().remove(&self.key);
            self.flight.end(Err(BuildError::Job { reason: "it was given up".into() }));
        }
    }
}

/// As much of an id as people compare.
pub(super) fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}
