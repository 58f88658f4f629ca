//! From what is wanted to an environment: found, joined while it is being built, or built.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{
    Environment, Wanted,
    container::ImageBuilder,
    error::BuildError,
    flight::Flight,
    install::Installer,
    plan::{Base, Plan, plan, short},
    shelf::Room,
    workshop::Workshop,
};

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
