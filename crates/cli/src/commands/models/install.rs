//! `tintype models install MODEL`

use std::{
    env,
    io::{self, BufRead, IsTerminal, Write},
};

use serde_json::json;
use tintype_catalog::{Catalog, Model, Weights as Published, nearest};
use tintype_domain::{Clock, EndpointId, SystemClock};
use tintype_weights::{Install, Licence, Set, Source, Weights};

use super::meter::{Meter, size};
use crate::{failure::Failure, found, print::Output};

pub(super) struct Wanted {
    pub(super) model: String,
    pub(super) from: Option<String>,
    pub(super) set: Option<String>,
    pub(super) accept_licence: bool,
}

pub(super) async fn install(wanted: Wanted, output: Output) -> Result<(), Failure> {
    let catalog = catalog()?;
    let (model, set) = pick(&catalog, &wanted.model, wanted.set.as_deref())?;
    let source: Source = match &wanted.from {
        Some(from) => from.parse()?,
        None => set.source.to_string().parse()?,
    };
    output.remark(&format!("{}: {} from {source}", model.app, set.title));
    accept(set, wanted.accept_licence, output)?;
    let now = SystemClock.now();
    let task = Install {
        set: Set {
            app: model.app.clone(),
            name: set.name.clone(),
            files: set.files.clone(),
            digests: set.digests.clone(),
        },
        source,
        licence: Some(Licence::accepted(&set.licence, now)),
        now,
        client: client()?,
        variable: &|name| env::var(name).ok().filter(|value| !value.is_empty()),
    };
    let weights = Weights::of(&found::find().data);
    let record = tintype_weights::install(&weights, task, &mut Meter::new(output)).await?;
    output.result(&json!(record), |_| {
        format!("installed {} ({} files, {})", model.app, record.files.len(), size(record.bytes()))
    });
    output.remark("A server that is up uses it from the next call on.");
    Ok(())
}

pub(super) fn catalog() -> Result<Catalog, Failure> {
    Ok(Catalog::open(&tintype_catalog::Options::default())?)
}

/// A model by its id or by one of its endpoints, and the set that is meant.
fn pick<'a>(catalog: &'a Catalog, named: &str, set: Option<&str>) -> Result<(&'a Model, &'a Published), Failure> {
    let id: EndpointId = named.parse().map_err(|error| Failure::new(format!("`{named}` is no model: {error}")))?;
    let model = catalog.model(id.app()).ok_or_else(|| unknown(catalog, named))?;
    let endpoint = model.endpoint(id.path());
    let by_endpoint = endpoint.and_then(|endpoint| model.weights_of(endpoint));
    let found = match set {
        Some(set) => model.weights.iter().find(|weights| weights.name == set),
        None => by_endpoint.or(model.weights.first().filter(|_| model.weights.len() == 1)),
    };
    if model.weights.is_empty() {
        return Err(Failure::new(format!("`{}` brings all that it needs: there is nothing to install", model.app)));
    }
    found.map(|set| (model, set)).ok_or_else(|| {
        let all = model.weights.iter().map(|weights| format!("`{}`", weights.name)).collect::<Vec<_>>().join(", ");
        let asked = set.map_or_else(|| "several sets".into(), |set| format!("no set `{set}`"));
        Failure::new(format!("`{}` has {asked}: name one of them with `--set`: {all}", model.app))
    })
}

fn unknown(catalog: &Catalog, named: &str) -> Failure {
    let ids: Vec<String> = catalog.models().map(|model| model.app.to_string()).collect();
    let near = nearest(named, ids.iter().map(String::as_str), 3);
    let near = if near.is_empty() { String::new() } else { format!("; near it: {}", near.join(", ")) };
    Failure::new(format!("there is no model `{named}`: `tintype models` lists them all{near}"))
}

/// Shows the terms; somebody has to say yes to them.
fn accept(set: &Published, accepted: bool, output: Output) -> Result<(), Failure> {
    let terms = terms(set);
    let told = terms.as_ref().map(|url| format!(" ({url})")).unwrap_or_default();
    output.remark(&format!("licence: {}{told}", set.licence));
    if accepted {
        return Ok(());
    }
    let refused = || Failure::new("the licence was not accepted: nothing was installed");
    if !io::stdin().is_terminal() {
        let place = terms.map(|url| format!(" at {url}")).unwrap_or_default();
        return Err(Failure::new(format!("read the licence{place}, and say `--accept-licence` if you accept it")));
    }
    let mut stderr = io::stderr().lock();
    write!(stderr, "Do you accept it? [y/N] ")?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") { Ok(()) } else { Err(refused()) }
}

/// Where the terms can be read: the publisher's page leads to them where nobody said more.
fn terms(set: &Published) -> Option<String> {
    set.licence_url.clone().or_else(|| set.source.to_string().parse::<Source>().ok()?.page())
}

/// Whoever sits at this machine decides where it goes: proxies of the environment are heeded.
fn client() -> Result<reqwest::Client, Failure> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let connect = std::time::Duration::from_secs(15);
    let builder = reqwest::Client::builder().connect_timeout(connect).read_timeout(connect * 4);
    Ok(builder.user_agent(concat!("tintype/", env!("CARGO_PKG_VERSION"))).build()?)
}
