//! How deployed apps are kept apart, as words.

use std::collections::BTreeMap;

use tintype_domain::AppId;
use tintype_launch::{Sandboxing, UnknownSandboxing};

use super::value::Parsed;

/// Each holds some 60 MB.
const MOST_TEMPLATES: usize = 256;

/// What of the network an app may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppNetwork {
    None,
    /// The world by way of this server, which keeps to `app_reach`.
    Internet,
    /// All that this machine reaches, itself included.
    All,
}

/// A policy for all apps, and others for some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppNetworks {
    usual: AppNetwork,
    apps: BTreeMap<String, AppNetwork>,
}

impl Default for AppNetworks {
    fn default() -> Self {
        Self { usual: AppNetwork::Internet, apps: BTreeMap::new() }
    }
}

impl AppNetworks {
    pub fn of(&self, app: &AppId) -> AppNetwork {
        self.apps.get(app.as_str()).copied().unwrap_or(self.usual)
    }
}

pub(super) fn sandbox(text: &str) -> Parsed<Sandboxing> {
    text.parse().map_err(|error: UnknownSandboxing| error.to_string())
}

pub(super) fn templates(text: &str) -> Parsed<usize> {
    let number = if text == "off" { Some(0) } else { text.parse().ok().filter(|number| *number <= MOST_TEMPLATES) };
    number.ok_or_else(|| format!("expected a number up to {MOST_TEMPLATES}, or `off`"))
}

pub(super) fn networks(text: &str) -> Parsed<AppNetworks> {
    let mut networks = AppNetworks::default();
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        match word.split_once('=') {
            None => networks.usual = network(word)?,
            Some((app, policy)) => {
                let app: AppId = app.trim().parse().map_err(|_| wrong())?;
                networks.apps.insert(app.to_string(), network(policy.trim())?);
            }
        }
    }
    Ok(networks)
}

fn network(word: &str) -> Parsed<AppNetwork> {
    match word {
        "none" => Ok(AppNetwork::None),
        "internet" => Ok(AppNetwork::Internet),
        "all" => Ok(AppNetwork::All),
        _ => Err(wrong()),
    }
}

fn wrong() -> String {
    "expected `none`, `internet` or `all`, and for single apps `OWNER/APP=none` and the like, such as \
     `internet, local/crawler=all`"
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_policy_holds_for_all_apps_but_those_that_are_named() {
        let networks = networks("none, local/crawler=all, local/fetch = internet").unwrap();
        let of = |app: &str| networks.of(&app.parse().unwrap());
        assert_eq!(of("local/other"), AppNetwork::None);
        assert_eq!(of("local/crawler"), AppNetwork::All);
        assert_eq!(of("local/fetch"), AppNetwork::Internet);
    }

    #[test]
    fn other_words_are_refused_with_those_that_are_known() {
        for text in ["some", "local/x=some", "nonsense=all"] {
            assert!(super::networks(text).unwrap_err().contains("expected `none`, `internet` or `all`"), "{text}");
        }
        assert!(sandbox("on").is_err());
        assert_eq!((templates("off"), templates("0"), templates("3")), (Ok(0), Ok(0), Ok(3)));
        assert!(templates("many").is_err() && templates("1000000").is_err());
    }
}
