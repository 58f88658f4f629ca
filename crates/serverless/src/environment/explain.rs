//! What uv says at such length, in one line: which requirement failed, and why.
//!
//! Two forms are read: `error:` with `cause:` lines, and the older one drawn with `×` and `╰─▶`. What is in neither
//! is told by its last line.

use super::{
    error::BuildError,
    requirement::{Layer, normal, package},
};

const LONGEST: usize = 600;

/// Why the install of `layer` failed. `which` names the layer where there are several.
pub(super) fn explain(lines: &[String], layer: &Layer, which: &str) -> BuildError {
    let parts = Parts::read(lines);
    let reason = parts.reason();
    match blamed(layer, &parts, &reason) {
        Some(requirement) => BuildError::Requirement { requirement, reason },
        None => BuildError::Layer { layer: which.to_owned(), reason },
    }
}

/// The pieces of a report.
#[derive(Default)]
struct Parts {
    headline: String,
    causes: Vec<String>,
    /// The last line that a package's own build wrote.
    own_words: Option<String>,
}

impl Parts {
    fn read(lines: &[String]) -> Self {
        let mut parts = Self::default();
        let mut in_own_words = false;
        for line in lines.iter().map(|line| line.trim_end()) {
            let text = line.trim_start();
            if let Some(headline) = strip(text, &["error: ", "× "]) {
                headline.trim_end_matches(':').clone_into(&mut parts.headline);
                (parts.causes, parts.own_words, in_own_words) = (Vec::new(), None, false);
            } else if let Some(cause) = strip(text, &["cause: ", "Caused by: ", "╰─▶ ", "├─▶ "]) {
                parts.causes.push(cause.to_owned());
                in_own_words = false;
            } else if text.starts_with("hint: ") || parts.headline.is_empty() {
                in_own_words = false;
                if text.starts_with("hint: ") && parts.own_words.is_some() {
                    break;
                }
            } else if matches!(text, "[stderr]" | "--- stderr" | "[stdout]") {
                in_own_words = true;
            } else if in_own_words {
                parts.own_words = Some(text.to_owned()).filter(|text| !text.is_empty()).or(parts.own_words);
            } else if let Some(cause) = parts.causes.last_mut().filter(|_| !text.is_empty() && line != text) {
                cause.push(' ');
                cause.push_str(text.trim_start_matches("│ "));
            }
        }
        if parts.headline.is_empty() {
            lines.last().map_or("it said nothing", |line| line.trim()).clone_into(&mut parts.headline);
        }
        parts
    }

    fn reason(&self) -> String {
        let first = self.causes.first().map(String::as_str);
        let reason = match (&self.own_words, first) {
            (Some(words), _) => format!("{}: {words}", self.headline),
            (None, Some(first)) if self.headline.starts_with("No solution found") => sentence(first),
            (None, Some(first)) => match self.causes.last().map(String::as_str).filter(|last| *last != first) {
                Some(last) => format!("{}: {last}", self.headline),
                None => format!("{}: {first}", self.headline),
            },
            (None, None) => self.headline.clone(),
        };
        let longer = reason.chars().count() > LONGEST;
        reason.chars().take(LONGEST).chain(longer.then_some('…')).collect()
    }

    fn all(&self) -> String {
        format!("{} {}", self.headline, self.causes.join(" "))
    }
}

fn strip<'a>(text: &'a str, starts: &[&str]) -> Option<&'a str> {
    starts.iter().find_map(|start| text.strip_prefix(start))
}

/// The resolver's argument without the words around it that say nothing.
fn sentence(text: &str) -> String {
    const ENDS: [&str; 2] =
        ["we can conclude that your requirements are unsatisfiable", "your requirements are unsatisfiable"];
    let mut text = text.trim_end_matches('.').strip_prefix("Because ").unwrap_or(text);
    for end in ENDS {
        text = text.strip_suffix(end).map_or(text, |text| text.trim_end().trim_end_matches(','));
    }
    text.trim_end_matches('.').to_owned()
}

