"""Several time constants, compared with explicit matrices, closed forms and dense searches."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.linalg import toeplitz
from scipy.optimize import minimize, minimize_scalar
from scipy.signal import lfilter
from scipy.stats import t

from service.engine.data import Series
from service.engine.fit import FitOptions, FitProblem, Solution, fit, predict, scan
from service.engine.profile import Bounds
from service.engine.types import Array
from tests.engine.fit.conftest import design_of, split
from tests.engine.fit.test_noise import make_noise


def decay(w: float, n: int) -> Array:
    """Return the matrix of a recurrence over n steps."""
    return np.asarray(toeplitz(w ** np.arange(n), np.zeros(n)))


def make_data(
    seed: int,
    weights: dict[float, list[float]],
    *,
    n_sequences: int = 1,
    n_steps: int = 60,
    noise: float = 0.1,
    rho: float = 0.0,
    gaps: float = 0.0,
) -> Series:
    """Return sequences of states with the weights of the inputs, by w_rec, and an offset of 3."""
    rng = np.random.default_rng([31, seed])
    names = tuple("abcd"[: len(next(iter(weights.values())))])
    inputs, targets = [], []
    for length in range(n_steps, n_steps + n_sequences):
        x = (rng.random((length, len(names))) < 0.1) * rng.uniform(0.5, 2.0, (length, len(names)))
        y: Any = 3.0 + sum(decay(w, length) @ x @ each for w, each in weights.items())
        y = y + sum(rng.standard_normal() * w ** np.arange(length) for w in weights)
        y = y + noise * float(np.std(y)) * make_noise(rng, length, rho)
        y[rng.random(length) < gaps] = np.nan
        inputs.append(x)
        targets.append(y)
    return Series.from_sequences(inputs, targets, names)


TWO: dict[float, list[float]] = {0.95: [1.0, 0.5], 0.5: [2.0, -1.0]}
OWN: dict[float, list[float]] = {0.9: [1.0, 0.0], 0.4: [0.0, 2.0]}
MODELS: list[dict[str, Any]] = [
    {"time_constants": 2},
    {"time_constants": 2, "initial_state": "shared", "delay": (1, 2)},
    {"time_constants": 2, "initial_state": 0.0, "offset": False},
    {"time_constants": "per_input"},
    {"time_constants": (("a", "b"), ("a",)), "initial_state": "shared"},
    {"time_constants": 2, "direct": ("b",)},
]


@pytest.mark.parametrize("model", MODELS)
def test_costs_and_slopes_are_those_of_explicit_matrices(model: dict[str, Any]) -> None:
    series = make_data(1, TWO, n_sequences=3, n_steps=25, gaps=0.2)
    problem = FitProblem(series, FitOptions(**model))
    criterion = Solution(problem).criterion
    poles = np.array([[0.9, 0.3], [0.97, 0.8], [0.6, 0.59]])
    for place, cost in zip(poles, criterion.evaluate(poles).mean_square, strict=True):
        columns, y = design_of(problem, place)
        rest = y - columns @ np.linalg.lstsq(columns, y, rcond=1e-12)[0]
        assert cost == pytest.approx(np.mean(rest**2), rel=1e-8)
    assert problem.n_unknowns == columns.shape[1] + 2
    colored = Solution(problem.vary(noise="ar1")).criterion
    steps = 1e-5 * np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]])
    at = colored.evaluate(poles[0] + steps)
    differences = [at.cost[1] - at.cost[2], at.cost[3] - at.cost[4]]
    np.testing.assert_allclose(at.gradient[0], np.array(differences) / 2e-5, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("noise", ["white", "ar1"])
def test_the_grid_has_the_criterion_of_its_places(model: dict[str, Any], noise: Any) -> None:
    series = make_data(2, TWO, n_sequences=3, n_steps=25, gaps=0.2, noise=0.5)
    problem = FitProblem(series, FitOptions(**model, noise=noise))
    found = scan(problem)
    some = slice(None, None, 29)
    poles = found.grid[found.indices[some]]
    is_apart = (np.abs(np.diff(poles)) > 0.0)[:, 0] & (poles.min(axis=1) > 0.0)
    at = Solution(problem).criterion.evaluate(poles[is_apart])
    excess = found.cost[some][is_apart] - at.cost
    if noise == "white":
        np.testing.assert_allclose(excess, 0.0, atol=1e-5)
    assert (excess > -1e-5).all()  # rho is on a grid, too
    assert np.median(excess) < 2.0


def test_the_grid_is_finite_if_sequences_have_fewer_targets_than_starts() -> None:
    series = make_data(1, TWO, n_sequences=20, n_steps=2, gaps=0.7, noise=0.5)
    problem = FitProblem(series, FitOptions(time_constants=2, noise="ar1"))
    assert np.isfinite(scan(problem).cost).all()


def test_given_gains_are_those_of_all_states() -> None:
    series = make_data(3, TWO)
    options = FitOptions(time_constants=2, gains={"a": 24.0})
    solution = fit(series, options).solution
    free = FitProblem(series, replace(options, gains={}))
    columns, y = design_of(free, solution.poles)
    slow, fast = (1.0 / (1.0 - w) for w in solution.poles)
    columns[:, 1] -= fast / slow * columns[:, 0]  # the weights of both states have this gain
    y = y - 24.0 / slow * columns[:, 0]
    rest = y - columns[:, 1:] @ np.linalg.lstsq(columns[:, 1:], y, rcond=1e-12)[0]
    assert solution.cost == pytest.approx(np.mean(rest**2), rel=1e-8)
    (gain,) = fit(series, options).parameters.steady_state_gains[:1, 0]
    assert gain == pytest.approx(24.0)


def test_equal_poles_are_no_special_case() -> None:
    """The response of a chain of two equal stores is that of one pole and its derivative."""
    rng = np.random.default_rng(5)
    x = rng.standard_normal((80, 1))
    first = decay(0.8, 80) @ x[:, 0]
    y = 1.0 + decay(0.8, 80) @ np.concatenate([[0.0], first[:-1]])
    series = Series.from_sequences([x], [y + 1e-5 * rng.standard_normal(80)], ("a",))
    result = fit(series, FitOptions(time_constants=2))
    assert result.solution.poles == pytest.approx([0.8, 0.8], abs=0.02)
    at = result.solution.criterion.evaluate(np.array([[0.8, 0.8], [0.8 + 1e-6, 0.8 - 1e-6]]))
    assert at.cost[0] == pytest.approx(at.cost[1], abs=0.1)
    gain = result.parameters.steady_state_gains[0]
    assert gain[1] < 25.0 < gain[2]


@pytest.mark.parametrize("w", [0.3, pytest.param(0.8, marks=pytest.mark.slow), 0.95])
@pytest.mark.parametrize("shape", ["step", "random"])
def test_an_exact_response_with_equal_poles_is_found_exactly(w: float, shape: str) -> None:
    steps = np.arange(80)
    x: Array = np.random.default_rng(2).standard_normal(80)
    if shape == "step":
        x = np.where(steps > 4.0, 1.0, 0.0)
    y = 1.0 + lfilter([1.0 - w], [1.0, -2.0 * w, w * w], x)
    series = Series.from_sequences([x[:, None]], [np.asarray(y)], ("a",))
    result = fit(series, FitOptions(time_constants=2))
    assert result.solution.is_exact
    assert result.solution.poles == pytest.approx([w, w], abs=1e-9)
    assert result.verdict.trust.reasons == []
    assert "poles_coincide" in result.verdict.trust.cautions
    assert sum(abs(each.w_rec - w) < 1e-3 for each in result.solution.minima) == 1


@pytest.mark.parametrize("gap", [1e-12, 1e-9, 1e-7])
def test_robust_intervals_do_not_depend_on_rounding_near_equal_poles(gap: float) -> None:
    rng = np.random.default_rng(7)
    x = rng.standard_normal(120)
    y = lfilter([1.0], [1.0, -1.2, 0.36], x) + rng.standard_normal(120)
    series = Series.from_sequences([x[:, None]], [np.asarray(y)], ("a",))
    problem = FitProblem(series, FitOptions(time_constants=2, variance="free"))
    equal, close = (Solution(problem, ([0.6 + d, 0.6 - d], [[], []])) for d in (0.0, gap))
    assert close.variance_ratio == pytest.approx(equal.variance_ratio, rel=1e-5)
    p_values = [each.linearization.test_inputs()[0] for each in (equal, close)]
    assert p_values[0] < 1e-6
    assert p_values[1] < 1e-6


def draw_problem(seed: int) -> FitProblem:
    """Return a hard problem: short, with gaps, little or much noise, and up to four true poles."""
    rng = np.random.default_rng([37, seed])
    n_inputs = int(rng.choice([1, 2, 2, 3, 4]))
    poles = 1.0 - 10.0 ** rng.uniform(-2.0, 0.0, int(rng.integers(1, 5)))
    weights = {float(w): rng.standard_normal(n_inputs).tolist() for w in poles}
    model: Any = 2 if n_inputs == 1 or rng.random() < 0.4 else "per_input"
    series = make_data(
        seed,
        weights,
        n_sequences=int(rng.choice([1, 1, 4])),
        n_steps=int(rng.choice([30, 50, 80])),
        noise=float(rng.choice([0.01, 0.3, 1.0])),
        rho=float(rng.choice([0.0, 0.6])),
        gaps=float(rng.choice([0.0, 0.3])),
    )
    noise: Any = rng.choice(["white", "ar1"])
    w_rec = (-1.0, 1.0) if rng.random() < 0.2 else (0.0, 1.0)
    return FitProblem(series, FitOptions(time_constants=model, noise=noise, w_rec=w_rec))


def check_against_search(seed: int, n_places: dict[int, int], n_polished: int) -> None:
    """Compare the minimum with those near the best places of a grid of each number of poles."""
    problem = draw_problem(seed)
    solution = Solution(problem)
    low, high = problem.options.w_rec
    # Below, the start of a state is an impulse at its first target, and the criterion jumps at 0.
    low = max(low, 0.05)
    places = 1.0 - np.geomspace(1e-3, 1.0 - low, n_places[problem.unknowns.n_states])
    grid = np.stack(np.meshgrid(*[places] * problem.unknowns.n_states, indexing="ij"), axis=-1)
    at = solution.criterion.evaluate(grid.reshape(-1, problem.unknowns.n_states))

    def cost(poles: Array) -> float:
        return float(solution.criterion.evaluate(np.clip(poles, low, high)[None]).cost[0])

    lowest = float(at.cost.min())
    for i in np.argsort(at.cost)[:n_polished]:
        best = minimize(cost, at.poles[i], method="Nelder-Mead", options={"maxiter": 200})
        lowest = min(lowest, float(best.fun))
    assert solution.lowest <= lowest + 1e-6 * (1.0 + abs(lowest)), seed


@pytest.mark.parametrize("seed", range(8))
def test_no_coarse_search_finds_a_lower_criterion(seed: int) -> None:
    check_against_search(seed, {2: 14, 3: 7, 4: 5}, n_polished=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_no_dense_search_finds_a_lower_criterion(seed: int) -> None:
    check_against_search(seed, {2: 40, 3: 14, 4: 9}, n_polished=3)


@pytest.mark.parametrize("noise", ["white", "ar1"])
@pytest.mark.parametrize("state", [0, 1])
def test_the_ends_of_an_interval_have_the_level(noise: Any, state: int) -> None:
    """At an end, the criterion is at its level for the best other pole, and above it beyond."""
    series = make_data(4, TWO, noise=0.02, rho=0.5)
    solution = Solution(FitProblem(series, FitOptions(time_constants=2, noise=noise)))
    ((low, high),) = solution.intervals_of_states[state]
    assert low < solution.poles[state] < high < 1.0

    def lowest(w: float) -> float:
        def cost(other: float) -> float:
            pair = (w, other) if state == 0 else (other, w)
            return float(solution.criterion.evaluate(np.array([pair])).cost[0])

        ends = (0.0, w) if state == 0 else (w, 1.0)
        return float(minimize_scalar(cost, bounds=ends, method="bounded").fun)

    level = solution.lowest + solution.height
    for end in (low, high):
        assert lowest(end) == pytest.approx(level, abs=1e-3)
        assert lowest(end + (0.02 * (1.0 - end) if end == high else -0.01)) > level


@pytest.mark.parametrize("seed", [1, 41, 103])
def test_an_interval_is_not_split_where_a_polish_ends_elsewhere(seed: int) -> None:
    """A profile by SciPy is below the level everywhere between the ends, and at it there."""
    rng = np.random.default_rng([79, seed])
    inputs = lfilter([1.0], [1.0, -0.6], rng.standard_normal((80, 2)), axis=0)
    poles = rng.uniform(0.05, 0.95, 2)
    y = sum(decay(w, 80) @ x * (1.0 - w) for w, x in zip(poles, inputs.T, strict=True))
    y = y + 0.8 * np.std(y) * rng.standard_normal(80)
    series = Series.from_sequences([inputs], [y], ("a", "b"))
    solution = Solution(FitProblem(series, FitOptions(time_constants="per_input")))

    def rest(pair: Array) -> float:
        columns, targets = design_of(solution.problem, pair)
        return float(np.sum((targets - columns @ np.linalg.lstsq(columns, targets)[0]) ** 2))

    def profile(w: float, state: int) -> float:
        def cost(other: float) -> float:
            return rest(np.array([w, other] if state == 0 else [other, w]))

        places = np.linspace(0.01, 0.999, 30)
        start = int(np.argmin([cost(place) for place in places]))
        near = places[max(start - 1, 0)], places[min(start + 1, len(places) - 1)]
        return float(minimize_scalar(cost, bounds=near, method="bounded").fun)

    nu = solution.degrees_of_freedom
    level = rest(np.array(solution.poles)) * (1.0 + float(t.ppf(0.975, nu)) ** 2 / nu)
    for state in (0, 1):
        ((low, high),) = solution.intervals_of_states[state]
        for end in {low, high} - {0.0, 1.0}:
            assert profile(end, state) == pytest.approx(level, rel=1e-4)
        inner = np.linspace(max(low, 0.01), high, 30)[1:-1]
        assert max(profile(w, state) for w in inner) <= level


@pytest.mark.parametrize("n_inputs", [2, 3, pytest.param(4, marks=pytest.mark.slow)])
@pytest.mark.parametrize("n_sequences", [1, 6])
def test_each_input_has_its_own_pole(n_inputs: int, n_sequences: int) -> None:
    poles = [0.95, 0.8, 0.5, 0.2][:n_inputs]
    weights = {w: [float(i == k) for k in range(n_inputs)] for i, w in enumerate(poles)}
    series = make_data(5, weights, n_sequences=n_sequences, noise=0.01, n_steps=80)
    result = fit(series, FitOptions(time_constants="per_input"))
    assert result.solution.poles == pytest.approx(poles, abs=0.03)
    for w, pieces in zip(poles, result.solution.intervals_of_states, strict=True):
        assert pieces[0].low - 0.02 < w < pieces[-1].high + 0.02
    np.testing.assert_allclose(result.parameters.w_in[:, 0], 1.0, rtol=0.05)


def test_weights_gains_and_predictions_are_those_of_the_true_model() -> None:
    series = make_data(6, TWO, n_sequences=2, n_steps=60, noise=0.0)
    result = fit(series, FitOptions(time_constants=2))
    assert result.solution.poles == pytest.approx([0.95, 0.5], abs=1e-6)
    weights = result.parameters.weights[..., 0]
    np.testing.assert_allclose(weights, [TWO[0.95], TWO[0.5]], rtol=1e-4)
    gains = [20.0 + 4.0, 10.0 - 2.0]
    np.testing.assert_allclose(result.parameters.steady_state_gains[:, 0], gains, rtol=1e-4)
    x = np.random.default_rng(7).standard_normal((9, 2))
    (new,) = predict(result.solution, [x], initial_state=0.0)
    y = 3.0 + sum(decay(w, 9) @ x @ each for w, each in TWO.items())
    np.testing.assert_allclose(new.outputs, y, atol=1e-4)
    inputs, targets = split(series)
    inputs, future = [inputs[0], inputs[1][:50]], inputs[1][50:]
    cut = Series.from_sequences(inputs, [targets[0], targets[1][:50]], series.input_names)
    shorter = fit(cut, FitOptions(time_constants=2))
    (later,) = predict(shorter.solution, [future], sequence=1)
    np.testing.assert_allclose(later.outputs, targets[1][50:], atol=1e-4)
    with pytest.raises(ValueError, match="can only be 0"):
        predict(result.solution, [x], initial_state=1.0)


def test_marks_of_a_response_are_those_of_its_curve() -> None:
    one = fit(make_data(8, {0.9: [2.0]}, noise=0.0), FitOptions())
    tau = -1.0 / np.log(0.9)
    expected = [tau, tau * np.log(20.0)]
    assert one.responses[0][:2] == pytest.approx(expected, rel=1e-6)
    two = fit(make_data(8, {0.9: [1.0], 0.5: [4.0]}, noise=0.0), FitOptions(time_constants=2))
    curve = decay(0.9, 200).sum(axis=1) + 4.0 * decay(0.5, 200).sum(axis=1)
    for time, share in zip(two.responses[0][:2], (1.0 - np.exp(-1.0), 0.95), strict=True):
        k = int(time)
        assert curve[k - 1] <= share * 18.0 <= curve[k]
    peaked = fit(make_data(8, {0.9: [-1.0], 0.5: [8.0]}, noise=0.0), FitOptions(time_constants=2))
    curve = -decay(0.9, 99).sum(axis=1) + 8.0 * decay(0.5, 99).sum(axis=1)
    (response,) = peaked.responses
    assert np.isnan(response.time_to_63_percent)
    assert response.peak == pytest.approx(curve.max(), rel=1e-4)
    assert response.peak_time == 1 + np.argmax(curve)


@pytest.mark.slow
@pytest.mark.parametrize("noise", ["white", "ar1"])
def test_intervals_of_both_poles_have_their_coverage(noise: Any) -> None:
    n_hits = np.zeros(3)
    for seed in range(60):
        rho = 0.6 if noise == "ar1" else 0.0
        series = make_data(1000 + seed, {0.95: [1.0], 0.5: [2.0]}, n_steps=100, noise=0.2, rho=rho)
        result = fit(series, FitOptions(time_constants=2, noise=noise))
        intervals = result.solution.intervals_of_states
        for k, w in enumerate((0.95, 0.5)):
            n_hits[k] += any(low <= w <= high for low, high in intervals[k])
        _, low, high = result.parameters.steady_state_gains[0]
        n_hits[2] += low <= 24.0 <= high
    assert (n_hits >= 51).all()  # 85 %, where 57 are expected


@pytest.mark.parametrize("variance", ["constant", "free"])
def test_inputs_of_states_without_an_effect_are_judged(variance: Any) -> None:
    generator = np.random.default_rng(0)
    pulses = np.zeros((30, 4))
    pulses[7] = 1.0
    series = Series.from_sequences((pulses,), (generator.normal(size=30),), tuple("abcd"))
    # Of four equal pulses with almost equal poles, most have no part of their own.
    poles = [0.8338112209993696, 0.8339184601442173, 0.8327874074725808, 0.8340825072551447]
    intervals: list[list[Bounds]] = [[] for _ in poles]
    options = FitOptions(time_constants="per_input", noise="ar1", variance=variance)
    p_values = Solution(FitProblem(series, options), (poles, intervals)).linearization.test_inputs()
    assert ((p_values >= 0.0) & (p_values <= 1.0)).all()
