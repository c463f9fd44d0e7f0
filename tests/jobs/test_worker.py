"""A worker in this process: what it writes, and what becomes of what cannot be done."""

from threading import Event, Thread
from typing import Any

import pytest

from service.errors import StoreFull, StoreUnavailable
from service.jobs import worker as module
from service.jobs.worker import Worker
from service.operations.ids import canonical_request
from service.operations.limits import Limits
from service.operations.precomputed_arrays import arrays_to_store
from service.operations.resolve import from_count_ones
from service.operations.training import TRAINING, StepwiseTraining
from service.schemas.common import NetworkSchema
from service.schemas.datasets import CountOnesDataset, StoredDataset
from service.store import Database, checkpoints, computations, datasets, jobs
from service.store.jobs import JobRequest

RUN = "run_" + "1" * 32
QUESTION = TRAINING.question.model_validate({"n_iterations": 2000, "record_every": 3})


class Queue(list[str]):
    """Stands for DBOS."""

    def __init__(self) -> None:
        super().__init__()
        self.forgotten: list[str] = []

    def forget(self, ticket: str) -> None:
        self.forgotten.append(ticket)

    def deliver(self, _connection: Any, ticket: str, _version: int) -> None:
        self.append(ticket)


@pytest.fixture
def queue(database: Database) -> Queue:
    """Return a queue in which one job waits."""
    queue = Queue()
    request = canonical_request(QUESTION, without=frozenset({"keep"}))
    asked = JobRequest(
        id=RUN, kind="training_run", request=request, result_version=1, progress_total=2000
    )
    jobs.submit(database, asked, queue.deliver)
    return queue


