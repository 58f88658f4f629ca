//! Installing one set of an app: all of its files, or nothing.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use reqwest::Client;
use tintype_domain::{AppId, Timestamp};

use crate::{
    Licence, Progress, Record, RecordFile, Source, Weights, WeightsError,
    blobs::Blobs,
    check::{check_file, check_name, check_set, is_known},
    disk, fetch,
    fetch::{Partial, Wanted},
    hub::{Hub, Listed},
    record,
};

/// What a manifest says of a set.
#[derive(Clone, Debug)]
pub struct Set {
    pub app: AppId,
    pub name: String,
    /// Paths in the published folder; `*` stands for any part of a name. Each must find a file.
    pub files: Vec<String>,
    /// SHA-256 of files, by path: only those that are known for sure.
    pub digests: std::collections::BTreeMap<String, String>,
}

/// What to do.
pub struct Install<'a> {
    pub set: Set,
    pub source: Source,
    pub licence: Option<Licence>,
    pub now: Timestamp,
    pub client: Client,
    /// Reads the environment, for what a hub wants to know.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
}

/// A file that is here.
struct Found {
    path: String,
    sha256: String,
    bytes: u64,
}

pub async fn install(
    weights: &Weights,
    task: Install<'_>,
    progress: &mut dyn Progress,
) -> Result<Record, WeightsError> {
    check_set(&task.set.name)?;
    let _lock = weights.lock()?;
    Partial::sweep(&weights.partial(), task.now);
    let mut wanted = Patterns::of(&task.set.files)?;
    let (found, revision) = match &task.source {
        Source::Folder(folder) => (from_folder(weights, &task, &mut wanted, folder, progress)?, None),
        Source::File(file) => (vec![from_file(weights, &task, file, &name_of(file), progress)?], None),
        Source::Url(url) => {
            let name = url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default().to_owned();
            let listed = Listed { path: name, bytes: None, sha256: None };
            let token = None;
            (vec![fetched(weights, &task, &listed, url, token, progress).await?], None)
        }
        Source::Hub { repository, revision } => {
            let (found, commit) =
                from_hub(weights, &task, &wanted, (repository, revision.as_deref().unwrap_or("main")), progress)
                    .await?;
            (found, Some(commit))
        }
    };
    wanted.check_all(&task, &found)?;
    publish(weights, &task, revision, found)
}

async fn from_hub(
    weights: &Weights,
    task: &Install<'_>,
    wanted: &Patterns,
    (repository, revision): (&str, &str),
    progress: &mut dyn Progress,
) -> Result<(Vec<Found>, String), WeightsError> {
    let hub = Hub::of(task.variable)?;
    let listing = hub.list(&task.client, repository, revision).await?;
    let files: Vec<Listed> = listing.files.into_iter().filter(|file| wanted.takes(&file.path)).collect();
    let missing = |file: &&Listed| !file.sha256.as_ref().is_some_and(|sha256| weights.blobs().has(sha256, file.bytes));
    let needed = files.iter().filter(missing).filter_map(|file| file.bytes).sum();
    disk::check_room(&weights.partial(), needed)?;
    let mut found = Vec::new();
    for file in &files {
        let url = hub.file(repository, &listing.commit, &file.path)?;
        found.push(fetched(weights, task, file, &url, hub.token.as_deref(), progress).await?);
    }
    Ok((found, listing.commit))
}

