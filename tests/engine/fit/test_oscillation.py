"""Responses that oscillate, which two equal time constants approximate."""

import numpy as np
import pytest
from scipy.signal import lfilter

from benchmarks.verdict_cases import oscillating
from service.engine.data import Series
from service.engine.fit import FitOptions, FitProblem, fit
from service.engine.fit.design import respond_at_targets
from service.engine.fit.oscillation import find_oscillation


def test_complex_poles_have_the_columns_of_a_recurrence_of_second_order() -> None:
    draws = np.random.default_rng(1)
    x = draws.normal(size=50)
    y = draws.normal(size=50)
    options = FitOptions(time_constants=2, initial_state=0.0, offset=False)
    problem = FitProblem(Series.from_sequences([x[:, None]], [y], ("x",)), options)
    pole = 0.9 * np.exp(0.4j)
    places = np.array([[pole, pole.conjugate()]])
    rows = respond_at_targets(problem, places, problem.sequences)[0]
    response = lfilter([1.0], [1.0, -2.0 * pole.real, abs(pole) ** 2], x)
    later = np.concatenate([[0.0], response[:-1]])
    expected = np.column_stack([response, later])
    columns = rows.real[:, :2]
    weights, _, rank, _ = np.linalg.lstsq(columns, expected, rcond=None)
    assert rank == 2
    np.testing.assert_allclose(columns @ weights, expected, atol=1e-12)


@pytest.mark.parametrize("n_states", [1, 2])
@pytest.mark.parametrize("seed", range(3))
def test_an_oscillation_is_stated_with_its_period(seed: int, n_states: int) -> None:
    series = oscillating(120, 0.88, 13.0)(np.random.default_rng([1, seed]))
    result = fit(series, FitOptions(time_constants=n_states))
    finding = result.trust.findings[0]
    assert finding.slug == "oscillates"
    assert finding.lag == pytest.approx(13, abs=2)
    assert finding.value > 30.0
    assert result.alternatives == []
    assert result.trust.interval is False


@pytest.mark.parametrize("seed", range(3))
def test_two_equal_time_constants_do_not_oscillate(seed: int) -> None:
    series = oscillating(120, 0.8, 0.0)(np.random.default_rng([2, seed]))
    result = fit(series, FitOptions(time_constants=2))
    assert find_oscillation(result.colored) is None
    assert result.trust.reasons == []