@pytest.fixture
def worker(database: Database, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> Worker:
    """Return a worker that keeps a checkpoint after every step of 100 iterations."""
    monkeypatch.setattr(module, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.001)
    monkeypatch.setattr("service.operations.training.STEP_SECONDS", 0.00042)
    worker = Worker("sqlite:////nowhere", "worker", pytest.fail)
    worker.database = database
    worker.deliveries = queue  # type: ignore[assignment]
    return worker


def row(database: Database) -> Any:
    return computations.get(database, RUN)


def check_whole(database: Database) -> None:
    expected = TRAINING.compute(QUESTION, from_count_ones(CountOnesDataset()))
    done = row(database)
    assert (done.status, done.progress_done) == ("succeeded", 2000)
    assert done.result == expected.plain_result()
    kept = computations.load_arrays(database, RUN)
    assert kept.keys() == expected.arrays.keys()
    for name, array in expected.arrays.items():
        assert kept[name].tobytes() == array.tobytes()


def test_a_job_is_done(database: Database, worker: Worker, queue: Queue) -> None:
    worker.do(queue[0])
    check_whole(database)


def test_a_stopped_worker_gives_its_job_back_and_another_goes_on(
    database: Database, worker: Worker, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = StepwiseTraining.step

    def interrupted(work: StepwiseTraining) -> None:
        step(work)
        if work.done >= 500:
            worker.stop()

    monkeypatch.setattr(StepwiseTraining, "step", interrupted)
    worker.do(queue[0])
    given_back = row(database)
    assert (given_back.status, given_back.deliveries, len(queue)) == ("queued", 0, 2)
    assert 500 <= given_back.progress_done < 2000
    monkeypatch.setattr(StepwiseTraining, "step", step)
    worker.do(queue[1])
    assert row(database).status == "queued"  # a stopped worker takes nothing
    worker.stopping.clear()
    worker.do(queue[1])
    check_whole(database)


def test_a_worker_whose_job_was_cancelled_changes_nothing(
    database: Database, worker: Worker, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = StepwiseTraining.step

    def cancelled(work: StepwiseTraining) -> None:
        step(work)
        jobs.cancel(database, RUN)

    monkeypatch.setattr(StepwiseTraining, "step", cancelled)
    worker.do(queue[0])
    assert (row(database).status, row(database).progress_done) == ("cancelled", 0)
    assert checkpoints.load(database, RUN) == ({}, [])


@pytest.fixture
def endless_step(monkeypatch: pytest.MonkeyPatch) -> tuple[Event, Event]:
    """Make the next step go on until an event; return one that tells that it began, and that."""
    begun, end = Event(), Event()
    step = StepwiseTraining.step

    def endless(work: StepwiseTraining) -> None:
        begun.set()
        assert end.wait(20)
        step(work)

    monkeypatch.setattr(StepwiseTraining, "step", endless)
    monkeypatch.setattr(module, "STEP_SECONDS", 0.05)
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.01)
    return begun, end


def test_a_step_that_nobody_wants_any_more_is_left(
    database: Database,
    worker: Worker,
    queue: Queue,
    endless_step: tuple[Event, Event],
) -> None:
    begun, end = endless_step
    worker.leave = end.set
    doing = Thread(target=worker.do, args=(queue[0],))
    doing.start()
    assert begun.wait(20)
    jobs.cancel(database, RUN)
    doing.join()
    assert queue.forgotten == [queue[0]]
    assert len(queue) == 1


def test_a_stopped_worker_gives_back_what_is_in_the_middle_of_a_step(
    database: Database,
    worker: Worker,
    queue: Queue,
    endless_step: tuple[Event, Event],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, end = endless_step
    monkeypatch.setattr(Worker, "_open", lambda _: None)
    doing = Thread(target=worker.do, args=(queue[0],))
    doing.start()
    assert begun.wait(20)
    worker.stop()
    worker.run()
    given_back = row(database)
    assert (given_back.status, given_back.deliveries) == ("queued", 0)
    assert (len(queue), queue.forgotten) == (2, [queue[0]])
    assert given_back.lease == queue[1]
    end.set()
    doing.join()
    assert row(database) == given_back  # what came out of that step is nobody's


def test_a_store_that_is_away_is_waited_for(
    database: Database, worker: Worker, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, n_calls = checkpoints.save, 0

    def shaky(*given: Any) -> bool:
        nonlocal n_calls
        n_calls += 1
        if n_calls % 3:
            raise StoreUnavailable("away")
        return save(*given)

    monkeypatch.setattr(checkpoints, "save", shaky)
    worker.do(queue[0])
    assert n_calls > 20
    check_whole(database)


@pytest.mark.parametrize(
    ("error", "slug", "told"),
    [
        (StoreFull("The store is full."), "store-full", "The store is full."),
        (MemoryError(), "job", "memory"),
        (ZeroDivisionError("internals"), "internal", "log"),
    ],
)
def test_what_cannot_be_done_fails_with_a_reason(
    database: Database,
    worker: Worker,
    queue: Queue,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    slug: str,
    told: str,
) -> None:
    def failing(_: StepwiseTraining) -> None:
        raise error

    monkeypatch.setattr(StepwiseTraining, "step", failing)
    worker.do(queue[0])
    failed = row(database)
    assert (failed.status, failed.error["type"]) == ("failed", slug)
    assert told in failed.error["detail"]
    assert "internals" not in failed.error["detail"]


@pytest.mark.parametrize("activation", ["identity", "tanh"])
def test_stored_samples_are_read_only_for_an_activation_and_waited_for(
    database: Database,
    worker: Worker,
    queue: Queue,
    monkeypatch: pytest.MonkeyPatch,
    activation: str,
) -> None:
    """For the identity, what is stored beside the samples determines every cost."""
    samples = from_count_ones(CountOnesDataset())
    named, run = "ds_" + "1" * 32, "run_" + "2" * 32
    beside = arrays_to_store(samples.dataset, samples.precomputed, Limits())
    datasets.add(database, named, samples.dataset.inputs, samples.dataset.targets, beside)
    network = NetworkSchema.model_validate({"activation": activation})
    plain = QUESTION.model_copy(update={"network": network, "n_iterations": 200})
    question = plain.model_copy(update={"dataset": StoredDataset(kind="stored", id=named)})
    request = canonical_request(question, without=frozenset({"keep"}))
    asked = JobRequest(
        id=run,
        kind="training_run",
        request=request,
        result_version=1,
        progress_total=2000,
        dataset_id=named,
    )
    load, n_calls = datasets.load, 0

    def shaky(*given: Any) -> Any:
        nonlocal n_calls
        n_calls += 1
        if n_calls < 4:
            raise StoreUnavailable("away")
        return load(*given)

    monkeypatch.setattr(datasets, "load", shaky)
    jobs.submit(database, asked, queue.deliver)
    worker.do(queue[1])
    assert n_calls == (0 if activation == "identity" else 4)
    done = computations.get(database, run)
    assert done.status == "succeeded"
    expected = TRAINING.compute(plain, from_count_ones(CountOnesDataset()))
    assert done.result == expected.plain_result()
