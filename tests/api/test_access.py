"""Access control: API keys, host names, cross-site requests and CORS."""

import asyncio
import base64
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from service.api.access import QUESTION_PATHS, AccessPolicy
from service.api.errors import Refused
from service.api.examples import DATASET_ID, RUN_ID
from service.api.request_record import RequestRecord
from service.keys import Scope, make_key
from service.settings import Settings
from tests.api.conftest import bearer

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
OPEN = ["/", "/docs", "/fit", "/guide/", "/openapi.json", "/livez", "/readyz", "/explorer/main.js"]
PROTECTED = [
    ("GET", "/v1/training-runs"),
    ("POST", "/v1/predict"),
    ("GET", "/v1/gradient-trace.svg"),
    ("DELETE", f"/v1/datasets/{DATASET_ID}"),
    ("PUT", "/v1/datasets"),
    ("GET", "/v1/nothing"),
    ("GET", "/metrics"),
    ("GET", "/v2"),
    ("GET", "//v1/predict"),
    ("GET", "/nothing"),
    ("OPTIONS", "/v1/predict"),
]
READER, READER_ENTRY = make_key("reader", Scope.READ)
WRITER, WRITER_ENTRY = make_key("writer", Scope.WRITE)
STRANGER, _ = make_key("writer", Scope.WRITE)


