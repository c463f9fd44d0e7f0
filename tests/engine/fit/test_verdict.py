"""The verdict: detection in data that violate the model, and no findings in data that do not."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benchmarks.verdict_cases import respond
from service.engine.data import Series
from service.engine.fit import FitOptions, FitProblem, Result, fit
from service.engine.interruption import interrupted_by
from service.engine.types import Array
from tests.engine.fit.conftest import KINDS, draw_case, simulate
from tests.engine.fit.test_noise import make_noise

WHITE, AR1 = FitOptions(), FitOptions(noise="ar1")


def one(x: Array, y: Array, names: tuple[str, ...] = ("rain",)) -> Series:
    return Series.from_sequences((x.reshape(len(x), -1),), (y,), names, "flow")


def draw(seed: int, n_steps: int = 100, w_rec: float = 0.8, **kind: Any) -> Series:
    """Return one sequence, with noise of half the size of the signal."""
    rng = np.random.default_rng([31, seed])
    x = rng.standard_normal((n_steps, kind.get("n_inputs", 1)))
    dead = kind.get("dead", 0)
    acting = np.concatenate([np.zeros((dead, 1)), x[: n_steps - dead, :1]])
    mean = simulate(acting, w_rec, [kind.get("weight", 1.0)], 1.0)
    size = float(np.std(simulate(acting, w_rec, [1.0])))
    noise = 0.5 * size * make_noise(rng, n_steps, kind.get("rho", 0.0))
    names = ("rain", "sun")[: x.shape[1]]
    return one(x, mean + 2.0 + noise, names)


def season(seed: int, period: int, *, in_input: bool) -> Series:
    rng, k = np.random.default_rng([32, seed]), np.arange(100)
    x = rng.standard_normal(100) + 1.5 * in_input * np.sin(2 * np.pi * k / period)
    y = simulate(x[:, None], 0.6, [1.0]) + 1.5 * np.sin(2 * np.pi * k / period + 1)
    return one(x, y + 0.5 * rng.standard_normal(100))


def two_time_constants(seed: int) -> Series:
    rng = np.random.default_rng([33, seed])
    x = np.where(rng.random((200, 1)) < 0.1, 1.0, 0.0)
    y = simulate(x, 0.95, [0.5]) + simulate(x, 0.5, [0.5])
    return one(x, y + 0.1 * rng.standard_normal(200))


def sparse(seed: int, every: int, rho: float) -> Series:
    rng = np.random.default_rng([34, seed])
    x = rng.gamma(0.3, 1.0, 1400) * (rng.random(1400) < 0.5)
    y = simulate(x[:, None], float(np.exp(-1 / 60)), [1.0])
    y = y + 0.5 * float(np.std(y)) * make_noise(rng, 1400, rho)
    y[np.arange(1400) % every != 0] = np.nan
    return one(x, y)


def panel(seed: int, n_sequences: int, n_steps: int, rho: float) -> Series:
    rng, inputs, targets = np.random.default_rng([35, seed]), [], []
    for _ in range(n_sequences):
        x = rng.standard_normal((n_steps, 1))
        inputs.append(x)
        y = simulate(x, 0.8, [1.0], float(rng.standard_normal())) + 1.0
        targets.append(y + 0.5 * make_noise(rng, n_steps, rho))
    return Series.from_sequences(inputs, targets, ("rain",), "flow")


def holds(result: Result, w_rec: float) -> bool:
    return any(low <= w_rec <= high for low, high in result.solution.intervals)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("options", [WHITE, AR1], ids=["white", "ar1"])
def test_a_dead_time_is_found_with_either_noise(options: FitOptions, seed: int) -> None:
    series = draw(seed, dead=2)
    result = fit(series, options)
    assert result.verdict.trust.reasons[0] == "delay_advised"
    alternative = result.verdict.alternatives[0]
    assert alternative.options == {"delay": (2, 2)}
    better = fit(series, replace(options, delay=(2, 2)))
    assert alternative.solution.w_rec == pytest.approx(better.solution.w_rec, rel=1e-12)
    assert holds(better, 0.8)
    finding = result.verdict.trust.findings[0]
    assert (finding.slug, finding.lag) == ("delay_advised", 2)


def test_a_delay_that_is_too_long_is_found() -> None:
    result = fit(draw(1, dead=1), replace(WHITE, delay=(4, 4)))
    assert result.verdict.alternatives[0].options == {"delay": (1, 1)}
    assert result.verdict.trust.findings[0].lag == 1


def test_an_input_that_acts_before_the_delay_does_not_react() -> None:
    # Delays from 0 to 10 are tried, so that nothing else tells that 13 steps are 1 too many.
    rng = np.random.default_rng(12)
    x = rng.standard_normal((200, 1))
    acting = np.concatenate([np.zeros((12, 1)), x[:-12]])
    y = simulate(acting, 0.7, [1.0]) + 0.3 * rng.standard_normal(200)
    result = fit(one(x, y), FitOptions(delay=(13, 13)))
    assert "feedback" not in result.verdict.trust.cautions
    finding = next(each for each in result.verdict.trust.findings if each.slug == "follow_inputs")
    assert finding.lag == 12


@pytest.mark.parametrize("period", [4, 12])
def test_a_season_of_the_target_is_found_with_its_period(period: int) -> None:
    result = fit(season(1, period, in_input=False), WHITE)
    assert result.verdict.trust.reasons[0] == "season_advised"
    assert result.verdict.trust.findings[0].lag == period
    (alternative,) = result.verdict.alternatives
    better = fit(season(1, period, in_input=False), replace(WHITE, **dict(alternative.options)))
    assert better.verdict.trust.reasons == []
    assert holds(better, 0.6)


@pytest.mark.parametrize("options", [WHITE, AR1], ids=["white", "ar1"])
def test_two_time_constants_are_found(options: FitOptions) -> None:
    result = fit(two_time_constants(1), options)
    assert {"follow_inputs", "noise_model_matters"} & set(result.verdict.trust.reasons)
    for finding in result.verdict.trust.findings:
        if finding.slug == "follow_inputs":
            assert finding.input == "rain"


@pytest.mark.parametrize("options", [WHITE, AR1], ids=["white", "ar1"])
def test_a_negative_w_rec_is_found(options: FitOptions) -> None:
    result = fit(draw(2, w_rec=-0.8), options)
    assert result.verdict.trust.reasons[0] == "range_advised"
    alternative = result.verdict.alternatives[0]
    assert alternative.options == {"w_rec": (-1.0, 1.0)}
    assert alternative.solution.w_rec == pytest.approx(-0.8, abs=0.15)


@pytest.mark.parametrize("has_input", [True, False])
def test_a_w_rec_above_1_is_found(has_input: bool) -> None:
    draws = np.random.default_rng(5)
    x = draws.normal(size=40)
    y = respond(1.06, x if has_input else 0.0 * x, 3.0) + 0.5 * draws.normal(size=40)
    inputs = x[:, None] if has_input else np.zeros((40, 0))
    result = fit(Series.from_sequences([inputs], [y], ("x",) * has_input), WHITE)
    assert result.verdict.trust.reasons[0] == "range_advised"
    (alternative,) = result.verdict.alternatives
    assert alternative.options == {"w_rec": (0.0, 2.0)}
    followed = fit(result.problem.record, replace(WHITE, w_rec=(0.0, 2.0)))
    ((low, high),) = followed.solution.intervals
    assert 1.0 < low < 1.06 < high < 1.1
    assert not followed.verdict.trust.reasons


@pytest.mark.slow
def test_the_range_of_a_growth_suits_the_longest_sequence() -> None:
    draws = np.random.default_rng(8)
    inputs = [draws.normal(size=(n_steps, 1)) for n_steps in (2000, 4000)]
    states = [respond(1.003, x[:, 0], 3.0) for x in inputs]
    targets = [each + draws.normal(size=len(each)) for each in states]
    targets[1][np.arange(4000) % 20 > 0] = np.nan
    result = fit(Series.from_sequences(inputs, targets, ("x",)), WHITE)
    ((reason, options),) = ((each.reason, each.options) for each in result.verdict.alternatives)
    assert reason == "range_advised"
    assert 1.003 < options["w_rec"][1] < 10.0 ** (150 / 4000)  # the limit of a request


@pytest.mark.parametrize("seed", range(4))
def test_an_integrator_does_not_grow(seed: int) -> None:
    draws = np.random.default_rng([6, seed])
    x = draws.normal(size=60)
    series = Series.from_sequences([x[:, None]], [np.cumsum(x) + draws.normal(size=60)], ("x",))
    assert "range_advised" not in fit(series, WHITE).verdict.trust.reasons


@pytest.mark.parametrize(("every", "rho"), [(14, np.exp(-1 / 46)), (2, np.exp(-1 / 46))])
def test_autoregressive_noise_of_sparse_targets_is_found(every: int, rho: float) -> None:
    series = sparse(1, every, float(rho))
    result = fit(series, WHITE)
    assert "neighbors" in result.verdict.trust.reasons
    colored = fit(series, AR1)
    assert result.verdict.trust.cautious == colored.solution.intervals
    assert float(np.ptp(colored.solution.intervals[0])) > float(
        np.ptp(result.solution.intervals[0])
    )


def test_autoregressive_noise_of_a_panel_is_found() -> None:
    result = fit(panel(1, 12, 10, 0.6), WHITE)
    assert result.verdict.trust.reasons == ["neighbors"]
    (alternative,) = result.verdict.alternatives
    assert alternative.options == {"noise": "ar1"}


@pytest.mark.parametrize("seed", range(21, 24))
def test_flawless_data_are_trusted(seed: int) -> None:
    """With these seeds; how often others are refused is counted by the slow tests."""
    assert fit(draw(seed), WHITE).verdict.trust.reasons == []
    assert fit(draw(seed, rho=0.6), AR1).verdict.trust.reasons == []
    assert fit(panel(seed, 12, 10, 0.0), WHITE).verdict.trust.reasons == []


@pytest.mark.parametrize("noise", [0.0, 0.3])
@pytest.mark.parametrize("n_steps", [30, 60, 400])
def test_inputs_that_act_at_once_do_not_tell_w_rec(n_steps: int, noise: float) -> None:
    """Powers of w_rec and w_in are interchangeable, except those that underflow."""
    rng = np.random.default_rng(n_steps)
    x = np.zeros((20, n_steps, 1))
    x[:, 0, 0] = rng.standard_normal(20)
    targets = np.full((20, n_steps), np.nan)
    targets[:, -1] = x[:, 0, 0] + noise * rng.standard_normal(20)
    options = FitOptions(initial_state=0.0, offset=False)
    result = fit(Series.from_sequences(list(x), list(targets)), options)
    assert result.verdict.trust.reasons == ["not_identifiable"]
    assert not result.solution.is_identifiable


@pytest.mark.parametrize("options", [FitOptions(offset=1e99), FitOptions(gains={"rain": -1e99})])
def test_known_values_that_leave_no_digits_are_not_trusted(options: FitOptions) -> None:
    result = fit(draw(1), options)
    assert np.isnan(result.solution.r_squared)
    assert result.verdict.trust.reasons == ["not_identifiable"]


@pytest.mark.parametrize("offset", [0.0, 500.0])
def test_a_wrong_known_offset_is_told(offset: float) -> None:
    result = fit(draw(4), replace(AR1, offset=offset))
    assert result.verdict.alternatives[0].options == {"offset": True}
    assert all(alternative.solution.r_squared > 0.0 for alternative in result.verdict.alternatives)


def test_six_targets_do_not_confound_an_input_with_the_start() -> None:
    x, y = np.array([1.0, 2.0, 1.0, 0.0, 1.0, 3.0]), np.array([2.0, 3.0, 1.0, 1.0, 2.0, 4.0])
    result = fit(one(x, y), AR1)
    assert "confounded_with_start" not in result.verdict.trust.cautions
    assert result.verdict.fit.effect is not None


def test_an_input_without_effect_is_told() -> None:
    result = fit(draw(1, weight=0.0), WHITE)
    assert "no_visible_effect" in result.verdict.trust.reasons
    assert result.verdict.fit.effect is not None
    assert not result.verdict.fit.effect.visible
    assert result.verdict.fit.effect.p > 0.04
    assert result.verdict.alternatives == []
    finding = next(
        each for each in result.verdict.trust.findings if each.slug == "no_visible_effect"
    )
    assert finding.p == result.verdict.fit.effect.p


def test_the_effect_of_one_input_is_a_t_test() -> None:
    """With w_rec free, compared with the same test by curve_fit."""
    from scipy.optimize import curve_fit  # noqa: PLC0415
    from scipy.stats import t as student  # noqa: PLC0415

    series = draw(5, n_steps=60, weight=0.6, n_inputs=2)
    result = fit(series, WHITE)

    def model(_: Array, w: float, a: float, b: float, state: float, offset: float) -> Array:
        return simulate(series.inputs, w, [a, b], state, offset)

    parameters = result.parameters
    assert parameters.offset is not None
    assert parameters.initial_states is not None
    rows = [*parameters.w_in, parameters.initial_states[0], parameters.offset]
    start = [result.solution.w_rec, *(float(row[0]) for row in rows)]
    weights, variances = curve_fit(model, np.arange(60), series.targets, p0=start, xtol=1e-12)
    ratios = np.abs(weights[1:3]) / np.sqrt(np.diag(variances)[1:3])
    found = [each.p for each in result.verdict.fit.input_effects if each is not None]
    np.testing.assert_allclose(found, 2.0 * student.sf(ratios, 55), rtol=1e-3)


def test_the_effect_accounts_for_the_choice_of_the_delay() -> None:
    """Without an effect p-values are uniform; those of the best of nine delays alone are lower."""
    values = []
    for seed in range(10, 18):
        rng = np.random.default_rng([5, seed])
        x, y = rng.standard_normal(60), np.cumsum(rng.standard_normal(60))
        result = fit(one(x, y), replace(WHITE, delay=(0, 8)))
        assert result.verdict.fit.effect is not None
        values.append(result.verdict.fit.effect.p)
    assert 0.4 < np.mean(values) < 0.7


def test_a_single_input_has_the_effect_of_all_and_the_verdict_is_the_same_again() -> None:
    result, again = fit(draw(5), WHITE), fit(draw(5), WHITE)
    (single,) = result.verdict.fit.input_effects
    assert single is not None
    assert single[:2] == result.verdict.fit.effect[:2]  # type: ignore[index]
    assert (result.verdict.trust, result.verdict.fit.effect) == (
        again.verdict.trust,
        again.verdict.fit.effect,
    )


def test_no_single_input_is_visible_if_all_together_are_not() -> None:
    result = fit(draw(1, weight=0.0, rho=0.9, n_inputs=2), WHITE)
    assert result.verdict.fit.effect is not None
    assert not result.verdict.fit.effect.visible
    assert not any(each.visible for each in result.verdict.fit.input_effects if each is not None)


def test_a_level_below_zero_is_a_caution_and_never_advised() -> None:
    rng = np.random.default_rng(8)
    x = 1.0 + rng.random((80, 1))
    y = simulate(x, 0.5, [4.0], 16.0, -4.0) + 0.05 * rng.standard_normal(80)
    assert y.min() > 0.0
    series = one(x, y)
    fitted = fit(series, WHITE)
    assert fitted.parameters.offset is not None
    assert fitted.parameters.offset[2] < 0.0
    assert "negative_offset" in fitted.verdict.trust.cautions
    assert fitted.verdict.trust.interval
    without = fit(series, replace(WHITE, offset=False))
    assert "offset_advised" not in without.verdict.trust.reasons


def test_the_independence_of_short_sequences_is_not_tested() -> None:
    """Residuals of short sequences correlate negatively, so that the p-value would be near 0."""
    assert np.isnan(fit(panel(1, 50, 12, 0.0), WHITE).verdict.fit.residuals.ljung_box_p)
    assert fit(panel(1, 2, 60, 0.0), WHITE).verdict.fit.residuals.ljung_box_p > 0.01


def test_what_was_not_tested_is_said() -> None:
    rng = np.random.default_rng(9)
    inputs = [rng.standard_normal((8, 1)) for _ in range(60)]
    last = [simulate(x, 0.7, [1.0])[-1] + 0.2 * rng.standard_normal() for x in inputs]
    targets = [np.append(np.full(7, np.nan), y) for y in last]
    result = fit(
        Series.from_sequences(inputs, targets), FitOptions(initial_state=0.0, offset=False)
    )
    assert result.verdict.trust.interval
    assert result.verdict.trust.cautions == ["not_tested"]


def test_a_feedback_and_outliers_are_cautions() -> None:
    rng = np.random.default_rng(10)
    noise = 0.3 * rng.standard_normal(200)
    x = rng.standard_normal(200)
    x[1:] += 2.0 * noise[:-1]  # the input reacts to the error of the step before
    y = simulate(x[:, None], 0.7, [1.0]) + noise
    result = fit(one(x, y), WHITE)
    assert "feedback" in result.verdict.trust.cautions
    y = draw(11).targets.copy()
    y[50] += 20.0
    result = fit(one(draw(11).inputs, y), WHITE)
    assert "outliers" in result.verdict.trust.cautions


def test_work_can_be_ended_between_blocks() -> None:
    class EndedError(Exception):
        pass

    calls = 0

    def count() -> None:
        nonlocal calls
        calls += 1
        if calls == 20:
            raise EndedError

    with interrupted_by(count), pytest.raises(EndedError):
        _ = fit(draw(1), WHITE).verdict.trust
    assert calls == 20


@pytest.mark.parametrize("kind", range(len(KINDS)), ids=KINDS)
def test_every_kind_of_data_gets_a_verdict(kind: int) -> None:
    cases = (draw_case(seed) for seed in range(kind + 960, 2000, len(KINDS)))
    case = next(case for case in cases if case.has_enough)
    for noise in ("white", "ar1"):
        options = replace(case.options, noise=noise)
        if FitProblem(case.series, options).n_targets < FitProblem(case.series, options).n_unknowns:
            continue
        result = fit(case.series, options)
        slugs = [finding.slug for finding in result.verdict.trust.findings]
        assert slugs == result.verdict.trust.reasons + result.verdict.trust.cautions
        assert (result.verdict.trust.cautious is None) == (result.solution.degrees_of_freedom <= 0)
        effects = [
            each
            for each in (result.verdict.fit.effect, *result.verdict.fit.input_effects)
            if each is not None
        ]
        assert all(0.0 <= each.p <= 1.0 for each in effects)
        assert len(result.verdict.alternatives) <= 3
