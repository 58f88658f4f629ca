//! The model's output as the JSON of the client API.

use futures::future::try_join_all;
use serde_json::{Map, Value, json};
use tintype_engine::{Made, Output, Place};
use tintype_media::data_uri;

use super::{Endpoint, work::Preview};
use crate::{caller::Caller, problem::Problem};

/// Files go into storage, or into the answer itself.
pub(super) async fn complete(
    endpoint: &Endpoint,
    caller: &Caller,
    output: Output,
    inline: bool,
) -> Result<Value, Problem> {
    let Output { files, fields, .. } = output;
    let placed = files.iter().enumerate().map(async |(number, (place, file))| {
        let name = file_name(&endpoint.work.options().model, number, file);
        let url = if inline {
            data_uri(file.content_type, &file.bytes)
        } else {
            let bytes = file.bytes.clone();
            endpoint.work.shared.platform.upload(caller, &name, file.content_type, bytes).await?
        };
        let told = if let Place::Url(_) = place { url.into() } else { described(file, &url, &name) };
        Ok::<_, Problem>((*place, told))
    });
    let mut answer = Map::new();
    for (place, file) in try_join_all(placed).await? {
        put(&mut answer, place, file);
    }
    merge(&mut answer, fields);
    Ok(Value::Object(answer))
}

/// What a model says of an object that holds files as well stands beside them.
fn merge(answer: &mut Map<String, Value>, fields: Map<String, Value>) {
    for (name, value) in fields {
        match (answer.get_mut(&name), value) {
            (Some(Value::Object(known)), Value::Object(more)) => known.extend(more),
            (_, value) => drop(answer.insert(name, value)),
        }
    }
}

/// An event on the way to the answer.
pub(super) fn partial(model: &str, preview: &Preview) -> Value {
    let Preview { done, total, measures, picture } = preview;
    let mut event = Map::new();
    if let Some(picture) = picture.clone().map(Made::from) {
        let url = data_uri(picture.content_type, &picture.bytes);
        put(&mut event, Place::Item("images"), described(&picture, &url, &file_name(model, 0, &picture)));
    }
    event.extend([("step".into(), json!(done)), ("total_steps".into(), json!(total)), ("partial".into(), json!(true))]);
    event.extend(measures.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
    Value::Object(event)
}

/// `sketch-0.png`
fn file_name(model: &str, number: usize, file: &Made) -> String {
    let alias = model.rsplit('/').next().unwrap_or(model);
    format!("{alias}-{number}.{}", file.extension)
}

fn described(file: &Made, url: &str, name: &str) -> Value {
    let mut description = Map::new();
    description.insert("url".into(), url.into());
    description.insert("content_type".into(), file.content_type.into());
    description.insert("file_name".into(), name.into());
    description.insert("file_size".into(), file.bytes.len().into());
    description.extend(file.facts.clone());
    Value::Object(description)
}

pub(super) fn put(answer: &mut Map<String, Value>, place: Place, file: Value) {
    match place {
        Place::Item(list) => {
            if let Value::Array(items) = answer.entry(list).or_insert_with(|| json!([])) {
                items.push(file);
            }
        }
        Place::Member(path) | Place::Url(path) => match path.split_once('.') {
            None => drop(answer.insert(path.into(), file)),
            Some((outer, inner)) => {
                if let Value::Object(members) = answer.entry(outer).or_insert_with(|| json!({})) {
                    put(members, Place::Member(inner), file);
                }
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_described_where_the_model_says() {
        let mut answer = Map::new();
        for place in [
            Place::Item("images"),
            Place::Member("video"),
            Place::Item("images"),
            Place::Member("model_urls.glb"),
            Place::Url("model_urls.obj"),
        ] {
            let number = answer.len();
            put(&mut answer, place, json!(number));
        }
        let expected = json!({"images": [0, 2], "video": 1, "model_urls": {"glb": 2, "obj": 3}});
        assert_eq!(Value::Object(answer.clone()), expected);
        merge(&mut answer, json!({"model_urls": {"faces": 4}, "seed": 5}).as_object().unwrap().clone());
        let expected = json!({"images": [0, 2], "video": 1, "model_urls": {"glb": 2, "obj": 3, "faces": 4}, "seed": 5});
        assert_eq!(Value::Object(answer), expected);
    }
}
