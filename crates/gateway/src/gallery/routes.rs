//! `/models`, `/models/{id}`, `/models/{id}/llms.txt`, `/llms.txt`, `/api/openapi/queue/openapi.json` and the icon.
//!
//! No key is needed; with one, the caller's own apps are there too.

use axum::response::Response;
use http::{Method, StatusCode};

use super::{addresses, all, html, index, known, llms, page};
use crate::{Error, Gateway, caller, error::json_response, front::Placed, query::Query};

const TEXT: &str = "/llms.txt";
const ICONS: [&str; 2] = ["/favicon.svg", "/favicon.ico"];
const SCHEMA: &str = "/api/openapi/queue/openapi.json";

pub(crate) async fn serve(gateway: &Gateway, placed: Placed) -> Result<Response, Error> {
    let Placed { place, origin, request } = placed;
    let (request, _) = request.into_parts();
    let method = request.method;
    if method != Method::GET && method != Method::HEAD {
        return Err(Error::Method { found: method.to_string(), allowed: "GET, HEAD".into() });
    }
    let path = place.path.trim_end_matches('/');
    if ICONS.contains(&path) {
        return Ok(html::icon());
    }
    let reader = caller::reader(gateway, &request.headers).await?;
    let reader = reader.as_ref();
    let addresses = addresses(gateway, &origin);
    let query = Query::of(&request.uri);
    if path == TEXT {
        return Ok(llms::site(&all(gateway, reader), &addresses));
    }
    if path == SCHEMA {
        let id = query.get("endpoint_id").unwrap_or_default();
        if id.is_empty() {
            let expected = "name an endpoint, as in endpoint_id=tintype/sketch";
            return Err(Error::Query { name: "endpoint_id", found: id, expected });
        }
        let document = known(gateway, reader, &id)?.openapi(gateway, &addresses);
        return Ok(json_response(StatusCode::OK, &document));
    }
    let named = path.strip_prefix("/models").unwrap_or(path).trim_start_matches('/');
    if named.is_empty() {
        return Ok(index::page(gateway, &all(gateway, reader), query));
    }
    if let Some(id) = named.strip_suffix(TEXT) {
        return Ok(llms::model(gateway, &known(gateway, reader, id)?, &addresses));
    }
    Ok(page::page(gateway, &known(gateway, reader, named)?, &addresses))
}
