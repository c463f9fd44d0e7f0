"""Sequences with weights of their own, and inputs that are detected by themselves."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.verdict_cases import one_of_three, regions
from service.engine.fit import FitOptions, Result, fit

WHITE = FitOptions()
AR1 = FitOptions(noise="ar1")


def fit_regions(seed: int, options: FitOptions, n_sequences: int, **spread: float) -> Result:
    series = regions(n_sequences, 104, **spread)(np.random.default_rng([61, seed]))
    return fit(series, options)


@pytest.mark.parametrize("options", [WHITE, AR1])
@pytest.mark.parametrize("n_sequences", [2, 4])
def test_sequences_with_their_own_w_rec_are_not_called_autocorrelated(
    n_sequences: int, options: FitOptions
) -> None:
    for seed in range(2):
        result = fit_regions(seed, options, n_sequences, weights=0.2)
        assert "sequences_differ" in result.verdict.trust.reasons
        assert "neighbors" not in result.verdict.trust.reasons
        assert all("noise" not in other.options for other in result.verdict.alternatives)


@pytest.mark.parametrize(("n_sequences", "rho"), [(2, 0.0), (4, 0.6), (4, 0.9)])
def test_equal_sequences_do_not_differ(n_sequences: int, rho: float) -> None:
    for seed in range(3):
        result = fit_regions(seed, AR1, n_sequences, rho=rho)
        assert not {"sequences_differ", "neighbors"} & {*result.verdict.trust.reasons}


@pytest.mark.parametrize("seed", [16, 20])
def test_an_input_that_its_own_test_detects_is_not_denied(seed: int) -> None:
    """Two useless inputs hide its effect in the test of all three."""
    series = one_of_three(30, 0.4, 0.0)(np.random.default_rng([7, seed]))
    result = fit(series, WHITE)
    assert result.verdict.fit.effect is not None
    assert not result.verdict.fit.effect.visible
    assert result.verdict.detected_inputs == ["x_0"]
    assert result.verdict.trust.reasons == ["no_visible_effect"]
    (other,) = result.verdict.alternatives
    assert other.reason == "no_visible_effect"
    assert other.options == {"gains": {"x_1": 0.0, "x_2": 0.0}}
    advised = fit(series, replace(WHITE, **dict(other.options)))
    assert advised.verdict.fit.effect is not None
    assert advised.verdict.fit.effect.visible
    assert advised.verdict.trust.reasons == []
    ((low, high),) = advised.verdict.fit.judged.intervals
    assert low < 0.7 < high


def test_a_p_value_that_is_shown_does_not_contradict_the_verdict() -> None:
    """Without an effect, noise and inputs that persist correlate, and no test detects it."""
    for seed in range(12):
        series = one_of_three(60, 0.0, 0.9, 0.9)(np.random.default_rng([62, seed]))
        result = fit(series, WHITE)
        if result.verdict.fit.effect is None or result.verdict.fit.effect.visible:
            continue
        p_values = [each.p for each in result.verdict.fit.input_effects if each is not None]
        if not result.verdict.detected_inputs:
            assert 3.0 * min(p_values) > 0.04
