//! `tintype models export` and `import`

use std::path::Path;

use serde_json::json;
use tintype_domain::AppId;
use tintype_weights::{Record, Weights, WeightsError};

use super::{
    install::catalog,
    meter::{Meter, size},
};
use crate::{failure::Failure, found, print::Output};

pub(super) fn export(models: &[String], target: &Path, output: Output) -> Result<(), Failure> {
    let apps = models.iter().map(|model| app(model)).collect::<Result<Vec<_>, _>>()?;
    let records = tintype_weights::export(&weights(), &apps, target, &mut Meter::new(output)).map_err(not_there)?;
    told(&records, &format!("wrote {} to {}", names(&records), target.display()), output);
    Ok(())
}

/// What is not installed need not be, or can be.
fn not_there(error: WeightsError) -> Failure {
    let WeightsError::NotInstalled { app, .. } = &error else { return error.into() };
    let Ok(catalog) = catalog() else { return error.into() };
    match catalog.models().find(|model| model.app.as_str() == app) {
        Some(model) if model.weights.is_empty() => {
            Failure::new(format!("`{app}` brings all that it needs: there is nothing to export"))
        }
        Some(_) => Failure::new(format!("{error}: `tintype models install {app}` fetches them")),
        None => error.into(),
    }
}

/// The licences were accepted when the bundle was written: there is nothing left to say no to.
pub(super) fn import(bundle: &Path, accepted: bool, output: Output) -> Result<(), Failure> {
    let records = tintype_weights::import(&weights(), bundle, &mut Meter::new(output))?;
    for record in &records {
        if let Some(licence) = &record.licence {
            let by = if accepted { "" } else { ", accepted where the bundle was written" };
            output.remark(&format!("{}/{}: licence: {}{by}", record.app, record.set, licence.name));
        }
    }
    told(&records, &format!("installed {}", names(&records)), output);
    Ok(())
}

pub(super) fn weights() -> Weights {
    Weights::of(&found::find().data)
}

pub(super) fn app(model: &str) -> Result<AppId, Failure> {
    model.parse().map_err(|error| Failure::new(format!("`{model}` is no model: {error}")))
}

fn told(records: &[Record], words: &str, output: Output) {
    output.result(&json!({ "models": records }), |_| words.to_owned());
}

fn names(records: &[Record]) -> String {
    let name = |record: &Record| format!("{}/{} ({})", record.app, record.set, size(record.bytes()));
    records.iter().map(name).collect::<Vec<_>>().join(", ")
}
