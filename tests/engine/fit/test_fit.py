"""Known answers, symmetries, and data that determine little."""

import gc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import norm

from service.engine.data import Dataset, Series, count_ones, remember
from service.engine.fit import Effect, FitOptions, Result, Solution, fit, list_stages
from tests.conftest import read_golden
from tests.engine.fit.conftest import simulate


def make_series(
    w_rec: float = 0.8, noise: float = 0.5, n_steps: int = 60, seed: int = 1, n_inputs: int = 1
) -> Series:
    """Return one sequence with an initial state of 4, weights of 1.5 and an offset of 10."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_steps, n_inputs))
    y = simulate(x, w_rec, [1.5] * n_inputs, 4.0, 10.0) + noise * rng.standard_normal(n_steps)
    return Series.from_sequences((x,), (y,), tuple(f"x{i}" for i in range(n_inputs)))


def without(series: Series, places: NDArray[np.int64]) -> Series:
    """Return the series with missing targets."""
    targets = series.targets.copy()
    targets[places] = np.nan
    return Series.from_sequences((series.inputs,), (targets,), series.input_names)


# Known answers.


def test_count_ones_gives_the_weights_of_the_tutorial() -> None:
    series = Series.from_dataset(Dataset.from_arrays(*count_ones()))
    result = fit(series, FitOptions(initial_state=0.0, offset=False))
    assert result.solution.w_rec == pytest.approx(1.0, abs=1e-9)
    assert result.parameters.w_in[0, 0] == pytest.approx(1.0, abs=1e-9)
    assert result.solution.cost == 0.0
    assert result.solution.n_targets == 20
    assert result.solution.is_unique
    assert result.solution.at_limit


@pytest.mark.parametrize("w_rec", [-0.9, 0.0, 0.3, 0.95, 0.9999, 1.0, 1.05])
def test_data_without_noise_give_the_true_parameters(w_rec: float) -> None:
    series = make_series(w_rec, noise=0.0, n_inputs=2)
    result = fit(series, FitOptions(w_rec=(-1.2, 1.2)))
    assert result.solution.w_rec == pytest.approx(w_rec, abs=1e-9)
    assert result.solution.cost <= 1e-24
    np.testing.assert_allclose(result.parameters.w_in[:, 0], 1.5, rtol=1e-8)
    assert result.parameters.offset is not None
    assert result.parameters.initial_states is not None
    if w_rec != 1.0:  # where the offset is the slope of a line instead
        assert result.parameters.offset[0] == pytest.approx(10.0, rel=1e-5)
        if w_rec != 0.0:  # where the initial state has no effect
            assert result.parameters.initial_states[0, 0] == pytest.approx(4.0, rel=1e-5)
    if abs(w_rec) < 1.0:
        gain = 1.5 / (1.0 - w_rec)
        np.testing.assert_allclose(result.parameters.steady_state_gains[:, 0], gain, rtol=1e-5)
    else:
        assert np.isnan(result.parameters.steady_state_gains[:, 0]).all()


def test_a_delay_is_found() -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((80, 1))
    delayed = np.concatenate([np.zeros((4, 1)), x[:-4]])
    y = simulate(delayed, 0.7, [2.0], 0.0, 1.0) + 0.1 * rng.standard_normal(80)
    result = fit(Series.from_sequences((x,), (y,)), FitOptions(delay=(0, 6)))
    assert result.problem.delay == 4
    costs = [each.cost for each in result.delays]
    assert [each.delay for each in result.delays] == list(range(7))
    assert min(costs) == costs[4] == result.solution.cost
    assert result.solution.n_targets == 80 - 6
    assert result.table["step"][0] == 7.0  # the first six steps are left out
    # The cost of each delay is that of a fit with it, of the same targets.
    y[:6] = np.nan
    alone = fit(Series.from_sequences((x,), (y,)), FitOptions(delay=(4, 4)))
    assert alone.solution.w_rec == pytest.approx(0.7, abs=0.05)


def test_the_fit_with_the_best_delay_is_the_only_one_that_stays_in_memory() -> None:
    """Each holds several copies of its data: 50 delays of a million targets would not fit."""

    def count_fits() -> None:
        counts.append(sum(type(each) is Solution for each in gc.get_objects()))

    counts = list[int]()
    gc.collect()
    count_fits()
    fit(make_series(), FitOptions(delay=(0, 8)), count_fits)
    before, *after = counts
    assert len(after) == 9
    assert max(after) <= before + 2  # the best one, and the latest


@pytest.mark.parametrize("has_verdict", [True, False])
def test_the_stages_of_a_result_are_counted(has_verdict: bool) -> None:
    result = fit(make_series(), FitOptions())
    n_stages = len(list(result.compute(has_verdict=has_verdict)))
    assert n_stages == len(list_stages(has_verdict=has_verdict))
    assert ("structure" in vars(result.verdict.fit)) == has_verdict  # the search that takes longest


def test_the_profile_around_a_narrow_interval_is_smooth() -> None:
    result = fit(make_series(noise=0.05, n_steps=400), FitOptions())
    ((low, high),) = result.solution.intervals
    assert high - low < 0.01
    w_rec, cost, _ = result.profile_table
    shown = (w_rec > low - 2.0 * (high - low)) & (w_rec < high + 2.0 * (high - low))
    assert np.diff(w_rec[shown]).max() < 0.2 * (high - low)
    assert (np.diff(w_rec) > 0.0).all()
    assert cost[shown].min() == cost.min()


def test_weekly_sales_with_a_baseline_need_an_offset() -> None:
    rng = np.random.default_rng(11)
    spend = np.where(rng.random(104) < 0.4, rng.uniform(5, 20, 104), 0.0)[:, None]
    sales = simulate(spend, 0.6, [2.0], 0.0, 100.0) + rng.standard_normal(104)
    series = Series.from_sequences((spend,), (sales,), ("spend",), "sales")
    result = fit(series, FitOptions())
    assert result.solution.w_rec == pytest.approx(0.6, abs=0.01)
    assert result.parameters.offset is not None
    assert abs(result.parameters.offset[0] - 100.0) < 1.0
    assert result.verdict.trust.interval
    without_offset = fit(series, FitOptions(offset=False))
    assert not without_offset.verdict.trust.interval
    assert "offset_advised" in without_offset.verdict.trust.reasons
    alternative = without_offset.verdict.alternatives[0]
    assert (alternative.reason, alternative.options) == ("offset_advised", {"offset": True})
    assert alternative.solution.w_rec == pytest.approx(result.solution.w_rec, rel=1e-9)


def test_sales_with_a_leading_indicator() -> None:
    """Numbers of the data: a sum of squares of 9.00 at a delay of 3, far more at all others."""
    golden = read_golden("box_jenkins_sales.json")
    indicator, sales = np.diff(golden["leading_indicator"]), np.diff(golden["sales"])
    result = fit(Series.from_sequences((indicator[:, None],), (sales,)), FitOptions(delay=(0, 6)))
    sums = np.array([each.cost for each in result.delays]) * result.solution.n_targets
    assert result.problem.delay == 3
    assert sums[3] == pytest.approx(9.00, abs=0.005)
    assert np.delete(sums, 3).min() > 225.0
    (interval,) = result.solution.intervals
    assert [result.solution.w_rec, *interval] == pytest.approx([0.726, 0.711, 0.740], abs=5e-4)
    assert result.parameters.w_in[0] == pytest.approx([4.69, 4.54, 4.84], abs=5e-3)
    assert result.verdict.fit.residuals.autocorrelation == pytest.approx(-0.43, abs=5e-3)
    # Residuals that alternate make the interval too wide at most.
    assert result.verdict.trust.interval
    assert result.verdict.trust.cautions == ["alternate"]


def test_residual_tests_agree_with_their_definitions() -> None:
    result = fit(make_series(n_steps=100), FitOptions())
    e = result.table["residual"]
    r = [float(np.sum(e[lag:] * e[:-lag]) / np.sum(e * e)) for lag in range(1, 11)]
    n = len(e)
    q = sum(n * (n + 2) * (x * n / (n - lag)) ** 2 * (n - lag) / n**2 for lag, x in enumerate(r, 1))
    assert result.verdict.fit.residuals.autocorrelation == pytest.approx(r[0] * n / (n - 1))
    durbin_watson = np.sum(np.diff(e) ** 2) / np.sum(e * e)
    assert result.verdict.fit.residuals.durbin_watson == pytest.approx(durbin_watson)
    rng = np.random.default_rng(0)
    chi_square = np.sum(rng.standard_normal((100_000, 10)) ** 2, axis=1)
    assert result.verdict.fit.residuals.ljung_box_p == pytest.approx(
        np.mean(chi_square > q), abs=0.01
    )
    y = result.table["target"]
    r_squared = 1.0 - np.sum(e * e) / np.sum((y - y.mean()) ** 2)
    assert result.solution.r_squared == pytest.approx(r_squared)
    assert result.solution.cost == pytest.approx(np.mean(e * e))
    likelihood = np.sum(norm.logpdf(e, scale=np.sqrt(result.solution.cost)))
    # Five unknowns: w_rec, w_in, offset, initial state, and the variance of the noise.
    assert result.solution.aic == pytest.approx(-2 * likelihood + 2 * 5)
    assert result.solution.bic == pytest.approx(-2 * likelihood + np.log(n) * 5)
    assert result.solution.innovation_sd == pytest.approx(np.sqrt(np.sum(e * e) / (n - 4)))


# Symmetries.


def check_same(result: Result, other: Result, rtol: float = 1e-6) -> None:
    assert other.solution.w_rec == pytest.approx(result.solution.w_rec, rel=rtol)
    np.testing.assert_allclose(other.solution.intervals, result.solution.intervals, rtol=rtol)
    assert other.solution.standard_error == pytest.approx(result.solution.standard_error, rel=1e-4)
    assert other.verdict.trust.reasons == result.verdict.trust.reasons


@settings(max_examples=20)
@given(
    input_exponent=st.floats(-95, 95),
    target_exponent=st.floats(-95, 95),
    shift=st.floats(-100, 100),
)
def test_units_change_nothing_but_units(
    input_exponent: float, target_exponent: float, shift: float
) -> None:
    series = make_series(n_steps=30)
    input_unit, target_unit = 10.0**input_exponent, 10.0**target_exponent
    scaled = Series.from_sequences(
        (series.inputs * input_unit,), ((series.targets + shift) * target_unit,)
    )
    result, other = fit(series, FitOptions()), fit(scaled, FitOptions())
    check_same(result, other)
    assert np.sqrt(other.solution.cost) == pytest.approx(
        np.sqrt(result.solution.cost) * target_unit, rel=1e-6
    )
    np.testing.assert_allclose(
        other.parameters.w_in, result.parameters.w_in * (target_unit / input_unit), rtol=1e-4
    )
    assert result.parameters.offset is not None
    np.testing.assert_allclose(
        other.parameters.offset,  # type: ignore[arg-type]
        (result.parameters.offset + shift) * target_unit,
        rtol=1e-4,
        atol=1e-4 * target_unit,
    )


@pytest.mark.parametrize("initial_state", ["each", "shared", 0.0])
def test_the_order_of_sequences_does_not_matter(initial_state: Any) -> None:
    rng = np.random.default_rng(4)
    inputs = tuple(rng.standard_normal((n, 1)) for n in (20, 7, 12, 30))
    targets = tuple(
        simulate(x, 0.8, [1.0], 1.0) + 0.3 * rng.standard_normal(len(x)) for x in inputs
    )
    options = FitOptions(initial_state=initial_state)
    result = fit(Series.from_sequences(inputs, targets), options)
    other = fit(Series.from_sequences(inputs[::-1], targets[::-1]), options)
    check_same(result, other)
    if result.parameters.initial_states is not None and other.parameters.initial_states is not None:
        np.testing.assert_allclose(
            other.parameters.initial_states[::-1], result.parameters.initial_states, rtol=1e-6
        )


def test_a_sequence_without_targets_counts_for_nothing() -> None:
    series = make_series()
    blank = np.full(60, np.nan)
    both = Series.from_sequences((series.inputs, series.inputs), (blank, series.targets))
    result, other = fit(series, FitOptions()), fit(both, FitOptions())
    check_same(result, other)
    assert other.parameters.initial_states is not None
    assert np.isnan(other.parameters.initial_states[0]).all()
    assert set(other.table["sequence"]) == {1.0}


@pytest.mark.parametrize("noise", ["white", "ar1"])
def test_a_sequence_without_targets_beside_several_others_does_not_change_the_verdict(
    noise: Any,
) -> None:
    each = [make_series(seed=seed) for seed in range(3)]
    inputs, targets = [one.inputs for one in each], [one.targets for one in each]
    options = FitOptions(noise=noise)
    result = fit(Series.from_sequences(inputs, targets), options)
    blank = np.full(60, np.nan)
    both = Series.from_sequences((inputs[0], *inputs), (blank, *targets))
    other = fit(both, options)
    check_same(result, other)
    assert other.verdict.trust.cautions == result.verdict.trust.cautions
    assert other.verdict.fit.effect == result.verdict.fit.effect
    assert other.verdict.fit.residuals == pytest.approx(result.verdict.fit.residuals, rel=1e-9)


# Data that determine little.


def test_too_few_targets_are_refused() -> None:
    series = without(make_series(n_steps=10), np.arange(3, 10))
    with pytest.raises(ValueError, match="3 targets, 4 unknowns"):
        fit(series, FitOptions())


def test_as_many_targets_as_unknowns_are_fitted_without_an_interval() -> None:
    result = fit(without(make_series(n_steps=10), np.arange(4, 10)), FitOptions())
    assert result.solution.degrees_of_freedom == 0
    assert result.solution.standard_error == np.inf
    assert result.solution.intervals == [(0.0, 1.0)]
    assert not result.solution.is_identifiable
    assert result.verdict.trust.reasons == ["no_degrees_of_freedom"]
    assert result.verdict.trust.cautious is None


@pytest.mark.parametrize("inputs", ["constant", "zero"])
def test_constant_inputs_are_fitted(inputs: str) -> None:
    rng = np.random.default_rng(2)
    x = np.full((50, 1), 3.0 if inputs == "constant" else 0.0)
    y = simulate(x, 0.9, [1.0], 40.0, 1.0) + 0.01 * rng.standard_normal(50)
    result = fit(Series.from_sequences((x,), (y,)), FitOptions())
    # The decay of the initial state determines w_rec; input and offset cannot be told apart.
    assert result.solution.w_rec == pytest.approx(0.9, abs=0.01)
    assert np.isinf(result.parameters.w_in[0, 1:]).all()
    assert result.solution.degrees_of_freedom == 50 - 3
    assert result.verdict.trust.interval
    assert result.verdict.trust.cautions == ["confounded_with_start", "nearly_collinear"]
    assert result.verdict.fit.effect is None


def test_a_wide_range_of_w_rec_has_the_same_degrees_of_freedom() -> None:
    # With a w_rec of 50, the responses to an input and to the start are numerically the same.
    series = make_series(n_steps=60)
    result, wide = (fit(series, FitOptions(w_rec=(0.0, high))) for high in (1.0, 100.0))
    assert wide.solution.w_rec == pytest.approx(result.solution.w_rec)
    assert wide.solution.degrees_of_freedom == result.solution.degrees_of_freedom
    assert wide.solution.intervals == [pytest.approx(result.solution.intervals[0], rel=1e-6)]


def test_collinear_inputs_count_once() -> None:
    series = make_series(n_inputs=1)
    x = series.inputs
    doubled = Series.from_sequences(
        (np.concatenate([x, -2.0 * x], axis=1),), (series.targets,), ("a", "b")
    )
    result, other = fit(series, FitOptions()), fit(doubled, FitOptions())
    assert other.solution.cost == pytest.approx(result.solution.cost)
    assert other.solution.degrees_of_freedom == result.solution.degrees_of_freedom
    assert np.isinf(other.parameters.w_in[:, 1:]).all()
    assert other.verdict.trust.interval
    assert other.verdict.trust.cautions == ["nearly_collinear"]
    assert other.verdict.fit.input_effects == 2 * [Effect(False, 1.0, -np.inf, np.inf)]


def test_constant_targets_determine_nothing() -> None:
    x = np.random.default_rng(1).standard_normal((40, 1))
    result = fit(Series.from_sequences((x,), (np.full(40, 7.0),)), FitOptions())
    assert result.solution.cost == 0.0
    assert not result.solution.is_identifiable
    assert not result.solution.is_unique
    assert result.verdict.trust.reasons == ["not_identifiable"]
    assert result.verdict.trust.cautions == ["too_few_to_tell", "interval_open"]


@pytest.mark.parametrize("n_steps", [5, 30])  # of 30, the squares of small responses underflow
def test_a_w_rec_without_effect_does_not_count_as_excluded(n_steps: int) -> None:
    # All w_rec but 0 fit perfectly, each with its own w_in; at 0 no input has an effect.
    series = Series.from_dataset(Dataset.from_arrays(*remember(20, n_steps)))
    result = fit(series, FitOptions(initial_state=0.0, offset=False))
    assert not result.solution.is_identifiable
    assert result.solution.intervals == [(0.0, 1.0)]


def test_gaps_and_missing_first_targets_shift_the_state_to_the_first_step() -> None:
    series = make_series(noise=0.0)
    result = fit(without(series, np.array([0, 1, 2, 10, 11, 30])), FitOptions())
    assert result.parameters.initial_states is not None
    np.testing.assert_allclose(result.parameters.initial_states[0, 0], 4.0, rtol=1e-6)
    assert result.table["step"][0] == 4.0
    missing = np.isnan(result.table["target"])
    assert missing.sum() == 3
    expected = series.targets[3:]
    np.testing.assert_allclose(result.table["prediction"], expected, rtol=1e-6)


def test_the_table_and_the_profile_are_consistent() -> None:
    result = fit(make_series(), FitOptions())
    table = result.table
    np.testing.assert_allclose(table["target"] - table["prediction"], table["residual"])
    assert (table["low"] <= table["prediction"]).all()
    assert (table["prediction"] <= table["high"]).all()
    w, cost, _ = result.profile_table
    assert (np.diff(w) > 0.0).all()
    assert cost.min() == pytest.approx(result.solution.cost, rel=1e-12)
    low, high = result.solution.intervals[0]
    np.testing.assert_allclose(
        cost[np.searchsorted(w, [low, high])], result.solution.level, rtol=1e-6
    )
    is_inside = (w > low) & (w < high)
    assert (cost[is_inside] <= result.solution.level).all()
    assert (cost[(w < low) | (w > high)] > result.solution.level).all()
