"""The checks before a request reaches the application, together."""

from typing import Any

import pytest

from service.keys import Scope, make_key
from tests.api.conftest import bearer

KEY, ENTRY = make_key("reader", Scope.READ)
STRANGER, _ = make_key("reader", Scope.READ)


@pytest.fixture
def guarded(make_api: Any) -> Any:
    """Return an application with a key."""
    return make_api(api_keys=str(ENTRY))


def test_shared_caches_do_not_store_responses(guarded: Any, api: Any) -> None:
    path = "/v1/gradient-trace.svg"
    first = guarded.get(path, headers=bearer(KEY))
    assert first.headers["cache-control"] == "private, max-age=300"
    known = bearer(KEY) | {"if-none-match": first.headers["etag"]}
    unchanged = guarded.get(path, headers=known)
    assert unchanged.status_code == 304
    assert unchanged.headers["cache-control"] == "private, max-age=300"
    assert api.get(path).headers["cache-control"] == "max-age=300"


def test_a_page_may_send_a_preflight_without_a_key(make_api: Any) -> None:
    origin = "https://lab.example.org"
    api = make_api(api_keys=str(ENTRY), cors_origins=origin)
    asked = {"origin": origin, "access-control-request-method": "GET"}
    assert api.request("OPTIONS", "/v1/optimizers", headers=asked).status_code == 204
    refused = api.get("/v1/optimizers", headers={"origin": origin})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == origin


def test_keys_under_a_root_path(guarded: Any) -> None:
    guarded.client._transport.root_path = "/rnn"
    assert guarded.runner.run(guarded.client.get("/rnn/livez")).status_code == 200
    assert guarded.runner.run(guarded.client.get("/rnn/v1/optimizers")).status_code == 401


def test_a_foreign_host_is_refused_before_the_key_is_read(guarded: Any) -> None:
    response = guarded.get("/v1/optimizers", headers={"host": "example.org"})
    assert response.status_code == 403
    assert "www-authenticate" not in response.headers


def test_only_requests_of_known_keys_are_counted(make_api: Any) -> None:
    api = make_api(api_keys=str(ENTRY), rate_limit_requests="1/day")
    for headers in ({}, bearer(STRANGER)):
        assert api.get("/v1/optimizers", headers=headers).status_code == 401
    for status in (200, 429):
        assert api.get("/v1/optimizers", headers=bearer(KEY)).status_code == status
        assert api.get("/metrics", headers=bearer(KEY)).status_code == 200
