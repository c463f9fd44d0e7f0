"""Ordinary mistakes in tables: each is detected, and not in correct tables."""

import zlib
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.verdict_cases import SEVERAL, autoregression, make_series, respond
from service.engine.data import Series, Step
from service.engine.fit import Finding, FitOptions, Result, estimate_parameters, fit
from service.engine.types import Array

WHITE = FitOptions()
STEPS = np.arange(200)


def draw(seed: int, weights: tuple[float, float] = (0.8, 0.8)) -> tuple[Array, Array]:
    """Return an input and the response to it, whose w_rec is the second one from step 101 on."""
    draws = np.random.default_rng([61, seed])
    x = 3.0 + autoregression(draws, len(STEPS), 0.5)
    first, second = weights
    states = respond(first, x[:100], 3.0 / (1.0 - first))
    states = np.concatenate([states, respond(second, x[100:], float(states[-1]))])
    return x, 5.0 + states + draws.normal(size=len(STEPS))


def judge(x: Array, y: Array, options: FitOptions = WHITE) -> Result:
    return fit(make_series((x, y)), options)


def find(result: Result, slug: str) -> Finding:
    (finding,) = (each for each in result.verdict.trust.findings if each.slug == slug)
    return finding


@pytest.mark.parametrize("noise", ["white", "ar1"])
@pytest.mark.parametrize("part", ["level", "gain", "w_rec"])
def test_a_change_is_detected_where_it_is(part: str, noise: str) -> None:
    """Also where autocorrelated noise would hide it."""
    x, y = draw(0, (0.6, 0.9) if part == "w_rec" else (0.8, 0.8))
    if part == "level":
        y = y + 3.0 * (STEPS >= 100)
    if part == "gain":
        y = y + respond(0.8, x * (STEPS >= 100))
    result = judge(x, y, replace(WHITE, noise=noise))  # type: ignore[arg-type]
    assert "changes" in result.verdict.trust.reasons
    finding = find(result, "changes")
    assert finding.lag is not None
    assert abs(finding.lag - 101) <= 10
    assert finding.part in {part, "w_rec or the gain"}
    assert not any("noise" in other.options for other in result.verdict.alternatives)
    # The parts have the true values before and after, which the fit has not.
    assert result.verdict.fit.parts is not None
    weights = (0.6, 0.9) if part == "w_rec" else (0.8, 0.8)
    sizes = (1.0, 2.0 if part == "gain" else 1.0)
    for fitted, w_rec, size in zip(result.verdict.fit.parts, weights, sizes, strict=True):
        assert fitted.n_targets < result.solution.n_targets
        assert any(low - 0.02 < w_rec < high + 0.02 for low, high in fitted.intervals)
        ((_, low, high),) = estimate_parameters(fitted).steady_state_gains.tolist()
        assert 0.9 * low < size / (1.0 - w_rec) < 1.1 * high


@pytest.mark.parametrize("noise", ["white", "ar1"])
def test_a_change_without_an_effect_on_the_estimates_is_a_caution(noise: str) -> None:
    for seed in (0, 5):
        draws = np.random.default_rng([64, seed])
        x = 3.0 + autoregression(draws, 300, 0.5)
        level = 0.7 * (np.arange(300) >= 150)
        y = respond(0.8, x, 15.0) + level + draws.normal(size=300)
        result = judge(x, y, replace(WHITE, noise=noise))  # type: ignore[arg-type]
        assert result.verdict.trust.reasons == []
        finding = find(result, "changes")
        assert finding.lag is not None
        assert abs(finding.lag - 151) <= 10
        assert any(low < 0.8 < high for low, high in result.solution.intervals)


def test_a_change_has_targets_before_and_after_it() -> None:
    (case,) = (each for each in SEVERAL if each.name == "panel 50 x 6, AR 0.6, ar1 fit")
    for number in (1, 2, 12):
        draws = np.random.default_rng([5, zlib.crc32(case.name.encode()), number])
        result = fit(case.draw(draws), case.options)
        lags = [each.lag for each in result.verdict.trust.findings if each.slug == "changes"]
        assert 1 not in lags


def test_targets_at_one_step_have_no_changes() -> None:
    draws = np.random.default_rng(65)
    tables = [(draws.normal(size=6), np.full(6, np.nan)) for _ in range(80)]
    for x, y in tables:
        y[-1] = respond(0.8, x)[-1] + 0.1 * draws.normal()
    result = fit(make_series(*tables), FitOptions(initial_state=0.0, offset=False))
    assert all(each.slug != "changes" for each in result.verdict.trust.findings)


