"""Errors whose variance depends on the fitted values: detection, remedy and intervals."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.verdict_cases import make_series, multiplicative, respond
from service.engine.data import Series
from service.engine.fit import FitOptions, fit
from service.engine.types import Array
from tests.engine.fit.conftest import simulate
from tests.engine.fit.test_verdict import draw

FREE = FitOptions(variance="free")


def proportional(seed: int) -> Series:
    return multiplicative(0.3)(np.random.default_rng(seed))


def test_free_variance_is_the_remedy_of_errors_that_grow() -> None:
    series = proportional(5)
    result = fit(series, FitOptions())
    assert result.verdict.trust.reasons == ["spread"]
    (other,) = result.verdict.alternatives
    assert other.options == {"variance": "free"}
    better = fit(series, FREE)
    assert better.verdict.trust.interval
    assert "spread" in better.verdict.trust.cautions
    assert other.solution.intervals == better.solution.intervals
    assert np.ptp(better.solution.intervals) > np.ptp(result.solution.intervals)


def test_errors_that_grow_may_be_hidden_by_a_wrong_delay() -> None:
    draws = np.random.default_rng(9)
    x = np.exp(1.2 * draws.normal(size=120))
    response = respond(0.8, np.concatenate([np.zeros(3), x[:-3]]))
    series = make_series((x, response * np.exp(0.3 * draws.normal(size=120))))
    result = fit(series, FitOptions())
    assert "spread" not in result.verdict.trust.reasons
    assert [other.options for other in result.verdict.alternatives] == [{"delay": (3, 3)}]
    assert "spread" in fit(series, FitOptions(delay=(3, 3))).verdict.trust.reasons


def test_equal_variances_are_not_called_unequal() -> None:
    for seed in range(4):
        assert "spread" not in fit(draw(seed), FREE).verdict.trust.cautions


def find_covariances(series: Series, parameters: Array) -> tuple[Array, Array]:
    """Return the covariances of (w_rec, w_in, S_0, offset): HC3, and with equal variances."""

    def predict(at: Array) -> Array:
        return simulate(series.inputs, at[0], [at[1]], at[2], at[3])

    steps = 1e-6 * np.eye(len(parameters))
    slopes = [(predict(parameters + h) - predict(parameters - h)) / 2e-6 for h in steps]
    columns = np.column_stack(slopes)
    inverse = np.linalg.inv(columns.T @ columns)
    residuals = series.targets - predict(parameters)
    leverages = np.sum((columns @ inverse) * columns, axis=1)
    weighted = columns * (residuals / (1.0 - leverages))[:, None]
    variance = residuals @ residuals / (len(residuals) - len(parameters))
    return inverse @ weighted.T @ weighted @ inverse, variance * inverse


def test_intervals_are_widened_by_the_ratio_of_standard_errors() -> None:
    """An oracle: the HC3 covariance of an ordinary nonlinear regression."""
    series = draw(3, n_steps=400)
    plain = fit(series, FitOptions())
    free = fit(series, FREE)
    values = free.parameters
    assert values.offset is not None
    assert values.initial_states is not None
    w_rec = free.solution.w_rec
    w_in = values.w_in[0, 0]
    parameters = np.array([w_rec, w_in, values.initial_states[0, 0], values.offset[0]])
    robust, equal = find_covariances(series, parameters)
    assert free.solution.variance_ratio == pytest.approx(robust[0, 0] / equal[0, 0], rel=1e-4)
    assert free.solution.standard_error == pytest.approx(np.sqrt(robust[0, 0]), rel=1e-4)
    gain = np.array([w_in / (1.0 - w_rec) ** 2, 1.0 / (1.0 - w_rec), 0.0, 0.0])
    rows = {
        "w_in": (np.eye(4)[1], values.w_in, plain.parameters.w_in),
        "gain": (gain, values.steady_state_gains, plain.parameters.steady_state_gains),
        "offset": (np.eye(4)[3], values.offset[None], np.array([plain.parameters.offset])),
    }
    for name, (slope, wide, narrow) in rows.items():
        expected = np.sqrt(slope @ robust @ slope / (slope @ equal @ slope))
        found = np.diff(wide[0, 1:])[0] / np.diff(narrow[0, 1:])[0]
        assert found == pytest.approx(expected, rel=0.01), name


def test_new_observations_have_the_noise_of_the_fit() -> None:
    """Only the band of the mean depends on the ratio."""
    from service.engine.fit import predict  # noqa: PLC0415

    series = draw(3, n_steps=400)
    widths = []
    for options in (FitOptions(), FREE, replace(FREE, noise="ar1")):
        (bands,) = predict(fit(series, options).solution, [np.ones((5, 1))], sequence=0)
        widths.append(np.mean(bands.new_high - bands.new_low))
    assert widths[1:] == pytest.approx(widths[:1] * 2, rel=0.02)
