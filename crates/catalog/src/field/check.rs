//! Whether what a manifest says of a field can be true.

use super::{Field, FieldKind, kind::Shape};

#[derive(Debug, thiserror::Error, PartialEq)]
pub enum FieldError {
    #[error("its {what} `{found}` is not {expected}")]
    Shape { what: &'static str, found: String, expected: &'static str },
    #[error("its {what} `{found}` is not among its choices {choices}")]
    Choice { what: &'static str, found: String, choices: String },
    #[error("its {what} {found} is outside of its limits")]
    Limit { what: &'static str, found: String },
    #[error("its {what} lacks the member `{name}`")]
    Lacks { what: &'static str, name: String },
    #[error("`{limit}` has no meaning for a field of kind {kind:?}")]
    Misplaced { limit: &'static str, kind: FieldKind },
    #[error("its least value is above its greatest")]
    Order,
    #[error("it has no description")]
    Wordless,
    #[error("its name is not made of letters, digits and `_`")]
    Name,
    #[error("member `{name}`: {source}")]
    Member { name: String, source: Box<FieldError> },
}

impl Field {
    pub(crate) fn check(&self) -> Result<(), FieldError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if self.name.is_empty() || !self.name.bytes().all(is_plain) {
            return Err(FieldError::Name);
        }
        if self.description.trim().is_empty() {
            return Err(FieldError::Wordless);
        }
        self.check_limits()?;
        for choice in &self.choices {
            self.check_shape("choice", choice)?;
        }
        self.default.iter().try_for_each(|value| self.check_value("default", value))?;
        self.examples.iter().try_for_each(|value| self.check_value("example", value))?;
        self.fields.iter().try_for_each(|member| {
            member.check().map_err(|source| FieldError::Member { name: member.name.clone(), source: Box::new(source) })
        })
    }

    fn check_limits(&self) -> Result<(), FieldError> {
        let (shape, is_list) = self.kind.shape();
        let is_number = matches!(shape, Shape::Integer | Shape::Number);
        let kind = self.kind;
        let misplaced = [
            ("minimum", self.minimum.is_some() && !is_number),
            ("maximum", self.maximum.is_some() && !is_number),
            ("multiple_of", self.multiple_of.is_some() && !is_number),
            ("exclusive_minimum", self.exclusive_minimum && self.minimum.is_none()),
            ("min_length", self.min_length.is_some() && shape != Shape::String),
            ("max_length", self.max_length.is_some() && shape != Shape::String),
            ("min_items", self.min_items.is_some() && !is_list),
            ("max_items", self.max_items.is_some() && !is_list),
            ("size_limits", self.size_limits.is_some() && shape != Shape::Size),
            ("fields", !self.fields.is_empty() && shape != Shape::Object),
        ];
        if let Some((limit, _)) = misplaced.into_iter().find(|(_, is_misplaced)| *is_misplaced) {
            return Err(FieldError::Misplaced { limit, kind });
        }
        let is_turned = self.minimum.zip(self.maximum).is_some_and(|(least, most)| least > most)
            || self.min_length.zip(self.max_length).is_some_and(|(least, most)| least > most)
            || self.min_items.zip(self.max_items).is_some_and(|(least, most)| least > most)
            || self.size_limits.is_some_and(|[least, most]| least > most);
        if is_turned { Err(FieldError::Order) } else { Ok(()) }
    }

    /// Whether a call may have `value` here.
    pub(crate) fn check_value(&self, what: &'static str, value: &toml::Value) -> Result<(), FieldError> {
        let (_, is_list) = self.kind.shape();
        let found = || value.to_string();
        match value {
            toml::Value::Array(items) if is_list => {
                let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
                let fits = self.min_items.is_none_or(|least| count >= least)
                    && self.max_items.is_none_or(|most| count <= most);
                if !fits {
                    return Err(FieldError::Limit { what, found: found() });
                }
                items.iter().try_for_each(|item| self.check_one(what, item))
            }
            _ if is_list => Err(FieldError::Shape { what, found: found(), expected: "a list" }),
            value => self.check_one(what, value),
        }
    }

    fn check_one(&self, what: &'static str, value: &toml::Value) -> Result<(), FieldError> {
        self.check_shape(what, value)?;
        let found = || value.to_string();
        let is_named = self.kind != FieldKind::ImageSize || value.is_str();
        if is_named && !self.choices.is_empty() && !self.choices.contains(value) {
            let choices = self.choices.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            return Err(FieldError::Choice { what, found: found(), choices });
        }
        let number = value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64));
        let length = value.as_str().map(|text| u32::try_from(text.chars().count()).unwrap_or(u32::MAX));
        let fits = number.is_none_or(|number| self.admits(number))
            && length.is_none_or(|length| {
                self.min_length.is_none_or(|least| length >= least) && self.max_length.is_none_or(|most| length <= most)
            });
        if !fits {
            return Err(FieldError::Limit { what, found: found() });
        }
        let Some(table) = value.as_table().filter(|_| !self.fields.is_empty()) else { return Ok(()) };
        self.check_members(what, table)
    }

    fn admits(&self, number: f64) -> bool {
        let above = |least: f64| if self.exclusive_minimum { number > least } else { number >= least };
        self.minimum.is_none_or(above) && self.maximum.is_none_or(|most| number <= most)
    }

    fn check_members(&self, what: &'static str, table: &toml::Table) -> Result<(), FieldError> {
        let is_needed = |member: &&Field| !member.optional && member.default.is_none();
        if let Some(lacking) = self.fields.iter().filter(is_needed).find(|member| !table.contains_key(&member.name)) {
            return Err(FieldError::Lacks { what, name: lacking.name.clone() });
        }
        for (name, value) in table {
            let Some(member) = self.fields.iter().find(|member| &member.name == name) else {
                return Err(FieldError::Shape { what, found: name.clone(), expected: "one of its members" });
            };
            let named = |source| FieldError::Member { name: name.clone(), source: Box::new(source) };
            member.check_value(what, value).map_err(named)?;
        }
        Ok(())
    }

    fn check_shape(&self, what: &'static str, value: &toml::Value) -> Result<(), FieldError> {
        let (shape, _) = self.kind.shape();
        let wrong = |expected| FieldError::Shape { what, found: value.to_string(), expected };
        shape.holds(value).map_err(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        let text = format!("name = 'x'\ndescription = 'It.'\n{text}");
        toml::from_str::<Field>(&text).unwrap().check().unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_true_of_a_field_is_named() {
        assert_eq!(fault("kind='integer'\ndefault='3'"), "its default `\"3\"` is not an integer");
        assert_eq!(
            fault("kind='string'\nenum=['a','b']\ndefault='c'"),
            "its default `\"c\"` is not among its choices \"a\", \"b\""
        );
        assert_eq!(fault("kind='number'\nminimum=2\nmaximum=1"), "its least value is above its greatest");
        assert_eq!(fault("kind='number'\nmaximum=1\nexamples=[2.5]"), "its example 2.5 is outside of its limits");
        assert_eq!(fault("kind='boolean'\nmaximum=1"), "`maximum` has no meaning for a field of kind Boolean");
        assert_eq!(fault("kind='strings'\nexamples=['a']"), "its example `\"a\"` is not a list");
        assert_eq!(
            fault("kind='objects'\nexamples=[[{b=1}]]\n[[fields]]\nname='a'\nkind='any'\ndescription='A.'"),
            "its example lacks the member `a`"
        );
        assert_eq!(
            fault("kind='objects'\nexamples=[[{a=1,b=1}]]\n[[fields]]\nname='a'\nkind='any'\ndescription='A.'"),
            "its example `b` is not one of its members"
        );
    }
}
