//! `tintype exec -- CMD`: any program, with the environment in which everything that it asks of the hosted service is
//! answered by this server.
//!
//! The program's HTTPS goes through the server as a proxy, which answers for the hosted names alone, with a
//! certificate of its private authority, and carries the rest untouched. Node reads no proxy variables in most
//! versions; there a preload redirects the hosted names, and nothing else, to the same port.

mod bundle;
mod environment;

use std::{
    ffi::OsString,
    io,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, ExitCode},
};

use reqwest::{Method, header::HeaderValue};

use crate::{api::Api, args::ExecArgs, failure::Failure, found};

/// What shells answer for a command that is not there, and for one that cannot be run.
const NOT_FOUND: u8 = 127;
const NOT_RUNNABLE: u8 = 126;

pub(crate) async fn exec(args: ExecArgs) -> Result<ExitCode, Failure> {
    let api = Api::new(found::find())?;
    let proxy = proxy_address(&api.found.url)?;
    let authority = authority(&api).await?;
    let key = api.found.key.as_deref().map(HeaderValue::from_str).transpose()?;
    if key.is_none() {
        let data = api.found.data.display();
        return Err(Failure::new(format!(
            "there is no key: set FAL_KEY, or TINTYPE_DATA to the data folder of the server (looked in {data})"
        )));
    }
    let files = bundle::write(&bundle::folder(&api.found)?, &authority)?;
    let settings = environment::Settings { proxy: &proxy, files: &files, key: api.found.key.as_deref() };
    let variables = environment::build(&settings, |name| std::env::var(name).ok());
    Err(replace_this_process(&args.command, variables))
}

/// The program takes the place of this one, so that its signals, its terminal and its status are its own.
fn replace_this_process(words: &[OsString], variables: Vec<(&'static str, String)>) -> Failure {
    let (program, arguments) =
        words.split_first().map_or((OsString::new(), &[][..]), |(first, rest)| (first.clone(), rest));
    let error = Command::new(&program).args(arguments).envs(variables).exec();
    let shown = Path::new(&program).display();
    match error.kind() {
        io::ErrorKind::NotFound => Failure::new(format!("there is no program `{shown}`")).with_code(NOT_FOUND),
        _ => Failure::new(format!("could not run `{shown}`: {error}")).with_code(NOT_RUNNABLE),
    }
}

async fn authority(api: &Api) -> Result<String, Failure> {
    let response = api.send(api.request(Method::GET, "/.well-known/tintype/authority.pem")).await?;
    let pem = response.text().await?;
    if pem.contains("BEGIN CERTIFICATE") {
        return Ok(pem);
    }
    Err(Failure::new(format!("what answers at {} is no Tintype server", api.found.url)))
}

/// Clients speak to a proxy in plain HTTP; the connections inside are encrypted.
fn proxy_address(url: &str) -> Result<String, Failure> {
    let parsed = url::Url::parse(url).map_err(|error| Failure::new(format!("TINTYPE_URL is `{url}`: {error}")))?;
    let loopback = match parsed.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if parsed.scheme() == "http" && loopback {
        return Ok(url.to_owned());
    }
    Err(Failure::new(format!(
        "`tintype exec` needs a server on this machine, and TINTYPE_URL is {url}. For a server elsewhere, point the \
         clients at its own name: FAL_RUN_HOST and FAL_QUEUE_RUN_HOST in Python, `requestMiddleware` in JavaScript"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_on_this_machine_can_be_the_proxy() {
        assert!(proxy_address("http://127.0.0.1:8700").is_ok());
        assert!(proxy_address("http://[::1]:8700").is_ok());
        assert!(proxy_address("https://media.example.com").unwrap_err().message.contains("FAL_RUN_HOST"));
    }
}
