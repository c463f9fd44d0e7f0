"""The time of a request in each layer of the service: ``python -m benchmarks.layers``.

Each row includes those above it, and its last column is the difference. All layers but the last are
called in this process, without a socket. Every request has new data.
"""

import asyncio
import logging
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson

from benchmarks.http_tasks import Client
from benchmarks.service import serve
from service.app import create_app
from service.engine.data import Dataset, count_ones
from service.engine.network import Network, forward_states
from service.engine.objective import make_objective
from service.operations.computations.resources import RESOURCES
from service.operations.computations.submit import get_or_submit, run_without_storing
from service.operations.questions import QUESTIONS
from service.schemas.base import encode
from service.settings import Settings

ROUNDS = 15
WARM_UP = 5  # calls of a block that are not timed, for the caches
TIMED = 20
SEQUENCE = [[0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1, 1]]
SEEDS = count(2)
PREDICT, OPTIMUM = "/v1/predict", "/v1/optimum"
RUNS = "/v1/training-runs"
QUESTIONS_BY_PATH = {question.path: question for question in QUESTIONS}
(TRAINING,) = (each.job_type for each in RESOURCES if each.job_type.path == RUNS)

Call = Callable[[], Awaitable[Any]]


class Task(NamedTuple):
    """A request, and the arrays in and out of the engine that it is about."""

    name: str
    path: str
    make_body: Callable[[], dict[str, Any]]
    compute: Callable[[], Any]


def new_data() -> dict[str, Any]:
    """Return the part of a request that selects data that no request had before."""
    return {"dataset": {"seed": next(SEEDS)}}


def find_optimum() -> Any:
    """Compute an optimum with the engine."""
    data = Dataset.from_arrays(*count_ones(seed=next(SEEDS)))
    return make_objective(data, Network()).optimum


def train() -> Any:
    """Compute a training run with the engine, with its costs and its optimum."""
    request = TRAINING.request_model.model_validate(new_data())
    dataset = request.dataset.resolve()
    return TRAINING.begin(request, dataset, {}, []).run(lambda _: None)


TASKS = (
    Task(
        "prediction, 1 × 12",
        PREDICT,
        lambda: {"inputs": SEQUENCE},
        lambda: forward_states(np.array(SEQUENCE, float), 1.0, 1.0, Network()),
    ),
    Task("optimum, new data", OPTIMUM, new_data, find_optimum),
    Task("training run, not stored", RUNS, lambda: new_data() | {"keep": False}, train),
    Task("training run, stored", RUNS, new_data, train),
)


async def measure(calls: Mapping[str, Call]) -> dict[str, float]:
    """Return the lowest tenth of the seconds of calls, of which blocks alternate.

    On a busy machine, medians contain the time of other processes.
    """
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            for number in range(WARM_UP + TIMED):
                start = time.perf_counter()
                await call()
                if number >= WARM_UP:
                    seconds[name].append(time.perf_counter() - start)
    return {name: statistics.quantiles(times, n=10)[0] for name, times in seconds.items()}


def make_calls(task: Task, app: Any) -> Iterator[tuple[str, Call]]:
    """Yield the names of layers and calls that measure them, from the engine outwards."""
    state = app.state.service

    async def compute() -> None:
        task.compute()

    async def operate() -> Any:
        return await _operate(task.path, task.make_body(), state)

    async def read_and_write() -> None:
        body = orjson.loads(orjson.dumps(task.make_body()))
        answer = await _operate(task.path, body, state)
        answer if isinstance(answer, bytes) else encode(answer)

    yield "engine", compute
    yield "use case: validation, data, scheduler, store", operate
    yield "JSON", read_and_write
    layers = [app.middleware_stack]
    while not hasattr(layers[-1].app, "routes"):  # the innermost is needed by routes
        layers.append(layers[-1].app)
    for layer in reversed(layers):
        yield type(layer).__name__, _make_asgi_call(task, layer, app)


async def _operate(path: str, body: dict[str, Any], state: Any) -> Any:
    question = QUESTIONS_BY_PATH.get(path)
    if question is not None:
        return await question.answer(question.request_model.model_validate(body), state)
    request = TRAINING.request_model.model_validate(body)
    submit = get_or_submit if request.keep else run_without_storing
    return await submit(TRAINING, request, state, respond_async=False)


def _make_asgi_call(task: Task, layer: Any, app: Any) -> Call:
    async def call() -> None:
        body = orjson.dumps(task.make_body())
        sent = False

        async def receive() -> dict[str, Any]:
            nonlocal sent
            if sent:
                await asyncio.get_running_loop().create_future()
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                assert message["status"] in {200, 201}, message

        headers = {"host": "localhost", "content-type": "application/json"}
        headers["content-length"] = str(len(body))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "path": task.path,
            "raw_path": task.path.encode(),
            "root_path": "",
            "scheme": "http",
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "state": {},
            "app": app,
        }
        await layer(scope, receive, send)

    return call


async def measure_layers(task: Task, client: Client) -> dict[str, float]:
    """Return the seconds of each layer, which includes the layers before it."""
    with tempfile.TemporaryDirectory() as data:
        settings = Settings(data_dir=Path(data), workers=0, render_processes=0)
        app: Any = create_app(settings)
        app.middleware_stack = app.build_middleware_stack()
        async with app.router.lifespan_context(app):
            calls = dict(make_calls(task, app))

            async def ask() -> None:
                client.post(task.path, task.make_body())

            return await measure(calls | {"server, socket, log and client": ask})


def main() -> None:
    """Measure and print one table per task."""
    logging.disable(logging.CRITICAL)
    with serve() as port, closing(Client(port)) as client:
        for task in TASKS:
            rows = asyncio.run(measure_layers(task, client))
            print(f"\n| {task.name} | µs | more |\n| --- | ---: | ---: |")
            before = 0.0
            for name, seconds in rows.items():
                print(f"| {name} | {1e6 * seconds:.0f} | {1e6 * (seconds - before):+.0f} |")
                before = seconds


if __name__ == "__main__":
    main()
