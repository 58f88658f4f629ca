//! `tintype models remove MODEL`, and what is installed.

use serde_json::json;
use tintype_weights::Record;

use super::{
    bundle::{app, weights},
    meter::size,
};
use crate::{
    failure::Failure,
    print::{Output, table},
};

pub(super) fn remove(model: &str, set: Option<&str>, output: Output) -> Result<(), Failure> {
    let gone = weights().remove(&app(model)?, set)?;
    output.result(&json!({ "removed": gone }), |_| {
        let sets: Vec<_> = gone.iter().map(|record| format!("{}/{}", record.app, record.set)).collect();
        format!("removed {}", sets.join(", "))
    });
    Ok(())
}

pub(super) fn installed(output: Output) {
    let records = weights().records();
    output.result(&json!({ "models": records }), |_| list(&records));
}

fn list(records: &[Record]) -> String {
    let heading = ["MODEL", "SET", "SIZE", "LICENCE", "INSTALLED", "SOURCE"].map(Into::into).to_vec();
    let row = |record: &Record| {
        let licence = record.licence.as_ref().map(|licence| licence.name.clone()).unwrap_or_default();
        let day = record.installed_at.chars().take(10).collect();
        vec![record.app.clone(), record.set.clone(), size(record.bytes()), licence, day, record.source.clone()]
    };
    table(&[vec![heading], records.iter().map(row).collect()].concat())
}
