//! `/v1/models/pricing` and `/v1/models/pricing/estimate`: what calls cost, as far as manifests state it.

use axum::{
    body::Bytes,
    extract::{RawQuery, State},
    response::Response,
};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};
use tintype_catalog::CURRENCY;
use tintype_domain::AccountId;

use super::asked::Pairs;
use crate::{
    Error, Gateway, caller,
    error::{InPlatform, json_response},
    gallery,
};

/// Billionths, of which prices are whole numbers.
const NANOS: f64 = 1e9;

pub(in crate::platform) async fn list(
    State(gateway): State<Gateway>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, InPlatform> {
    let account = caller::identify(&gateway, &headers).await?.account;
    let ids = Pairs::of(query.as_deref().unwrap_or("")).endpoints()?;
    if ids.is_empty() {
        let expected = "expected 1 to 50 endpoint ids";
        return Err(Error::Query { name: "endpoint_id", found: String::new(), expected }.into());
    }
    let prices = ids.iter().map(|id| {
        let (nanos, unit) = price(&gateway, &account, id)?;
        Ok(json!({"endpoint_id": id, "unit_price": nanos / NANOS, "unit": unit, "currency": CURRENCY}))
    });
    let prices = prices.collect::<Result<Vec<_>, Error>>()?;
    Ok(json_response(StatusCode::OK, &json!({"prices": prices, "next_cursor": null, "has_more": false})))
}

pub(in crate::platform) async fn estimate(
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, InPlatform> {
    let account = caller::identify(&gateway, &headers).await?.account;
    let asked = Estimate::parse(&body)?;
    let mut total = 0.0;
    for (id, quantity) in &asked.quantities {
        let (nanos, _) = price(&gateway, &account, id)?;
        // What calls used to cost is not recorded; where a unit costs nothing, they cost nothing.
        if asked.kind == HISTORICAL && nanos > 0.0 {
            return Err(Error::NoHistory { endpoint: id.clone() }.into());
        }
        total += nanos * quantity;
    }
    let body = json!({"estimate_type": asked.kind, "total_cost": total.round() / NANOS, "currency": CURRENCY});
    Ok(json_response(StatusCode::OK, &body))
}

/// The price of a unit, and what a unit is.
fn price(gateway: &Gateway, account: &AccountId, id: &str) -> Result<(f64, String), Error> {
    let entry = gallery::known(gateway, Some(account), id)?;
    let price = entry.price().ok_or_else(|| Error::NoPrice { endpoint: id.to_owned() })?;
    Ok((price.nanos as f64, price.unit.clone()))
}

const HISTORICAL: &str = "historical_api_price";
const BY_UNIT: &str = "unit_price";
/// The least quantity of units that has a price.
const LEAST: f64 = 1e-6;

/// What is to be estimated.
#[derive(Debug, PartialEq)]
struct Estimate {
    kind: &'static str,
    quantities: Vec<(String, f64)>,
}

impl Estimate {
    fn parse(body: &[u8]) -> Result<Self, Error> {
        let refused = |detail: String| Error::Refused { detail };
        let value: Value =
            serde_json::from_slice(body).map_err(|error| refused(format!("the body is not JSON: {error}")))?;
        let (kind, member) = match value["estimate_type"].as_str() {
            Some(HISTORICAL) => (HISTORICAL, "call_quantity"),
            Some(BY_UNIT) => (BY_UNIT, "unit_quantity"),
            _ => {
                let found = &value["estimate_type"];
                return Err(refused(format!("`estimate_type` is {found}: expected `{HISTORICAL}` or `{BY_UNIT}`")));
            }
        };
        let endpoints = value["endpoints"].as_object().filter(|endpoints| (1..=50).contains(&endpoints.len()));
        let endpoints: &Map<_, _> = endpoints
            .ok_or_else(|| refused("`endpoints` must be an object with 1 to 50 endpoint ids as its members".into()))?;
        let quantity = |(id, asked): (&String, &Value)| {
            let found = &asked[member];
            let fits = match kind {
                HISTORICAL => found.as_u64().filter(|calls| *calls >= 1).map(|calls| calls as f64),
                _ => found.as_f64().filter(|units| *units >= LEAST && units.is_finite()),
            };
            let expected = if kind == HISTORICAL { "a whole number from 1" } else { "a number from 0.000001" };
            let fits =
                fits.ok_or_else(|| refused(format!("`endpoints.{id}.{member}` is {found}: expected {expected}")));
            Ok((id.clone(), fits?))
        };
        Ok(Self { kind, quantities: endpoints.iter().map(quantity).collect::<Result<_, Error>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(value: &Value) -> String {
        Estimate::parse(value.to_string().as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn quantities_are_read_by_the_kind_of_estimate() {
        let body = json!({"estimate_type": "unit_price", "endpoints": {"a/b": {"unit_quantity": 2.5}}}).to_string();
        let estimate = Estimate::parse(body.as_bytes()).unwrap();
        assert_eq!(estimate, Estimate { kind: BY_UNIT, quantities: vec![("a/b".into(), 2.5)] });
    }

    #[test]
    fn what_cannot_be_estimated_is_named() {
        assert!(fault(&json!({"estimate_type": "guess"})).contains("`estimate_type` is \"guess\""));
        assert!(fault(&json!({"estimate_type": "unit_price", "endpoints": {}})).contains("`endpoints`"));
        let none = json!({"estimate_type": "historical_api_price", "endpoints": {"a/b": {"call_quantity": 0.5}}});
        assert!(fault(&none).contains("`endpoints.a/b.call_quantity` is 0.5"));
        assert!(Estimate::parse(b"{").is_err());
    }
}
