"""What all use cases share."""

import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from service.errors import LimitExceeded, NotFound
from service.operations.context import Context, estimate_preparation
from service.operations.limits import Limits
from service.operations.work_estimates import DatasetSize
from service.scheduling import Scheduler
from service.schemas.gradient_check import GradientCheckRequest
from service.store import Database

EXPLICIT = {"kind": "explicit", "inputs": [[1.0, 0.0]], "targets": [1.0]}


def make_context(database: Database | None = None, limits: Limits | None = None) -> Context:
    return Context(
        database=cast("Database", database),
        limits=limits or Limits(),
        enqueue=cast("Any", pytest.fail),
        scheduler=Scheduler(1, 0),
    )


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'store.sqlite3'}")
    database.migrate()
    yield database
    database.close()


def run(context: Context, use_case: Any, **body: Any) -> Any:
    """Run a use case with an estimate, whose arguments are returned as well."""
    request = GradientCheckRequest.model_validate(body)
    sizes: list[DatasetSize] = []

    def estimate(_request: GradientCheckRequest, size: DatasetSize, limits: Limits) -> float:
        sizes.append(size)
        limits.check_work(1.0, "/dataset")
        return 1.0

    return asyncio.run(context.run(use_case, request, estimate)), sizes


def test_a_use_case_runs_with_the_database_and_the_limits() -> None:
    context = make_context()
    (request, database, limits), sizes = run(context, lambda *each: each, dataset=EXPLICIT)
    assert request.dataset.inputs.shape == (1, 2)
    assert (database, limits) == (context.database, context.limits)
    assert sizes == [DatasetSize(1, 2)]


@pytest.mark.parametrize("limits", [Limits(max_work_seconds=0.5), Limits(max_cells=1)])
def test_limits_are_checked_before_the_use_case(limits: Limits) -> None:
    with pytest.raises(LimitExceeded):
        run(make_context(limits=limits), pytest.fail)


def test_a_stored_dataset_is_looked_up_before_the_use_case(database: Database) -> None:
    stored = {"kind": "stored", "id": "ds_" + "0" * 32}
    with pytest.raises(NotFound):
        run(make_context(database), pytest.fail, dataset=stored)


def test_a_resource_has_one_lock_while_it_is_used() -> None:
    context = make_context()
    lock = context.lock("run_1")
    assert context.lock("run_1") is lock
    assert context.lock("run_2") is not lock
    del lock
    gc.collect()
    assert len(context.locks) == 0


def test_only_an_explicit_dataset_takes_time_to_prepare() -> None:
    size = DatasetSize(1_000_000, 20)
    for body, expected in (({}, False), ({"dataset": EXPLICIT}, True)):
        request = GradientCheckRequest.model_validate(body)
        assert (estimate_preparation(request, size, Limits()) > 0.0) == expected
