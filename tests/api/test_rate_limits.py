"""Rate limits of requests."""

import asyncio
import contextlib
import re
import socket
from typing import Any

import pytest
from pydantic import SecretStr

from service.api.access import name_address
from service.api.rate_limits import RateLimit
from service.api.request_record import RequestRecord
from service.errors import Invalid
from service.keys import Scope, make_key
from tests.api.conftest import bearer

LEFT = re.compile(r'"(\w+)";r=(\d+)(?:;t=(\d+))?')


def left(response: Any) -> dict[str, int]:
    """Return the rest of each budget."""
    parts = response.headers["ratelimit"].split(", ")
    found = [LEFT.fullmatch(part) for part in parts]
    return {match[1]: int(match[2]) for match in found if match}


def come_from(api: Any, address: str) -> None:
    api.client._transport.client = (address, 1)


def submit(api: Any, seed: int) -> Any:
    request = {"n_iterations": 1_000_000, "dataset": {"seed": seed, "noise": 0.1}}
    return api.post("/v1/training-runs", request, headers={"prefer": "respond-async"})


def test_there_are_no_limits_by_default(api: Any) -> None:
    headers = api.get("/v1/optimizers").headers
    assert "ratelimit" not in headers
    assert "ratelimit-policy" not in headers


def test_requests_are_limited_per_address(make_api: Any) -> None:
    api = make_api(rate_limit_requests="3/hour")
    for n in (2, 1, 0):
        response = api.get("/v1/optimizers")
        assert response.status_code == 200
        assert response.headers["ratelimit-policy"] == '"requests";q=3;w=3600'
        assert left(response) == {"requests": n}
    refused = api.post("/v1/predict", {})
    assert refused.status_code == 429
    assert left(refused) == {"requests": 0}
    problem = refused.json()
    assert problem["type"] == "/problems/rate-limited"
    assert problem["policy"] == "requests"
    assert "3 requests per 3600 seconds" in problem["detail"]
    seconds = int(refused.headers["retry-after"])
    assert 3500 < seconds <= 3600
    assert refused.headers["ratelimit"] == f'"requests";r=0;t={seconds}'
    come_from(api, "10.0.0.7")
    assert api.get("/v1/optimizers").status_code == 200


def test_probes_pages_and_metrics_are_not_limited(make_api: Any) -> None:
    api = make_api(rate_limit_requests="1/day")
    for path in 3 * ["/livez", "/readyz", "/", "/docs", "/metrics", "/explorer/main.js"]:
        response = api.get(path)
        assert response.status_code == 200, path
        assert "ratelimit" not in response.headers


def test_each_key_has_its_own_budget(make_api: Any) -> None:
    made = [make_key(name, Scope.READ) for name in ("a", "b")]
    entries = ",".join(str(entry) for _, entry in made)
    api = make_api(api_keys=entries, rate_limit_requests="2/hour")
    for address, key, status in (
        ("10.0.0.1", made[0][0], 200),
        ("10.0.0.2", made[0][0], 200),
        ("10.0.0.3", made[0][0], 429),
        ("10.0.0.3", made[1][0], 200),
    ):
        come_from(api, address)
        assert api.get("/v1/optimizers", headers=bearer(key)).status_code == status
    for headers in ({}, bearer("x")):  # only requests of known keys are counted
        refused = [api.get("/v1/optimizers", headers=headers).status_code for _ in range(5)]
        assert refused == [401] * 5
    assert api.get("/metrics", headers=bearer(made[0][0])).status_code == 200


@pytest.mark.parametrize(
    "url",
    [
        "bogus://x",
        "hush",
        "postgresql://u:hush@h/d",
        "async+memory://",
        "redis+sentinel://h:26379/primary",
        "redis://u:hush@h:port",
        "redis://u:hush@[::1",
    ],
)
def test_an_unusable_storage_stops_the_start(make_api: Any, url: str) -> None:
    with pytest.raises(Invalid, match="RNN_RATE_LIMIT_STORAGE") as caught:
        make_api(rate_limit_requests="1/day", rate_limit_storage=url)
    assert "hush" not in str(caught.value)


def test_a_storage_without_its_package_names_the_command_that_installs_it(make_api: Any) -> None:
    with pytest.raises(Invalid, match=r"`pip install '\.\[redis\]'` in the repository"):
        make_api(rate_limit_requests="1/day", rate_limit_storage="redis://u:hush@h:port")


def test_an_unresponsive_storage_is_not_asked_again_at_once() -> None:
    def count() -> int:
        n_connections = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                server.accept()[0].close()
                n_connections += 1
        return n_connections

    record = RequestRecord({}, "GET")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = SecretStr(f"redis://127.0.0.1:{server.getsockname()[1]}")
        rate_limit = RateLimit("1/hour", url)
        asyncio.run(rate_limit.count(record))
        assert count() > 0
        asyncio.run(rate_limit.count(record))
        assert count() == 0
    assert record.rate_headers == []


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("10.0.0.1", "address 10.0.0.1"),
        ("::ffff:10.0.0.1", "address 10.0.0.1"),
        ("2001:db8::1", "network 2001:db8::/64"),
        ("2001:db8::ffff:1", "network 2001:db8::/64"),
        ("2001:db8:0:1::1", "network 2001:db8:0:1::/64"),
        ("unix", "address unix"),
        ("", "address "),
    ],
)
def test_clients_without_a_key(host: str, name: str) -> None:
    assert name_address(host) == name


@pytest.mark.parametrize("settings", [{"max_queued_jobs_per_client": 2}, {"max_queued_jobs": 10}])
def test_each_client_has_a_share_of_the_queue(make_api: Any, settings: dict[str, int]) -> None:
    api = make_api(**settings)
    come_from(api, "10.0.0.1")
    assert [submit(api, seed).status_code for seed in range(3)] == [202, 202, 503]
    assert submit(api, 0).status_code == 202  # is queued already
    come_from(api, "10.0.0.2")
    assert submit(api, 2).status_code == 202
    come_from(api, "10.0.0.1")
    refused = submit(api, 3)
    assert refused.json()["type"] == "/problems/busy"
    assert "2 jobs of this client" in refused.json()["detail"]
    assert int(refused.headers["retry-after"]) > 0
