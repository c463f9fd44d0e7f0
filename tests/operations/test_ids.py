"""Ids: stable hashes of requests and datasets."""

import csv
import hashlib
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.engine.data import Series, Step
from service.operations.computations.submit import compute, name_task
from service.operations.computations.training import TRAINING_RUN
from service.operations.shared.ids import RESULT_VERSION, canonical_request, computation_id
from service.schemas.datasets import CountOnesDataset, dataset_id
from service.schemas.series import series_id
from service.schemas.training_runs import TrainingRunRequest
from tests.golden.make_results import FIT_COLUMNS, describe_fit, make_fits, make_requests

GOLDEN = Path(__file__).parents[1] / "golden" / "results.csv"  # see make_results.py
TUTORIAL = (
    '{"clip":null,"dataset":{"kind":"count_ones","n_samples":20,"n_steps":10,"noise":0,"seed":1},'
    '"initial_weights":{"w_in":-1.5,"w_rec":2},"n_iterations":500,'
    '"network":{"activation":"identity","initial_state":0},"optimizer":{"eta_minus":0.5,'
    '"eta_plus":1.2,"initial_step":0.001,"name":"rprop"},"record_every":1,"result_version":17,'
    '"target_cost":null}'
)


def run_id(request: TrainingRunRequest) -> str:
    return computation_id("run", canonical_request(request, without=frozenset({"keep"})))


def test_the_id_of_the_tutorials_run() -> None:
    """The canonical JSON (RFC 8785) is written out here."""
    assert RESULT_VERSION == 17
    expected = f"run_{hashlib.sha256(TUTORIAL.encode()).hexdigest()[:32]}"
    assert run_id(TrainingRunRequest()) == expected == "run_a6cbc59d5cd63c1b9d7a896b0d807824"


def test_the_id_of_the_tutorials_dataset() -> None:
    dataset = CountOnesDataset().resolve().dataset
    inputs, targets = dataset.inputs, dataset.targets
    packed = struct.pack("<QQ", 20, 10)
    packed += b"".join(struct.pack("<d", number) for number in [*inputs.flat, *targets])
    expected = f"ds_{hashlib.sha256(packed).hexdigest()[:32]}"
    assert dataset_id(inputs, targets) == expected == "ds_05aa9c3d3afdbff0f9faa5baec15c674"


@pytest.mark.parametrize(
    ("sequences", "extra", "golden"),
    [
        ((), "", "ds_f8282e0d88a411e1038ef43706fd1276"),
        (("north", "süd"), '"sequences":["north","süd"],', "ds_a280297709b7cc96b32aadebd13e7be8"),
    ],
)
def test_the_id_of_a_series(sequences: tuple[str, ...], extra: str, golden: str) -> None:
    nan = float("nan")
    inputs = np.array([[1.0, 2.0], [0.5, -0.0], [3.0, 4.0]])
    targets, lengths = np.array([7.0, -nan, 9.0]), np.array([2, 1])
    series = Series(inputs, targets, lengths, ("ä", "b"), "y", Step(1, "week"), sequences)
    packed = (
        f'{{"inputs":["ä","b"],"kind":"series",{extra}'
        '"step":{"length":1,"unit":"week"},"target":"y"}'
    ).encode()
    packed += struct.pack("<QQQ", 2, 2, 1)
    packed += struct.pack("<6d", 1, 2, 0.5, 0, 3, 4) + struct.pack("<3d", 7, nan, 9)
    expected = f"ds_{hashlib.sha256(packed).hexdigest()[:32]}"
    assert series_id(series) == expected == golden


def test_the_id_depends_on_the_shape() -> None:
    numbers = np.arange(12.0)
    ids = {
        dataset_id(numbers[:6].reshape(shape), numbers[6 : 6 + shape[0]])
        for shape in ((1, 6), (2, 3), (3, 2), (6, 1))
    }
    assert len(ids) == 4


def test_the_id_does_not_depend_on_the_memory_layout() -> None:
    numbers = np.arange(6.0).reshape(2, 3)
    expected = dataset_id(numbers, numbers[:, 0])
    assert dataset_id(np.asfortranarray(numbers), numbers[:, 0]) == expected
    assert dataset_id(numbers.astype(">f8"), numbers[:, 0].astype(">f8")) == expected


@pytest.mark.parametrize("name", make_requests())
def test_results_change_only_with_their_version(name: str) -> None:
    """Raise RESULT_VERSION if this fails on purpose, then run make_results.py."""
    golden = next(
        row for row in csv.DictReader(GOLDEN.read_text().splitlines()) if row["name"] == name
    )
    assert int(golden["result_version"]) == RESULT_VERSION
    request = TrainingRunRequest.model_validate(make_requests()[name])
    result: Any = compute(name_task(TRAINING_RUN, request), request.dataset.resolve())[0].result
    assert result["outcome"] == golden["outcome"]
    assert result["iterations"] == int(golden["iterations"])
    numbers = [*result["final"]["weights"].values(), result["final"]["log10_cost"]]
    expected = [float(golden[column]) for column in ("w_in", "w_rec", "log10_cost")]
    assert numbers == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", make_fits())
def test_fits_change_only_with_their_version(name: str) -> None:
    """As for runs, and within the same 1e-9, which is promised across versions of numpy."""
    rows = csv.DictReader(GOLDEN.with_name("fits.csv").read_text().splitlines())
    golden = next(row for row in rows if row["name"] == name)
    assert int(golden["result_version"]) == RESULT_VERSION
    expected = [float(golden[column]) for column in FIT_COLUMNS[2:]]
    assert describe_fit(make_fits()[name]) == pytest.approx(expected, rel=1e-9)


@pytest.mark.slow
def test_another_process_computes_the_same_bits() -> None:
    code = (
        "from tests.golden.make_results import describe_fit, make_fits\n"
        "print([describe_fit(body) for body in make_fits().values()])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str([describe_fit(body) for body in make_fits().values()])
