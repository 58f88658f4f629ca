"""Rows 13 and 15: secrets, deployment environments and keys."""

from __future__ import annotations

import re

import pytest

from cloud import edited


@pytest.fixture(scope="module")
def staging(cloud):
    cloud.fal("environments", "create", "staging", "--description", "before the real thing")
    yield "staging"
    cloud.fal("environments", "delete", "staging", "--yes")


def test_secrets_are_seen_by_the_apps_that_may(cloud, staging):
    cloud.fal("secrets", "set", "TT_OPEN=everyone", "TT_SPACED=two words")
    cloud.fal("secrets", "set", "TT_HIDDEN=chosen", "--not-exposed-by-default")
    cloud.fal("secrets", "set", "TT_OPEN=staged", "--env", staging)
    seen = {
        name: cloud.call(cloud.deploy(f"secretive.py::{name}", *flags)).json()
        for name, flags in {"SeesDefaults": (), "SeesOne": (), "SeesNone": ()}.items()
    }
    assert seen == {
        "SeesDefaults": {"TT_OPEN": "everyone", "TT_SPACED": "two words"},
        "SeesOne": {"TT_HIDDEN": "chosen"},
        "SeesNone": {},
    }
    staged = cloud.deploy("secretive.py::SeesDefaults", "--env", staging)
    assert cloud.call(cloud.url("sees-defaults--staging")).json() == {"TT_OPEN": "staged"}
    assert staged.name in ("sees-defaults", "sees-defaults--staging")


def test_secrets_are_listed_by_name_and_never_by_value(cloud):
    cloud.fal("secrets", "set", "TT_LISTED=unspeakable")
    said = cloud.fal("secrets", "list").said
    assert "TT_LISTED" in said and "unspeakable" not in said
    cloud.fal("secrets", "unset", "TT_LISTED")
    assert "TT_LISTED" not in cloud.fal("secrets", "list").said
    for path in cloud.server.data.rglob("*"):
        if path.is_file() and path.stat().st_size < 64 << 20:
            assert b"unspeakable" not in path.read_bytes(), f"{path} holds a secret in clear text"


def test_a_changed_secret_is_seen_after_a_rollout(cloud):
    cloud.fal("secrets", "set", "TT_TURN=before")
    app = cloud.deploy("secretive.py::SeesDefaults", "--app-name", "turning")
    assert cloud.call(app).json()["TT_TURN"] == "before"
    cloud.fal("secrets", "set", "TT_TURN=after")
    cloud.fal("apps", "rollout", "turning", "--force")
    assert cloud.call(app).json()["TT_TURN"] == "after"
    cloud.fal("secrets", "unset", "TT_TURN")


def test_a_secret_stands_in_for_a_part_of_a_requirement_and_stays_out_of_the_log(cloud, tmp_path):
    text = (tmp_path / "pinned.py")
    text.write_text(
        "import fal\n\n\nclass Pinned(fal.App):\n    requirements = ['pyjokes==${TT_PIN}']\n\n"
        "    @fal.endpoint('/')\n    def run(self) -> dict:\n        from importlib.metadata import version\n\n"
        "        return {'version': version('pyjokes')}\n"
    )
    cloud.fal("secrets", "set", "TT_PIN=0.8.3")
    app = cloud.deploy(text)
    assert cloud.call(app).json() == {"version": "0.8.3"}
    cloud.fal("secrets", "unset", "TT_PIN")


def test_an_environment_has_its_own_apps_by_suffix(cloud, staging, tmp_path):
    cloud.deploy("greeter.py::Greeter", "--app-name", "twofold")
    staged = edited("greeter.py", tmp_path, VERSION="staged")
    cloud.deploy(f"{staged}::Greeter", "--app-name", "twofold", "--env", staging)
    assert cloud.call(cloud.url("twofold"), body={"name": "x"}).json()["version"] == "one"
    assert cloud.call(cloud.url("twofold--staging"), body={"name": "x"}).json()["version"] == "staged"
    rows = [row[:2] for row in cloud.fal("apps", "list").table() if row[0].startswith("twofold")]
    assert sorted(rows) == [["twofold", "main"], ["twofold", "staging"]]
    only = {one["alias"] for one in cloud.aliases("--env", staging)}
    assert "twofold--staging" in only and "twofold" not in only
    assert cloud.live("twofold", "--env", staging)


def test_environments_are_created_listed_and_deleted_with_all_they_hold(cloud):
    cloud.fal("environments", "create", "brief")
    assert "brief" in cloud.fal("environments", "list").said
    taken = cloud.try_fal("environments", "create", "brief")
    assert taken.code == 1 and "exists" in taken.said
    cloud.fal("secrets", "set", "TT_BRIEF=x", "--env", "brief")
    cloud.deploy("greeter.py::Greeter", "--app-name", "mayfly", "--env", "brief")
    cloud.fal("environments", "delete", "brief", "--yes")
    assert "brief" not in cloud.fal("environments", "list").said
    assert "mayfly--brief" not in {one["alias"] for one in cloud.aliases()}
    assert cloud.call(cloud.url("mayfly--brief"), body={"name": "x"}).status_code == 404
    refused = cloud.try_fal("environments", "delete", "main", "--yes")
    assert refused.code == 1 and "main" in refused.said
    refused = cloud.try_fal("deploy", "greeter.py::Greeter", "--env", "nowhere")
    assert refused.code == 1 and "not found" in refused.said


def test_keys_are_created_used_listed_and_revoked(cloud):
    said = cloud.fal("keys", "create", "--preset", "API", "--desc", "for a robot").said
    key = re.search(r"[\w-]{8,}:[\w-]{16,}", said).group()
    identity = key.split(":")[0]
    assert identity in cloud.fal("keys", "list").said and "for a robot" in cloud.fal("keys", "list").said
    # It may call, and it may not deploy.
    refused = cloud.try_fal("deploy", "greeter.py::Greeter", FAL_KEY=key)
    assert refused.code == 1, refused.said
    cloud.fal("keys", "revoke", identity)
    assert identity not in cloud.fal("keys", "list").said
