"""Series as archives: shapes, gaps, lengths, and what is refused."""

import io
import zipfile
from typing import Any

import numpy as np
import pytest

from service.engine.data import Series, Step
from tests.formats.conftest import make_npz
from tests.formats.conftest import read_series_npz as read

INPUTS = np.arange(1.0, 13.0).reshape(2, 3, 2)
TARGETS = np.array([[1.0, np.nan, 3.0], [4.0, 5.0, 6.0]])


def test_sequences_of_one_length() -> None:
    series = read(make_npz(inputs=INPUTS, targets=TARGETS), inputs=("a", "b"), target="y")
    assert (series.input_names, series.target_name, series.step) == (("a", "b"), "y", Step())
    np.testing.assert_array_equal(series.inputs, INPUTS.reshape(-1, 2))
    np.testing.assert_array_equal(series.targets, TARGETS.ravel())
    unnamed = read(make_npz(inputs=INPUTS.astype(np.int32), targets=TARGETS))
    assert (unnamed.input_names, unnamed.target_name) == (("input_1", "input_2"), "target")
    for dtype in (np.float64, np.int64, np.bool_):
        without = read(make_npz(inputs=INPUTS[..., :0].astype(dtype), targets=TARGETS))
        assert (without.input_names, without.inputs.shape) == ((), (6, 0))


def test_what_follows_the_end_of_a_sequence_is_ignored() -> None:
    inputs, targets = INPUTS.copy(), TARGETS.copy()
    inputs[0, 2:], targets[0, 2:] = np.nan, np.inf
    series = read(make_npz(inputs=inputs, targets=targets, lengths=np.array([2, 3])))
    assert series.lengths.tolist() == [2, 3]
    np.testing.assert_array_equal(series.inputs[:2], INPUTS[0, :2])
    np.testing.assert_array_equal(series.targets[2:], TARGETS[1])


@pytest.mark.parametrize("lengths", [[3, 3], [1, 3]])
@pytest.mark.parametrize("n_inputs", [0, 1, 2])
def test_what_is_written_is_read_back(lengths: list[int], n_inputs: int) -> None:
    n = sum(lengths)
    inputs, targets = INPUTS.reshape(-1)[: n * n_inputs], TARGETS.reshape(-1)[-n:]
    series = Series(inputs.reshape(n, n_inputs), targets, np.array(lengths), ("a", "b")[:n_inputs])
    again = read(read.write(series), inputs=series.input_names)
    assert again.lengths.tolist() == lengths
    np.testing.assert_array_equal(again.inputs, series.inputs)
    np.testing.assert_array_equal(again.targets, series.targets)


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        ({"inputs": INPUTS[0]}, "/inputs", ("(n, T, q)", "(3, 2)")),
        ({"targets": TARGETS[:, :2]}, "/inputs", ("(n, T)", "(2, 2)")),
        ({"targets": np.full((2, 3), np.nan)}, "/targets", ("all targets are missing",)),
        ({"inputs": np.where(INPUTS == 4, np.nan, INPUTS)}, "/inputs/0/1/1", ("finite",)),
        ({"inputs": INPUTS * 1e100}, "/inputs/0/0/1", ("1e+100",)),
        ({"targets": TARGETS * np.inf}, "/targets/0/0", ("finite",)),
        ({"lengths": np.array([0, 3])}, "/lengths", ("from 1 to 3",)),
        ({"lengths": np.array([1, 4])}, "/lengths", ("from 1 to 3",)),
        ({"lengths": np.array([1, 2, 3])}, "/lengths", ("2 whole numbers",)),
        ({"lengths": np.array([1, 2.5])}, "/lengths", ("2 whole numbers",)),
        ({"lengths": np.array([True, True])}, "/lengths", ("2 whole numbers",)),
        ({"others": TARGETS}, "", ("inputs and targets only",)),
    ],
)
def test_invalid_arrays(change: dict[str, Any], place: str, words: tuple[str, ...]) -> None:
    assert (
        read.refuses(make_npz(**{"inputs": INPUTS, "targets": TARGETS} | change), *words) == place
    )


@pytest.mark.parametrize("field", ["inputs", "targets", "lengths"])
def test_a_shape_of_booleans(field: str) -> None:
    shapes: dict[str, tuple[int, ...]] = {"inputs": (1, 1, 1), "targets": (1, 1), "lengths": (1,)}
    shapes[field] = (True,) * len(shapes[field])
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as target:
        for name, shape in shapes.items():
            member = io.BytesIO()
            header = {"descr": "<f8", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(member, header)
            target.writestr(f"{name}.npy", member.getvalue() + np.ones(1).tobytes())
    assert read.refuses(file.getvalue(), field, "not of integers") == f"/{field}"


def test_invalid_names() -> None:
    body = make_npz(inputs=INPUTS, targets=TARGETS)
    assert read.refuses(body, "2 inputs, but 1 name", inputs=("a",)) == "?inputs"
    for parameter, value in (("time", "week"), ("gaps", "sequences"), ("fill", "hold")):
        assert read.refuses(body, "not to npz", **{parameter: value}) == f"?{parameter}"
    many = make_npz(inputs=np.ones((2, 3, 13)), targets=TARGETS)
    assert read.refuses(many, "at most 12 of 13 inputs") == "?inputs"
    assert read.refuses(body, "named a", inputs=("a", "a")) == "?inputs"
    assert read.refuses(body, "named target", inputs=("a", "target")) == "?inputs"
