//! The first picture, made through the queue like any other, and the few lines by which programs make more.

use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::json;

use super::run::{files, progress::Progress, queue};
use crate::{
    api::Api,
    failure::Failure,
    found::{self, Found},
    print::{Output, line},
};

const ENDPOINT: &str = "tintype/sketch";
const PROMPT: &str = "a large red circle on a light blue background";

/// Makes the picture and tells of it; what fails is told too.
pub(super) async fn welcome(url: String, key: String, data: PathBuf) {
    let found = Found { url: url.clone(), public: None, key: Some(key.clone()), data: data.clone() };
    let told = match picture(found, &data.join("welcome")).await {
        Ok(path) => format!("The first picture, \"{PROMPT}\": {}", path.display()),
        Err(failure) => {
            format!("The first picture could not be made: {failure}\n`tintype doctor` looks for the cause.")
        }
    };
    line(&format!("{told}\n{}", lines(&url, &key, &data)));
}

async fn picture(found: Found, folder: &Path) -> Result<PathBuf, Failure> {
    let api = Api::new(found)?;
    let output = Output { json: false };
    let body = json!({ "prompt": PROMPT, "seed": 7 });
    let submitted = api.json(api.request(Method::POST, &format!("/queue/{ENDPOINT}")).json(&body)).await?;
    let progress = Progress::start(output, ENDPOINT);
    let result = queue::wait(&api, &submitted, &progress, false).await;
    progress.end();
    let files::Saved { paths, failures } = files::save(&api, &result?, folder).await;
    let why = || failures.into_iter().next().unwrap_or_else(|| "the answer holds no picture".into());
    let first = paths.into_iter().next().ok_or_else(|| Failure::new(why()))?;
    // Each start makes the same picture: one file is enough.
    let path = folder.join("first-picture.png");
    std::fs::rename(first, &path)?;
    Ok(path)
}

/// What must stand before a command for it to find a server on an unusual folder.
fn folder(data: &Path) -> String {
    let usual = found::data_folder(&|name: &str| std::env::var(name).ok());
    if data == usual { String::new() } else { format!("TINTYPE_DATA={} ", data.display()) }
}

/// How the reader calls this program: by its name where a shell finds it, else by its path.
fn program() -> String {
    let on_path = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join("tintype").is_file()));
    let Ok(own) = std::env::current_exe() else { return "tintype".into() };
    if on_path {
        return "tintype".into();
    }
    let here = std::env::current_dir().ok();
    let near = here.and_then(|here| own.strip_prefix(here).ok().map(Path::to_owned));
    near.unwrap_or(own).display().to_string()
}

fn lines(url: &str, key: &str, data: &Path) -> String {
    let program = format!("{}{}", folder(data), program());
    format!(
        r#"
Address   {url}
Key       {key}

Make another:

    {program} run {ENDPOINT} prompt="two green squares" -o .

Python (pip install fal-client), in a file of your own:

    import fal_client
    result = fal_client.subscribe("{ENDPOINT}", arguments={{"prompt": "two green squares"}})
    print(result["images"][0]["url"])

JavaScript (npm install @fal-ai/client):

    import {{ fal }} from "@fal-ai/client";
    const {{ data }} = await fal.subscribe("{ENDPOINT}", {{ input: {{ prompt: "two green squares" }} }});
    console.log(data.images[0].url);

Either runs unchanged against this server:

    {program} exec -- python my_program.py
    {program} exec -- node my_program.mjs

Ctrl-C stops the server.
"#
    )
}
