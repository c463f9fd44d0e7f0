"""What `make bench-quick` compares computes the same."""

import numpy as np
import pytest

from benchmarks import landscape, note, ours, training
from benchmarks.harness import Contender, agree, alternate, rows
from service.engine.data.count_ones import count_ones
from service.engine.network.backward import cost_and_gradient
from service.engine.network.forward import Network
from service.engine.types import Weights

DATA = count_ones()


def test_the_note_ends_where_the_note_says() -> None:
    path = note.train(*DATA)
    assert path.shape == (501, 2)
    np.testing.assert_array_equal(path[-1], [1.001355547207059, 0.9996744737846419])


def test_training_takes_the_note_s_path_to_the_last_bit() -> None:
    ours_path, notes_path = (each.run() for each in training.note_only(DATA))
    np.testing.assert_array_equal(ours_path, notes_path)
    np.testing.assert_array_equal(ours.whole_run(*DATA), notes_path)


def test_the_note_s_gradient_is_the_engine_s() -> None:
    _, expected = cost_and_gradient(*DATA, Weights(0.7, -1.1), Network())
    np.testing.assert_allclose(note.gradient(*DATA, 0.7, -1.1), expected, rtol=1e-13)


@pytest.mark.parametrize("axis", landscape.AXES, ids=["wide", "narrow"])
def test_surfaces_agree(axis: ours.Array) -> None:
    axis = axis[::9]
    expected = note.surface(*DATA, axis, axis)
    surface = ours.surface(ours.prepared(*DATA), axis, axis)
    np.testing.assert_allclose(surface, expected, rtol=1e-9)
    np.testing.assert_allclose(landscape.directly(*DATA, axis), expected, rtol=1e-11)
    np.testing.assert_allclose(landscape.by_rows(*DATA, axis), expected, rtol=1e-11)


def test_a_map_ends_where_single_runs_end() -> None:
    axis = np.array([-1.5, 0.5, 2.0])
    weights = ours.basins(ours.prepared(*DATA), axis, axis)
    np.testing.assert_array_equal(weights[:, 2, 0], note.train(*DATA)[-1])


def test_contenders_that_disagree_are_no_row() -> None:
    with pytest.raises(AssertionError, match="wrong against right"):
        agree({"right": np.ones(2), "wrong": np.array([1.0, 1.1])}, 1e-6)
    pair = [Contender("right", lambda: 1.0), Contender("wrong", lambda: 2.0)]
    with pytest.raises(AssertionError, match="wrong against right"):
        alternate(pair, rtol=1e-6)


def test_of_variants_the_quickest_is_the_peer() -> None:
    contenders = [
        Contender("ours", float),
        Contender("peer, slow", float, at_most=0.5),
        Contender("peer, quick", float, at_most=0.5),
        Contender("other", float),
    ]
    seconds = {"ours": 1.0, "peer, slow": 9.0, "peer, quick": 1.5, "other": 4.0}
    first, second = rows("work", contenders, seconds, "a note")
    assert (first.peer, first.notes, second.peer, second.notes) == (
        *("peer, quick", "a note"),
        *("other", ""),
    )
    assert first.reached is False
    assert second.reached is None
    assert second.ratio == 0.25
    assert first.variants == {"peer, slow": 9.0, "peer, quick": 1.5}
