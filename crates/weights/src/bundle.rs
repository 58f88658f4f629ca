//! Installed sets as one file, for machines without a network.
//!
//! A tar archive: `records.json` first, then each blob once, named by its digest. Nothing in it is believed: names are
//! the records' own and checked, and every blob is read and hashed on its way in.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, BufReader, BufWriter, Read, Write},
    path::Path,
};

use tintype_domain::AppId;

use crate::{
    Progress, Record, Weights, WeightsError,
    blobs::Blobs,
    check::{broken, check_file, check_name, check_set, is_digest},
    disk,
    install::lay_out,
};

const RECORDS: &str = "records.json";
const LONGEST_RECORDS: u64 = 16 << 20;

/// Writes the sets of `apps` to `target`, whole or not at all.
pub fn export(
    weights: &Weights,
    apps: &[AppId],
    target: &Path,
    progress: &mut dyn Progress,
) -> Result<Vec<Record>, WeightsError> {
    let _lock = weights.lock()?;
    let all = weights.records();
    let mut records = Vec::new();
    for app in apps {
        let before = records.len();
        records.extend(all.iter().filter(|record| record.app == app.as_str()).cloned());
        if records.len() == before {
            return Err(WeightsError::NotInstalled { app: app.to_string(), set: None });
        }
    }
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    disk::check_room(folder, records.iter().map(Record::bytes).sum())?;
    let mut write = || {
        let draft = tempfile::NamedTempFile::new_in(folder)?;
        let mut archive = tar::Builder::new(BufWriter::new(draft));
        append(&mut archive, RECORDS, &mut serde_json::to_vec_pretty(&records)?.as_slice(), None)?;
        let mut done = BTreeSet::new();
        for file in records.iter().flat_map(|record| &record.files) {
            if done.insert(&file.sha256) {
                progress.begin(&file.path, Some(file.bytes));
                let mut blob = File::open(weights.blobs().path(&file.sha256))?;
                append(&mut archive, &file.sha256, &mut blob, Some(file.bytes))?;
                progress.advance(file.bytes);
                progress.end();
            }
        }
        let mut draft = archive.into_inner()?;
        draft.flush()?;
        let draft = draft.into_inner().map_err(io::IntoInnerError::into_error)?;
        draft.as_file().sync_all()?;
        draft.persist(target)?;
        Ok(())
    };
    write().map_err(WeightsError::io(target))?;
    Ok(records)
}

fn append<W: Write, R: Read>(
    archive: &mut tar::Builder<W>,
    name: &str,
    content: &mut R,
    bytes: Option<u64>,
) -> io::Result<()> {
    let mut whole = Vec::new();
    let mut header = tar::Header::new_ustar();
    header.set_mode(0o644);
    if let Some(bytes) = bytes {
        header.set_size(bytes);
        return archive.append_data(&mut header, name, content);
    }
    content.read_to_end(&mut whole)?;
    header.set_size(whole.len() as u64);
    archive.append_data(&mut header, name, whole.as_slice())
}

/// Installs all sets of a bundle.
pub fn import(weights: &Weights, bundle: &Path, progress: &mut dyn Progress) -> Result<Vec<Record>, WeightsError> {
    let foreign = |reason: String| WeightsError::NotBundle { path: bundle.into(), reason };
    if bundle.is_dir() {
        return Err(foreign("it is a folder".into()));
    }
    let _lock = weights.lock()?;
    let io_error = || WeightsError::io(bundle);
    let file = File::open(bundle).map_err(io_error())?;
    let length = file.metadata().map_err(io_error())?.len();
    disk::check_room(&weights.drafts(), length)?;
    let mut archive = tar::Archive::new(BufReader::new(file));
    let mut entries = archive.entries().map_err(io_error())?;
    let records =
        read_records(entries.next()).map_err(|_| foreign("it does not begin with a list of records".into()))?;
    check(&records)?;
    let mut wanted: BTreeMap<&str, &str> = BTreeMap::new();
    for file in records.iter().flat_map(|record| &record.files) {
        wanted.insert(&file.sha256, &file.path);
    }
    for entry in entries {
        let mut entry = entry.map_err(|error| not_whole(&error))?;
        let name = entry.path().map_err(|error| not_whole(&error))?.to_string_lossy().into_owned();
        let Some(path) = wanted.remove(name.as_str()) else {
            return Err(WeightsError::Bundle { reason: format!("it holds `{name:.80}`, which it does not list") });
        };
        progress.begin(path, Some(entry.size()));
        let (draft, sha256, bytes) =
            Blobs::copy_in(&mut entry, &weights.drafts()).map_err(|error| not_whole(&error))?;
        if sha256 != name {
            return Err(WeightsError::Digest { file: path.into(), found: sha256, wanted: name });
        }
        check_file(&draft, path)?;
        weights.blobs().take_in(&draft, &sha256)?;
        progress.advance(bytes);
        progress.end();
    }
    if let Some((sha256, path)) = wanted.into_iter().find(|(sha256, _)| !weights.blobs().has(sha256, None)) {
        return Err(WeightsError::Bundle { reason: format!("`{path}` ({sha256}) is missing") });
    }
    for record in &records {
        lay_out(weights, &app(record)?, record)?;
    }
    // Not before all are linked: until then a blob that was just brought has no other name.
    weights.blobs().collect()?;
    Ok(records)
}

fn read_records<R: Read>(entry: Option<io::Result<tar::Entry<'_, R>>>) -> io::Result<Vec<Record>> {
    let entry = entry.ok_or_else(|| broken("it is empty"))??;
    if entry.path()? != Path::new(RECORDS) || entry.size() > LONGEST_RECORDS {
        return Err(broken("it does not begin with its list of records"));
    }
    Ok(serde_json::from_reader(entry.take(LONGEST_RECORDS))?)
}

fn app(record: &Record) -> Result<AppId, WeightsError> {
    record.app.parse().map_err(|_| WeightsError::Name { name: record.app.chars().take(80).collect() })
}

fn check(records: &[Record]) -> Result<(), WeightsError> {
    for record in records {
        app(record)?;
        check_set(&record.set)?;
        for file in &record.files {
            check_name(&file.path)?;
            if !is_digest(&file.sha256) {
                return Err(WeightsError::Bundle { reason: format!("`{}` has no digest", file.path) });
            }
        }
    }
    Ok(())
}

fn not_whole(error: &io::Error) -> WeightsError {
    WeightsError::Bundle { reason: error.to_string() }
}
