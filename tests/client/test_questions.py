"""Questions whose answers are not stored."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from linear_rnn import Client, Window


def test_the_defaults_are_those_of_the_tutorial(rnn: Client) -> None:
    assert rnn.predict().outputs.tolist() == [5.0]
    optimum = rnn.optimum()
    assert (optimum.weights.w_in, optimum.weights.w_rec, optimum.cost) == (1.0, 1.0, 0.0)
    assert len(rnn.trace().traces) == 6
    assert [window.cost.shape for window in rnn.surface().windows] == [(25, 25), (25, 25)]


def test_answers_show_themselves_in_a_line_per_window(rnn: Client) -> None:
    assert repr(rnn.evaluate(points=[(1, 1), (2, 1)])) == "<Evaluations of 2 points: cost 0, 28.35>"
    assert repr(rnn.surface(windows=[{"w_in": (0, 2)}, {"w_rec": (0, 1)}])) == (
        "<Surface\n"
        "  w_in 0 to 2, w_rec -3 to 3: 25 × 25 cells, lowest cost 0\n"
        "  w_in -3 to 3, w_rec 0 to 1: 25 × 25 cells, lowest cost 0>"
    )


def test_sequences_may_be_arrays_of_different_lengths(rnn: Client) -> None:
    assert rnn.predict([np.ones(3), [1, 0]]).outputs.tolist() == [3.0, 1.0]
    assert rnn.predict(np.ones((2, 3)), weights=(2, 1)).outputs.tolist() == [6.0, 6.0]


def test_pairs_of_weights_may_be_lists_or_arrays(rnn: Client) -> None:
    points: Any = [[2, 1], np.array([2, 1])]
    assert repr(rnn.evaluate(points=points)) == "<Evaluations of 2 points: cost 28.35, 28.35>"
    for wrong in ((1, 1), [(1, 1, 1)]):
        points = wrong
        with pytest.raises(TypeError, match="is not a pair of weights"):
            rnn.evaluate(points=points)


def test_numbers_that_overflow_are_nan(rnn: Client) -> None:
    trace = rnn.trace(points=[(1, 2)], dataset={"kind": "count_ones", "n_steps": 1100})
    assert math.isnan(trace.traces[0].gradient[0])
    assert trace.traces[0].log10_magnitude[0] > 308.0


def test_large_surfaces_equal_small_ones(rnn: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    windows: list[Window] = [{"w_in": (-3, 3)}, {"w_rec": (0, 1e200), "resolution": 7}]
    small = rnn.surface(windows=windows)
    monkeypatch.setattr("linear_rnn._sync.client.MAX_JSON_CELLS", 0)
    large = rnn.surface(windows=windows)
    assert repr(large) == repr(small)
    for one, other in zip(large.windows, small.windows, strict=True):
        np.testing.assert_array_equal(one.cost, other.cost)
        assert (one.minimum, one.n_overflowed) == (other.minimum, other.n_overflowed)


def test_pictures_have_the_format_of_their_file(rnn: Client, tmp_path: Path) -> None:
    picture = rnn.surface(windows=[{"resolution": 5}]).plot(width=400)
    assert (picture._repr_svg_() or "").startswith("<?xml")
    assert picture._repr_png_() is None
    for suffix, start in [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")]:
        picture.save(tmp_path / f"surface.{suffix}")
        assert (tmp_path / f"surface.{suffix}").read_bytes().startswith(start)
