//! What an app's environment is made of, as the client describes it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tintype_domain::AccountId;

use super::{definition::AppFile, error::DeployError, image::ImageRecipe, structs};
use crate::{api::EnvironmentDefinition, environment::Wanted};

/// Everything that decides what is installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recipe {
    pub python: String,
    pub layers: Vec<Vec<String>>,
    pub resolver: Option<String>,
    pub compile_bytecode: bool,
    #[serde(default)]
    pub image: Option<ImageRecipe>,
}

/// Of an image in which none is looked for, so that any will do.
const ANY_PYTHON: &str = "3.11";

/// Distributions that only what serves asks for. What serves needs the harness' additions for it.
const SERVING: [&str; 2] = ["uvicorn", "fastapi"];

impl Recipe {
    /// Of the one definition that clients send.
    pub(crate) fn read(definitions: Vec<EnvironmentDefinition>) -> Result<Self, DeployError> {
        let count = definitions.len();
        let mut definitions = definitions.into_iter();
        let (Some(definition), None) = (definitions.next(), definitions.next()) else {
            return Err(DeployError::Invalid(format!("{count} environments were given: expected exactly one")));
        };
        let configuration = structs::object(definition.configuration.unwrap_or_default());
        match definition.kind.as_str() {
            // An image that is declared outside of the class arrives as a virtual environment.
            "container" | "virtualenv" => Self::virtualenv(&configuration, definition.kind == "container"),
            kind => Err(DeployError::Invalid(format!(
                "environments of kind `{kind:.32}` are not built here: use `virtualenv` or `container`"
            ))),
        }
    }

    fn virtualenv(configuration: &Map<String, Value>, contained: bool) -> Result<Self, DeployError> {
        let image = match configuration.get("image") {
            Some(Value::Object(image)) => Some(ImageRecipe::read(image)?),
            None | Some(Value::Null) if !contained => None,
            _ => return Err(DeployError::Invalid("`image` is missing: a container begins with one".into())),
        };
        let any = || image.as_ref().filter(|image| !image.python).map(|_| ANY_PYTHON.to_owned());
        let python = text(configuration, "python_version")?.or_else(any).ok_or_else(|| {
            DeployError::Invalid("`python_version` is missing: expected a minor such as `3.11`".into())
        })?;
        Ok(Self {
            python,
            layers: layers(configuration.get("requirements"))?,
            resolver: text(configuration, "resolver")?,
            compile_bytecode: configuration.get("compile_bytecode").and_then(Value::as_bool).unwrap_or(false),
            image,
        })
    }

    /// With an image the files are what its Dockerfile copies, and the app has none of its own; tells what is left.
    pub(crate) fn take_files(&mut self, files: Vec<AppFile>) -> Vec<AppFile> {
        match &mut self.image {
            Some(image) => {
                image.set_files(files);
                Vec::new()
            }
            None => files,
        }
    }

    /// Whether it can serve HTTP.
    pub(crate) fn serves(&self) -> bool {
        self.layers.iter().flatten().any(|line| SERVING.contains(&distribution(line).as_str()))
    }

    /// Names of the secrets that its lines ask for.
    pub(crate) fn secret_names(&self) -> BTreeSet<String> {
        self.layers.iter().flatten().flat_map(|line| secrets_in(line)).collect()
    }

    /// For `account`; `secrets`: values for the names in [`secret_names`](Self::secret_names), those that are known.
    pub(crate) fn wanted(&self, account: &AccountId, secrets: impl IntoIterator<Item = (String, String)>) -> Wanted {
        let Self { python, layers, resolver, compile_bytecode, image } = self.clone();
        let (account, served) = (account.to_string(), self.serves());
        Wanted {
            account,
            python,
            layers,
            resolver,
            compile_bytecode,
            secrets: secrets.into_iter().collect(),
            served,
            image: image.map(|image| image.wanted()),
        }
    }
}

fn text(configuration: &Map<String, Value>, name: &str) -> Result<Option<String>, DeployError> {
    match configuration.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(found)) => Ok(Some(found.clone())),
        Some(other) => Err(DeployError::Invalid(format!("`{name}` is {}: expected a text", shown(other)))),
    }
}

