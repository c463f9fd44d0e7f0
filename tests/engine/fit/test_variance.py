"""Errors whose variance depends on the fitted values: detection, remedy and intervals."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import t

from benchmarks.verdict_cases import make_series, multiplicative, respond
from service.engine.data import Series
from service.engine.fit import FitOptions, fit
from service.engine.types import Array
from tests.engine.fit.conftest import simulate
from tests.engine.fit.test_noise import make_noise
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


def find_ratio(series: Series, parameters: Array, slope: Array) -> float:
    """Return the ratio of variances of a quantity with a slope in (w_rec, w_in, S_0, offset).

    The largest of that by HC3, that by eight cosines, and 1, in terms of the squared quantile.
    """

    def predict(at: Array) -> Array:
        return simulate(series.inputs, at[0], [at[1]], at[2], at[3])

    steps = 1e-6 * np.eye(len(parameters))
    slopes = [(predict(parameters + h) - predict(parameters - h)) / 2e-6 for h in steps]
    columns = np.column_stack(slopes)
    n, m = columns.shape
    residuals = series.targets - predict(parameters)
    influence = columns @ np.linalg.inv(columns.T @ columns)
    leverages = np.sum(columns * influence, axis=1)
    products = (influence @ slope) * residuals / (1.0 - leverages)
    equal = np.sum((influence @ slope) ** 2) * (residuals @ residuals) / (n - m)
    hc3 = float(np.sum(products**2) / equal)
    cosines = [np.cos(np.pi * b * (np.arange(n) + 0.5) / n) for b in range(1, 9)]
    correlated = np.mean([2.0 * float(products @ each) ** 2 for each in cosines]) / equal
    quantiles = float(t.ppf(0.975, 8)) / float(t.ppf(0.975, n - m))
    return max(1.0, hc3, float(correlated) * quantiles**2)


@pytest.mark.parametrize("rho", [0.0, 0.8])
def test_intervals_are_widened_by_robust_standard_errors(rho: float) -> None:
    """An oracle: robust covariances of an ordinary nonlinear regression."""
    series = draw(3, n_steps=400, rho=rho)
    plain = fit(series, FitOptions())
    free = fit(series, FREE)
    values = free.parameters
    assert values.offset is not None
    assert values.initial_states is not None
    w_rec = free.solution.w_rec
    w_in = values.w_in[0, 0]
    parameters = np.array([w_rec, w_in, values.initial_states[0, 0], values.offset[0]])
    ratio = find_ratio(series, parameters, np.eye(4)[0])
    assert ratio > 1.05
    assert free.solution.variance_ratio == pytest.approx(ratio, rel=1e-4)
    expected = plain.solution.standard_error * np.sqrt(ratio)
    assert free.solution.standard_error == pytest.approx(expected, rel=1e-4)
    gain = np.array([w_in / (1.0 - w_rec) ** 2, 1.0 / (1.0 - w_rec), 0.0, 0.0])
    rows = {
        "w_in": (np.eye(4)[1], values.w_in, plain.parameters.w_in),
        "gain": (gain, values.steady_state_gains, plain.parameters.steady_state_gains),
        "offset": (np.eye(4)[3], values.offset[None], np.array([plain.parameters.offset])),
    }
    for name, (slope, wide, narrow) in rows.items():
        wanted = np.sqrt(find_ratio(series, parameters, slope))
        found = np.diff(wide[0, 1:])[0] / np.diff(narrow[0, 1:])[0]
        assert found == pytest.approx(wanted, rel=0.01), name


@pytest.mark.parametrize("n_sequences", [1, 3])
def test_a_first_target_that_a_start_absorbs_counts_for_nothing(n_sequences: int) -> None:
    """With ar1 noise, a first target has nearly no residual, which HC3 divides by its rest."""
    rng = np.random.default_rng(8)
    inputs = [rng.standard_normal((60, 1)) for _ in range(n_sequences)]
    targets = [respond(0.8, x[:, 0]) + make_noise(rng, 60, 0.8) for x in inputs]
    series = Series.from_sequences(inputs, targets, ("x",))
    solution = fit(series, replace(FREE, noise="ar1")).solution
    near = solution.linearization
    rest = near.observed[:, 0] / near.studentized
    assert np.all(rest[::60] ** 2 < 0.5)
    changed = replace(near)
    changed.__dict__["observed"] = near.observed.copy()
    changed.observed[::60] += 100.0
    assert changed.find_ratios(near.pole_factors) == pytest.approx(
        near.find_ratios(near.pole_factors), rel=1e-12
    )


def test_new_observations_have_the_noise_of_the_fit() -> None:
    """Only the band of the mean depends on the ratio."""
    from service.engine.fit import predict  # noqa: PLC0415

    series = draw(3, n_steps=400)
    widths = []
    for options in (FitOptions(), FREE, replace(FREE, noise="ar1")):
        (bands,) = predict(fit(series, options).solution, [np.ones((5, 1))], sequence=0)
        widths.append(np.mean(bands.new_high - bands.new_low))
    assert widths[1:] == pytest.approx(widths[:1] * 2, rel=0.02)


def second_order(seed: int, *weights: float) -> Series:
    """Return a series whose errors are a second-order autoregression, with a slow input."""
    rng = np.random.default_rng([6, seed])
    x = lfilter([1.0], [1.0, -0.9], rng.standard_normal(300))[100:]
    errors = lfilter([1.0], [1.0, *weights], rng.standard_normal(400))[200:]
    response = simulate(x[:, None], 0.8, [1.0])
    return make_series((x, response + 0.5 * np.std(response) / np.std(errors) * errors))


@pytest.mark.parametrize(
    ("series", "reasons"),
    [
        (second_order(9, -0.5, -0.3), {"season"}),
        (second_order(1, -1.1, 0.4), {"neighbors"}),
        (second_order(2, -1.1, 0.4), {"season", "neighbors"}),
    ],
    ids=["season", "neighbors", "both"],
)
def test_correlations_that_ar1_noise_leaves_are_cautions_with_robust_intervals(
    series: Series, reasons: set[str]
) -> None:
    result = fit(series, FitOptions(noise="ar1"))
    assert {*result.verdict.trust.reasons} == reasons
    (other,) = result.verdict.alternatives
    assert other.options == {"variance": "free"}
    wide = fit(series, replace(FREE, noise="ar1"))
    assert wide.verdict.trust.reasons == []
    assert reasons <= {*wide.verdict.trust.cautions}
    ((low, high),) = wide.solution.intervals
    assert low < 0.8 < high
    assert high - low >= float(np.ptp(result.solution.intervals))
