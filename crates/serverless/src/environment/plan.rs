//! What is wanted, read and checked: nothing is built for what cannot be.

use tokio::sync::mpsc;

use super::{
    Image, Wanted,
    error::BuildError,
    key,
    python::{Interpreter, minor_of},
    requirement::Layer,
    secret::{Mask, fill},
    workshop::Workshop,
};

/// What the harness needs in every environment; `cloudpickle` of these series alone reads what clients send.
const ADDITIONS: [&str; 1] = ["cloudpickle>=3,<3.2"];
/// And what it needs where it serves: the class of an app names it.
const SERVED_ADDITIONS: [&str; 2] = ["cloudpickle>=3,<3.2", "grpcio"];

/// One environment to be.
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

pub(super) async fn plan(
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

/// As much of an id as people compare.
pub(super) fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}