/// A list of lines is one layer, a list of lists several.
fn layers(found: Option<&Value>) -> Result<Vec<Vec<String>>, DeployError> {
    let wrong = |other: &Value| {
        DeployError::Invalid(format!(
            "`requirements` holds {}: expected a list of requirement lines, or a list of such lists",
            shown(other)
        ))
    };
    let items = match found {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(items)) => items,
        Some(other) => return Err(wrong(other)),
    };
    let line = |item: &Value| item.as_str().map(ToOwned::to_owned).ok_or_else(|| wrong(item));
    if items.iter().any(Value::is_array) {
        let layer = |item: &Value| match item {
            Value::Array(lines) => lines.iter().map(line).collect::<Result<Vec<_>, _>>(),
            other => line(other).map(|single| vec![single]),
        };
        return items.iter().map(layer).collect();
    }
    let flat = items.iter().map(line).collect::<Result<Vec<_>, _>>()?;
    Ok(if flat.is_empty() { Vec::new() } else { vec![flat] })
}

fn shown(value: &Value) -> String {
    value.to_string().chars().take(80).collect()
}

/// The name at the beginning of a requirement line, as package indexes compare names.
fn distribution(line: &str) -> String {
    let plain = |found: &char| found.is_ascii_alphanumeric() || "-_.".contains(*found);
    line.trim()
        .chars()
        .take_while(plain)
        .map(|found| if found == '_' { '-' } else { found.to_ascii_lowercase() })
        .collect()
}

fn secrets_in(line: &str) -> Vec<String> {
    let after = line.split("${").skip(1);
    after.filter_map(|rest| rest.split_once('}')).map(|(name, _)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn definition(kind: &str, configuration: &Value) -> EnvironmentDefinition {
        let configuration = Some(structs::struct_of(configuration.as_object().unwrap()));
        EnvironmentDefinition { kind: kind.into(), configuration, force: false }
    }

    fn read(configuration: &Value) -> Result<Recipe, DeployError> {
        Recipe::read(vec![definition("virtualenv", configuration)])
    }

    #[test]
    fn a_flat_list_is_one_layer_and_a_nested_one_several() {
        let flat = read(&json!({"python_version": "3.11", "requirements": ["a", "b"], "resolver": "uv"})).unwrap();
        assert_eq!((flat.layers.clone(), flat.resolver.as_deref()), (vec![vec!["a".into(), "b".into()]], Some("uv")));
        let nested = read(&json!({"python_version": "3.11", "requirements": [["a"], ["b", "UVICORN[x]==1"]]})).unwrap();
        assert_eq!((nested.layers.len(), nested.serves(), flat.serves()), (2, true, false));
        assert!(read(&json!({"python_version": "3.11"})).unwrap().layers.is_empty());
    }

    #[test]
    fn secrets_are_found_in_lines() {
        let lines = json!(["--extra-index-url https://${USER}:${TOKEN}@host/simple", "x==${", "plain"]);
        let recipe = read(&json!({"python_version": "3.11", "requirements": lines})).unwrap();
        assert_eq!(recipe.secret_names().into_iter().collect::<Vec<_>>(), ["TOKEN", "USER"]);
    }

    #[test]
    fn what_cannot_be_built_is_named() {
        for (found, expected) in [
            (read(&json!({})), "`python_version` is missing"),
            (read(&json!({"python_version": 3.11})), "`python_version` is 3.11: expected a text"),
            (read(&json!({"python_version": "3.11", "requirements": "a"})), "`requirements` holds \"a\""),
            (read(&json!({"python_version": "3.11", "requirements": [["a", 7]]})), "`requirements` holds 7"),
            (read(&json!({"python_version": "3.11", "image": {}})), "`image` expected either"),
            (Recipe::read(vec![definition("conda", &json!({}))]), "kind `conda` are not built here"),
            (Recipe::read(vec![]), "0 environments were given"),
        ] {
            let error = found.unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