/// The requirement, as it was written, that the report is about.
fn blamed(layer: &Layer, parts: &Parts, reason: &str) -> Option<String> {
    let all = parts.all();
    let quoted = all.split('`').skip(1).step_by(2);
    let by_address = layer.written.iter().zip(&layer.file).find(|(_, meant)| {
        let address = meant.split_once("://").map(|(_, rest)| rest.rsplit('@').next().unwrap_or(rest));
        address.is_some_and(|address| all.contains(address))
    });
    let by_text = || layer.written.iter().find(|line| reason.contains(line.as_str()));
    let demanded = all.split("you require ").skip(1).filter_map(package);
    let mut names = quoted.filter_map(package).chain(demanded);
    let by_name = || names.find_map(|name| layer.written.iter().find(|line| package(line) == Some(normal(&name))));
    by_address.map(|(written, _)| written).or_else(by_name).or_else(by_text).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(requirements: &[&str], output: &str) -> String {
        let mut layer = Layer::default();
        for line in requirements {
            layer.add(line, line).unwrap();
        }
        let lines: Vec<_> = output.lines().map(str::to_owned).collect();
        explain(&lines, &layer, " of layer 2").to_string()
    }

    #[test]
    fn a_package_that_does_not_exist_is_named() {
        let output = "Using Python 3.11.7 environment at: vt\n\
                      error: No solution found when resolving dependencies\n  \
                      cause: Because nosuch-xyz was not found in the package registry and you require nosuch-xyz, we can \
                      conclude that your requirements are unsatisfiable.";
        assert_eq!(
            told(&["httpx", "NoSuch_xyz"], output),
            "could not install the requirement `NoSuch_xyz`: nosuch-xyz was not found in the package registry and you \
             require nosuch-xyz"
        );
    }

    #[test]
    fn the_older_form_says_the_same() {
        let output = "  × No solution found when resolving dependencies:\n  ╰─▶ Because there is no version of \
                      numpy==99.0 and you require numpy==99.0,\n      we can conclude that your requirements are \
                      unsatisfiable.";
        assert_eq!(
            told(&["numpy==99.0"], output),
            "could not install the requirement `numpy==99.0`: there is no version of numpy==99.0 and you require \
             numpy==99.0"
        );
    }

    #[test]
    fn a_build_that_fails_is_told_in_its_own_last_words() {
        let output = "   Building numpy==1.19.0\n\
                      error: Failed to build `numpy==1.19.0`\n  cause: The build backend returned an error\n\n         \
                      [stderr]\n         Traceback (most recent call last):\n           File \"x\", line 1\n         \
                      ModuleNotFoundError: No module named 'distutils.msvccompiler'\n\nhint: This error likely indicates\n\
                      numpy = [\"distutils.msvccompiler\"]";
        assert_eq!(
            told(&["numpy==1.19.0"], output),
            "could not install the requirement `numpy==1.19.0`: Failed to build `numpy==1.19.0`: ModuleNotFoundError: \
             No module named 'distutils.msvccompiler'"
        );
    }

    #[test]
    fn an_address_is_found_again_without_its_secret() {
        let output = "error: Failed to download `x @ https://user:****@127.0.0.1:9/x-1.0-py3-none-any.whl`\n  \
                      cause: Request failed after 3 retries in 10.1s\n  cause: Connection refused (os error 111)";
        let mut layer = Layer::default();
        layer
            .add(
                "x @ https://u:${PW}@127.0.0.1:9/x-1.0-py3-none-any.whl",
                "x @ https://u:pw@127.0.0.1:9/x-1.0-py3-none-any.whl",
            )
            .unwrap();
        let lines: Vec<_> = output.lines().map(str::to_owned).collect();
        let told = explain(&lines, &layer, "").to_string();
        assert!(told.starts_with("could not install the requirement `x @ https://u:${PW}@"), "{told}");
        assert!(told.ends_with("Connection refused (os error 111)"), "{told}");
    }

    #[test]
    fn what_nobody_is_to_blame_for_belongs_to_its_layer() {
        let output = "error: Request failed after 3 retries\n  cause: dns error";
        let expected = "could not install the requirements of layer 2: Request failed after 3 retries: dns error";
        assert_eq!(told(&["httpx"], output), expected);
        assert!(told(&[], "").ends_with("it said nothing"));
    }
}
