"""Rate limits of requests and of computations."""

import asyncio
import contextlib
import re
import socket
from typing import Any

import pytest
from pydantic import SecretStr

from service.api.access import name_address
from service.api.rate_limits import RateLimits
from service.errors import Invalid
from service.keys import Scope, make_key
from service.settings import Settings
from service.store import checkpoints, computations, jobs
from service.store.checkpoints import Checkpoint
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


def test_computations_are_charged_by_their_estimate(make_api: Any) -> None:
    api = make_api(rate_limit_seconds="2/hour")
    first = api.get("/v1/cost-surface")
    assert first.headers["ratelimit-policy"] == '"work";q=2;w=3600'
    assert left(first) == {"work": 1}  # a little is used, and the rest rounded down
    assert left(api.get("/v1/optimizers")) == {"work": 1}
    statuses = []
    for seed in range(40):
        path = f"/v1/cost-surface?activation=tanh&resolution=100&n_samples=1000&seed={seed}"
        statuses.append(api.get(path).status_code)
    n_computed = statuses.count(200)
    assert statuses == [200] * n_computed + [429] * (40 - n_computed)
    assert 0 < n_computed < 40
    assert api.get("/v1/optimizers").status_code == 200
    come_from(api, "10.0.0.7")
    assert api.get(path).status_code == 200


def spend(api: Any, seed: int, *totals: float) -> None:
    """Submit a job, save checkpoints with these seconds, and wait until they are charged."""
    submit(api, seed)
    database = api.app.state.service.database
    lease = str(computations.list_page(database, "training_run", 1, None, None)[0][0].lease)
    jobs.claim(database, lease, "worker")
    before = left(api.get("/v1/optimizers"))
    for n_parts, seconds in enumerate(totals):
        assert checkpoints.save(database, lease, Checkpoint(n_parts, 5, None, {}, {}, seconds))

    async def wait() -> None:
        async with asyncio.timeout(60.0):
            while left(await api.client.get("/v1/optimizers")) == before:
                await asyncio.sleep(0)

    api.runner.run(wait())


def test_a_job_is_charged_what_its_worker_spends(make_api: Any) -> None:
    api = make_api(rate_limit_seconds="4/hour")
    assert left(submit(api, 1)) == {"work": 4}  # a worker has spent nothing yet
    spend(api, 2, 0.75, 1.5)
    assert left(api.get("/v1/optimizers")) == {"work": 2}
    spend(api, 3, 8.0)
    assert left(api.get("/v1/optimizers")) == {"work": 0}
    refused = submit(api, 4)
    assert refused.status_code == 429
    assert refused.json()["policy"] == "work"
    come_from(api, "10.0.0.7")
    assert left(api.get("/v1/optimizers")) == {"work": 4}


def test_a_request_with_several_computations_costs_at_most_the_whole_budget(make_api: Any) -> None:
    api = make_api(rate_limit_seconds="1/hour")
    path = "/v1/cost-surface.npz?resolution=1000&n_steps=200"
    download = api.get(path)  # is computed, then written
    assert download.status_code == 200
    assert left(download) == {"work": 0}
    assert api.get(path).status_code == 200  # is no work any more
    assert api.get(f"{path}&seed=2").status_code == 429
    come_from(api, "10.0.0.7")
    dataset = {"kind": "explicit", "inputs": [[0.5, 0.25]] * 200, "targets": [0.75] * 200}
    request = {"n_iterations": 1_000_000, "dataset": dataset}  # is parsed, stored and submitted
    headers = {"prefer": "respond-async"}
    assert api.post("/v1/training-runs", request, headers=headers).status_code == 202


def test_a_large_body_is_not_parsed_without_budget(make_api: Any) -> None:
    api = make_api(rate_limit_seconds="1/hour")
    spend(api, 1, 1.0)
    body = {"dataset": {"kind": "explicit", "inputs": [[0.25] * 100] * 600, "targets": [1.0] * 600}}
    for path in ("/v1/predict", "/v1/gradient-trace", "/v1/training-runs", "/v1/datasets"):
        assert api.post(path, body).status_code == 429


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
        make_api(rate_limit_storage=url)
    assert "hush" not in str(caught.value)


def test_a_storage_without_its_package_names_the_command_that_installs_it(make_api: Any) -> None:
    with pytest.raises(Invalid, match=r"`pip install '\.\[redis\]'` in the repository"):
        make_api(rate_limit_storage="redis://u:hush@h:port")


def test_an_unresponsive_storage_is_not_charged_again_at_once() -> None:
    def count() -> int:
        n_connections = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                server.accept()[0].close()
                n_connections += 1
        return n_connections

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = SecretStr(f"redis://127.0.0.1:{server.getsockname()[1]}")
        limits = RateLimits(Settings(rate_limit_storage=url, rate_limit_seconds="1/hour"))
        limits.charge("a", 0.5)
        assert count() > 0
        limits.charge("b", 0.5)
        assert count() == 0


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
