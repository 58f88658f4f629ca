//! Names that people choose: of apps, environments and secrets.

use tintype_domain::{AccountId, AppId};
use tintype_store::MAIN_ENVIRONMENT;

use super::error::DeployError;

const LONGEST_ALIAS: usize = 100;
const LONGEST_ENVIRONMENT: usize = 40;
const LONGEST_SECRET: usize = 200;

/// The app that an account means by an alias, which carries the suffix of its environment as it arrives.
pub(crate) fn app(owner: &AccountId, alias: &str) -> Result<AppId, DeployError> {
    let wrong = |why: String| DeployError::Invalid(format!("app name `{alias:.120}` is not allowed: {why}"));
    if alias.is_empty() {
        return Err(DeployError::Invalid("an app needs a name: give `--app-name`".into()));
    }
    if alias.len() > LONGEST_ALIAS {
        return Err(wrong(format!("it is {} bytes long, at most {LONGEST_ALIAS} are possible", alias.len())));
    }
    if alias.contains('/') {
        return Err(wrong("it may hold only letters, digits, `-`, `_` and `.`, and no `/`".into()));
    }
    format!("{owner}/{alias}").parse().map_err(|error| wrong(format!("{error}")))
}

/// A name made of whatever something that is run is called: a class, a function, `module:attribute`.
pub(crate) fn label(text: &str) -> String {
    const LONGEST: usize = 60;
    let plain = |found: char| if found.is_ascii_alphanumeric() || found == '-' || found == '_' { found } else { '-' };
    let label: String = text.chars().take(LONGEST).map(plain).collect();
    let trimmed = label.trim_matches('-');
    if trimmed.is_empty() { "run".to_owned() } else { trimmed.to_owned() }
}

/// A name for an environment that is to be made.
pub(crate) fn new_environment(name: &str) -> Result<(), DeployError> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let fits = (1..=LONGEST_ENVIRONMENT).contains(&name.len()) && name.bytes().all(plain);
    if !fits || name.contains("--") || name.starts_with('-') || name.ends_with('-') {
        return Err(DeployError::Invalid(format!(
            "environment name `{name:.64}` is not allowed: expected 1 to {LONGEST_ENVIRONMENT} small letters, digits \
             and single hyphens between them, as `staging`"
        )));
    }
    if name == MAIN_ENVIRONMENT {
        return Err(DeployError::Exists(format!("environment `{MAIN_ENVIRONMENT}`")));
    }
    Ok(())
}

/// A secret becomes a variable of the runner's environment.
pub(crate) fn secret(name: &str) -> Result<(), DeployError> {
    let mut bytes = name.bytes();
    let begins = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if begins && name.len() <= LONGEST_SECRET && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Ok(());
    }
    Err(DeployError::Invalid(format!(
        "secret name `{name:.64}` is not allowed: it becomes an environment variable, so expected letters, digits and \
         `_`, not beginning with a digit, at most {LONGEST_SECRET}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_is_one_segment_of_an_endpoint_id() {
        let ann = AccountId::new("ann");
        assert_eq!(app(&ann, "my-app--staging").unwrap().as_str(), "ann/my-app--staging");
        let long = "a".repeat(101);
        for wrong in ["", "a/b", "..", "a b", "ä", "a\n", &long] {
            assert!(matches!(app(&ann, wrong), Err(DeployError::Invalid(_))), "{wrong:?}");
        }
    }

    #[test]
    fn whatever_is_run_has_a_name_that_can_be_called() {
        let ann = AccountId::new("ann");
        for (text, expected) in
            [("hello", "hello"), ("pkg.mod:Entry.run", "pkg-mod-Entry-run"), ("", "run"), ("/é", "run")]
        {
            assert_eq!(label(text), expected);
            assert!(app(&ann, &label(text)).is_ok());
        }
        assert!(app(&ann, &label(&"x".repeat(400))).is_ok());
    }

    #[test]
    fn names_of_environments_and_secrets_are_checked() {
        assert!(new_environment("staging-2").is_ok());
        for wrong in ["", "Staging", "a--b", "-a", "a-", "a_b", "main"] {
            assert!(new_environment(wrong).is_err(), "{wrong:?}");
        }
        assert!(secret("HF_TOKEN").is_ok() && secret("_x1").is_ok());
        for wrong in ["", "1A", "A-B", "A=B", "A\0"] {
            assert!(secret(wrong).is_err(), "{wrong:?}");
        }
    }
}
