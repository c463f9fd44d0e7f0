"""The benchmarks: what they compare computes the same, and the reports show what was measured."""

import json
import sys

import numpy as np
import pytest

from benchmarks import (
    engine,
    fit_problems,
    fits,
    peer_scipy,
    report,
    surfaces,
    training,
    tutorial,
    verdict,
)
from benchmarks.harness import Contender, alternate, check_agreement, make_rows
from benchmarks.verdict_cases import ALL, autoregression, respond
from service.engine.data import count_ones
from service.engine.network import Network, cost_and_gradient
from service.engine.types import Weights

DATA = count_ones()


def test_training_takes_the_tutorials_path_to_the_last_bit() -> None:
    service_path, tutorial_path = (
        contender.run() for contender in training.make_numpy_contenders(DATA)
    )
    assert tutorial_path.shape == (501, 2)
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


def test_the_script_prints_a_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    group = "useless second input"
    monkeypatch.setattr(sys, "argv", ["verdict", "--problems", "1", group])
    verdict.main()
    header, rule, *rows = capsys.readouterr().out.strip().splitlines()
    assert header.startswith(f"| {group} | n |")
    names = [case.name for case in ALL if case.group == group]
    assert [row.split(" | ")[0] for row in rows] == [f"| {name}" for name in names]
    assert {line.count("|") for line in (header, rule, *rows)} == {header.count("|")}


def test_every_case_has_a_name_of_its_own_and_draws_the_same_again() -> None:
    assert len({(case.group, case.name) for case in ALL}) == len(ALL)
    for case in ALL:
        one, other = (case.draw(np.random.default_rng(3)) for _ in range(2))
        np.testing.assert_array_equal(one.targets, other.targets)
        assert np.isfinite(one.inputs).all()


def test_noise_is_stationary_and_correlated_as_told() -> None:
    draws = np.random.default_rng(4)
    noise = np.array([autoregression(draws, 6, 0.6) for _ in range(20_000)])
    expected = 0.6 ** np.abs(np.subtract.outer(range(6), range(6)))
    np.testing.assert_allclose(noise.T @ noise / len(noise), expected, atol=0.03)


def test_states_follow_the_recurrence() -> None:
    np.testing.assert_allclose(respond(0.5, np.array([1.0, 0.0, 2.0]), 4.0), [3.0, 1.5, 2.75])


def test_the_problems_are_fixed() -> None:
    for makers in fits.SETS.values():
        first, again = (list(fit_problems.problems(makers, 10)) for _ in range(2))
        assert {problem.kind for problem in first} == {
            m(np.random.default_rng(1)).kind for m in makers
        }
        for one, other in zip(first, again, strict=True):
            np.testing.assert_array_equal(one.targets, other.targets)
            assert np.isfinite(one.targets).sum() >= 8
            assert 0 <= one.w_rec <= 1


@pytest.mark.parametrize("w_rec", [0.3, 0.9])
def test_every_peer_finds_the_truth_without_noise(w_rec: float) -> None:
    problem = fit_problems.white_inputs(np.random.default_rng(2), 50, 0.0, "exact", w_rec)
    cost, found, _ = fits.fit_problem(problem)
    assert cost < 1e-25
    assert found == pytest.approx(w_rec, abs=1e-9)
    for name, peer in peer_scipy.PEERS.items():
        cost, found = fits.run_peer(peer, problem)
        assert cost < 1e-10, name
        assert found == pytest.approx(w_rec, abs=1e-4), name


def test_the_recurrence_of_the_peers_is_that_of_the_problems() -> None:
    inputs = np.array([[1.0, 2.0], [0.5, 0.0], [0.0, 1.0]])
    outputs = peer_scipy.predict(inputs, np.array([0.5, 2.0, 3.0, 10.0, 4.0]))
    states = [2 + 8, 5 + 1, 3 + 3]  # half of the one before, from 4, and what the inputs add
    np.testing.assert_allclose(outputs, np.array(states) + 10.0)


def test_the_service_reaches_the_lowest_cost() -> None:
    for makers in fits.SETS.values():
        result = fits.compare_set(makers, 15)
        methods = result["methods"]
        assert methods[fits.SERVICE]["worse"] == [0, 0, 0]
        assert result["excess"] < 1e-9
        assert set(methods) == {fits.SERVICE, *peer_scipy.PEERS}
        for method in methods.values():
            assert method["worse"] == sorted(method["worse"], reverse=True)
            assert method["failed"] <= method["worse"][-1]


@pytest.mark.slow
def test_the_stored_numbers_of_minima_are_those_of_the_service() -> None:
    stored = json.loads(fits.RESULTS.read_text())
    for name, makers in fits.SETS.items():
        numbers = [fits.fit_problem(problem)[2] for problem in fit_problems.problems(makers)]
        assert len(numbers) == stored[name]["n"]
        assert sum(n > 1 for n in numbers) == stored[name]["several_minima"]


def test_a_failure_is_counted() -> None:
    problem = next(fit_problems.problems(fit_problems.HARD))

    def fail(*_: object) -> fit_problems.Array:
        raise RuntimeError("no convergence")

    assert fits.run_peer(fail, problem)[0] == np.inf
