//! A field of an input or an output: its type, limits and words, once per model.

mod check;
mod kind;
mod schema;

use serde::Deserialize;

pub use self::{check::FieldError, kind::FieldKind};

/// One `[[fields]]` table. What is said of a field holds for every endpoint that names it, unless another table of the same
/// name says more closely where it holds.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    pub name: String,
    pub kind: FieldKind,
    pub description: String,
    #[serde(default)]
    pub title: Option<String>,
    #[serde(default)]
    pub default: Option<toml::Value>,
    #[serde(default)]
    pub minimum: Option<f64>,
    #[serde(default)]
    pub maximum: Option<f64>,
    /// The limit itself is not allowed.
    #[serde(default)]
    pub exclusive_minimum: bool,
    #[serde(default)]
    pub multiple_of: Option<f64>,
    #[serde(default)]
    pub min_length: Option<u32>,
    #[serde(default)]
    pub max_length: Option<u32>,
    /// Of lists.
    #[serde(default)]
    pub min_items: Option<u32>,
    #[serde(default)]
    pub max_items: Option<u32>,
    /// Values, or the names of sizes, that are allowed.
    #[serde(default, rename = "enum")]
    pub choices: Vec<toml::Value>,
    #[serde(default)]
    pub examples: Vec<toml::Value>,
    /// `{width, height}` of sizes have these limits.
    #[serde(default)]
    pub size_limits: Option<[u32; 2]>,
    /// `null` may stand for it.
    #[serde(default)]
    pub nullable: bool,
    /// An answer, or the object around it, may lack it. Whether an input may be left out is the endpoint's to say.
    #[serde(default)]
    pub optional: bool,
    /// Members of an object, or of each object of a list.
    #[serde(default)]
    pub fields: Vec<Field>,
    /// Paths of the endpoints for which this table holds; all that no other table of this name claims, when empty.
    #[serde(default)]
    pub endpoints: Option<Vec<String>>,
    /// Whether this table speaks of the input or of the output; of both when absent.
    #[serde(default)]
    pub role: Option<Role>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Input,
    Output,
}

impl Field {
    /// As forms show it: `num_images` is `Num Images`.
    pub fn shown_title(&self) -> String {
        self.title.clone().unwrap_or_else(|| spoken(&self.name))
    }

    /// How closely this table fits: `None` when it says that it holds elsewhere.
    fn fit(&self, path: &str, role: Role) -> Option<u8> {
        let by_path = match &self.endpoints {
            None => 0,
            Some(paths) => paths.iter().any(|claimed| claimed == path).then_some(2)?,
        };
        let by_role = match self.role {
            None => 0,
            Some(own) => (own == role).then_some(1)?,
        };
        Some(by_path + by_role)
    }
}

/// The table that describes `name` at the endpoint of `path`: of those that hold there, the closest.
pub(crate) fn find<'a>(fields: &'a [Field], name: &str, path: &str, role: Role) -> Option<&'a Field> {
    let named = fields.iter().filter(|field| field.name == name);
    named.filter_map(|field| Some((field.fit(path, role)?, field))).max_by_key(|(fit, _)| *fit).map(|(_, field)| field)
}

fn spoken(name: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    };
    name.split('_').map(capital).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Fields {
        fields: Vec<Field>,
    }

    #[test]
    fn the_closest_description_of_a_field_holds() {
        let text = r#"
            [[fields]]
            name = "seed"
            kind = "integer"
            description = "general"
            [[fields]]
            name = "seed"
            kind = "integer"
            description = "answered"
            role = "output"
            [[fields]]
            name = "seed"
            kind = "integer"
            description = "here"
            endpoints = ["/here"]
        "#;
        let Fields { fields } = toml::from_str(text).unwrap();
        let said = |path, role| find(&fields, "seed", path, role).unwrap().description.as_str();
        assert_eq!(said("", Role::Input), "general");
        assert_eq!(said("", Role::Output), "answered");
        assert_eq!((said("/here", Role::Input), said("/here", Role::Output)), ("here", "here"));
        assert!(find(&fields, "prompt", "", Role::Input).is_none());
    }
}