def test_nothing_is_found_in_correct_tables() -> None:
    for seed in range(4):
        found = {each.slug for each in judge(*draw(seed)).verdict.trust.findings}
        assert not found & {"changes", "clipped", "leads", "feedback"}


@pytest.mark.parametrize(("share", "is_reason"), [(0.05, False), (0.25, True)])
def test_targets_at_a_limit_are_a_caution_or_a_reason(share: float, is_reason: bool) -> None:
    x, y = draw(1)
    limit = np.quantile(y, 1.0 - share)
    result = judge(x, np.minimum(y, limit))
    finding = find(result, "clipped")
    assert finding.part == "largest"
    assert finding.value == pytest.approx(share, abs=0.01)
    assert ("clipped" in result.verdict.trust.reasons) == is_reason
    # The advice: the gain is too small, and by less without these targets.
    empty = judge(x, np.where(y >= limit, np.nan, y))
    assert all(each.slug != "clipped" for each in empty.verdict.trust.findings)
    clipped, better, whole = (
        each.parameters.steady_state_gains[0, 0] for each in (result, empty, judge(x, y))
    )
    assert clipped < better < whole


def test_targets_at_rest_and_settled_ones_are_not_clipped() -> None:
    draws = np.random.default_rng(1)
    dose = np.where(STEPS == 40, 1.0, 0.0)
    y = respond(0.9, dose) * np.exp(0.1 * draws.standard_normal(200))
    at_rest = judge(dose, y, FitOptions(initial_state=0.0, offset=False))
    lasting = np.where(STEPS >= 40, 1.0, 0.0)
    rounded = np.round(respond(0.9, lasting) + 0.01 * draws.standard_normal(200), 1)
    for result in (at_rest, judge(lasting, rounded)):
        assert all(each.slug != "clipped" for each in result.verdict.trust.findings)


@pytest.mark.parametrize("seed", range(3))
def test_a_target_that_leads_its_input_is_detected(seed: int) -> None:
    x, y = draw(seed)
    result = judge(x[:-1], y[1:])
    finding = find(result, "leads")
    assert (finding.input, finding.lag) == ("x_0", 1)
    assert "leads" in result.verdict.trust.reasons
    assert judge(x[1:], y[1:]).verdict.trust.reasons == []


def test_a_target_that_leads_the_square_of_its_input_is_detected() -> None:
    draws = np.random.default_rng([63, 0])
    x = draws.normal(size=201)
    y = respond(0.8, (x - x.mean()) ** 2) + 0.1 * draws.normal(size=201)
    result = judge(x[:-1], y[1:], FitOptions(curves=("x_0",)))
    assert find(result, "leads").input == "x_0²"
    assert "leads" in result.verdict.trust.reasons


def test_an_input_that_only_follows_the_target_is_no_effect_to_rely_on() -> None:
    draws = np.random.default_rng([62, 0])
    y = autoregression(draws, 201, 0.9)
    x = draws.normal(size=201)
    x[1:] += y[:-1]
    result = judge(x[1:], y[1:])
    assert {"leads", "feedback"} & {*result.verdict.trust.reasons}


def test_clipping_is_counted_in_all_sequences() -> None:
    tables = [draw(seed) for seed in range(2)]
    limit = np.quantile(np.concatenate([y for _, y in tables]), 0.9)
    series: Series = make_series(*((x, np.minimum(y, limit)) for x, y in tables))
    assert find(fit(series, WHITE), "clipped").value == pytest.approx(0.1, abs=0.005)


def weekly(seed: int, holidays: float) -> Series:
    """Return three years of weeks with a step in weeks 51 and 52."""
    x, y = draw(seed)
    is_holiday = np.isin(STEPS[:156] % 52, (50, 51))
    series = make_series((x[:156], y[:156] + holidays * is_holiday))
    return replace(series, step=Step(1.0, "week"))


def test_a_season_of_few_steps_is_detected() -> None:
    result = fit(weekly(0, 8.0), WHITE)
    assert find(result, "season").lag == 52
    assert "season" in result.verdict.trust.reasons


def test_outliers_are_no_season() -> None:
    for seed in range(4):
        series = weekly(seed, 0.0)
        targets = series.targets.copy()
        targets[[10, 62, 100]] += 15.0  # two of them a year apart
        result = fit(replace(series, targets=targets), WHITE)
        assert all(each.lag != 52 for each in result.verdict.trust.findings)
