//! One file for each command.

mod apps;
mod completions;
mod doctor;
mod keys;
mod models;
mod requests;
mod run;
mod runner;
mod runners;
mod serve;
mod welcome;

pub(crate) use apps::apps;
pub(crate) use completions::completions;
pub(crate) use doctor::doctor;
pub(crate) use keys::keys;
pub(crate) use models::models;
pub(crate) use requests::requests;
pub(crate) use run::run;
pub(crate) use runner::runner;
pub(crate) use runners::runners;
pub(crate) use serve::serve;
