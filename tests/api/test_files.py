"""Files: their names, lengths and ranges, and what is kept in temporary files."""

import asyncio
import gzip
from functools import partial
from pathlib import Path
from resource import RLIM_INFINITY, RLIMIT_FSIZE, getrlimit, setrlimit
from typing import Any, BinaryIO

import pytest
from starlette.requests import Request

from service.api.examples import DATASET_ID, MAP_ID, RUN_ID
from service.api.files import FileStore, WrittenFile
from service.api.requests import MEMORY_BYTES, BodyStore
from service.errors import Busy, StoreFull

FILES = {
    f"/v1/datasets/{DATASET_ID}.csv": f'attachment; filename="{DATASET_ID}.csv"',
    f"/v1/training-runs/{RUN_ID}/trajectory.csv": f'attachment; filename="{RUN_ID}-trajectory.csv"',
    f"/v1/training-runs/{RUN_ID}/trajectory.svg": f'inline; filename="{RUN_ID}-trajectory.svg"',
    f"/v1/basin-maps/{MAP_ID}.npz": f'attachment; filename="{MAP_ID}.npz"',
    "/v1/cost-surface.npz": 'attachment; filename="cost-surface.npz"',
    "/v1/gradient-trace.png": 'inline; filename="gradient-trace.png"',
}
CSV, NPZ = "/v1/gradient-trace.csv", "/v1/cost-surface.npz"


@pytest.mark.parametrize(("path", "disposition"), FILES.items())
@pytest.mark.usefixtures("examples")
def test_files_have_a_name_a_length_and_ranges(api: Any, path: str, disposition: str) -> None:
    whole = api.get(path)
    head = api.head(path)
    for response in (whole, head):
        assert response.headers["content-disposition"] == disposition
        assert response.headers["content-length"] == str(len(whole.content))
    middle = {"range": "bytes=10-99", "if-range": whole.headers["etag"]}
    part = api.get(path, headers=middle)
    if "inline" in disposition:
        assert (part.status_code, part.content) == (200, whole.content)
        return
    assert whole.headers["accept-ranges"] == "bytes"
    assert (part.status_code, part.content) == (206, whole.content[10:100])
    assert part.headers["content-range"] == f"bytes 10-99/{len(whole.content)}"
    assert part.headers["content-length"] == "90"
    for name in ("etag", "content-type", "content-disposition", "cache-control"):
        assert part.headers[name] == whole.headers[name]


@pytest.mark.parametrize("path", [CSV, NPZ])
@pytest.mark.parametrize(
    ("given", "selected"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("Bytes = 5-", slice(5, None)),
        ("bytes=-7", slice(-7, None)),
        (f"bytes=-{10**9}", slice(0, None)),
        (f"bytes=3-{10**9}", slice(3, None)),
    ],
)
def test_a_range_is_a_part_of_the_file(api: Any, path: str, given: str, selected: slice) -> None:
    part = api.get(path, headers={"range": given})
    assert (part.status_code, part.content) == (206, api.get(path).content[selected])


@pytest.mark.parametrize("path", [CSV, NPZ])
@pytest.mark.parametrize(
    "headers",
    [
        {"range": "bytes=5-4"},
        {"range": "bytes=-"},
        {"range": "bytes=x-9"},
        {"range": "bytes=0-1,5-9"},
        {"range": f"bytes={'9' * 5000}-"},
        {"range": "lines=1-2"},
        {"range": "bytes=0-1", "if-range": '"other"'},
        {"range": "bytes=0-1", "if-range": "Wed, 21 Oct 2015 07:28:00 GMT"},
    ],
)
def test_other_ranges_are_ignored(api: Any, path: str, headers: dict[str, str]) -> None:
    response = api.get(path, headers=headers)
    assert (response.status_code, response.content) == (200, api.get(path).content)


def test_a_range_of_a_compressed_file_is_one_of_its_bytes(api: Any) -> None:
    async def read(headers: dict[str, str]) -> tuple[int, str, bytes]:
        headers = {"accept-encoding": "gzip", **headers}
        async with api.client.stream("GET", CSV, headers=headers) as response:
            content = b"".join([part async for part in response.aiter_raw()])
        return response.status_code, response.headers["etag"], content

    status, etag, whole = api.runner.run(read({}))
    assert (status, gzip.decompress(whole)) == (200, api.get(CSV).content)
    middle = {"range": "bytes=10-99", "if-range": etag}
    assert api.runner.run(read(middle)) == (206, etag, whole[10:100])
    response = api.get(CSV, headers=middle)  # which is another file
    assert (response.status_code, response.content) == (200, gzip.decompress(whole))


