//! The settings file: TOML, flat, with one table for aliases.

use std::{fs, io, path::PathBuf};

use toml::{Table, Value};

use super::{Options, OptionsError, SETTINGS};

#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("could not read the settings file {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("the settings file {path} is not TOML")]
    Syntax { path: PathBuf, source: Box<toml::de::Error> },
    #[error("{path}: there is no setting `{key}`; there are: {known}")]
    Unknown { path: PathBuf, key: String, known: String },
    #[error("{path}: `{key}` must be text, a number or true/false")]
    Kind { path: PathBuf, key: String },
    #[error("{path}: each entry of `[alias]` must be `\"other/id\" = \"tintype/model\"`; found {key}")]
    Alias { path: PathBuf, key: String },
}

/// Applies the file that was named, or the one at the usual place if it is there.
pub(super) fn apply(
    options: &mut Options,
    named: Option<PathBuf>,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<(), OptionsError> {
    let named = named.or_else(|| variable("TINTYPE_CONFIG").map(PathBuf::from));
    let must_exist = named.is_some();
    let path = named.unwrap_or_else(|| crate::paths::default_config(variable));
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !must_exist => return Ok(()),
        Err(source) => return Err(FileError::Read { path, source }.into()),
    };
    let table: Table =
        text.parse().map_err(|source| FileError::Syntax { path: path.clone(), source: Box::new(source) })?;
    for (key, value) in table {
        entry(options, &path, key, value)?;
    }
    Ok(())
}

fn entry(options: &mut Options, path: &std::path::Path, key: String, value: Value) -> Result<(), OptionsError> {
    let path = path.to_owned();
    if let ("alias", Value::Table(aliases)) = (key.as_str(), &value) {
        for (alias, target) in aliases {
            let Some(target) = target.as_str() else {
                return Err(FileError::Alias { path, key: alias.clone() }.into());
            };
            options.aliases.insert(alias.clone(), target.into());
        }
        return Ok(());
    }
    let Some(setting) = SETTINGS.iter().find(|setting| setting.key == key) else {
        let known = SETTINGS.iter().map(|setting| setting.key).collect::<Vec<_>>().join(", ");
        return Err(FileError::Unknown { path, key, known: format!("{known}, [alias]") }.into());
    };
    let found = match value {
        Value::String(text) => text,
        Value::Integer(number) => number.to_string(),
        Value::Boolean(switch) => switch.to_string(),
        Value::Array(list) if list.iter().all(Value::is_str) => {
            list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
        }
        _ => return Err(FileError::Kind { path, key }.into()),
    };
    setting.apply(options, &found, &format!("`{key}` in {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Options, OptionsError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tintype.toml");
        fs::write(&path, text).unwrap();
        Options::read(|_| None, |_| None, Some(path))
    }

    #[test]
    fn a_file_holds_settings_and_aliases() {
        let text = "listen = \"127.0.0.1:9000\"\ndiagnostics = true\nnames = [\"a.example\"]\n\
                    [alias]\n\"fal-ai/aura-flow\" = \"tintype/sketch\"\n";
        let options = read(text).unwrap();
        assert_eq!(options.listen.port(), 9000);
        assert!(options.diagnostics);
        assert_eq!(options.names, ["a.example"]);
        assert_eq!(options.aliases["fal-ai/aura-flow"], "tintype/sketch");
    }

    #[test]
    fn an_unknown_key_and_a_missing_file_are_named() {
        let unknown = read("lisen = 1").unwrap_err().to_string();
        assert!(unknown.contains("there is no setting `lisen`; there are: listen, data"), "{unknown}");
        let missing = Options::read(|_| None, |_| None, Some("/no/such.toml".into())).unwrap_err().to_string();
        assert_eq!(missing, "could not read the settings file /no/such.toml");
    }
}
