//! `tintype models export` and `import`

use std::path::Path;

use serde_json::json;
use tintype_domain::AppId;
use tintype_weights::{Record, Weights};

use super::meter::{Meter, size};
use crate::{failure::Failure, found, print::Output};

pub(super) fn export(models: &[String], target: &Path, output: Output) -> Result<(), Failure> {
    let apps = models.iter().map(|model| app(model)).collect::<Result<Vec<_>, _>>()?;
    let records = tintype_weights::export(&weights(), &apps, target, &mut Meter::new(output))?;
    told(&records, &format!("wrote {} to {}", names(&records), target.display()), output);
    Ok(())
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
