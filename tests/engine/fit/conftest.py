"""The model written as loops, its least-squares cost, and random problems of many kinds."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.signal import lfilter

from service.engine.data import Series
from service.engine.fit import FitOptions, FitProblem
from service.engine.types import Array


def split(series: Series) -> tuple[list[Array], list[Array]]:
    """Return the inputs (T, q) and the targets (T,) of every sequence."""
    ends = series.starts[1:-1]
    return np.split(series.inputs, ends), np.split(series.targets, ends)


def simulate(
    inputs: Array, w_rec: float, w_in: list[float], state: float = 0.0, offset: float = 0.0
) -> Array:
    """Return y_k = S_k + offset for one sequence, step by step."""
    outputs = []
    for x in inputs.tolist():
        state = w_rec * state + sum(a * b for a, b in zip(w_in, x, strict=True))
        outputs.append(state + offset)
    return np.array(outputs)


def design(series: Series, options: FitOptions, delay: int, w: float) -> tuple[Array, Array]:
    """Return the columns of the linear problem, one per unknown in its own unit, and the targets.

    An initial state that is known is subtracted from the targets. The rows are those of targets.
    With a known state, the inputs before the record are 0; otherwise, each sequence begins after
    the longest delay.
    """
    skip = options.delay[1] if isinstance(options.initial_state, str) else 0
    n_starts = {"each": len(series.lengths), "shared": 1}.get(str(options.initial_state), 0)
    blocks, targets = [], []
    for i, (inputs, sequence) in enumerate(zip(*split(series), strict=True)):
        y = sequence[skip:]
        past = np.zeros((delay, inputs.shape[1]))
        acting = np.concatenate([past, inputs])[skip : len(inputs)]
        states = lfilter([1.0], [1.0, -w], acting, axis=0)
        powers = w ** np.arange(1.0, len(y) + 1.0)
        starts = np.zeros((len(y), n_starts))
        if n_starts:
            starts[:, i if options.initial_state == "each" else 0] = powers
        else:
            y = y - float(options.initial_state) * powers
        ones = np.ones((len(y), int(options.offset)))
        seen = ~np.isnan(y)
        blocks.append(np.concatenate([states, ones, starts], axis=1)[seen])
        targets.append(y[seen])
    return np.concatenate(blocks), np.concatenate(targets)


def list_regressors(options: FitOptions, steps: Array, n_steps: int, skip: int) -> list[Array]:
    """Return the columns without a pole: the offset, the trend and the season."""
    columns = [np.ones(len(steps))] if options.offset is True else []
    columns += [(steps - skip) / (n_steps - 1.0)] if options.trend else []
    period, n_harmonics = options.season or (1, 0)
    for k in range(1, n_harmonics + 1):
        columns += [np.cos(2.0 * np.pi * k * steps / period)]
        columns += [np.sin(2.0 * np.pi * k * steps / period)] if 2 * k < period else []
    return columns


def design_of(problem: FitProblem, poles: Iterable[float]) -> tuple[Array, Array]:
    """Return the columns of any model at its poles, one per unknown, and the targets.

    At a pole of 0, there is no initial state. A known initial state is 0.
    """
    series, options, skip = problem.record, problem.options, problem.skip
    kind = options.initial_state
    n_starts = {"each": len(series.lengths), "shared": 1}.get(str(kind), 0)
    n_steps = max(series.lengths) - skip
    blocks, targets = [], []
    for i, (x, y) in enumerate(zip(*split(series), strict=True)):
        acting = np.concatenate([np.zeros((problem.delay, x.shape[1])), x])[skip : len(x)]
        steps = np.arange(float(len(acting)))
        columns = []
        for values, of_states in zip(acting.T, problem.unknowns.acts.T, strict=True):
            own = [w for w, acts in zip(poles, of_states, strict=True) if acts]
            columns += [lfilter([1.0], [1.0, -w], values) for w in own] or [values]
        columns += list_regressors(options, steps + skip, n_steps, skip)
        powers = [w ** (steps + 1.0) for w in poles if w != 0.0]
        starts = np.zeros((n_starts, len(powers), len(steps)))
        if n_starts and powers:
            starts[i % n_starts] = powers
        columns.extend(starts.reshape(-1, len(steps)))
        is_used = ~np.isnan(y[skip:])
        blocks.append(np.column_stack(columns)[is_used])
        targets.append(y[skip:][is_used])
    return np.concatenate(blocks), np.concatenate(targets)


def cost_at(series: Series, options: FitOptions, w: float, delay: int = 0) -> float:
    """Return the lowest mean squared error with one w_rec, by an SVD of the columns."""
    columns, targets = design(series, options, delay, w)
    sizes = np.linalg.norm(columns, axis=0)
    columns = columns / np.where(sizes > 0.0, sizes, 1.0)
    weights = np.linalg.lstsq(columns, targets, rcond=1e-13)[0]
    return float(np.mean((targets - columns @ weights) ** 2))


def search_densely(series: Series, options: FitOptions, n_places: int = 200) -> float:
    """Return the lowest cost on a dense grid, after a polish of every minimum of the grid."""
    low, high = options.w_rec
    places = np.linspace(low, high, n_places)
    places = np.unique(
        np.clip(np.append(places, [1 - 1e-2 * 0.7**i for i in range(20)]), low, high)
    )
    costs = [cost_at(series, options, w) for w in places]
    lowest = min(costs)
    for i in range(1, len(places) - 1):
        if costs[i] <= min(costs[i - 1], costs[i + 1]):
            bounds = (places[i - 1], places[i + 1])
            result = minimize_scalar(
                lambda w: cost_at(series, options, w),
                bounds=bounds,
                method="bounded",
                options={"xatol": 1e-10},
            )
            # Beside 1, an offset and a start are so nearly collinear that digits are lost.
            if abs(result.x - 1.0) > 1e-6:
                lowest = min(lowest, float(result.fun))
    return lowest


@dataclass
class Case:
    """A random problem, and its kind."""

    kind: str
    series: Series
    options: FitOptions

    @property
    def has_enough(self) -> bool:
        """True if there are at least as many targets as unknowns."""
        columns, targets = design(self.series, self.options, 0, 0.5)
        return len(targets) > int(columns.shape[1])


KINDS = (
    "plain",
    "gaps",
    "ragged",
    "collinear",
    "near unit root",
    "short",
    "sparse",
    "last step",
    "steps",
    "noise only",
    "known start",
    "no inputs",
)


def _draw_targets(kind: str, y: Array, noise: float, rng: np.random.Generator) -> Array:
    """Return noisy targets, some of which are missing."""
    y = rng.standard_normal(len(y)) if kind == "noise only" else y
    y = y + noise * rng.standard_normal(len(y))
    step = np.arange(len(y))
    missing = {
        "gaps": rng.random(len(y)) < 0.3,
        "sparse": step % 4 != 3,
        "last step": step < len(y) - 1,
    }
    y[missing.get(kind, step < 0)] = np.nan
    return y


def _draw_inputs(kind: str, length: int, n_inputs: int, rng: np.random.Generator) -> Array:
    x = rng.standard_normal((length, n_inputs))
    if kind == "steps":
        x = np.repeat(rng.integers(0, 2, (length // 5 + 1, n_inputs)), 5, axis=0)[:length].astype(
            np.float64
        )
    if kind == "collinear" and n_inputs > 1:
        x[:, 1] = 2.0 * x[:, 0]
    return x


def _draw_lengths(kind: str, rng: np.random.Generator) -> NDArray[np.int64]:
    n_sequences, length = int(rng.choice([1, 1, 2, 3, 6])), int(rng.choice([10, 20, 50]))
    if kind == "ragged":
        return rng.integers(5, 50, n_sequences)
    if kind == "short":
        length = int(rng.integers(2, 6))
    if kind == "last step":
        n_sequences, length = 12, int(rng.integers(3, 15))
    return np.full(n_sequences, length)


def draw_case(seed: int) -> Case:
    """Return the random problem of a seed."""
    rng = np.random.default_rng([23, seed])
    kind = KINDS[seed % len(KINDS)]
    n_inputs = 0 if kind == "no inputs" else int(rng.choice([1, 1, 2, 3]))
    w = float(1.0 - 10.0 ** rng.uniform(-4, -1) if kind == "near unit root" else rng.uniform())
    state: float | str = str(rng.choice(["each", "shared"]))
    if kind in {"known start", "last step"} or rng.random() < 0.2:
        state = float(rng.choice([0.0, 1.5]))
    offset, noise = 5.0 * float(rng.standard_normal()), float(rng.choice([0.01, 0.3, 1.0, 10.0]))
    w_in, inputs, targets = rng.standard_normal(n_inputs).tolist(), [], []
    for length in _draw_lengths(kind, rng).tolist():
        x = _draw_inputs(kind, length, n_inputs, rng)
        initial = 2.0 * float(rng.standard_normal()) if isinstance(state, str) else state
        y = simulate(x, w, w_in, initial, offset)
        inputs.append(x)
        targets.append(_draw_targets(kind, y, noise, rng))
    ranges = ((0.0, 1.0), (-1.0, 1.0), (0.0, 1.3))
    options = FitOptions(
        initial_state=state,  # type: ignore[arg-type]
        offset=bool(rng.random() < 0.6),
        w_rec=ranges[int(rng.integers(3))],
    )
    names = tuple(f"x{i}" for i in range(n_inputs))
    return Case(kind, Series.from_sequences(tuple(inputs), tuple(targets), names), options)
