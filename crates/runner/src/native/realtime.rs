//! Realtime: pictures as bytes rather than addresses, JPEG unless asked otherwise.

use axum::{extract::ws::WebSocketUpgrade, response::Response};
use rmpv::Value as Pack;
use serde_json::{Map, Value};
use tintype_engine::{Made, Output, Place};
use tintype_media::data_uri;
use tokio_util::sync::CancellationToken;

use super::{Endpoint, call::report};
use crate::{
    caller::Caller,
    problem::Problem,
    realtime::{MAX_MESSAGE, Reply, session},
    session::Buffering,
};

pub(super) fn join(endpoint: &Endpoint, buffering: Buffering, caller: Caller, upgrade: WebSocketUpgrade) -> Response {
    let endpoint = endpoint.clone();
    let limits = buffering.limits(endpoint.work.options());
    let guard = endpoint.work.shared.sessions.token();
    upgrade.max_message_size(MAX_MESSAGE).on_upgrade(move |socket| async move {
        let _guard = guard;
        let running = endpoint.work.shared.calls.begin(caller.request.as_deref());
        let stop = endpoint.work.shared.stop.clone();
        session(socket, limits, stop, |input| answer(&endpoint, &caller, input, &running.token)).await;
    })
}

async fn answer(endpoint: &Endpoint, caller: &Caller, input: Pack, token: &CancellationToken) -> Reply {
    match try_answer(endpoint, caller, input, token).await {
        Ok(output) => Reply::Result(output),
        Err(problem @ Problem::Invalid(_)) => {
            Reply::Refused { code: "INVALID_INPUT".into(), reason: problem.to_string() }
        }
        Err(problem) => {
            report(&problem, caller);
            Reply::Failed { reason: problem.to_string() }
        }
    }
}

async fn try_answer(
    endpoint: &Endpoint,
    caller: &Caller,
    input: Pack,
    token: &CancellationToken,
) -> Result<Pack, Problem> {
    let mut fields = into_fields(input);
    let request = fields.get("request_id").filter(|id| id.is_string()).cloned();
    fields.entry("output_format").or_insert_with(|| "jpeg".into());
    let ready = endpoint.work.prepare(&endpoint.path, &fields, caller, token).await?;
    let output = endpoint.work.compute(ready, caller, token, None).await?;
    Ok(pack(output, request))
}

/// Files as their bytes, at the places where the answer of a plain call describes them.
fn pack(Output { files, fields, .. }: Output, request: Option<Value>) -> Pack {
    let mut answer: Vec<(Pack, Pack)> = Vec::new();
    for (place, file) in files {
        put(&mut answer, place, content(file));
    }
    let request = request.map(|id| ("request_id".to_owned(), id));
    answer.extend(fields.into_iter().chain(request).map(|(name, value)| (name.into(), from_json(value))));
    Pack::Map(answer)
}

fn content(file: Made) -> Pack {
    let facts = file.facts.into_iter().map(|(name, value)| (name.into(), from_json(value)));
    let bytes =
        [("content".into(), Pack::Binary(file.bytes.to_vec())), ("content_type".into(), file.content_type.into())];
    Pack::Map(bytes.into_iter().chain(facts).collect())
}

fn put(answer: &mut Vec<(Pack, Pack)>, place: Place, file: Pack) {
    let (Place::Member(name) | Place::Url(name) | Place::Item(name)) = place;
    let found = answer.iter_mut().find(|(key, _)| key.as_str() == Some(name)).map(|(_, value)| value);
    match (place, found) {
        (Place::Item(_), Some(Pack::Array(items))) => items.push(file),
        (Place::Item(_), _) => answer.push((name.into(), Pack::Array(vec![file]))),
        (Place::Member(_) | Place::Url(_), _) => answer.push((name.into(), file)),
    }
}

fn from_json(value: Value) -> Pack {
    match value {
        Value::Null => Pack::Nil,
        Value::Bool(flag) => flag.into(),
        Value::Number(number) => number
            .as_u64()
            .map(Pack::from)
            .or_else(|| number.as_i64().map(Pack::from))
            .or_else(|| number.as_f64().map(Pack::from))
            .unwrap_or(Pack::Nil),
        Value::String(text) => text.into(),
        Value::Array(values) => Pack::Array(values.into_iter().map(from_json).collect()),
        Value::Object(fields) => {
            Pack::Map(fields.into_iter().map(|(name, value)| (name.into(), from_json(value))).collect())
        }
    }
}

/// The session lets maps through only.
fn into_fields(input: Pack) -> Map<String, Value> {
    match to_json(input) {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// Bytes become a data URI, so that a picture can be sent as it is.
fn to_json(value: Pack) -> Value {
    match value {
        Pack::Nil | Pack::Ext(..) => Value::Null,
        Pack::Boolean(flag) => flag.into(),
        Pack::Integer(number) => number.as_u64().map_or_else(|| number.as_i64().into(), Value::from),
        Pack::F32(number) => f64::from(number).into(),
        Pack::F64(number) => number.into(),
        Pack::String(text) => String::from_utf8_lossy(text.as_bytes()).into_owned().into(),
        Pack::Binary(bytes) => data_uri("application/octet-stream", &bytes).into(),
        Pack::Array(values) => values.into_iter().map(to_json).collect(),
        Pack::Map(pairs) => {
            Value::Object(pairs.into_iter().map(|(key, value)| (key_text(key), to_json(value))).collect())
        }
    }
}

fn key_text(key: Pack) -> String {
    match key {
        Pack::String(text) => String::from_utf8_lossy(text.as_bytes()).into_owned(),
        Pack::Binary(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_in_an_input_are_a_data_uri_and_keys_may_be_bytes() {
        let input = Pack::Map(vec![
            ("image_url".into(), Pack::Binary(vec![0, 1, 2])),
            (Pack::Binary(b"seed".to_vec()), 7.into()),
        ]);
        let fields = into_fields(input);
        assert_eq!(fields["image_url"], "data:application/octet-stream;base64,AAEC");
        assert_eq!(fields["seed"], 7);
    }
}
