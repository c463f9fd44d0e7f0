"""Sequences of requests that follow the links between resources, drawn by schemathesis."""

import os
import sys
from pathlib import Path

import pytest

from tests.live.conftest import Start
from tests.programs import run_program

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "use_after_free",
    "ensure_resource_availability",
)


@pytest.mark.slow
def test_resources_exist_from_their_creation_to_their_deletion(
    start: Start, tmp_path: Path, clean_environment: dict[str, str]
) -> None:
    limits = {"max_work_seconds": 0.05, "max_iterations": 100, "max_grid": 30, "max_cells": 5000}
    server = start(1, **limits)
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json"]
    command += ["--phases", "stateful", "--seed", "1", "--max-examples", "50"]
    command += ["--checks", ",".join(CHECKS), "--exclude-path-regex", "/events$"]
    command += ["--generation-database", "none"]
    hooks = {
        "SCHEMATHESIS_HOOKS": "stateful_hooks",
        "PYTHONPATH": f"{Path(__file__).parent}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
    }
    done = run_program(*command, env=clean_environment | hooks, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    created = server.client.get("/metrics").text
    for path in ("/v1/training-runs", "/v1/basin-maps"):
        assert f'rnn_http_requests_total{{method="POST",route="{path}",status="201"}}' in created
    assert 'method="DELETE"' in created
