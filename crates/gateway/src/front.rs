//! The front door: places each request, and sees to what every answer has in common.

use std::panic::AssertUnwindSafe;

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use http::{HeaderValue, Method, Uri, header::ORIGIN};
use tintype_wire::header::REQUEST_ID;
use tower::ServiceExt;

use crate::{
    Connection, Error, Gateway, body, call, cors,
    error::InPlatform,
    gallery::{self, Visitor},
    health,
    origin::Origin,
    place::{Place, Surface},
    platform, playground, proxy, queue,
    realtime::{self, handshake},
    socket, storage, tokens, webhooks, worded,
};

/// Everything that callers reach.
pub fn router(gateway: Gateway) -> Router {
    Router::new().fallback(serve).with_state(Front::new(gateway))
}

/// What runners reach, on a socket of their own.
pub fn runner_router(gateway: Gateway) -> Router {
    storage::runner().fallback(no_route).with_state(gateway)
}

/// What deployed apps reach to put their files, on a socket of their own.
pub fn uploader_router(gateway: Gateway) -> Router {
    storage::uploader().fallback(no_route).with_state(gateway)
}

/// The gateway with the surfaces that are routers of their own.
#[derive(Clone)]
struct Front {
    gateway: Gateway,
    rest: Router,
    cdn: Router,
    platform: Router,
}

impl Front {
    fn new(gateway: Gateway) -> Self {
        let rest = tokens::routes().merge(storage::rest()).merge(webhooks::routes());
        let finish = |router: Router<Gateway>| router.fallback(no_route).with_state(gateway.clone());
        let (rest, cdn) = (finish(rest), finish(storage::cdn()));
        let platform = platform::routes().fallback(no_platform_route).with_state(gateway.clone());
        Self { gateway, rest, cdn, platform }
    }
}

/// A request that has been placed.
pub(crate) struct Placed {
    pub place: Place,
    pub origin: Origin,
    pub request: Request,
}

async fn serve(State(front): State<Front>, request: Request) -> Response {
    let by_script = request.headers().contains_key(ORIGIN);
    let mut response = if request.method() == Method::OPTIONS {
        cors::preflight(request.headers())
    } else {
        // A fault in one handler must not cost the caller an answer, nor others their connection.
        AssertUnwindSafe(place(&front, request))
            .catch_unwind()
            .await
            .unwrap_or_else(|_| Error::Internal.into_response())
    };
    finish(&front.gateway, by_script, &mut response);
    response
}

fn finish(gateway: &Gateway, by_script: bool, response: &mut Response) {
    let headers = response.headers_mut();
    cors::expose(by_script, headers);
    if !headers.contains_key(REQUEST_ID) {
        let id = gateway.new_request_id().to_string();
        headers.insert(REQUEST_ID, HeaderValue::try_from(id).expect("a UUID is a header value"));
    }
}

async fn place(front: &Front, request: Request) -> Response {
    let connection = request.extensions().get::<Connection>();
    let origin = Origin::of(request.uri(), request.headers(), connection);
    let place = Place::of(&origin.authority, request.uri().path());
    let placed = Placed { place, origin, request };
    if placed.place.surface != Surface::Proxy {
        let visitor = Visitor::of(&placed);
        let answer = open(front, placed).await;
        return match visitor {
            Some(visitor) => visitor.shown(&front.gateway, answer),
            None => answer,
        };
    }
    match proxy::retarget(&front.gateway, placed) {
        Ok(placed) => open(front, placed).await,
        Err(error) => error.into_response(),
    }
}

async fn open(front: &Front, placed: Placed) -> Response {
    let gateway = &front.gateway;
    match placed.place.surface {
        Surface::Rest => below(&front.rest, placed).await,
        Surface::Cdn => below(&front.cdn, placed).await,
        Surface::Platform => below(&front.platform, placed).await,
        Surface::Deployment => deploy(gateway, placed).await,
        Surface::Playground => playground::page(gateway, &placed).into_response(),
        Surface::Gallery => gallery::serve(gateway, placed).await.into_response(),
        Surface::Health => health::health(),
        Surface::Ready => health::ready(gateway).await.into_response(),
        Surface::Home => gallery::home(gateway, &placed),
        Surface::Run if handshake::is_asked(placed.request.headers()) => {
            realtime::connect(gateway, &placed.place.path, placed.request).await
        }
        Surface::Run => call::run(gateway, &placed.place.path, placed.request).await,
        Surface::Queue => queue::serve(gateway, placed).await,
        Surface::Socket => socket::connect(gateway, &placed.place.path, placed.request).await,
        // The proxy route leads somewhere else, or was refused.
        Surface::Proxy => Error::NoRoute { path: placed.place.path }.into_response(),
    }
}

async fn deploy(gateway: &Gateway, mut placed: Placed) -> Response {
    let bases = placed.origin.bases(gateway);
    placed.request.extensions_mut().insert(bases);
    below(&gateway.deployment, placed).await
}

/// Hands on to a router that knows the surface alone.
async fn below(router: &Router, placed: Placed) -> Response {
    let Placed { place, origin, mut request } = placed;
    // A file may be packed as its owner likes; every other body is read here.
    if !matches!(place.surface, Surface::Cdn | Surface::Deployment)
        && let Err(error) = body::unencoded(request.headers())
    {
        let in_platform = place.surface == Surface::Platform;
        return if in_platform { InPlatform(error).into_response() } else { error.into_response() };
    }
    request.extensions_mut().insert(origin);
    let method = request.method().clone();
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    // A trailing slash is another spelling of the same route, never a redirect.
    let path = place.path.trim_end_matches('/');
    let Ok(uri) = Uri::try_from(format!("/{}{query}", path.trim_start_matches('/'))) else {
        return Error::NoRoute { path: place.path }.into_response();
    };
    *request.uri_mut() = uri;
    let response = router.clone().oneshot(request).await.into_response();
    worded::worded(response, &method, place.surface == Surface::Platform).await
}

async fn no_route(request: Request) -> Error {
    Error::NoRoute { path: request.uri().path().to_owned() }
}

async fn no_platform_route(request: Request) -> InPlatform {
    InPlatform(no_route(request).await)
}
