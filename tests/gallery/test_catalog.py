"""The gallery as clients of the hosted service read it: lists, schemas, prices, pages, and models without their weights."""

from __future__ import annotations

import base64
from typing import Any, Iterator

import pytest


def pages(http, **query: Any) -> Iterator[dict]:
    """All models, page by page, as a client goes through them."""
    cursor = None
    while True:
        answer = http.get("/v1/models", params={**query, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        yield from body["models"]
        cursor = body["next_cursor"]
        assert body["has_more"] == (cursor is not None)
        if cursor is None:
            return


@pytest.fixture(scope="module")
def models(http) -> list[dict]:
    return list(pages(http, expand="openapi-3.0"))


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for member in value.values():
            yield from references(member)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def follow(document: dict, reference: str) -> Any:
    at: Any = document
    for part in reference.removeprefix("#/").split("/"):
        at = at[part.replace("~1", "/").replace("~0", "~")]
    return at


def test_pages_hold_every_model_once(http, models):
    small = [model["endpoint_id"] for model in pages(http, limit=7)]
    assert small == [model["endpoint_id"] for model in models]
    assert len(small) == len(set(small)) and "tintype/sketch" in small


def test_a_cursor_is_a_page_number_in_base64(http):
    cursor = http.get("/v1/models", params={"limit": 1}).json()["next_cursor"]
    assert base64.b64decode(cursor) == b"2"


def test_every_schema_is_whole_and_ordered(models):
    for model in models:
        document, identity = model["openapi"], model["endpoint_id"]
        assert document["openapi"].startswith("3.0"), identity
        for reference in references(document):
            assert follow(document, reference) is not None, f"{identity}: {reference}"
        body = document["paths"][f"/{identity}"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        schema = follow(document, body["$ref"])
        assert schema["x-fal-order-properties"] == list(schema["properties"]), identity
        assert set(schema["required"]) <= set(schema["properties"]), identity
        assert all(field["description"] and field["title"] for field in schema["properties"].values()), identity
        result = document["paths"][f"/{identity}/requests/{{request_id}}"]["get"]["responses"]["200"]
        assert follow(document, result["content"]["application/json"]["schema"]["$ref"])["type"] == "object"


def test_the_queue_document_of_every_model_is_served_alone(http, models):
    for model in models[::9]:
        answer = http.get("/api/openapi/queue/openapi.json", params={"endpoint_id": model["endpoint_id"]})
        assert answer.json() == model["openapi"], model["endpoint_id"]


def test_search_finds_by_words_and_category(http):
    found = [model["endpoint_id"] for model in pages(http, q="sketch inpaint")]
    assert found[0] == "tintype/sketch/inpaint"
    assert all(model["metadata"]["category"] == "text-to-image" for model in pages(http, category="text-to-image"))
    assert list(pages(http, q="no such words in any of them")) == []
    assert list(pages(http, status="deprecated")) == []


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": 101}, {"cursor": "?"}, {"status": "new"}, {"expand": "price"}, {"endpoint_id": "x"}]
)
def test_a_wrong_parameter_is_named(http, query):
    answer = http.get("/v1/models", params=query)
    assert answer.status_code in (400, 404), answer.text
    error = answer.json()["error"]
    assert error["type"] in ("validation_error", "not_found") and error["message"]


def test_every_model_has_its_pages(http, models):
    site = http.get("/llms.txt").text
    for model in models:
        identity = model["endpoint_id"]
        assert f"/models/{identity}/llms.txt" in site
    for model in models[::5]:
        identity = model["endpoint_id"]
        page = http.get(f"/models/{identity}")
        assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
        text = http.get(f"/models/{identity}/llms.txt").text
        assert text.startswith("# ") and f"`{identity}`" in text and "fal_client" in text
    assert http.get("/models", params={"q": "sketch"}).status_code == 200


def test_prices_are_told_for_models_that_state_one(http, models):
    priced = [model for model in models if "price" in model["metadata"]]
    assert priced
    ids = ",".join(model["endpoint_id"] for model in priced[:50])
    prices = http.get("/v1/models/pricing", params={"endpoint_id": ids}).json()["prices"]
    told = [(price["unit_price"], price["unit"], price["currency"]) for price in prices]
    assert told == [tuple(model["metadata"]["price"][key] for key in ("unit_price", "unit", "currency")) for model in priced[:50]]
    body = {"estimate_type": "unit_price", "endpoints": {priced[0]["endpoint_id"]: {"unit_quantity": 12}}}
    estimate = http.post("/v1/models/pricing/estimate", json=body).json()
    assert estimate["total_cost"] == pytest.approx(12 * told[0][0])


def test_a_model_without_its_weights_names_the_command_that_fetches_them(http, models):
    missing = [model for model in models if not model["metadata"]["installed"]]
    assert missing
    for model in missing:
        identity = model["endpoint_id"]
        for address in (f"/{identity}", f"/queue/{identity}"):
            answer = http.post(address, json={})
            assert answer.status_code == 424, f"{identity}: {answer.text}"
            body = answer.json()
            app = "/".join(identity.split("/")[:2])
            assert body["error_type"] == "model_not_installed" and f"tintype models install {app}" in body["detail"]
