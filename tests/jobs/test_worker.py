"""A worker in this process: what it stores, and how jobs fail."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np
import pytest

from service.engine.data import Series
from service.errors import DiskFull, Invalid, StoreFull, StoreUnavailable
from service.jobs.worker import Timing, Worker
from service.operations.computations.fits import FIT, StepwiseFit
from service.operations.computations.job_types import (
    AfterStep,
    ComputationOutput,
    JobType,
    StepwiseComputation,
)
from service.operations.computations.submit import compute, name_task
from service.operations.computations.training import TRAINING_RUN, StepwiseTraining
from service.operations.datasets import store_dataset
from service.operations.shared.ids import canonical_request
from service.operations.shared.limits import Limits
from service.schemas.datasets import CountOnesDataset
from service.schemas.fits import FitRequest
from service.schemas.resolved_datasets import ResolvedSeries
from service.settings import Settings
from service.store import Database, arrays, checkpoints, computations, jobs
from service.store.rows import ComputationRow

RUN = "run_" + "1" * 32
REQUEST = TRAINING_RUN.request_model.model_validate({"n_iterations": 2000, "record_every": 3})


def make_job(identifier: str, request: Any, total: int, **more: Any) -> ComputationRow:
    """Return a job for a request, by default of a training run."""
    return ComputationRow(
        **{"kind": "training_run", **more},
        id=identifier,
        request=canonical_request(request, without=frozenset({"keep"})),
        result_version=1,
        progress_total=total,
        created_at=datetime.now(UTC),
    )


@pytest.fixture
def queue(database: Database, queue: Any) -> Any:
    """Return a queue with one job."""
    jobs.submit(database, make_job(RUN, REQUEST, 2000), queue.enqueue)
    return queue


@pytest.fixture
def worker(database: Database, queue: Any) -> Worker:
    """Return a worker that stores a checkpoint after every step of 100 iterations."""
    timing = Timing(checkpoint=0.0, heartbeat=0.01, step_wait=60.0, retry=0.001)
    training = replace(TRAINING_RUN, begin=partial(StepwiseTraining, stride=100))
    job_types: dict[str, JobType[Any]] = {training.kind: training}
    worker = Worker(Settings(), "worker", pytest.fail, timing, job_types)
    worker.database = database
    worker.queue = queue
    return worker


def after_each_step(monkeypatch: pytest.MonkeyPatch, kind: type[Any], act: Any) -> None:
    """Call a function with the computation after each of its steps."""
    run = kind.run

    def run_and_act(computation: Any, after_step: AfterStep) -> ComputationOutput:
        def act_first(stepwise: StepwiseComputation) -> None:
            act(stepwise)
            after_step(stepwise)

        output: ComputationOutput = run(computation, act_first)
        return output

    monkeypatch.setattr(kind, "run", run_and_act)


def get_row(database: Database) -> ComputationRow:
    return computations.get(database, RUN)


def check_result(database: Database) -> None:
    """Fail unless the job has the result of a computation at one go, bit by bit."""
    task = name_task(TRAINING_RUN, REQUEST)
    expected, named = compute(task, CountOnesDataset().resolve())
    row = get_row(database)
    assert (row.status, row.progress_done) == ("succeeded", 2000)
    assert row.result == expected.result
    stored = arrays.load(database, RUN)
    assert stored.keys() == named.keys()
    for name, array in named.items():
        assert stored[name].tobytes() == array.tobytes()


def test_a_stopped_worker_requeues_its_job_and_another_one_resumes_it(
    database: Database, worker: Worker, queue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(computation: StepwiseTraining) -> None:
        if computation.done >= 500:
            worker.stop()

    after_each_step(monkeypatch, StepwiseTraining, stop)
    worker.execute(queue[0])
    row = get_row(database)
    assert (row.status, row.deliveries, len(queue)) == ("queued", 0, 2)
    assert 500 <= row.progress_done < 2000
    # What was done so far corrects the estimate of the rest.
    assert row.compute_seconds is not None
    rest = row.compute_seconds * (2000 - row.progress_done) / row.progress_done
    assert row.due == pytest.approx(row.created_at.timestamp() + rest, abs=1e-5)
    monkeypatch.undo()
    worker.execute(queue[1])
    assert get_row(database).status == "queued"  # a stopped worker claims no job
    worker.stopping.clear()
    worker.execute(queue[1])
    check_result(database)


def test_a_worker_yields_at_the_second_checkpoint_to_a_job_that_is_due_earlier(
    database: Database, worker: Worker, queue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([False, True, False, True, True])
    monkeypatch.setattr(jobs, "must_yield", lambda *_: next(answers))
    worker.execute(queue[0])
    row = get_row(database)
    assert (row.status, row.deliveries, len(queue)) == ("queued", 0, 2)
    assert row.progress_done == 500
    monkeypatch.setattr(jobs, "must_yield", lambda *_: False)
    worker.execute(queue[1])
    check_result(database)


@pytest.mark.parametrize("error", [StoreUnavailable("unavailable"), DiskFull("full")])
def test_a_worker_waits_for_an_unavailable_database_and_for_space(
    database: Database,
    worker: Worker,
    queue: Any,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    save, n_calls = checkpoints.save, 0

    def save_sometimes(*arguments: Any) -> bool:
        nonlocal n_calls
        n_calls += 1
        if n_calls % 3:
            raise error
        return save(*arguments)

    monkeypatch.setattr(checkpoints, "save", save_sometimes)
    worker.execute(queue[0])
    assert n_calls > 20
    check_result(database)


@pytest.mark.parametrize(
    ("error", "slug", "expected"),
    [
        (StoreFull("The database is full."), "store-full", "The database is full."),
        (MemoryError(), "job", "memory"),
        (Invalid("The values do not settle."), "invalid", "The values do not settle."),
        (ZeroDivisionError("internals"), "internal", "log"),
    ],
)
def test_a_failed_job_has_a_problem(
    database: Database,
    worker: Worker,
    queue: Any,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    slug: str,
    expected: str,
) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(StepwiseTraining, "run", fail)
    worker.execute(queue[0])
    row = get_row(database)
    assert row.status == "failed"
    assert row.error is not None
    assert row.error["type"] == slug
    assert expected in row.error["detail"]
    assert "internals" not in row.error["detail"]


def test_a_job_above_its_limit_fails(database: Database, worker: Worker, queue: Any) -> None:
    worker.max_seconds = 1e-9
    worker.execute(queue[0])
    row = get_row(database)
    assert (row.status, row.progress_done) == ("failed", 0)
    assert row.error is not None
    assert row.error["type"] == "limit-exceeded"
    assert "the limit is 1e-09" in row.error["detail"]


@pytest.mark.parametrize("n_done", [0, 1, 5])
def test_a_fit_of_a_stored_series_resumes_at_the_next_stage(
    database: Database, worker: Worker, queue: Any, monkeypatch: pytest.MonkeyPatch, n_done: int
) -> None:
    rng = np.random.default_rng(1)
    inputs = rng.standard_normal((60, 1))
    series = Series.from_sequences((inputs,), (np.cumsum(inputs[:, 0]) + rng.standard_normal(60),))
    dataset = ResolvedSeries.from_series(series)
    stored, _ = store_dataset(dataset, database, Limits())
    body = {"dataset": {"kind": "stored", "id": stored.id}, "delay": {"low": 0, "high": 3}}
    assert FIT.complete is not None
    request = FIT.complete(FitRequest.model_validate(body), dataset)
    identifier = "fit_" + "1" * 32
    jobs.cancel(database, RUN)  # to which it would yield
    total = request.progress_total
    jobs.submit(database, make_job(identifier, request, total, kind="fit"), queue.enqueue)
    worker.job_types = {"fit": FIT}
    n_stages = 0

    def count_and_stop(computation: StepwiseFit) -> None:
        nonlocal n_stages
        n_stages += 1
        if computation.done >= n_done:
            worker.stop()

    after_each_step(monkeypatch, StepwiseFit, count_and_stop)
    worker.execute(queue[-1])
    row = computations.get(database, identifier)
    assert (row.status, row.progress_done, row.deliveries) == ("queued", n_done, 0)
    worker.stopping.clear()
    n_done, n_before = total, n_stages
    worker.execute(queue[-1])
    row = computations.get(database, identifier)
    assert (row.status, row.progress_done) == ("succeeded", total)
    monkeypatch.undo()
    stages: list[int] = []
    expected, _ = compute(name_task(FIT, request), dataset, lambda _: stages.append(1))
    assert n_before < n_stages == len(stages)  # none was computed twice
    assert row.result == expected.result
