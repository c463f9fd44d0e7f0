"""Uploads wait for a core in turns of their clients, like all other work."""

import asyncio
import gzip
from collections import Counter
from collections.abc import Callable, Iterator
from threading import Semaphore
from typing import Any

import httpx
import pytest

from service.formats import text
from service.scheduling.scheduler import SHORT_SECONDS
from service.scheduling.work import current_client
from service.settings import usable_cores
from tests.conftest import until
from tests.formats.corpus import workbook

GREEDY, HONEST = "10.0.0.1", "10.0.0.2"
N_GREEDY = 20
TABLE = b"x,y\n1,2\n2,5\n3,6\n4,9\n"
BOOK = workbook(("Data", [["x", "y"], [1, 2], [2, 5]]))
UNPACKED = gzip.compress(TABLE, mtime=0)
DATASET = "/v1/datasets?kind=series&target=y"


class Uploads:
    """The order in which compressed tables of clients are unpacked, until each may end."""

    def __init__(self, unpack: Callable[[bytes], bytes]) -> None:
        self.order: list[str] = []
        self.may_end = Semaphore(0)
        self._unpack = unpack

    def unpack(self, body: bytes) -> bytes:
        self.order.append(str(current_client.get()).removeprefix("address "))
        assert self.may_end.acquire(timeout=60)
        return self._unpack(body)


@pytest.fixture
def uploads(monkeypatch: pytest.MonkeyPatch) -> Iterator[Uploads]:
    """Return the uploads, which end with the test."""
    uploads = Uploads(text._unpack)
    monkeypatch.setattr(text, "_unpack", uploads.unpack)
    yield uploads
    uploads.may_end.release(N_GREEDY)


async def send(app: Any, address: str, path: str, body: bytes) -> httpx.Response:
    """Upload a file from an address, within a bound."""
    transport = httpx.ASGITransport(app, client=(address, 1))
    headers = {"content-type": "application/octet-stream"}
    async with (
        asyncio.timeout(60),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        return await client.post(path, content=body, headers=headers)


@pytest.mark.parametrize("path", ["/v1/tables", DATASET])
def test_a_flood_of_uploads_delays_an_honest_one_by_a_turn(
    make_api: Any, uploads: Uploads, path: str
) -> None:
    api = make_api()
    state, n_cores = api.app.state.service, usable_cores()

    async def flood() -> None:
        ask = [send(api.app, GREEDY, path, UNPACKED) for _ in range(N_GREEDY)]
        greedy = [asyncio.create_task(each) for each in ask]
        await until(lambda: len(uploads.order) == n_cores)
        # A plain table is short work, and the others do not hold its slots.
        assert (await send(api.app, HONEST, path, TABLE)).status_code in {200, 201}
        honest = asyncio.create_task(send(api.app, HONEST, path, UNPACKED))
        await until(lambda: state.scheduler.counts()["long"].waiting == N_GREEDY - n_cores + 1)
        metrics = (await api.client.get("/metrics")).text
        waiting = f'rnn_computations{{queue="long",state="waiting"}} {N_GREEDY - n_cores + 1}.0'
        assert waiting in metrics
        uploads.may_end.release(n_cores)
        await until(lambda: len(uploads.order) == 2 * n_cores)
        assert uploads.order.count(HONEST) == 1  # whose turn it was
        uploads.may_end.release(N_GREEDY)
        answers = await asyncio.gather(honest, *greedy)
        assert {each.status_code for each in answers} <= {200, 201}

    api.runner.run(flood())


def test_uploads_above_the_limit_are_refused(make_api: Any, uploads: Uploads) -> None:
    api = make_api(max_waiting_computations=3)
    state, n_cores = api.app.state.service, usable_cores()

    async def flood() -> Counter[int]:
        ask = [send(api.app, GREEDY, "/v1/tables", UNPACKED) for _ in range(N_GREEDY)]
        greedy = [asyncio.create_task(each) for each in ask]
        await until(lambda: state.scheduler.counts()["long"] == (3, n_cores))
        honest = asyncio.create_task(send(api.app, HONEST, "/v1/tables", UNPACKED))
        await until(lambda: sum(each.done() for each in greedy) == N_GREEDY - n_cores - 2)
        uploads.may_end.release(N_GREEDY)
        assert (await honest).status_code == 200
        return Counter(each.status_code for each in await asyncio.gather(*greedy))

    assert api.runner.run(flood()) == {503: N_GREEDY - n_cores - 2, 200: n_cores + 2}


@pytest.mark.parametrize(
    "body",
    [BOOK, UNPACKED, b"PK\x03\x04", b"\x1f\x8b", b"x,y\n" * 200_000],
    ids=["workbook", "gzip", "start of zip", "start of gzip", "long"],
)
@pytest.mark.parametrize("is_form", [False, True])
def test_archives_and_long_tables_are_long_work(
    api: Any, monkeypatch: pytest.MonkeyPatch, body: bytes, *, is_form: bool
) -> None:
    scheduler = api.app.state.service.scheduler
    estimates: list[float] = []
    run = scheduler.run

    async def record(seconds: float, *arguments: Any, **more: Any) -> Any:
        estimates.append(seconds)
        return await run(seconds, *arguments, **more)

    monkeypatch.setattr(scheduler, "run", record)
    for content in (body, TABLE):
        kind = {"content": content, "headers": {"content-type": "application/octet-stream"}}
        api.request("POST", "/v1/tables", **({"files": {"f": content}} if is_form else kind))
    long, short = estimates
    assert long > SHORT_SECONDS
    assert short < SHORT_SECONDS
