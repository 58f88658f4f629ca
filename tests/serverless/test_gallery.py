"""A deployed app is in the gallery, with the schema that was sent with it."""

from __future__ import annotations

from support.wait import until


def models(cloud, **query: str) -> list[dict]:
    answer = cloud.http.get("/v1/models", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["models"]


def test_a_deployed_app_is_listed_with_its_schema(cloud):
    app = cloud.deploy("greeter.py::Greeter", "--app-name", "shown")
    identity = f"{cloud.owner}/{app.name}"
    until(lambda: [m for m in models(cloud, endpoint_id=identity) if m["endpoint_id"] == identity], what="the model")
    (model,) = models(cloud, endpoint_id=identity, expand="openapi-3.0")
    schema = model["openapi"]["components"]["schemas"]["Name"]
    assert schema["required"] == ["name"] and schema["properties"]["times"]["maximum"] == 9
    # The numbers have come by way of doubles, and are whole again.
    assert "9.0" not in str(schema)


def test_a_deleted_app_is_listed_no_more(cloud):
    cloud.deploy("greeter.py::Greeter", "--app-name", "fleeting")
    identity = f"{cloud.owner}/fleeting"
    until(lambda: any(m["endpoint_id"] == identity for m in models(cloud, endpoint_id=identity)), what="the model")
    cloud.fal("apps", "delete", "fleeting")
    answer = cloud.http.get("/v1/models", params={"endpoint_id": identity})
    assert answer.status_code == 404 or not answer.json()["models"]
