//! HTTP over a WebSocket: each text frame is the body of one call, answered in order by a `start` frame, the
//! answer's body, and an `end` frame.

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use http::{HeaderMap, Method};
use http_body_util::BodyExt;
use hyper::upgrade::OnUpgrade;
use serde_json::{Map, Value};
use tintype_domain::{AccountId, EndpointId};
use tintype_wire::{json, over_socket::Control};
use tokio::{sync::mpsc, time::Instant};
use tokio_tungstenite::tungstenite::{Error as SocketError, Message, protocol::Role};

use crate::{
    Error, Gateway,
    call::{self, Direct},
    caller, endpoint,
    headers::{self, Wishes},
    query::Query,
    realtime::{
        handshake,
        session::{Socket, open},
    },
};

/// Calls that may wait on one socket.
const PIPELINED: usize = 32;

/// `/{endpoint}` on the `ws.` host.
pub(crate) async fn connect(gateway: &Gateway, path: &str, request: Request) -> Response {
    accept(gateway, path, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn accept(gateway: &Gateway, path: &str, mut request: Request) -> Result<Response, Error> {
    let accept = handshake::accept(request.method(), request.headers())?;
    let upgrade = hyper::upgrade::on(&mut request);
    let (parts, _) = request.into_parts();
    let named = endpoint::parse(path)?;
    let query = Query::of(&parts.uri);
    let admitted = caller::admit(gateway, &parts.headers, query.get("fal_jwt_token").as_deref(), &named).await?;
    endpoint::installed(gateway, &admitted.target)?;
    let calls = Calls {
        gateway: gateway.clone(),
        is_owner: admitted.is_owner(),
        account: admitted.account,
        endpoint: admitted.target.actual,
        query: query.for_runner(),
        headers: without_handshake(&parts.headers),
        wishes: parts.headers,
    };
    gateway.tasks.spawn(calls.run(upgrade));
    Ok(handshake::switching(&accept))
}

fn without_handshake(asked: &HeaderMap) -> HeaderMap {
    let passed = headers::for_runner(asked, true);
    passed
        .into_iter()
        .filter_map(|(name, value)| Some((name?, value)))
        .filter(|(name, _)| !name.as_str().starts_with("sec-websocket-"))
        .collect()
}

struct Calls {
    gateway: Gateway,
    is_owner: bool,
    account: AccountId,
    endpoint: EndpointId,
    query: String,
    headers: HeaderMap,
    /// The headers of the handshake, which say how each call is to be handled.
    wishes: HeaderMap,
}

impl Calls {
    async fn run(self, upgrade: OnUpgrade) {
        let Ok(upgraded) = upgrade.await else { return };
        let limit = self.gateway.options.max_message_bytes;
        let (mut to, from) = open(upgraded, Role::Server, limit).await.split();
        let (waiting, mut calls) = mpsc::channel(PIPELINED);
        // When the caller is gone, what is under way is dropped with it.
        tokio::select! {
            () = read(from, waiting) => {}
            result = self.answer_all(&mut calls, &mut to) => drop(result),
            () = self.gateway.stop.cancelled() => {}
        }
        let _ = to.close().await;
    }

    async fn answer_all(
        &self,
        calls: &mut mpsc::Receiver<Bytes>,
        to: &mut SplitSink<Socket, Message>,
    ) -> Result<(), SocketError> {
        while let Some(body) = calls.recv().await {
            self.answer(body, to).await?;
        }
        std::future::pending().await
    }

    async fn answer(&self, body: Bytes, to: &mut SplitSink<Socket, Message>) -> Result<(), SocketError> {
        let (id, began) = (self.gateway.new_request_id(), Instant::now());
        let response = self.perform(id, body).await.unwrap_or_else(|error| call::named(error.into_response(), id));
        let (request_id, status) = (id.to_string(), response.status().as_u16());
        let headers = to_json(response.headers());
        let start = Control::Start { request_id: request_id.clone(), status, headers };
        to.send(Message::text(start.to_text())).await?;
        let time_to_first_byte_seconds = began.elapsed().as_secs_f64();
        let mut body = response.into_body();
        while let Some(Ok(frame)) = body.frame().await {
            if let Ok(data) = frame.into_data() {
                to.send(Message::Binary(data)).await?;
            }
        }
        let end = Control::End { request_id, status, time_to_first_byte_seconds };
        to.send(Message::text(end.to_text())).await
    }

    async fn perform(&self, id: tintype_domain::RequestId, body: Bytes) -> Result<Response, Error> {
        let body = if body.is_empty() { Bytes::from_static(b"{}") } else { body };
        json::check(&body, self.gateway.options.max_json_depth).map_err(Error::Json)?;
        let direct = Direct {
            id,
            account: self.account.clone(),
            endpoint: self.endpoint.clone(),
            method: Method::POST,
            query: self.query.clone(),
            headers: self.headers.clone(),
            body,
            wishes: Wishes::read(&self.wishes, self.gateway.clock.now(), self.is_owner)?,
        };
        call::perform(&self.gateway, direct).await
    }
}

/// Ends when the caller is gone or says goodbye.
async fn read(mut from: SplitStream<Socket>, waiting: mpsc::Sender<Bytes>) {
    while let Some(Ok(message)) = from.next().await {
        let body = match message {
            Message::Text(text) => text.into(),
            Message::Binary(bytes) => bytes,
            Message::Close(_) => return,
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
        };
        if waiting.send(body).await.is_err() {
            return;
        }
    }
}

fn to_json(headers: &HeaderMap) -> Map<String, Value> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value).into())).collect()
}
