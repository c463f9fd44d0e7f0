"""Datasets as a use case: stored once, described, listed and written."""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from service.errors import Conflict, LimitExceeded, NotFound
from service.operations import datasets as use_case
from service.operations.caller import current_key
from service.operations.datasets import (
    dataset_file,
    delete_dataset,
    get_dataset,
    list_datasets,
    store_dataset,
    store_file,
)
from service.operations.limits import Limits
from service.operations.precomputed_arrays import MOMENTS
from service.operations.resolve import from_arrays
from service.operations.training import TRAINING_RUN
from service.schemas.datasets import CountOnesDataset, DatasetRequest, DatasetSummary
from service.store import Database, datasets
from service.store.rows import ComputationRow

LIMITS = Limits()
INPUTS, TARGETS = [[1.0, -2.0, 0.1], [0.0, 5e-100, 3.0]], [0.5, -7.25]
UNKNOWN = ["ds_" + "0" * 32, "run_" + "0" * 32, "ds_1", "../x"]


@pytest.fixture
def stored(local_database: Database) -> Iterator[DatasetSummary]:
    """Return a stored dataset, which is deleted after the test."""
    body = {"kind": "explicit", "inputs": INPUTS, "targets": TARGETS}
    summary, created = store_dataset(
        DatasetRequest.model_validate(body).root, local_database, LIMITS
    )
    assert created
    yield summary
    delete_dataset(summary.id, local_database)


def test_a_summary_describes_the_arrays(stored: DatasetSummary, local_database: Database) -> None:
    assert (stored.n_samples, stored.n_steps, stored.bytes) == (2, 3, 8 * (6 + 2))
    assert (stored.input_range.low, stored.input_range.high) == (-2.0, 3.0)
    assert (stored.target_range.low, stored.target_range.high) == (-7.25, 0.5)
    here = f"/v1/datasets/{stored.id}"
    assert stored.links == {"self": here, "csv": f"{here}.csv", "npz": f"{here}.npz"}
    assert (datetime.now(UTC) - stored.created_at).total_seconds() < 60.0
    assert get_dataset(stored.id, local_database) == stored


def test_a_dataset_is_stored_once_whatever_its_source(
    stored: DatasetSummary, local_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(use_case, "arrays_to_store", pytest.fail)  # nothing is computed again
    from_file = from_arrays(np.array(INPUTS), np.array(TARGETS))
    assert store_file(from_file, local_database, LIMITS) == (stored, False)
    source = DatasetRequest.model_validate({"kind": "stored", "id": stored.id}).root
    assert store_dataset(source, local_database, LIMITS) == (stored, False)


@pytest.mark.parametrize("key", [None, "alice"])
def test_a_dataset_names_the_key_that_stored_it_first(
    key: str | None, local_database: Database
) -> None:
    resolved = from_arrays(np.ones((1, 1)), np.array([len(key or "")]) + 0.5)
    token = current_key.set(key)
    try:
        summary, created = store_file(resolved, local_database, LIMITS)
        current_key.set("bob")
        again, created_again = store_file(resolved, local_database, LIMITS)
    finally:
        current_key.reset(token)
    assert (created, created_again) == (True, False)
    assert summary.created_by == again.created_by == key
    delete_dataset(summary.id, local_database)


@pytest.mark.parametrize(("seconds", "n_arrays"), [(10.0, 3), (1e-12, 0)])
def test_what_takes_too_long_is_not_computed_for_a_dataset(
    seconds: float, n_arrays: int, local_database: Database
) -> None:
    source = CountOnesDataset(n_samples=3, n_steps=2, seed=n_arrays)
    limits = Limits(max_work_seconds=seconds)
    summary, _ = store_dataset(source, local_database, limits)
    names = datasets.list_extra_arrays(local_database, summary.id)
    assert len(names) == n_arrays
    assert (MOMENTS in names) == (n_arrays > 0)
    delete_dataset(summary.id, local_database)


def test_a_dataset_above_the_limits_is_not_stored(local_database: Database) -> None:
    with pytest.raises(LimitExceeded):
        store_dataset(CountOnesDataset(), local_database, Limits(max_cells=199))


def test_the_table_has_exactly_the_numbers(
    stored: DatasetSummary, local_database: Database
) -> None:
    text = b"".join(dataset_file(stored.id, "csv", local_database).open()).decode()
    header, *rows = csv.reader(io.StringIO(text))
    assert header == ["x_1", "x_2", "x_3", "target"]
    expected = [[*row, target] for row, target in zip(INPUTS, TARGETS, strict=True)]
    assert [[float(each) for each in row] for row in rows] == expected


def test_the_archive_has_exactly_the_numbers(
    stored: DatasetSummary, local_database: Database
) -> None:
    contents = b"".join(dataset_file(stored.id, "npz", local_database).open())
    with np.load(io.BytesIO(contents)) as archive:
        assert set(archive) == {"inputs", "targets"}
        np.testing.assert_array_equal(archive["inputs"], INPUTS)
        np.testing.assert_array_equal(archive["targets"], TARGETS)


def test_each_file_has_an_etag_and_an_estimate(
    stored: DatasetSummary, local_database: Database
) -> None:
    table, archive = (dataset_file(stored.id, each, local_database) for each in ("csv", "npz"))
    assert table.etag != archive.etag
    assert table.etag == dataset_file(stored.id, "csv", local_database).etag
    assert table.seconds == archive.seconds == 0.0
    # 8 numbers
    assert (table.writing_seconds, archive.writing_seconds) == (8 * 800e-9, 8 * 500e-9)
    summary, _ = store_dataset(CountOnesDataset(n_samples=20, n_steps=9), local_database, LIMITS)
    for suffix, small in [("csv", table), ("npz", archive)]:
        large = dataset_file(summary.id, suffix, local_database)
        # 200 numbers instead of 8
        assert large.writing_seconds == pytest.approx(25.0 * small.writing_seconds)
        assert large.etag != small.etag
    delete_dataset(summary.id, local_database)


def test_pages_are_newest_first(local_database: Database) -> None:
    sources = [CountOnesDataset(n_samples=1, n_steps=1, seed=i, noise=1.0) for i in range(3)]
    ids = [store_dataset(each, local_database, LIMITS)[0].id for each in sources]
    first = list_datasets(local_database, 2, None)
    assert [each.id for each in first.items] == ids[:0:-1]
    second = list_datasets(local_database, 1, first.next_cursor)
    assert [each.id for each in second.items] == ids[:1]
    for each in ids:
        delete_dataset(each, local_database)


@pytest.mark.parametrize("identifier", UNKNOWN)
@pytest.mark.parametrize(
    "use",
    [get_dataset, delete_dataset, lambda each, database: dataset_file(each, "csv", database)],
)
def test_unknown_datasets(
    identifier: str, use: Callable[[str, Database], Any], local_database: Database
) -> None:
    with pytest.raises(NotFound):
        use(identifier, local_database)


def test_a_dataset_that_a_computation_uses_is_not_deleted(
    compute: Callable[..., ComputationRow], local_database: Database
) -> None:
    explicit = {"kind": "explicit", "inputs": [[4.0]], "targets": [4.0]}
    run = compute(TRAINING_RUN, dataset=explicit, n_iterations=1)
    assert run.dataset_id is not None
    with pytest.raises(Conflict) as caught:
        delete_dataset(run.dataset_id, local_database)
    assert caught.value.referrers == [run.id]
    get_dataset(run.dataset_id, local_database)
