"""What people get wrong: each mistake has an answer that names it, and a server that stays well."""

from __future__ import annotations

import struct

import grpc
import httpx
import isolate_proto
import pytest
from support.server import KEY
from support.wait import until

SECRETS = (("auth-key", KEY.split(":")[1]), ("auth-key-id", KEY.split(":")[0]))


@pytest.fixture(scope="module")
def stub(server):
    """The service itself, for what the command would never send."""
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield isolate_proto.IsolateControllerStub(channel)


def environment(kind: str = "virtualenv", **options: object) -> isolate_proto.EnvironmentDefinition:
    from google.protobuf.struct_pb2 import Struct

    configuration = Struct()
    configuration.update({"python_version": "3.11", **options})
    return isolate_proto.EnvironmentDefinition(kind=kind, configuration=configuration)


def registration(**values: object) -> isolate_proto.RegisterApplicationRequest:
    machine = isolate_proto.MachineRequirements(machine_types=["XS"], exposed_port=8080)
    given = {"environments": [environment()], "machine_requirements": machine, "application_name": "odd"}
    request = isolate_proto.RegisterApplicationRequest(**(given | values))
    if "function" not in values and "entrypoint" not in values:
        request.function.method, request.function.definition = "cloudpickle", b"not a pickle"
    return request


def refusal(stub, request) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as raised:
        list(stub.RegisterApplication(request, metadata=SECRETS, timeout=120))
    return raised.value


def test_a_requirement_that_nobody_makes_is_named(cloud):
    done = cloud.try_fal("deploy", "broken.py::Demanding")
    assert done.code == 1 and "tintype-there-is-no-such-package" in done.said, done.said
    assert "demanding" not in {one["alias"] for one in cloud.aliases()}


def test_a_machine_that_nobody_has_is_refused_with_the_names_of_those_there_are(cloud):
    done = cloud.try_fal("deploy", "broken.py::Imaginary")
    assert done.code == 1 and "HUGE" in done.said and "XS" in done.said and "GPU-H100" in done.said, done.said


def test_an_app_that_never_opens_its_port_is_told_as_that(cloud):
    cloud.deploy("deaf.py::Deaf", "--detach")
    answer = cloud.http.post(f"/queue/{cloud.owner}/deaf", json={}).json()
    url = f"/queue/{cloud.owner}/deaf/requests/{answer['request_id']}/status"
    said = until(lambda: "4" in (text := cloud.http.get(url).text) and "CRASH" in str(cloud.runners("deaf")) and text, seconds=60)
    assert said
    ended = cloud.runners("deaf", "--since", "10m")
    assert ended
    cloud.fal("apps", "delete", "deaf")


@pytest.mark.parametrize(
    ("values", "code", "said"),
    [
        ({"application_name": "../etc"}, "INVALID_ARGUMENT", "../etc"),
        ({"application_name": "a/b"}, "INVALID_ARGUMENT", "a/b"),
        ({"application_name": ""}, "INVALID_ARGUMENT", "name"),
        ({"application_name": "x" * 400}, "INVALID_ARGUMENT", "name"),
        ({"environments": []}, "INVALID_ARGUMENT", "environment"),
        ({"environments": [environment("conda")]}, "INVALID_ARGUMENT", "conda"),
        ({"environments": [environment("cloud")]}, "INVALID_ARGUMENT", "cloud"),
        ({"environments": [environment(python_version="2.7")]}, None, "2.7"),
        ({"environments": [environment(requirements="numpy")]}, "INVALID_ARGUMENT", "requirements"),
        ({"entrypoint": "no colon here"}, "INVALID_ARGUMENT", "no colon here"),
        ({"environment_name": "nowhere", "application_name": "odd--nowhere"}, "NOT_FOUND", "nowhere"),
        ({"retry_config": "{not json"}, "INVALID_ARGUMENT", "retry_config"),
        ({"termination_grace_period_seconds": 4000}, "INVALID_ARGUMENT", "30"),
        ({"files": [isolate_proto.File(hash="0" * 64, relative_path="a.txt")]}, None, "a.txt"),
        ({"files": [isolate_proto.File(hash="0" * 64, relative_path="../a")]}, "INVALID_ARGUMENT", "../a"),
        ({"files": [isolate_proto.File(hash="../../x", relative_path="a")]}, "INVALID_ARGUMENT", "hash"),
        ({"data_mounts": ["/etc"]}, "INVALID_ARGUMENT", "/etc"),
        ({"auth_mode": 9}, "INVALID_ARGUMENT", "auth"),
    ],
)  # fmt: skip
def test_a_bad_registration_is_refused_by_name(stub, values, code, said):
    error = refusal(stub, registration(**values))
    assert code is None or error.code().name == code, error.details()
    assert error.code().name not in ("UNAVAILABLE", "UNKNOWN", "INTERNAL"), error.details()
    assert said in error.details(), error.details()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("keep_alive", -1), ("max_concurrency", 0), ("max_concurrency", -5), ("max_multiplexing", 0), ("num_gpus", 99),
        ("request_timeout", -1), ("startup_timeout", 0), ("exposed_port", 70000), ("concurrency_buffer_perc", -1),
        ("machine_types", ["HUGE"]), ("min_concurrency", -1), ("scaling_delay_seconds", -1),
    ],
)  # fmt: skip
def test_a_bad_number_is_refused_by_its_name(stub, field, value):
    machine = isolate_proto.MachineRequirements(**({"machine_types": ["XS"], "exposed_port": 8080} | {field: value}))
    error = refusal(stub, registration(machine_requirements=machine))
    assert error.code().name == "INVALID_ARGUMENT", error.details()
    named = {"machine_types": "machine type"}.get(field, field.removesuffix("_seconds"))
    assert named in error.details(), error.details()