async fn fetched(
    weights: &Weights,
    task: &Install<'_>,
    file: &Listed,
    url: &url::Url,
    token: Option<&str>,
    progress: &mut dyn Progress,
) -> Result<Found, WeightsError> {
    check_name(&file.path)?;
    let expected = task.set.digests.get(&file.path).or(file.sha256.as_ref());
    if let Some(sha256) = expected
        && weights.blobs().has(sha256, file.bytes)
    {
        let path = weights.blobs().path(sha256);
        let bytes = path.metadata().map_err(WeightsError::io(&path))?.len();
        return Ok(Found { path: file.path.clone(), sha256: sha256.clone(), bytes });
    }
    let wanted = Wanted { url, name: &file.path, bytes: file.bytes, token };
    let got = fetch::fetch(&task.client, &wanted, &weights.partial(), progress).await?;
    let checked = check_digest(&file.path, &got.sha256, expected).and_then(|()| check_file(&got.path, &file.path));
    if let Err(error) = checked {
        // Going on with it would only end here again.
        let _ = fs::remove_file(&got.path);
        return Err(error);
    }
    weights.blobs().take_in(&got.path, &got.sha256)?;
    Ok(Found { path: file.path.clone(), sha256: got.sha256, bytes: got.bytes })
}

fn from_folder(
    weights: &Weights,
    task: &Install<'_>,
    wanted: &mut Patterns,
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<Vec<Found>, WeightsError> {
    let mut files = Vec::new();
    // Folders that downloads leave behind hold links to their files; loops are found out.
    for entry in walkdir::WalkDir::new(folder).follow_links(true).sort_by_file_name() {
        let entry = entry.map_err(|error| WeightsError::io(folder)(error.into()))?;
        let name = entry.path().strip_prefix(folder).ok().and_then(Path::to_str).map(str::to_owned);
        if let Some(name) = name.filter(|_| entry.file_type().is_file()) {
            files.push((name, entry.path().to_owned()));
        }
    }
    let has = |pattern: &GlobSet| files.iter().any(|(name, _)| pattern.is_match(name));
    if !wanted.each.iter().all(|(_, pattern)| has(pattern)) {
        *wanted = Patterns::of(&wanted.widened())?;
    }
    files.retain(|(name, _)| wanted.takes(name) && (is_known(name) || wanted.names(name)));
    if files.is_empty() {
        let wanted = task.set.files.join(", ");
        return Err(WeightsError::NothingFound { from: folder.into(), wanted });
    }
    let sizes = files.iter().filter_map(|(_, path)| Some(path.metadata().ok()?.len()));
    disk::check_room(&weights.drafts(), sizes.sum())?;
    files.iter().map(|(name, path)| from_file(weights, task, path, name, progress)).collect()
}

fn from_file(
    weights: &Weights,
    task: &Install<'_>,
    from: &Path,
    name: &str,
    progress: &mut dyn Progress,
) -> Result<Found, WeightsError> {
    check_name(name)?;
    check_file(from, name)?;
    let mut file = File::open(from).map_err(WeightsError::io(from))?;
    progress.begin(name, file.metadata().ok().map(|found| found.len()));
    let (draft, sha256, bytes) = Blobs::copy_in(&mut file, &weights.drafts()).map_err(WeightsError::io(from))?;
    progress.advance(bytes);
    progress.end();
    check_digest(name, &sha256, task.set.digests.get(name))?;
    // What was read is what counts, not what the file was when it was looked at.
    check_file(&draft, name)?;
    weights.blobs().take_in(&draft, &sha256)?;
    Ok(Found { path: name.into(), sha256, bytes })
}

fn name_of(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn check_digest(file: &str, found: &str, wanted: Option<&String>) -> Result<(), WeightsError> {
    match wanted.filter(|wanted| *wanted != found) {
        None => Ok(()),
        Some(wanted) => Err(WeightsError::Digest { file: file.into(), found: found.into(), wanted: wanted.clone() }),
    }
}

/// Links the files into a folder that becomes the set's, and writes the record last.
fn publish(
    weights: &Weights,
    task: &Install<'_>,
    revision: Option<String>,
    found: Vec<Found>,
) -> Result<Record, WeightsError> {
    let Set { app, name, .. } = &task.set;
    let files: Vec<RecordFile> =
        found.into_iter().map(|Found { path, sha256, bytes }| RecordFile { path, sha256, bytes }).collect();
    let record = Record {
        app: app.to_string(),
        set: name.clone(),
        source: task.source.to_string(),
        revision,
        licence: task.licence.clone(),
        installed_at: task.now.to_string(),
        files,
    };
    lay_out(weights, app, &record)?;
    weights.blobs().collect()?;
    Ok(record)
}

/// Puts the folder and the record of a set where they belong; its blobs are there.
pub(crate) fn lay_out(weights: &Weights, app: &AppId, record: &Record) -> Result<(), WeightsError> {
    let draft = weights.drafts().join("set");
    for file in &record.files {
        let link = draft.join(&file.path);
        let folder = link.parent().unwrap_or(&draft);
        fs::create_dir_all(folder).map_err(WeightsError::io(folder))?;
        fs::hard_link(weights.blobs().path(&file.sha256), &link).map_err(WeightsError::io(&link))?;
    }
    let target = weights.folder(app).join(&record.set);
    let record_file = weights.record_file(app, &record.set);
    let moved = || {
        fs::create_dir_all(weights.folder(app))?;
        if target.exists() {
            // In between there is no such set, and a runner that starts then says so.
            if record_file.exists() {
                fs::remove_file(&record_file)?;
            }
            fs::rename(&target, weights.drafts().join("old"))?;
        }
        fs::rename(&draft, &target)?;
        File::open(weights.folder(app))?.sync_all()?;
        record::write(&record_file, &weights.drafts(), record)?;
        let old: PathBuf = weights.drafts().join("old");
        if old.exists() { fs::remove_dir_all(old) } else { Ok(()) }
    };
    moved().map_err(WeightsError::io(&target))
}

/// The files of a set, as its manifest names them.
struct Patterns {
    all: GlobSet,
    each: Vec<(String, GlobSet)>,
}

impl Patterns {
    fn of(files: &[String]) -> Result<Self, WeightsError> {
        let compiled = |files: &[String]| {
            let mut set = GlobSetBuilder::new();
            for file in files {
                set.add(GlobBuilder::new(file).literal_separator(true).build()?);
            }
            set.build()
        };
        let wrong = |error: globset::Error| WeightsError::Name { name: error.to_string() };
        let one = |file: &String| Ok((file.clone(), compiled(std::slice::from_ref(file)).map_err(wrong)?));
        Ok(Self { all: compiled(files).map_err(wrong)?, each: files.iter().map(one).collect::<Result<_, _>>()? })
    }

    /// Without patterns: whatever can belong to a model.
    fn takes(&self, name: &str) -> bool {
        if self.each.is_empty() { is_known(name) } else { self.all.is_match(name) }
    }

    /// Whether a pattern says exactly this name.
    fn names(&self, name: &str) -> bool {
        self.each.iter().any(|(pattern, _)| pattern == name)
    }

    /// A folder of somebody's own may cut its files otherwise than the published one: then what counts is that each of
    /// the published folders is there.
    fn widened(&self) -> Vec<String> {
        let wide = |pattern: &String| match pattern.split_once('/') {
            Some((folder, file)) if file.ends_with("safetensors") => format!("{folder}/**/*.safetensors"),
            Some((folder, _)) => format!("{folder}/**"),
            None => pattern.clone(),
        };
        self.each
            .iter()
            .map(|(pattern, _)| wide(pattern))
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    /// A single file or address stands for itself.
    fn check_all(&self, task: &Install<'_>, found: &[Found]) -> Result<(), WeightsError> {
        if matches!(task.source, Source::File(_) | Source::Url(_)) {
            return Ok(());
        }
        let lacks = |(_, pattern): &&(String, GlobSet)| !found.iter().any(|file| pattern.is_match(&file.path));
        match self.each.iter().find(lacks) {
            None => Ok(()),
            Some((missing, _)) => {
                Err(WeightsError::Missing { from: task.source.to_string(), missing: missing.clone() })
            }
        }
    }
}
