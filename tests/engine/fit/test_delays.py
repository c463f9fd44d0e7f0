"""Delays: with known starts no dose is lost, and advice neither goes in a circle nor misleads."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.signal import lfilter

from service.engine.data import Series
from service.engine.fit import FitOptions, Result, fit
from tests.engine.fit.conftest import cost_at, simulate, split

DRUG = Path("service/explorer/fit_examples/drug.csv")
AT_REST = FitOptions(initial_state=0.0, offset=False)


def read_drug() -> Series:
    """Return doses and concentrations of six patients, of whom each gets a dose in step 1."""
    patients: dict[str, list[tuple[float, float]]] = {}
    with DRUG.open() as file:
        for row in csv.DictReader(file):
            target = float(row["concentration"] or "nan")
            patients.setdefault(row["patient"], []).append((float(row["dose"]), target))
    tables = [np.array(rows) for rows in patients.values()]
    return Series.from_sequences([t[:, :1] for t in tables], [t[:, 1] for t in tables], ("dose",))


def gain_of(result: Result) -> Any:
    """Return the steady-state gain of the first input, with its interval."""
    return result.parameters.steady_state_gains[0]


def one_bolus(seed: int, *, dead: int = 0, first: int = 0) -> Series:
    """Return eight sequences with a dose in step 1, and targets from a step on."""
    rng, n_steps = np.random.default_rng([61, seed]), 24
    dose = np.zeros((n_steps, 1))
    dose[0] = 1.0
    acting = np.concatenate([np.zeros((dead, 1)), dose])[:n_steps]
    targets = []
    for _ in range(8):
        y = simulate(acting, 0.8, [1.1]) + 0.02 * rng.standard_normal(n_steps)
        targets.append(np.where(np.arange(n_steps) < first, np.nan, y))
    return Series.from_sequences([dose] * 8, targets, ("dose",))


def test_a_range_of_delays_loses_no_dose() -> None:
    series = read_drug()
    alone = fit(series, AT_REST)
    ranged = fit(series, replace(AT_REST, delay=(0, 1)))
    assert gain_of(alone)[0] == pytest.approx(0.455, abs=5e-4)
    assert ranged.problem.delay == 0
    assert ranged.verdict.trust == alone.verdict.trust
    np.testing.assert_array_equal(gain_of(ranged), gain_of(alone))
    assert ranged.solution.intervals == alone.solution.intervals


def test_a_delay_that_loses_the_first_dose_is_refused() -> None:
    result = fit(read_drug(), replace(AT_REST, delay=(1, 1)))
    assert result.verdict.trust.reasons[0] == "delay_advised"
    assert result.verdict.alternatives[0].options == {"delay": (0, 0)}
    assert result.verdict.alternatives[0].finding.value > 100.0


@pytest.mark.parametrize("first", [0, 5])
def test_a_single_dose_in_the_first_step_counts(first: int) -> None:
    """If the targets begin later, delays up to 3 fit equally well, and the shortest is taken."""
    for seed in range(3):
        result = fit(one_bolus(seed, first=first), replace(AT_REST, delay=(0, 3)))
        assert result.problem.delay == 0
        assert gain_of(result)[0] == pytest.approx(5.5, abs=0.4)


def test_a_dead_time_after_a_single_dose_is_found() -> None:
    for seed in range(3):
        series = one_bolus(seed, dead=1)
        (first, *_) = fit(series, AT_REST).verdict.alternatives
        assert first.options == {"delay": (1, 1)}
        result = fit(series, replace(AT_REST, delay=(0, 3)))
        assert (result.problem.delay, result.verdict.trust.reasons) == (1, [])


@pytest.mark.parametrize("delay", [(0, 0), (0, 1), (1, 1)])
def test_rest_before_the_record_changes_nothing(delay: tuple[int, int]) -> None:
    """Ten steps without doses and targets precede each patient."""
    series, options = read_drug(), replace(AT_REST, delay=delay)
    inputs, targets = split(series)
    rested = Series.from_sequences(
        [np.concatenate([np.zeros((10, 1)), x]) for x in inputs],
        [np.concatenate([np.full(10, np.nan), y]) for y in targets],
        ("dose",),
    )
    one, other = fit(series, options), fit(rested, options)
    assert one.problem.delay == other.problem.delay
    assert one.verdict.trust.reasons == other.verdict.trust.reasons
    np.testing.assert_allclose(gain_of(one), gain_of(other), rtol=1e-8)
    np.testing.assert_allclose(one.solution.intervals, other.solution.intervals, rtol=1e-8)


@pytest.mark.parametrize("delay", [0, 2, 5])
def test_a_delay_beside_a_known_start_fits_the_recurrence(delay: int) -> None:
    rng = np.random.default_rng(8)
    inputs = [rng.standard_normal((n, 2)) for n in (4, 20, 30)]
    targets = [rng.standard_normal(len(x)) for x in inputs]
    series = Series.from_sequences(inputs, targets, ("a", "b"))
    options = FitOptions(initial_state=1.5, delay=(delay, 6))
    result = fit(series, replace(options, delay=(delay, delay)))
    assert result.solution.cost == pytest.approx(
        cost_at(series, options, result.solution.w_rec, delay), rel=1e-9
    )


def two_compartments(seed: int) -> Series:
    """Return six subjects after an infusion of two steps, each with 14 samples in 72 steps."""
    rng, n_steps = np.random.default_rng([51, seed]), 72
    samples = np.array([1, 2, 3, 5, 8, 11, 14, 17, 23, 29, 35, 47, 59, 71])
    dose = np.zeros((n_steps, 1))
    dose[:2] = 0.5
    mean = simulate(dose, 0.8, [80.0]) + simulate(dose, 0.95, [20.0])
    targets = []
    for _ in range(6):
        size = np.exp(0.2 * rng.standard_normal())
        y = np.full(n_steps, np.nan)
        y[samples] = (size * mean * np.exp(0.1 * rng.standard_normal(n_steps)))[samples]
        targets.append(y)
    return Series.from_sequences([dose] * 6, targets, ("dose",))


@pytest.mark.parametrize("seed", [0, 1])
def test_no_advice_on_a_delay_leads_back(seed: int) -> None:
    """After following the recommended delay, no other is recommended."""
    series = two_compartments(seed)
    advised = []
    for delay in range(4):
        result = fit(series, replace(AT_REST, delay=(delay, delay)))
        others = [a for a in result.verdict.alternatives if a.reason == "delay_advised"]
        advised.append(others[0].options["delay"][0] if others else delay)
    assert advised == [advised[0]] * 4


def test_the_delays_that_are_tried_count_steps_and_not_targets() -> None:
    """Ten samples in 60 steps of each sequence: delays up to 10 are tried, and not up to 1."""
    rng = np.random.default_rng(5)
    for initial_state in (0.0, "each"):
        inputs, targets = [], []
        for _ in range(6):
            x = rng.standard_normal((60, 1))
            y = simulate(np.concatenate([np.zeros((7, 1)), x])[:60], 0.7, [1.0])
            y = y + 0.2 * rng.standard_normal(60)
            inputs.append(x)
            targets.append(np.where(np.arange(60) % 6 == 5, y, np.nan))
        series = Series.from_sequences(inputs, targets, ("dose",))
        options = FitOptions(initial_state=initial_state, offset=False)
        assert fit(series, options).verdict.alternatives[0].options == {"delay": (7, 7)}


def test_early_samples_are_not_left_out_for_delays() -> None:
    """Most targets are in the first steps; where the start is unknown, they would be lost."""
    rng = np.random.default_rng(6)
    early = np.isin(np.arange(40), [0, 1, 2, 3, 4, 6, 12, 36])
    targets = [
        np.where(early, simulate(np.zeros((40, 0)), 0.8, [], 9.0, 5.0), np.nan)
        + 0.1 * rng.standard_normal(40)
        for _ in range(6)
    ]
    inputs = [rng.standard_normal((40, 1)) for _ in range(6)]
    series = Series.from_sequences(inputs, targets, ("x",))
    reasons = fit(series, FitOptions(offset=False)).verdict.trust.reasons
    assert reasons[0] == "offset_advised"


def with_a_season(seed: int, n_steps: int) -> Series:
    """Return a response to a slow input, and a season of 12 steps that no input explains."""
    rng, phase = np.random.default_rng([52, seed]), 2.0 * np.pi * np.arange(n_steps) / 12.0
    x = 1.5 * np.sin(phase) + 0.5 * rng.standard_normal(n_steps)
    season = 2.5 * np.sin(phase + rng.uniform(0.0, 2.0 * np.pi))
    y = simulate(x[:, None], 0.5, [1.0]) + season + 0.7 * rng.standard_normal(n_steps)
    return Series.from_sequences((x[:, None],), (y,), ("temperature",))


@pytest.mark.parametrize(("seed", "n_steps"), [(8, 26), (17, 26), (11, 40), (15, 40)])
def test_a_delay_does_not_turn_a_visible_effect_round(seed: int, n_steps: int) -> None:
    """The input adds 1; three or four steps later it would seem to take away as much."""
    result = fit(with_a_season(seed, n_steps), FitOptions())
    _, low, _ = result.parameters.w_in[0]
    assert low > 0.0
    assert "delay_advised" not in [other.reason for other in result.verdict.fit.structures]


@pytest.mark.parametrize("noise", ["white", "ar1"])
def test_a_delay_that_moves_an_input_out_of_the_record_has_no_advantage(noise: Any) -> None:
    """Such an input is one unknown less, which changes the criterion of small residuals."""
    pulse = np.zeros((60, 1))
    pulse[57] = 1.0
    errors = np.random.default_rng(0).standard_normal(60)
    options = FitOptions(initial_state=1.0, offset=False, noise=noise)
    targets = simulate(pulse, 0.9, [2e-4], 1.0) + 1e-4 * errors
    series = Series.from_sequences([pulse], [targets])
    ranged = fit(series, replace(options, delay=(0, 10)))
    costs = [each.cost for each in ranged.delays]
    assert ranged.problem.delay == int(np.argmin(costs)) == 0
    assert not any(each.criterion < 0.0 for each in ranged.delays)
    targets = simulate(pulse, 0.9, [0.0], 1.0) + 1e-5 * np.random.default_rng(3).standard_normal(60)
    useless = fit(Series.from_sequences([pulse], [targets]), options)
    assert useless.verdict.trust.reasons == ["no_visible_effect"]
    assert "confounded_with_start" not in useless.verdict.trust.cautions


@pytest.mark.parametrize("noise", ["white", "ar1"])
def test_a_delay_shows_no_level_of_what_began_empty(noise: Any) -> None:
    """A dose in the first step leaves no target before it, also if it acts a step later."""
    draws = np.random.default_rng(0)
    dose = np.zeros((40, 1))
    dose[0] = 5.0
    targets = []
    for _ in range(3):
        response = lfilter([0.0, 1.0], [1.0, -0.8], dose[:, 0])
        targets.append(response + 1.0 + 0.1 * draws.standard_normal(40))
    series = Series.from_sequences([dose] * 3, targets, ("dose",))
    options = FitOptions(initial_state=0.0, offset=0.0, delay=(1, 1), noise=noise)
    assert "offset_advised" not in fit(series, options).verdict.trust.reasons
