//! `tintype doctor`: each thing that can be wrong, looked at in the order in which they depend on each other.

mod machine;

use std::process::ExitCode;

use reqwest::{Method, header::AUTHORIZATION};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{api::Api, failure::Failure, found, print::Output};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Good,
    /// Works, but somebody should know.
    Note,
    Bad,
}

/// One thing that was looked at, what was found, and what to do about it.
#[derive(Clone, Debug, Serialize)]
struct Finding {
    what: &'static str,
    verdict: Verdict,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl Finding {
    fn good(what: &'static str, found: impl Into<String>) -> Self {
        Self { what, verdict: Verdict::Good, found: found.into(), advice: None }
    }

    fn note(what: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what, verdict: Verdict::Note, found: found.into(), advice: Some(advice.into()) }
    }

    fn bad(what: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what, verdict: Verdict::Bad, found: found.into(), advice: Some(advice.into()) }
    }
}

pub(crate) async fn doctor(output: Output) -> Result<ExitCode, Failure> {
    let api = Api::new(found::find())?;
    let mut findings = vec![Finding::good("program", format!("tintype {}", env!("CARGO_PKG_VERSION")))];
    findings.extend(machine::findings(&api.found.data));
    findings.extend(server(&api).await);
    let bad = findings.iter().any(|finding| finding.verdict == Verdict::Bad);
    let document = json!({ "healthy": !bad, "findings": findings });
    output.result(&document, |_| findings.iter().map(describe).collect::<Vec<_>>().join("\n"));
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn describe(finding: &Finding) -> String {
    let mark = match finding.verdict {
        Verdict::Good => "ok  ",
        Verdict::Note => "note",
        Verdict::Bad => "BAD ",
    };
    let advice = finding.advice.as_ref().map(|advice| format!("\n                 {advice}")).unwrap_or_default();
    format!("{mark} {:11} {}{advice}", finding.what, finding.found)
}

async fn server(api: &Api) -> Vec<Finding> {
    let health = match api.get("/health").await {
        Ok(health) => health,
        Err(failure) => {
            return vec![Finding::bad(
                "server",
                failure.message,
                "start it with `tintype serve` and look at what it says",
            )];
        }
    };
    let version = health["version"].as_str().unwrap_or("an unknown version");
    let mut findings = vec![Finding::good("server", format!("{version} at {}", api.found.url))];
    findings.push(match api.get("/ready").await {
        Ok(_) => Finding::good("ready", "takes requests"),
        Err(failure) => Finding::bad("ready", failure.message, "its log says what it waits for"),
    });
    findings.push(key(api).await);
    findings.push(models(api).await);
    findings.extend(runners(api).await);
    findings.push(authority(api).await);
    findings
}

async fn key(api: &Api) -> Finding {
    let Some(key) = &api.found.key else {
        return Finding::bad("key", "none", "set FAL_KEY, or TINTYPE_DATA to the server's data folder");
    };
    let id = key.split(':').next().unwrap_or_default();
    let request = api.request(Method::GET, "/v1/requests?limit=1").header(AUTHORIZATION, format!("Key {key}"));
    match api.json(request).await {
        Ok(_) => Finding::good("key", format!("`{id}` opens this server")),
        Err(failure) => {
            Finding::bad("key", failure.message, "make one with `tintype keys create NAME` and set FAL_KEY")
        }
    }
}

async fn models(api: &Api) -> Finding {
    let all = match api.models("").await {
        Ok(all) => all,
        Err(failure) => return Finding::bad("models", failure.message, "the server's log says more"),
    };
    let missing = all.iter().filter(|model| model["metadata"]["installed"] == false).count();
    let told = match missing {
        0 => format!("{} endpoints, all of which can be called", all.len()),
        _ => format!(
            "{} endpoints; {missing} of them wait for weights, which `tintype models install ID` fetches",
            all.len()
        ),
    };
    // Nobody has the weights of every model.
    Finding::good("models", told)
}

async fn runners(api: &Api) -> Vec<Finding> {
    // Operators alone may ask; for others there is nothing to tell.
    let Ok(answer) = api.get("/v1/runners").await else { return Vec::new() };
    let all = answer["runners"].as_array().map(Vec::as_slice).unwrap_or_default();
    let one = |runner: &Value| {
        let word = |member| runner[member].as_str().unwrap_or_default().to_owned();
        format!("{} {} ({} in flight)", word("app"), word("state"), runner["in_flight"])
    };
    let found = if all.is_empty() {
        "none; they start with the first request".into()
    } else {
        all.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    let mut findings = vec![Finding::good("runners", found)];
    findings.extend(all.iter().filter(|runner| runner["state"] == "crash_backoff").map(crashing));
    findings
}

/// An app whose runners do not come up.
fn crashing(runner: &Value) -> Finding {
    let word = |member: &str, other| runner[member].as_str().unwrap_or(other).to_owned();
    let found = format!("{} cannot start: {}", word("app", "an app"), word("last_failure", "for no known reason"));
    Finding::bad(
        "runners",
        found,
        format!("`tintype exec -- fal runners logs {}` has all it wrote", word("runner", "ID")),
    )
}

async fn authority(api: &Api) -> Finding {
    let request = api.request(Method::GET, "/.well-known/tintype/authority.pem");
    match api.send(request).await {
        Ok(_) => Finding::good("authority", "programs under `tintype exec` can trust this server"),
        Err(failure) => Finding::bad("authority", failure.message, "`tintype exec` will not work with this server"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_that_cannot_start_is_no_good_sign() {
        let runner =
            json!({"runner": "a-1", "app": "me/a", "state": "crash_backoff", "last_failure": "ValueError: no"});
        let told = describe(&crashing(&runner));
        assert!(told.starts_with("BAD  runners     me/a cannot start: ValueError: no"), "{told}");
    }

    #[test]
    fn advice_stands_below_what_was_found() {
        let finding = Finding::bad("key", "none", "set FAL_KEY");
        assert_eq!(describe(&finding), "BAD  key         none\n                 set FAL_KEY");
        let value = serde_json::to_value(Finding::good("key", "a")).unwrap();
        assert_eq!(value, json!({"what": "key", "verdict": "good", "found": "a"}));
    }
}