@pytest.fixture(scope="module")
def guarded(start_api: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return an application with a key for each scope, which the tests share."""
    keys = f"{READER_ENTRY},{WRITER_ENTRY}"
    with ExitStack() as closing:
        yield start_api(closing, data_dir=tmp_path_factory.mktemp("keys"), api_keys=keys)


@pytest.mark.parametrize("path", OPEN)
def test_some_paths_are_open(guarded: Any, path: str) -> None:
    assert guarded.get(path).status_code == 200
    assert guarded.get(path, headers=bearer(STRANGER)).status_code == 200


@pytest.mark.parametrize(("method", "path"), PROTECTED)
def test_other_paths_need_a_key(guarded: Any, method: str, path: str) -> None:
    for headers in (
        {},
        bearer(STRANGER),
        bearer(""),
        bearer(WRITER_ENTRY.digest),
        {"authorization": WRITER},
        {"authorization": f"Basic {base64.b64encode(f'writer:{WRITER}'.encode()).decode()}"},
    ):
        response = guarded.request(method, path, headers=headers)
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith('Bearer realm="linear-rnn"')
        assert response.json()["type"] == "/problems/unauthorized"
    assert guarded.request(method, path, headers=bearer(WRITER)).status_code != 401


def test_the_name_of_the_scheme_has_any_case(guarded: Any) -> None:
    for scheme in ("bearer", "BEARER"):
        headers = {"authorization": f"{scheme}  {READER}"}
        assert guarded.get("/v1/optimizers", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v1/predict", 200),
        ("POST", "/v1/evaluate", 200),
        ("POST", "/v1/gradient-trace", 200),
        ("POST", "/v1/gradient-trace.svg", 200),
        ("POST", "/v1/cost-surface.npz", 200),
        ("POST", "/v1/optimum", 200),
        ("POST", "/v1/tables", 415),
        ("HEAD", "/v1/optimizers", 200),
        ("GET", "/v1/datasets", 200),
        ("POST", "/v1/datasets", 403),
        ("POST", "/v1/training-runs", 403),
        ("POST", "/v1/basin-maps", 403),
        ("POST", f"/v1/training-runs/{RUN_ID}/cancel", 403),
        ("DELETE", f"/v1/training-runs/{RUN_ID}", 403),
        ("POST", "/v1/predict/x", 403),
        ("PUT", "/v1/models/a", 403),
    ],
)
def test_the_scope_read_stores_nothing(guarded: Any, method: str, path: str, status: int) -> None:
    response = guarded.request(method, path, headers=bearer(READER))
    assert response.status_code == status
    if status == 403:
        assert 'error="insufficient_scope", scope="write"' in response.headers["www-authenticate"]
        assert response.json()["type"] == "/problems/forbidden"
        assert guarded.request(method, path, headers=bearer(WRITER)).status_code != 403


def test_what_the_scope_read_permits_is_documented() -> None:
    text = OPERATIONS.read_text()
    (sentence,) = re.findall(r"^The scope `read` permits.*?\. The scope", text, re.MULTILINE)
    named = {*re.findall(r"`([a-z-]+)`", sentence)} - {"read"}
    assert named == {path.rpartition("/")[2] for path in QUESTION_PATHS}


def test_the_schema_names_the_scheme_if_there_are_keys(api: Any, guarded: Any) -> None:
    assert api.get("/openapi.json").json()["security"] == []
    schema = guarded.get("/openapi.json").json()
    scheme = {"type": "http", "scheme": "bearer"}
    assert schema["components"]["securitySchemes"] == {"ApiKey": scheme}
    assert schema["security"] == [{"ApiKey": []}]
    assert schema["paths"]["/livez"]["get"]["security"] == []


@pytest.mark.parametrize("prefer", ["wait=0", "respond-async"])
def test_resources_have_the_name_of_the_key_that_created_them(make_api: Any, prefer: str) -> None:
    other, other_entry = make_key("other", Scope.WRITE)
    api = make_api(api_keys=f"{WRITER_ENTRY},{other_entry}")
    dataset = {"kind": "explicit", "inputs": [[1.0], [0.0]], "targets": [1.0, 0.0]}
    for path in ("training-runs", "basin-maps"):
        # The second request gets the same resource.
        for key in (WRITER, other):
            headers = bearer(key) | {"prefer": prefer}
            body = {"dataset": dataset, "n_iterations": 2}
            made = api.post(f"/v1/{path}", body, headers=headers)
            assert made.status_code in {200, 201, 202}, made.text
            assert made.json()["created_by"] == "writer"
        assert api.get(f"/v1/{path}", headers=bearer(other)).json()["items"] == [made.json()]
    (stored,) = api.get("/v1/datasets", headers=bearer(other)).json()["items"]
    assert stored["created_by"] == "writer"
    link = made.json()["links"]["self"]
    if prefer == "respond-async":
        assert api.post(f"{link}/cancel", headers=bearer(WRITER)).status_code == 202
        again = api.post("/v1/basin-maps", body, headers=bearer(other) | {"prefer": prefer})
        assert (again.json()["attempt"], again.json()["created_by"]) == (2, "other")


def test_files_have_the_name_of_the_key_too(guarded: Any) -> None:
    headers = bearer(WRITER) | {"content-type": "text/csv"}
    stored = guarded.post("/v1/datasets", content=b"x,target\n1,2\n3,4\n", headers=headers)
    assert (stored.status_code, stored.json()["created_by"]) == (201, "writer")
    unkept = guarded.post("/v1/training-runs", {"keep": False}, headers=bearer(WRITER))
    assert unkept.json()["created_by"] == "writer"


def test_shared_caches_do_not_store_responses(guarded: Any, api: Any) -> None:
    path = "/v1/gradient-trace.svg"
    first = guarded.get(path, headers=bearer(READER))
    assert first.headers["cache-control"] == "private, max-age=300"
    known = bearer(READER) | {"if-none-match": first.headers["etag"]}
    unchanged = guarded.get(path, headers=known)
    assert unchanged.status_code == 304
    assert unchanged.headers["cache-control"] == "private, max-age=300"
    assert api.get(path).headers["cache-control"] == "max-age=300"


def test_a_page_may_send_a_preflight_without_a_key(make_api: Any) -> None:
    origin = "https://lab.example.org"
    api = make_api(api_keys=str(READER_ENTRY), cors_origins=origin)
    asked = {"origin": origin, "access-control-request-method": "GET"}
    assert api.request("OPTIONS", "/v1/optimizers", headers=asked).status_code == 204
    refused = api.get("/v1/optimizers", headers={"origin": origin})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == origin


def test_keys_under_a_root_path(guarded: Any) -> None:
    assert guarded.get_under("/rnn", "/livez").status_code == 200
    assert guarded.get_under("/rnn", "/v1/optimizers").status_code == 401


def test_a_foreign_host_is_refused_before_the_key_is_read(guarded: Any) -> None:
    response = guarded.get("/v1/optimizers", headers={"host": "example.org"})
    assert response.status_code == 403
    assert "www-authenticate" not in response.headers


ORIGIN = "https://lab.example.org"


def allows(name: str, path: str = "/v1/optimizers", **settings: Any) -> bool:
    policy = AccessPolicy(Settings.model_validate(settings))
    record = RequestRecord({"path": path}, "GET")
    try:
        asyncio.run(policy.check(record, {b"host": name.encode("latin-1")}))
    except Refused:
        return False
    return True


LOOPBACK = ["localhost", "LOCALHOST:80", "a.localhost", "127.0.0.1:8000", "127.9.9.9", "[::1]:80"]
FOREIGN = ["evil.example", "localhost.evil.example", "10.0.0.1", "127.0.0.1.evil.example", "[::2]"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_a_loopback_address_is_reached_by_its_names_only(host: str) -> None:
    assert [each for each in LOOPBACK if not allows(each, host=host)] == []
    assert [each for each in [*FOREIGN, "é", "[", ":"] if allows(each, host=host)] == []


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "server"])  # noqa: S104
def test_another_address_is_reached_by_any_name(host: str) -> None:
    assert all(allows(each, host=host) for each in [*LOOPBACK, *FOREIGN])


def test_names_of_the_setting() -> None:
    names = {"allowed_hosts": "rnn.example.org, *.Example.net"}
    for host in ("rnn.example.org", "RNN.example.org.:443", "a.example.net", "a.b.example.net"):
        assert allows(host, **names)
    for host in ("example.org", "x.rnn.example.org", "example.net", "aexample.net", "localhost"):
        assert not allows(host, **names)
    assert allows("anything", allowed_hosts="*")


def test_probes_may_use_the_address_of_a_container() -> None:
    for path in ("/livez", "/readyz"):
        assert allows("10.0.0.1:8000", path, allowed_hosts="a.example")


def test_a_foreign_host_is_forbidden(make_api: Any) -> None:
    api = make_api()
    for method, path in (("GET", "/"), ("POST", "/v1/predict"), ("GET", "/nothing")):
        response = api.request(method, path, headers={"host": "evil.example:8000"})
        assert response.status_code == 403
        assert response.json()["type"] == "/problems/forbidden"
        assert "'evil.example'" in response.json()["detail"]
    assert api.head("/", headers={"host": "evil.example"}).status_code == 403


MALFORMED = ["[::1", "::1", "127.0.0.1:80:evil", "127.0.0.1:evil", "[::1]evil", "a b", "a/b", "é"]


@pytest.mark.parametrize("allowed", ["", "*"])
def test_a_malformed_host(make_api: Any, allowed: str) -> None:
    api = make_api(allowed_hosts=allowed)
    for host in MALFORMED:
        response = api.get("/livez", headers={"host": host.encode("latin-1")})
        found = response.status_code, response.json()["type"]
        assert found == (400, "/problems/malformed"), host


CROSS_SITE = [
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "cross-site", "origin": ORIGIN},
    {"origin": ORIGIN},  # over plain HTTP, browsers do not send Sec-Fetch-Site
    {"origin": "null"},
    {"origin": "http://localhost:1"},
]
OWN_SITE = [
    {},
    {"sec-fetch-site": "same-origin", "origin": "http://localhost"},
    {"sec-fetch-site": "same-site", "origin": "http://localhost:1"},
    {"sec-fetch-site": "none"},
    {"origin": "http://localhost"},
]


@pytest.mark.parametrize("headers", CROSS_SITE)
def test_pages_of_other_sites_change_nothing(make_api: Any, headers: dict[str, str]) -> None:
    api = make_api(cors_origins="https://other.example.org")
    for method, path in (
        ("POST", "/v1/predict"),
        ("POST", "/v1/training-runs"),
        ("DELETE", "/v1/datasets/ds_" + "0" * 32),
        ("PUT", "/nothing"),
    ):
        response = api.request(method, path, headers=headers)
        assert response.status_code == 403
        assert response.json()["type"] == "/problems/forbidden"
        assert "access-control-allow-origin" not in response.headers
    assert api.get("/v1/training-runs").json()["items"] == []
    assert api.get("/v1/gradient-trace", headers=headers).status_code == 200


@pytest.mark.parametrize("headers", OWN_SITE)
def test_own_pages_and_programs_are_allowed(api: Any, headers: dict[str, str]) -> None:
    assert api.post("/v1/predict", {}, headers=headers).status_code == 200


@pytest.mark.parametrize("origins", [f"https://x.example.org,{ORIGIN}", "*"])
@pytest.mark.parametrize("headers", CROSS_SITE[1:3])
def test_pages_of_allowed_origins(make_api: Any, origins: str, headers: dict[str, str]) -> None:
    api = make_api(cors_origins=origins)
    for response in (
        api.post("/v1/predict", {}, headers=headers),
        api.get("/v1/training-runs/run_0", headers=headers),
    ):
        assert response.status_code in {200, 404}
        assert response.headers["access-control-allow-origin"] == ORIGIN
        assert "Location" in response.headers["access-control-expose-headers"]
        assert "Origin" in response.headers.get_list("vary", split_commas=True)
    assert "Origin" in api.get("/livez").headers.get_list("vary", split_commas=True)


PREFLIGHT = {"origin": ORIGIN, "access-control-request-method": "POST"}


def test_a_preflight_of_an_allowed_origin(make_api: Any) -> None:
    response = make_api(cors_origins=ORIGIN).request("OPTIONS", "/v1/predict", headers=PREFLIGHT)
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert "DELETE" in response.headers["access-control-allow-methods"]
    assert "Authorization" in response.headers["access-control-allow-headers"]


def test_a_preflight_of_another_origin(make_api: Any, api: Any) -> None:
    for each in (make_api(cors_origins="https://x.example.org"), api):
        response = each.request("OPTIONS", "/v1/predict", headers=PREFLIGHT)
        assert "access-control-allow-methods" not in response.headers
        assert "access-control-allow-origin" not in response.headers


def test_cors_is_off_by_default(api: Any) -> None:
    headers = api.get("/v1/optimizers", headers={"origin": ORIGIN}).headers
    assert not [name for name in headers if name.startswith("access-control")]
    assert "Origin" not in headers.get_list("vary", split_commas=True)
