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

pub(super) fn import(bundle: &Path, output: Output) -> Result<(), Failure> {
    let records = tintype_weights::import(&weights(), bundle, &mut Meter::new(output))?;
    for record in &records {
        if let Some(licence) = &record.licence {
            output.remark(&format!("{}/{}: licence: {}", record.app, record.set, licence.name));
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
