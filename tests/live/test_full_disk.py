"""A disk that is full, or that refuses to store more for other reasons."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import numpy as np
import pytest

from service.api.routes.health import GRACE_SECONDS
from service.jobs.reaper import LOST_SECONDS
from service.store.database import RESERVE_BYTES
from tests.live.conftest import ENDLESS, Start, has_progress, is_finished, wait_for

DISK_MEBIBYTES = 64
STORE_FULL = "/problems/store-full"
JOB = {"n_iterations": 300_000, "record_every": 100}  # some checkpoints
# A file system of its own, which ends with the processes in it.
MOUNT = f'mount -t tmpfs -o size={DISK_MEBIBYTES}m none "$0" && exec "$@"'
PREFIX = ("unshare", "--map-root-user", "--mount", "sh", "-c", MOUNT)


# The database and its directory exist, and then no byte is free.
FULL = (
    f'RNN_DATA_DIR="$0" {sys.executable} -m service migrate; '
    'cat /dev/zero > "$0/filler" 2> "$0/message"; exec "$@"'
)


class SmallDisk:
    """A server whose data directory is a small disk."""

    def __init__(
        self,
        start_server: Callable[..., Any],
        directory: Path,
        n_workers: int,
        prefix: Any = PREFIX,
    ) -> None:
        directory.mkdir()
        prefix = (*prefix, str(directory))
        self.server = start_server(directory, n_workers=n_workers, prefix=prefix)
        self.path = Path(f"/proc/{self.server.process.pid}/root{directory}")

    @contextmanager
    def full(self) -> Iterator[None]:
        """Fill the disk, as another program might."""
        filler = self.path / "filler"
        with pytest.raises(OSError, match="No space"):
            write_forever(filler)
        try:
            yield
        finally:
            filler.unlink()


def upload(server: Any, number: int) -> Any:
    """Store a dataset of half a megabyte, and return the response."""
    draws = np.random.default_rng(number).random((1000, 60))
    text = "\n".join(",".join(map(str, row)) for row in draws)
    csv = {"content-type": "text/csv"}
    return server.client.post("/v1/datasets", content=text, headers=csv)


def upload_until_full(server: Any) -> list[str]:
    """Store datasets until there is no space, and return their paths."""
    responses = [upload(server, 0)]
    while responses[-1].status_code == 201:
        responses.append(upload(server, len(responses)))
    assert (responses[-1].status_code, responses[-1].json()["type"]) == (507, STORE_FULL)
    return [response.headers["location"] for response in responses[:-1]]


@pytest.fixture
def start_on_small_disk(
    start_server: Callable[..., Any], tmp_path: Path
) -> Callable[..., SmallDisk]:
    """Return a function that starts a server with a number of workers on a small disk."""
    can_mount = [*PREFIX[:-1], MOUNT, str(tmp_path), "true"]
    if shutil.which("unshare") is None or subprocess.run(can_mount, check=False).returncode:
        assert "CI" not in os.environ, "file systems cannot be mounted here"
        pytest.skip("file systems cannot be mounted here")
    return lambda *more: SmallDisk(start_server, tmp_path / "data", *more)


def observe(check: Callable[[], None], seconds: float) -> None:
    """Repeat a check for some seconds."""
    end = monotonic() + seconds
    while monotonic() < end:
        check()
        Event().wait(0.1)


def write_forever(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


@pytest.mark.slow
def test_a_server_starts_on_a_full_disk(start_on_small_disk: Any) -> None:
    disk = start_on_small_disk(0, (*PREFIX[:-1], f"{MOUNT.partition(' && ')[0]} && {FULL}"))
    client = disk.server.client
    for path in ("/readyz", "/v1/training-runs"):
        assert client.get(path).status_code == 200
    assert upload(disk.server, 0).status_code == 507
    (disk.path / "filler").unlink()
    stored = upload(disk.server, 0)
    assert stored.status_code == 201
    assert client.delete(stored.headers["location"]).status_code == 204


@pytest.mark.slow
def test_a_disk_full_of_small_uploads_stays_ready_for_deletions(start_on_small_disk: Any) -> None:
    disk = start_on_small_disk(0)
    client = disk.server.client
    assert client.get("/readyz").status_code == 200
    paths = upload_until_full(disk.server)
    assert len(paths) > 20

    def check_ready() -> None:
        assert client.get("/readyz").status_code == 200

    observe(check_ready, GRACE_SECONDS + 2)
    with disk.full():
        observe(check_ready, GRACE_SECONDS + 2)
        for path in paths[:5]:
            assert client.get(f"{path}.csv").text.count("\n") == 1001
            assert client.delete(path).status_code == 204
    assert upload(disk.server, len(paths)).status_code == 201
    disk.server.stop()


@pytest.mark.slow
def test_jobs_wait_while_the_disk_is_full(start_on_small_disk: Any) -> None:
    disk = start_on_small_disk(2)
    server = disk.server
    accepted = [server.submit(**JOB, initial_weights={"w_in": n / 8})["id"] for n in range(3)]
    server.wait_for_run(accepted[0], has_progress)
    workers = server.workers

    def check_jobs() -> None:
        for run_id in accepted:
            assert server.get_run(run_id)["error"] is None

    with disk.full():
        assert upload(server, 0).status_code == 507
        observe(check_jobs, LOST_SECONDS + 5)
        assert any(not is_finished(server.get_run(run_id)) for run_id in accepted)
    for run_id in accepted:
        run = server.wait_for_run(run_id, is_finished)
        assert (run["status"], run["attempt"]) == ("succeeded", 1)
    assert server.workers == workers
    assert upload(server, 0).status_code == 201
    server.stop()


def limit_file_size(server: Any, n_bytes: int) -> None:
    for pid in (server.process.pid, *server.workers):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (n_bytes, resource.RLIM_INFINITY))


@pytest.mark.slow
def test_a_limit_of_the_size_of_files_is_like_a_full_disk(start: Start) -> None:
    server = start(1)
    run = server.submit(**ENDLESS)
    queued = server.submit(n_iterations=20)
    server.wait_for_run(run["id"], has_progress)
    assert server.client.get("/readyz").status_code == 200
    limit_file_size(server, 0)
    for _ in range(2):
        response = server.client.post("/v1/training-runs", json={"n_iterations": 5})
        assert (response.status_code, response.json()["type"]) == (507, STORE_FULL)
    response = wait_for(lambda: server.client.get("/readyz"), lambda seen: seen.status_code != 200)
    assert (response.status_code, response.json()["type"]) == (503, "/problems/not-ready")
    assert "no space" in response.json()["detail"]
    assert server.get_run(run["id"])["status"] == "running"
    assert server.client.get("/livez").status_code == 200
    limit_file_size(server, resource.RLIM_INFINITY)
    assert server.client.post("/v1/training-runs", json={"n_iterations": 5}).status_code == 201
    wait_for(lambda: server.client.get("/readyz"), lambda seen: seen.status_code == 200)
    done = server.get_run(run["id"])["progress"]["done"]
    server.wait_for_run(run["id"], lambda run: run["progress"]["done"] > done)
    assert server.wait_for_run(queued["id"], is_finished)["status"] == "succeeded"
    assert server.client.post(f"/v1/training-runs/{run['id']}/cancel").status_code == 202


@pytest.mark.slow
def test_what_a_limit_of_the_size_of_files_allows(start: Start) -> None:
    server = start(1)
    client = server.client
    run = server.submit(**ENDLESS)
    server.wait_for_run(run["id"], has_progress)
    limit_file_size(server, RESERVE_BYTES + 10_000_000)
    paths = upload_until_full(server)
    assert client.get("/readyz").status_code == 200
    for path in paths:
        assert client.get(f"{path}.csv").status_code == 200
        assert client.delete(path).status_code == 204
    assert client.post(f"/v1/training-runs/{run['id']}/cancel").status_code == 202
    server.wait_for_run(run["id"], is_finished)
    assert upload(server, 0).status_code == 201
    server.stop()
