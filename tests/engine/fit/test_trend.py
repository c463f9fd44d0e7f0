"""A trend is recommended where the targets have one, and not for random walks."""

import numpy as np
import pytest

from benchmarks.verdict_cases import autoregression, make_series, respond
from service.engine.fit import FitOptions, Result, fit


def fit_with_trend(seed: int, size_of_trend: float, rho: float, **options: object) -> Result:
    """Return a fit to 80 targets; the trend is in standard deviations of the noise."""
    draws = np.random.default_rng(seed)
    inputs = draws.standard_normal(80)
    response = respond(0.8, inputs)
    size = 0.5 * np.std(response)
    errors = autoregression(draws, 80, rho) if rho < 1.0 else np.cumsum(draws.standard_normal(80))
    targets = 5.0 + response + size * errors / np.std(errors)
    targets += size_of_trend * size * np.linspace(0.0, 1.0, 80)
    return fit(make_series((inputs, targets)), FitOptions(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize("rho", [0.0, 0.6])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_trend_is_recommended_and_then_accepted(seed: int, rho: float) -> None:
    (best, *_) = fit_with_trend(seed, 12.0, rho).verdict.alternatives
    assert (best.reason, dict(best.options)) == ("trend_advised", {"trend": True})
    noise = "white" if rho == 0.0 else "ar1"
    trust = fit_with_trend(seed, 12.0, rho, trend=True, noise=noise).verdict.trust
    assert trust.reasons == []


@pytest.mark.parametrize("rho", [0.0, 0.6, 1.0])
def test_no_trend_is_recommended_without_one(rho: float) -> None:
    verdicts = [fit_with_trend(seed, 0.0, rho).verdict for seed in range(6)]
    assert not any("trend_advised" in verdict.trust.reasons for verdict in verdicts)