def test_a_pickle_that_is_none_is_told_by_its_runner_and_never_read_by_the_server(cloud, stub):
    machine = isolate_proto.MachineRequirements(machine_types=["XS"])
    request = isolate_proto.HostedRun(environments=[environment()], machine_requirements=machine, application_name="odd")
    request.function.method, request.function.definition = "cloudpickle", b"not a pickle"
    with pytest.raises(grpc.RpcError) as raised:
        list(stub.Run(request, metadata=SECRETS, timeout=120))
    assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "could not be deserialized" in raised.value.details()


def test_a_module_to_load_with_is_not_a_place_for_code(stub):
    machine = isolate_proto.MachineRequirements(machine_types=["XS"])
    request = isolate_proto.HostedRun(environments=[environment()], machine_requirements=machine, application_name="odd")
    request.function.method, request.function.definition = "os", b"x"
    with pytest.raises(grpc.RpcError) as raised:
        list(stub.Run(request, metadata=SECRETS, timeout=120))
    assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT and "os" in raised.value.details()


def test_no_key_no_answer(stub):
    for metadata in ((), (("auth-key", "x"), ("auth-key-id", "y")), (("authorization", "Bearer x"),)):
        with pytest.raises(grpc.RpcError) as raised:
            stub.ListAliases(isolate_proto.ListAliasesRequest(), metadata=metadata, timeout=20)
        assert raised.value.code() == grpc.StatusCode.UNAUTHENTICATED, raised.value.details()
        assert raised.value.details()


def test_a_call_that_there_is_not_and_bytes_that_are_no_message_are_told(server):
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        with pytest.raises(grpc.RpcError) as raised:
            channel.unary_unary("/controller.IsolateController/Nothing")(b"", metadata=SECRETS, timeout=20)
        assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED, raised.value.details()
        with pytest.raises(grpc.RpcError) as raised:
            channel.unary_unary("/controller.IsolateController/ListAliases")(b"\xff" * 40, metadata=SECRETS, timeout=20)
        assert raised.value.code() != grpc.StatusCode.UNAVAILABLE


def test_rest_paths_that_are_not_there_and_bodies_that_are_none_are_told(cloud):
    assert cloud.http.get("/applications/x").status_code in (400, 404)
    assert cloud.http.get(f"/applications/{cloud.owner}/no-such-app/queue").status_code == 404
    assert cloud.http.get("/runners/no-such-runner").status_code == 404
    bad = cloud.http.post("/files/missing_hashes", content=b"{")
    assert 400 <= bad.status_code < 500 and "detail" in bad.json()
    bad = cloud.http.post("/files/missing_hashes", json={"hashes": ["../../etc/passwd"]})
    assert bad.status_code in (200, 400, 422)
    bad = cloud.http.post("/logs/history", params={"job_id": "x", "since": "yesterday"})
    assert 400 <= bad.status_code < 500, bad.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/users/current"), ("GET", "/users/teams"), ("POST", "/files/missing_hashes"), ("GET", "/files/list//data"),
        ("GET", "/applications/metrics"), ("POST", "/logs/history"), ("POST", "/logs/stream"), ("GET", "/runners/x"),
        ("POST", f"/files/app/multipart/{'0' * 64}/initiate"), ("DELETE", "/applications/local/workshop/queue"),
    ],
)  # fmt: skip
def test_rest_without_a_key_is_refused(cloud, method, path):
    answer = httpx.request(method, f"{cloud.server.url}{path}", trust_env=False)
    assert answer.status_code == 401 and answer.json()["detail"], answer.text


def test_a_large_payload_is_taken_and_a_vast_one_is_refused_in_words(stub):
    with pytest.raises(grpc.RpcError) as raised:
        request = registration(application_name="vast")
        request.function.definition = bytes(600 << 20)
        list(stub.RegisterApplication(request, metadata=SECRETS, timeout=120))
    assert raised.value.code().name in ("RESOURCE_EXHAUSTED", "INVALID_ARGUMENT", "OUT_OF_RANGE"), raised.value.details()


def test_frames_that_are_none_do_not_harm(cloud, server):
    import socket

    for garbage in (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0" * 9000, struct.pack(">I", 1 << 30) * 50):
        with socket.create_connection(("127.0.0.1", server.port)) as raw:
            raw.sendall(garbage)
            raw.settimeout(5)
            try:
                while raw.recv(4096):
                    pass
            except OSError:
                pass
    assert cloud.http.get("/users/current").status_code == 200
