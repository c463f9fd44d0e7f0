"""Computations as responses."""

from typing import Any

import pytest

from service.operations.basins import BASIN_MAP
from service.operations.computations import describe, links
from service.operations.training import TRAINING_RUN
from service.store.rows import ComputationRow


def make_row(status: Any, **values: Any) -> ComputationRow:
    """Return a row of which only the given values matter."""
    empty: dict[str, Any] = dict.fromkeys(ComputationRow.__dataclass_fields__)
    own = {"id": "run_1", "status": status, "progress_done": 2, "progress_total": 9}
    return ComputationRow(**(empty | own | values))


@pytest.mark.parametrize(
    ("status", "names"),
    [
        ("queued", {"self", "events", "cancel"}),
        ("running", {"self", "events", "cancel"}),
        ("failed", {"self", "events"}),
        ("cancelled", {"self", "events"}),
        ("succeeded", {"self", "events", *TRAINING_RUN.files}),
    ],
)
def test_links_are_those_that_work(status: str, names: set[str]) -> None:
    found = links(TRAINING_RUN, make_row(status))
    assert found.keys() == names
    assert found["self"] == "/v1/training-runs/run_1"
    assert all(path.startswith(found["self"]) for path in found.values())


@pytest.mark.parametrize("job_type", [TRAINING_RUN, BASIN_MAP], ids=lambda each: each.kind)
def test_a_response_has_every_field_of_its_row(job_type: Any) -> None:
    values = {"attempt": 3, "created_by": "alice", "compute_seconds": 0.5, "request": {"a": 1}}
    error = {"type": "/problems/job"}
    response = describe(job_type, make_row("failed", **values), error)
    found = response.model_dump(warnings=False)
    assert {name: found[name] for name in values} == values
    assert (found["status"], found["error"]) == ("failed", error)
    assert found["progress"] == {"done": 2, "total": 9}


def test_a_result_is_part_of_the_response() -> None:
    row = make_row("succeeded", result={"outcome": "diverged", "iterations": 7})
    found: Any = describe(TRAINING_RUN, row)
    assert (found.outcome, found.iterations, found.error) == ("diverged", 7, None)
