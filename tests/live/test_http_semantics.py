"""HTTP semantics, as redbot judges real responses: caching, encodings, validation."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from httplint.note import levels

# In a separate process, because redbot has its own event loop. It also requests other encodings,
# a range and a validation.
REDBOT = """
import configparser, json, sys, thor
from redbot.resource import HttpResource
config = configparser.ConfigParser()
config.read_dict({"redbot": {"enable_local_access": "True"}})
resource = HttpResource(config["redbot"])
resource.set_request(sys.argv[1])
resource.on("check_done", thor.stop)
resource.check()
thor.run()
responses = [resource, *(each for each in resource.subreqs.values() if each.response.complete)]
notes = [note for each in responses for note in each.response.notes]
print(json.dumps({
    "status": resource.response.status_code,
    "notes": [[note.level.value, note.summary] for note in notes],
}))
"""


OTHER_PATHS = [
    "/v1/cost-surface.png",
    "/v1/cost-surface.svg",
    "/v1/cost-surface.npz",
    "/v1/gradient-trace.csv",
    "{training-runs}",
    "{training-runs}/events",
    "/",
]


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a server with a run, a map and a dataset."""
    server = start_server(tmp_path_factory.mktemp("semantics") / "data", "--workers", "0")
    for resource in ("training-runs", "basin-maps", "datasets"):
        server.client.post(f"/v1/{resource}", json={}).raise_for_status()
    return server


def newest(server: Any, resource: str) -> str:
    items = server.client.get(f"/v1/{resource}").json()["items"]
    path: str = items[0]["links"]["self"]
    return path


@pytest.mark.parametrize(
    "path",
    [
        "/v1/cost-surface",
        "{datasets}.npz",
        "/nothing",
        *(pytest.param(path, marks=pytest.mark.slow) for path in OTHER_PATHS),
    ],
)
def test_redbot_reports_no_error(server: Any, path: str) -> None:
    if path.startswith("{"):
        resource, _, rest = path[1:].partition("}")
        path = newest(server, resource) + rest
    command = [sys.executable, "-W", "ignore", "-c", REDBOT, server.url + path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    result = json.loads(done.stdout)
    assert result["status"] == (404 if path == "/nothing" else 200)
    assert result["notes"]
    # On a busy machine, the time of the response may be some seconds old.
    errors = [summary for level, summary in result["notes"] if level == levels.BAD.value]
    assert [error for error in errors if "clock" not in error] == []
