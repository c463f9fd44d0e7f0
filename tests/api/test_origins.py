"""Host names, cross-site requests and CORS."""

import asyncio
from typing import Any

import pytest

from service.api.access import AccessPolicy
from service.api.errors import Refused
from service.api.request_record import RequestRecord
from service.settings import Settings

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


@pytest.mark.parametrize(
    "host", ["[::1", "::1", "127.0.0.1:80:evil", "127.0.0.1:evil", "[::1]evil", "a b", "a/b", "é"]
)
@pytest.mark.parametrize("allowed", ["", "*"])
def test_a_malformed_host(make_api: Any, host: str, allowed: str) -> None:
    response = make_api(allowed_hosts=allowed).get(
        "/livez", headers={"host": host.encode("latin-1")}
    )
    assert (response.status_code, response.json()["type"]) == (400, "/problems/malformed")


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
