"""Single checks: each detects its violation in wrong models only, and recommends its remedy."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.verdict_cases import autoregression, respond
from service.engine.data import Series
from service.engine.fit import FitOptions, Result, Solution, fit, predict
from tests.engine.fit.conftest import simulate
from tests.engine.fit.test_noise import make_noise
from tests.engine.fit.test_verdict import draw, holds, one

AT_REST = FitOptions(initial_state=0.0)


def squared(seed: int) -> Series:
    """Return the response to the square of an input, and to another input."""
    rng = np.random.default_rng([51, seed])
    x = rng.exponential(size=(120, 2))
    y = simulate(np.column_stack([x[:, 0] ** 2, x[:, 1]]), 0.8, [1.0, 3.0], 2.0, 1.0)
    return one(x, y + 0.2 * float(np.std(y)) * rng.standard_normal(120), ("rain", "sun"))


def pulses(seed: int, spread: float, rho: float = 0.0) -> Series:
    """Return 12 sequences of responses to pulses, with gains of this spread."""
    rng = np.random.default_rng([52, seed])
    inputs, targets = [], []
    for _ in range(12):
        x = (rng.random((20, 1)) < 0.25).astype(np.float64)
        y = float(np.exp(spread * rng.standard_normal())) * simulate(x, 0.8, [1.0])
        inputs.append(x)
        targets.append(y + 0.3 * make_noise(rng, 20, rho))
    return Series.from_sequences(inputs, targets, ("dose",), "level")


def alone(values: Sequence[object] | None) -> object:
    assert values is not None
    (value,) = values
    return value


def advised(result: Result) -> list[object]:
    return [other.options for other in result.verdict.alternatives]


@pytest.mark.parametrize("seed", range(2))
def test_an_effect_that_is_a_curve_is_detected_and_its_square_recommended(seed: int) -> None:
    series = squared(seed)
    result = fit(series, FitOptions())
    finding = next(each for each in result.verdict.trust.findings if each.slug == "curved")
    assert finding.input == "rain"
    assert advised(result) == [{"curves": ("rain",)}]
    better = fit(series, FitOptions(curves=("rain",)))
    assert better.verdict.trust.reasons == []
    assert better.solution.w_rec == result.verdict.alternatives[0].solution.w_rec
    assert holds(better, 0.8)


def test_a_curve_is_an_input_with_the_centered_squares() -> None:
    """An oracle: the same fit with a column of squares, and the same predictions."""
    series = squared(0)
    rain = series.inputs[:, :1]
    squares = (rain - rain.mean()) ** 2
    names = ("rain", "sun", "squares")
    explicit = one(np.concatenate([series.inputs, squares], axis=1), series.targets, names)
    ours = Solution(fit(series, FitOptions(curves=("rain",))).problem)
    other = Solution(fit(explicit, FitOptions()).problem)
    assert ours.w_rec == pytest.approx(other.w_rec, abs=1e-12)
    new = np.array([[1.0, 2.0], [3.0, 0.5]])
    square = (new[:, :1] - rain.mean()) ** 2
    (found,) = predict(ours, [new], sequence=0)
    (expected,) = predict(other, [np.concatenate([new, square], axis=1)], sequence=0)
    np.testing.assert_allclose(np.stack(found), np.stack(expected), rtol=1e-9)
    # At rest, an input of 0 has no effect, so that squares are those of the input itself.
    at_rest = fit(series, replace(AT_REST, curves=("rain",))).problem
    np.testing.assert_array_equal(at_rest.series.inputs[:, 2:], rain**2)


@pytest.mark.parametrize("noise", ["white", "ar1"])
def test_sequences_that_differ_are_not_called_autocorrelated(noise: str) -> None:
    result = fit(pulses(1, 0.5), replace(AT_REST, noise=noise))  # type: ignore[arg-type]
    assert "sequences_differ" in result.verdict.trust.reasons
    assert "neighbors" not in result.verdict.trust.reasons
    assert advised(result) == []


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_equal_sequences_do_not_differ(rho: float) -> None:
    for seed in range(3):
        result = fit(pulses(seed, 0.0, rho), AT_REST)
        assert "sequences_differ" not in result.verdict.trust.reasons
        assert ("neighbors" in result.verdict.trust.reasons) == (rho > 0.0)


def test_a_wrong_known_gain_is_freed_and_a_right_one_is_not() -> None:
    series = draw(3, n_inputs=2)  # the gain of rain is 5, that of sun is 0
    right = FitOptions(gains={"rain": 5.0})
    assert "gain_advised" not in fit(series, right).verdict.trust.reasons
    result = fit(series, FitOptions(gains={"rain": 12.0, "sun": 0.0}))
    assert result.verdict.trust.reasons[0] == "gain_advised"
    assert result.verdict.trust.findings[0].input == "rain"
    assert advised(result) == [{"gains": {"sun": 0.0}}]


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_an_effect_after_the_delays_that_are_tried_is_detected(rho: float) -> None:
    series = draw(2, n_steps=60, dead=12, rho=rho)
    result = fit(series, FitOptions(noise="ar1"))
    assert result.verdict.trust.reasons[0] == "acts_later"
    assert "no_visible_effect" not in result.verdict.trust.reasons
    (other,) = result.verdict.alternatives
    low, high = other.options["delay"]
    assert low == high == result.verdict.trust.findings[0].lag
    assert abs(low - 12) <= 1
    for seed in range(3):
        useless = fit(draw(seed, n_steps=60, weight=0.0, rho=rho), FitOptions())
        assert "acts_later" not in useless.verdict.trust.reasons


@pytest.mark.parametrize(("first", "is_advised"), [(0, False), (3, True)])
def test_what_began_empty_has_a_level_only_if_it_is_seen(first: int, is_advised: bool) -> None:
    """A part of each dose stays, which an offset would imitate."""
    rng = np.random.default_rng(78)
    dose = np.where(np.arange(24) == first, 1.0, 0.0)
    level = 0.3 if is_advised else 0.0
    rest = respond(0.5, dose) + 0.1 * np.cumsum(dose) + level
    targets = [rest + 0.05 * rng.standard_normal(24) for _ in range(6)]
    series = Series.from_sequences([dose[:, None]] * 6, targets, ("dose",))
    result = fit(series, FitOptions(initial_state=0.0, offset=False))
    assert (result.verdict.trust.reasons[0] == "offset_advised") == is_advised


@pytest.mark.parametrize(("seed", "rho", "noise"), [(2, 0.0, 0.5), (2, 0.6, 0.5), (0, 0.6, 0.3)])
def test_half_a_period_later_is_no_later_effect(seed: int, rho: float, noise: float) -> None:
    rng = np.random.default_rng([77, seed])
    n_steps = 200 if noise < 0.5 else 100
    x = (np.arange(n_steps) // 16 % 2).astype(float)
    response = respond(0.8, np.concatenate([np.zeros(2), x[:-2]]))
    errors = autoregression(rng, n_steps, rho)
    result = fit(one(x, response + 2.0 + noise * response.std() * errors), FitOptions())
    assert advised(result) == [{"delay": (2, 2)}]


@pytest.mark.slow
def test_no_advice_leads_back() -> None:
    """Whatever is recommended first, the fit with it recommends no way back."""
    for series in (squared(1), draw(1, dead=3), draw(2, n_steps=60, dead=12), pulses(2, 0.0, 0.6)):
        result = fit(series, FitOptions())
        for other in result.verdict.alternatives:
            options = {"delay": result.problem.options.delay, **dict(other.options)}
            changed = replace(FitOptions(), **options)
            again = fit(series, changed)
            assert all(
                replace(changed, **dict(back.options)) != FitOptions()
                for back in again.verdict.alternatives
            )
            assert {*again.verdict.trust.reasons} <= {*result.verdict.trust.reasons}


BOD = one(  # of a bottle of water: Bates and Watts (1988), appendix A1.4
    np.ones(7), np.array([8.3, 10.3, 19.0, 16.0, 15.6, np.nan, 19.8]), ("time",)
)


def test_a_drift_or_an_effect_of_few_targets_is_decided_by_a_statement() -> None:
    known = FitOptions(initial_state=0.0, offset=False)
    result = fit(BOD, known)
    assert "drift_or_effect" in result.verdict.trust.reasons
    assert "no_visible_effect" not in result.verdict.trust.reasons
    stated = fit(BOD, replace(known, noise="independent"))
    assert stated.verdict.trust.reasons == []
    assert stated.verdict.fit.effect is not None
    assert stated.verdict.fit.effect.visible
    assert stated.verdict.trust.cautious == stated.solution.intervals
    useless = one(np.ones(7), np.array([0.3, -0.5, 0.2, 0.1, -0.4, 0.5, -0.1]), ("time",))
    assert "no_visible_effect" in fit(useless, known).verdict.trust.reasons


def test_below_fifty_targets_the_cautious_interval_is_judged() -> None:
    """Autocorrelated noise is then no reason: the interval allows for it."""
    series = draw(7, n_steps=45, rho=0.7)
    result = fit(series, FitOptions())
    assert fit(series, FitOptions(noise="ar1")).verdict.trust.interval
    assert result.verdict.trust.interval
    assert alone(result.verdict.trust.cautious) == alone(result.verdict.fit.judged.intervals)
    assert result.verdict.fit.judged.is_colored
    same = fit(draw(7, n_steps=60, rho=0.7), FitOptions())
    assert "neighbors" in same.verdict.trust.reasons
    assert same.verdict.fit.judged is same.solution


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_an_effect_is_detected_if_its_interval_excludes_zero(rho: float) -> None:
    for seed in range(8):
        series = draw(seed, n_steps=80, weight=0.25, n_inputs=2, rho=rho)
        result = fit(series, FitOptions())
        for effect in result.verdict.fit.input_effects:
            assert effect is not None
            is_clear = abs(effect.p - 0.05) > 0.02  # the profile is not exactly a parabola
            all_inputs = result.verdict.fit.effect
            if all_inputs is not None and all_inputs.visible and is_clear:
                assert effect.visible == (not effect.low < 0.0 < effect.high)


@pytest.mark.parametrize("seed", [9, 12])
def test_dependence_of_trusted_residuals_is_a_caution(seed: int) -> None:
    result = fit(draw(seed, n_steps=45, rho=0.8), FitOptions())
    assert result.verdict.fit.residuals.ljung_box_p < 1e-3
    assert result.verdict.trust.interval
    assert "neighbors" in result.verdict.trust.cautions
