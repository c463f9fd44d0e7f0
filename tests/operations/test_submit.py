"""Computations that are found, computed at once, or accepted as jobs."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.errors import Invalid, LimitExceeded, NotFound
from service.operations.context import Context
from service.operations.job_types import ComputationOutput
from service.operations.limits import Limits
from service.operations.submit import get_or_submit, run_without_storing
from service.operations.training import TRAINING_RUN, run_training
from service.scheduling import Scheduler
from service.schemas.datasets import ResolvedDataset, dataset_id
from service.schemas.training_runs import TrainingRunRequest
from service.store import Database, computations, datasets, jobs
from service.store.rows import ComputationRow

EXPLICIT = {"kind": "explicit", "inputs": [[1.0, 0.0]], "targets": [1.0]}
NO_TIME = Limits(max_sync_seconds=0.0)  # so that every computation is a job


class Requests:
    """Makes requests for training runs; each call may have other limits."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.leases: list[str] = []
        self.n_computed = 0
        self._job_type = replace(TRAINING_RUN, compute=self._compute)

    def _compute(self, request: TrainingRunRequest, dataset: ResolvedDataset) -> ComputationOutput:
        self.n_computed += 1
        return run_training(request, dataset)

    def context(self, limits: Limits) -> Context:
        return Context(
            database=self.database,
            limits=limits,
            enqueue=lambda _connection, lease, *_: self.leases.append(lease),
            scheduler=Scheduler(1, 10),
        )

    def submit(
        self,
        limits: Limits = Limits(),  # noqa: B008 - it is frozen
        n_times: int = 1,
        *,
        respond_async: bool = False,
        **body: Any,
    ) -> list[tuple[ComputationRow, bool]]:
        """Return the results of identical requests that are made at the same time."""
        request = TrainingRunRequest.model_validate({"n_iterations": 5, **body})

        async def main() -> list[tuple[ComputationRow, bool]]:
            context = self.context(limits)
            calls = [
                get_or_submit(self._job_type, request, context, respond_async=respond_async)
                for _ in range(n_times)
            ]
            return list(await asyncio.gather(*calls))

        return asyncio.run(main())

    def run(self, limits: Limits, *, respond_async: bool = False, **body: Any) -> Any:
        """Return the JSON of a run that is not stored."""
        request = TrainingRunRequest.model_validate({"n_iterations": 5, **body})
        call = run_without_storing(
            self._job_type, request, self.context(limits), respond_async=respond_async
        )
        return json.loads(asyncio.run(call))


@pytest.fixture
def requests(tmp_path: Path) -> Iterator[Requests]:
    database = Database(f"sqlite:///{tmp_path / 'store.sqlite3'}")
    database.migrate()
    yield Requests(database)
    database.close()


def test_a_short_computation_is_stored_and_then_found(requests: Requests) -> None:
    ((first, created),) = requests.submit()
    assert (first.status, first.progress_done, created) == ("succeeded", 5, True)
    assert computations.get(requests.database, first.id) == first
    # What exists is found, also if it would be too long now.
    for limits in (Limits(), NO_TIME):
        assert requests.submit(limits, respond_async=True) == [(first, False)]
    assert (requests.n_computed, requests.leases) == (1, [])


def test_identical_simultaneous_requests_compute_once(requests: Requests) -> None:
    results = requests.submit(n_times=4)
    assert [created for _, created in results] == [True, False, False, False]
    assert len({row.id for row, _ in results}) == requests.n_computed == 1


@pytest.mark.parametrize(
    ("limits", "respond_async"), [(NO_TIME, False), (Limits(), True)], ids=["long", "preferred"]
)
def test_a_job_is_accepted_once(
    requests: Requests,
    limits: Limits,
    respond_async: bool,
) -> None:
    ((job, created),) = requests.submit(limits, respond_async=respond_async)
    assert (job.status, job.progress_total, created) == ("queued", 5, True)
    assert requests.submit(limits, respond_async=respond_async) == [(job, False)]
    assert requests.leases == [job.lease]
    assert requests.n_computed == 0


def test_a_cancelled_job_is_computed_if_it_is_requested_again(requests: Requests) -> None:
    ((job, _),) = requests.submit(NO_TIME)
    jobs.cancel(requests.database, job.id)
    ((again, created),) = requests.submit()
    assert (again.id, again.status, again.attempt, created) == (job.id, "succeeded", 2, True)


@pytest.mark.parametrize("limits", [Limits(), NO_TIME], ids=["at once", "as a job"])
def test_an_explicit_dataset_is_stored_with_its_computation(
    requests: Requests, limits: Limits
) -> None:
    ((row, _),) = requests.submit(limits, dataset=EXPLICIT)
    identifier = dataset_id(np.array(EXPLICIT["inputs"]), np.array(EXPLICIT["targets"]))
    assert row.request["dataset"] == {"kind": "stored", "id": identifier}
    assert datasets.get(requests.database, identifier).n_samples == 1
    stored = {"kind": "stored", "id": identifier}
    assert requests.submit(limits, dataset=stored) == [(row, False)]


def test_an_unknown_dataset_is_not_found(requests: Requests) -> None:
    with pytest.raises(NotFound):
        requests.submit(dataset={"kind": "stored", "id": "ds_" + "0" * 32})
    assert requests.leases == []


def test_a_computation_that_is_not_stored(requests: Requests) -> None:
    run = requests.run(Limits(), dataset=EXPLICIT)
    assert list(run) == list(TRAINING_RUN.response_model.model_fields)
    assert (run["id"], run["links"], run["status"]) == (None, None, "succeeded")
    assert run["trajectory"]["iteration"] == [0, 1, 2, 3, 4, 5]
    assert run["progress"] == {"done": 5, "total": 5}
    assert requests.n_computed == 1
    assert computations.list_page(requests.database, "training_run", 1) == ([], None)
    assert datasets.list_page(requests.database, 1) == ([], None)


def test_a_job_is_always_stored(requests: Requests) -> None:
    with pytest.raises(Invalid) as invalid:
        requests.run(Limits(), respond_async=True)
    with pytest.raises(LimitExceeded) as too_long:
        requests.run(NO_TIME)
    assert requests.n_computed == 0
    assert [each.pointer for each in invalid.value.errors] == ["/keep"]
    assert "keep" in too_long.value.detail