@pytest.mark.parametrize("path", [CSV, NPZ])
def test_a_range_after_the_end_is_refused_with_the_length(api: Any, path: str) -> None:
    size = len(api.get(path).content)
    for given in (f"bytes={size}-", f"bytes={size + 5}-{size + 9}", "bytes=-0"):
        response = api.get(path, headers={"range": given})
        assert (response.status_code, response.json()["type"]) == (
            416,
            "/problems/range-not-satisfiable",
        )
        assert response.headers["content-range"] == f"bytes */{size}"


@pytest.mark.parametrize("path", [CSV, NPZ])
def test_only_get_has_ranges(api: Any, path: str) -> None:
    headers = {"range": "bytes=0-1"}
    size = api.get(path).headers["content-length"]
    for response in (api.head(path, headers=headers), api.post(path, {}, headers=headers)):
        assert (response.status_code, response.headers["content-length"]) == (200, size)


def write(content: bytes, file: BinaryIO) -> None:
    file.write(content)


def test_the_latest_files_are_kept_within_limits(tmp_path: Path) -> None:
    store = FileStore(tmp_path, cache_bytes=25, max_bytes=60)
    for name in "abc":
        assert store.find(name) is None
        store.add(name, WrittenFile(partial(write, 10 * name.encode()), tmp_path))
    assert store.find("a") is None
    kept = store.find("c")
    assert kept is not None
    assert list(kept.read(range(2, 9))) == [7 * b"c"]
    large = [WrittenFile(partial(write, bytes(30)), tmp_path) for _ in range(2)]
    for file in large:
        store.add("large", file)
    with pytest.raises(Busy):
        store.find("d")
    del file, large
    assert store.find("d") is None
    assert not list(tmp_path.iterdir())


def test_a_full_disk_writes_to_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytes(range(256)) * 3000
    limit, _ = getrlimit(RLIMIT_FSIZE)
    setrlimit(RLIMIT_FSIZE, (len(content) - 1, RLIM_INFINITY))
    try:
        file = WrittenFile(partial(write, content), tmp_path)
    finally:
        setrlimit(RLIMIT_FSIZE, (limit, RLIM_INFINITY))
    assert (len(file), file.is_in_memory) == (len(content), True)
    assert b"".join(file.read(range(1, 600_000))) == content[1:600_000]
    store = FileStore(tmp_path)
    store.add("a", file)
    assert store.find("a") is None
    monkeypatch.setattr("service.api.files.MEMORY_BYTES", len(content) - 1)
    with pytest.raises(Busy):
        store.find("b")


CHUNK = bytes(range(256)) * 100


def make_request(n_chunks: int) -> Request:
    """Return a request with a body of that many chunks."""
    parts = [CHUNK] * n_chunks

    async def receive() -> dict[str, Any]:
        body = parts.pop() if parts else b""
        return {"type": "http.request", "body": body, "more_body": bool(parts)}

    return Request({"type": "http", "headers": []}, receive)


async def load(store: BodyStore, n_chunks: int, limit: int = 10**9) -> bytes:
    async with store.receive(make_request(n_chunks), limit) as body:
        assert body.size == n_chunks * len(CHUNK)
        return await body.read()


@pytest.mark.parametrize("n_chunks", [0, 1, 2, 3, 30])
def test_a_body_is_the_same_in_memory_and_in_a_file(tmp_path: Path, n_chunks: int) -> None:
    assert 2 * len(CHUNK) < MEMORY_BYTES < 3 * len(CHUNK)
    store = BodyStore(tmp_path, 30 * len(CHUNK))
    for _ in range(2):  # the space is free again afterwards
        assert asyncio.run(load(store, n_chunks)) == CHUNK * n_chunks
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("max_bytes", "directory", "error"), [(10**5, "", Busy), (10**9, "missing", StoreFull)]
)
def test_a_body_that_fits_nowhere_is_refused(
    tmp_path: Path, max_bytes: int, directory: str, error: type[Exception]
) -> None:
    store = BodyStore(tmp_path / directory, max_bytes)
    for _ in range(2):
        with pytest.raises(error):
            asyncio.run(load(store, 30))
    assert asyncio.run(load(store, 2)) == CHUNK * 2


def test_bodies_share_the_space() -> None:
    store = BodyStore(None, 30 * len(CHUNK))

    async def receive_two() -> None:
        async with store.receive(make_request(20), 10**9):
            assert await load(store, 10)
            with pytest.raises(Busy):
                await load(store, 11)

    asyncio.run(receive_two())
