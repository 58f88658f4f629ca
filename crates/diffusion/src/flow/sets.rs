//! The weight sets of an app, of which one is in memory at a time.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use crate::{Compute, LoadError};

/// What one app's folder holds: a folder a set.
pub(crate) struct Sets<T> {
    folder: PathBuf,
    compute: Compute,
    load: fn(&Path, &Compute) -> Result<T, LoadError>,
    ready: Mutex<Option<(String, Arc<T>)>>,
}

impl<T> Sets<T> {
    /// Loads the set right away if there is only one of `names`; of several, the one that is asked for.
    pub fn open(
        folder: &Path,
        names: &[&str],
        compute: Compute,
        load: fn(&Path, &Compute) -> Result<T, LoadError>,
    ) -> Result<Self, LoadError> {
        let sets = Self { folder: folder.into(), compute, load, ready: Mutex::default() };
        let installed: Vec<&&str> = names.iter().filter(|name| sets.folder.join(name).is_dir()).collect();
        match installed.as_slice() {
            [] => return Err(LoadError::NoSet { path: folder.into(), names: names.join("`, `") }),
            [only] => drop(sets.get(only, &mut |_| {})?),
            _ => {}
        }
        Ok(sets)
    }

    pub fn compute(&self) -> &Compute {
        &self.compute
    }

    /// Two sets need not fit beside each other, so the one before is let go first.
    pub fn get(&self, name: &str, note: &mut dyn FnMut(&str)) -> Result<Arc<T>, LoadError> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, set)) = ready.as_ref().filter(|(loaded, _)| loaded == name) {
            return Ok(set.clone());
        }
        let folder = self.folder.join(name);
        if !folder.is_dir() {
            return Err(LoadError::NoSet { path: self.folder.clone(), names: name.into() });
        }
        note(&format!("loading the weights `{name}`"));
        *ready = None;
        let set = Arc::new((self.load)(&folder, &self.compute)?);
        *ready = Some((name.into(), set.clone()));
        Ok(set)
    }
}
