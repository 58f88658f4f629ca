//! The model's output as the JSON of the client API.

use futures::future::try_join_all;
use serde_json::{Map, Value, json};
use tintype_engine::{Output, Picture};
use tintype_media::data_uri;

use super::{Endpoint, work::Preview};
use crate::{caller::Caller, problem::Problem};

/// Pictures go into storage, or into the answer itself.
pub(super) async fn complete(
    endpoint: &Endpoint,
    caller: &Caller,
    output: Output,
    inline: bool,
) -> Result<Value, Problem> {
    let Output { images, fields } = output;
    let placed = images.iter().enumerate().map(async |(number, picture)| {
        let name = file_name(endpoint.work.model.id(), number, picture);
        let url = if inline {
            data_uri(picture.content_type, &picture.bytes)
        } else {
            let bytes = picture.bytes.clone();
            endpoint.work.shared.platform.upload(caller, &name, picture.content_type, bytes).await?
        };
        Ok::<_, Problem>(described(picture, &url, &name))
    });
    let mut answer = Map::new();
    answer.insert("images".into(), try_join_all(placed).await?.into());
    answer.extend(fields);
    Ok(Value::Object(answer))
}

/// An event on the way to the answer.
pub(super) fn partial(model: &str, preview: &Preview) -> Value {
    let Preview { done, total, picture } = preview;
    let url = data_uri(picture.content_type, &picture.bytes);
    let image = described(picture, &url, &file_name(model, 0, picture));
    json!({ "images": [image], "step": done, "total_steps": total, "partial": true })
}

/// `sketch-0.png`
fn file_name(model: &str, number: usize, picture: &Picture) -> String {
    let alias = model.rsplit('/').next().unwrap_or(model);
    format!("{alias}-{number}.{}", picture.extension)
}

fn described(picture: &Picture, url: &str, name: &str) -> Value {
    json!({
        "url": url,
        "content_type": picture.content_type,
        "file_name": name,
        "file_size": picture.bytes.len(),
        "width": picture.width,
        "height": picture.height,
    })
}
