"""Responses that oscillate, which two equal time constants approximate."""

from typing import Any

import numpy as np
import pytest

from benchmarks.verdict_cases import oscillating
from service.engine.data import Series
from service.engine.fit import FitOptions, fit

AT_REST: dict[str, Any] = {"initial_state": 0.0, "offset": False}


@pytest.mark.parametrize("n_states", [1, 2])
@pytest.mark.parametrize("seed", range(3))
def test_an_oscillation_is_stated_with_its_period(seed: int, n_states: int) -> None:
    series = oscillating(120, 0.88, 13.0)(np.random.default_rng([1, seed]))
    result = fit(series, FitOptions(time_constants=n_states))
    finding = result.verdict.trust.findings[0]
    assert finding.slug == "oscillates"
    assert finding.lag == pytest.approx(13, abs=2)
    assert result.verdict.alternatives == []
    assert result.verdict.trust.interval is False


@pytest.mark.parametrize(
    ("radius", "period", "options"),
    [
        pytest.param(0.8, 8.0, {}, marks=pytest.mark.slow),
        pytest.param(0.9, 8.0, AT_REST, marks=pytest.mark.slow),
        pytest.param(0.9, 20.0, {"noise": "ar1"}, marks=pytest.mark.slow),
        (0.95, 30.0, {"noise": "independent"}),
    ],
)
def test_periods(radius: float, period: float, options: dict[str, Any]) -> None:
    series = oscillating(200, radius, period)(np.random.default_rng(3))
    finding = fit(series, FitOptions(time_constants=2, **options)).verdict.trust.findings[0]
    assert finding.slug == "oscillates"
    assert finding.lag == pytest.approx(period, rel=0.15)


@pytest.mark.slow
def test_sequences_with_starts_of_their_own_oscillate() -> None:
    draws = np.random.default_rng(4)
    parts = [oscillating(60, 0.9, 12.0)(draws) for _ in range(4)]
    inputs = [part.inputs for part in parts]
    targets = [part.targets for part in parts]
    result = fit(Series.from_sequences(inputs, targets, ("x",)), FitOptions(time_constants=2))
    assert result.verdict.trust.findings[0].slug == "oscillates"
    assert result.verdict.trust.findings[0].lag == pytest.approx(12, abs=2)


@pytest.mark.parametrize("seed", range(3))
def test_two_equal_time_constants_do_not_oscillate(seed: int) -> None:
    series = oscillating(120, 0.8, 0.0)(np.random.default_rng([2, seed]))
    assert fit(series, FitOptions(time_constants=2)).verdict.trust.reasons == []


@pytest.mark.parametrize(
    "n_steps", [pytest.param(n, marks=[pytest.mark.slow] * (n != 8)) for n in (7, 8, 9, 12)]
)
def test_exact_and_few_targets_do_not_oscillate(n_steps: int) -> None:
    series = oscillating(n_steps, 0.8, 0.0)(np.random.default_rng(5))
    result = fit(series, FitOptions(time_constants=2, **AT_REST))
    assert "oscillates" not in result.verdict.trust.reasons
    draws = np.random.default_rng(6)
    x = draws.normal(size=40)
    y = np.zeros(42)
    for k in range(40):
        y[k + 2] = 1.6 * y[k + 1] - 0.64 * y[k] + x[k]
    exact = Series.from_sequences([x[:, None]], [y[2:]], ("x",))
    assert "oscillates" not in fit(exact, FitOptions(time_constants=2)).verdict.trust.reasons
