"""The peers of fits reach what they should, and the problems are fixed."""

import json

import numpy as np
import pytest

from benchmarks import fit_problems, fits, peer_scipy


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
