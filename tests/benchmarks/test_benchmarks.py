"""What `make bench-quick` compares computes the same, and the report shows what was measured."""

import numpy as np
import pytest

from benchmarks import engine, report, surfaces, training, tutorial
from benchmarks.harness import Contender, alternate, check_agreement, make_rows
from service.engine.data import count_ones
from service.engine.network import Network, cost_and_gradient
from service.engine.types import Weights

DATA = count_ones()


def test_the_tutorials_loop_ends_where_the_tutorial_ends() -> None:
    path = tutorial.train(*DATA)
    assert path.shape == (501, 2)
    np.testing.assert_array_equal(path[-1], [1.001355547207059, 0.9996744737846419])


def test_training_takes_the_tutorials_path_to_the_last_bit() -> None:
    service_path, tutorial_path = (
        contender.run() for contender in training.make_numpy_contenders(DATA)
    )
    np.testing.assert_array_equal(service_path, tutorial_path)
    np.testing.assert_array_equal(engine.complete_run(*DATA), tutorial_path)


def test_the_tutorials_gradient_equals_the_engines() -> None:
    _, expected = cost_and_gradient(*DATA, Weights(0.7, -1.1), Network())
    np.testing.assert_allclose(tutorial.gradient(*DATA, 0.7, -1.1), expected, rtol=1e-13)


@pytest.mark.parametrize("axis", surfaces.AXES, ids=["wide", "narrow"])
def test_surfaces_agree(axis: engine.Array) -> None:
    axis = axis[::9]
    expected = tutorial.surface(*DATA, axis, axis)
    surface = engine.surface(engine.prepare(*DATA), axis, axis)
    np.testing.assert_allclose(surface, expected, rtol=1e-9)
    np.testing.assert_allclose(surfaces.evaluate_points(*DATA, axis), expected, rtol=1e-11)
    np.testing.assert_allclose(surfaces.evaluate_rows(*DATA, axis), expected, rtol=1e-11)


def test_a_basin_map_ends_where_single_runs_end() -> None:
    axis = np.array([-1.5, 0.5, 2.0])
    weights = engine.basins(engine.prepare(*DATA), axis, axis)
    np.testing.assert_array_equal(weights[:, 2, 0], tutorial.train(*DATA)[-1])


def test_contenders_that_disagree_are_refused() -> None:
    with pytest.raises(AssertionError, match="wrong against right"):
        check_agreement({"right": np.ones(2), "wrong": np.array([1.0, 1.1])}, 1e-6)
    pair = [Contender("right", lambda: 1.0), Contender("wrong", lambda: 2.0)]
    with pytest.raises(AssertionError, match="wrong against right"):
        alternate(pair, rtol=1e-6)


def test_a_row_compares_with_the_fastest_variant() -> None:
    contenders = [
        Contender("this service", float),
        Contender("peer, slow", float, goal=0.5),
        Contender("peer, fast", float, goal=0.5),
        Contender("other", float),
    ]
    seconds = {"this service": 1.0, "peer, slow": 9.0, "peer, fast": 1.5, "other": 4.0}
    first, second = make_rows("task", contenders, seconds, "a remark")
    assert (first.peer, first.notes) == ("peer, fast", "a remark")
    assert (second.peer, second.notes) == ("other", "")
    assert first.is_met is False
    assert second.is_met is None
    assert second.ratio == 0.25
    assert first.variants == {"peer, slow": 9.0, "peer, fast": 1.5}


def test_the_report_shows_the_stored_results() -> None:
    assert report.REPORT.read_text(encoding="utf-8") == report.format_report(
        *report.load_results()
    ), "run: python -m benchmarks --report"


def test_the_summary_includes_a_loss() -> None:
    _, rows = report.load_results()
    summary = report.format_summary(rows)
    assert summary.count("\n") == 2 + len(report.SUMMARY)
    assert "times faster" in summary
    assert "times slower" in summary


def test_a_ratio_in_words() -> None:
    texts = [report.format_speed(ratio) for ratio in (1 / 52.2, 1 / 5177, 3.73)]
    assert texts == ["52 times faster", "5,177 times faster", "3.7 times slower"]
