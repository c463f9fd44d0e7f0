"""Simulated series for tests of the verdict: correct and wrong models.

Inputs are white noise unless stated otherwise. Noise has half the standard deviation of the
response (``NOISE``). Every case draws its problems from a generator that the caller seeds.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Series
from service.engine.fit import FitOptions

Array: TypeAlias = NDArray[np.float64]
Draws: TypeAlias = np.random.Generator
Design: TypeAlias = Callable[[Draws], Series]

NOISE: Final = 0.5  # standard deviation of noise, relative to that of the response
# The spread of a response whose w_rec is near 1 depends on its length; noise is then relative to
# that of a random walk of ten steps.
SLOW: Final = 0.99
SLOW_SPREAD: Final = math.sqrt(10.0)
PULSES_SPREAD: Final = 0.67  # of the response of 0.8 to pulses in a fifth of the steps


@dataclass(frozen=True)
class Case:
    """A design of series, with the options of the fit.

    Attributes
    ----------
    group
        The table of the case.
    name
        The label in the table.
    w_rec
        The true weight, of several the slowest; nan if there is none.
    draw
        Returns a series.
    options
        The options of the fit.
    fast
        The true weight of the second state.
    gain
        The true steady-state gain of the first input.
    """

    group: str
    name: str
    w_rec: float
    draw: Design
    options: FitOptions = field(default_factory=FitOptions)
    fast: float = math.nan
    gain: float = math.nan


def respond(w_rec: float, inputs: Array, start: float = 0.0) -> Array:
    """Return the states (T,) of the recurrence for summed inputs (T,) and an initial state."""
    states = np.empty(len(inputs))
    state = start
    for k, x in enumerate(inputs):
        state = w_rec * state + x
        states[k] = state
    return states


def autoregression(draws: Draws, n_steps: int, rho: float) -> Array:
    """Return stationary first-order autoregressive noise (T,) with variance 1."""
    innovations = draws.normal(size=n_steps)
    innovations[1:] *= math.sqrt(1.0 - rho * rho)
    return respond(rho, innovations)


def make_series(*sequences: tuple[Array, Array]) -> Series:
    """Return a series of sequences: inputs (T,) or (T, q), and targets (T,)."""
    inputs = [x.reshape(len(x), -1) for x, _ in sequences]
    targets = [y for _, y in sequences]
    names = tuple(f"x_{j}" for j in range(inputs[0].shape[1]))
    return Series.from_sequences(inputs, targets, names)


def one_sequence(
    n_steps: int, w_rec: float, *, rho: float = 0.0, dead_time: int = 0, slowness: float = 0.0
) -> Design:
    """Return a design of one sequence; ``slowness`` is the autocorrelation of its input."""

    def draw(draws: Draws) -> Series:
        x = autoregression(draws, n_steps, slowness)
        delayed = np.concatenate([np.zeros(dead_time), x[: n_steps - dead_time]])
        response = respond(w_rec, delayed, 2.0 * draws.normal())
        spread = response.std() if abs(w_rec) < SLOW else SLOW_SPREAD
        return make_series(
            (x, response + 2.0 + NOISE * spread * autoregression(draws, n_steps, rho))
        )

    return draw


def panel(n_sequences: int, n_steps: int, rho: float = 0.0, levels: float = 0.0) -> Design:
    """Return a design of short sequences with an initial state each and w_rec 0.8.

    The levels differ by so many standard deviations of the response, which is 1.67.
    """

    def sequence(draws: Draws) -> tuple[Array, Array]:
        x = draws.normal(size=n_steps)
        noise = NOISE * autoregression(draws, n_steps, rho)
        level = 1.67 * levels * draws.normal()
        return x, respond(0.8, x, 2.0 * draws.normal()) + 1.0 + level + noise

    return lambda draws: make_series(*(sequence(draws) for _ in range(n_sequences)))


SPARSE_W_REC: Final = math.exp(-1.0 / 60.0)


def sparse(every: int, time_constant: float = 0.0) -> Design:
    """Return a design of 1,400 days of rain and a target every few days.

    The noise has a time constant in days; 0 for white noise.
    """

    def draw(draws: Draws) -> Series:
        n_steps = 1_400
        rho = math.exp(-1.0 / time_constant) if time_constant else 0.0
        rain = draws.gamma(0.3, 1.0, size=n_steps) * (draws.random(n_steps) < 0.5)
        response = respond(SPARSE_W_REC, rain)
        targets = response + NOISE * response.std() * autoregression(draws, n_steps, rho)
        targets[np.arange(n_steps) % every != 0] = np.nan
        return make_series((rain, targets))

    return draw


def half_observed(n_steps: int) -> Design:
    """Return a design with AR(0.6) noise in which half of the targets are missing."""
    whole = one_sequence(n_steps, 0.8, rho=0.6)

    def draw(draws: Draws) -> Series:
        series = whole(draws)
        missing = draws.random(n_steps) < 0.5
        return make_series((series.inputs, np.where(missing, np.nan, series.targets)))

    return draw


def without_effect(n_steps: int, rho: float, slowness: float = 0.0) -> Design:
    """Return a design whose input has no effect."""
    return lambda draws: make_series(
        (
            autoregression(draws, n_steps, slowness),
            3.0 + autoregression(draws, n_steps, rho),
        )
    )


def with_share(n_steps: int, share: float, rho: float) -> Design:
    """Return a design whose input explains a share of the variance; w_rec is 0.7."""

    def draw(draws: Draws) -> Series:
        x = draws.normal(size=n_steps)
        response = respond(0.7, x)
        noise = autoregression(draws, n_steps, rho)
        signal = math.sqrt(share) / response.std() * response
        return make_series((x, signal + 1.0 + math.sqrt(1.0 - share) * noise))

    return draw


def useless_second(n_steps: int, rho: float) -> Design:
    """Return a design whose second input has no effect."""
    whole = one_sequence(n_steps, 0.8, rho=rho)

    def draw(draws: Draws) -> Series:
        series = whole(draws)
        inputs = np.column_stack([series.inputs, draws.normal(size=n_steps)])
        return make_series((inputs, series.targets))

    return draw


def seasonal(period: int, *, in_input: bool) -> Design:
    """Return a design with a season in the target, and optionally one in its input."""

    def draw(draws: Draws) -> Series:
        n_steps = 100
        phase = 2.0 * np.pi * np.arange(n_steps) / period
        x = draws.normal(size=n_steps) + 1.5 * in_input * np.sin(phase)
        season = 1.5 * np.sin(phase + 1.0)
        return make_series((x, respond(0.6, x) + season + 0.5 * draws.normal(size=n_steps)))

    return draw


def two_time_constants(draws: Draws) -> Series:
    """Return the response of two states, 0.95 and 0.5, to rare pulses."""
    n_steps = 200
    x = np.where(draws.random(n_steps) < 0.1, 1.0, 0.0)
    response = 0.5 * respond(0.95, x) + 0.5 * respond(0.5, x)
    return make_series((x, response + 0.1 * draws.normal(size=n_steps)))


def two_states(
    n_steps: int,
    share: float = 0.5,
    *,
    rho: float = 0.0,
    noise: float = NOISE,
    pulses: bool = False,
) -> Design:
    """Return a design in which a share of an input decays with 0.95, and the rest with 0.5."""

    def draw(draws: Draws) -> Series:
        x = draws.normal(size=n_steps)
        if pulses:
            x = np.where(draws.random(n_steps) < 0.1, 1.0, 0.0)
        response = share * respond(0.95, x) + (1.0 - share) * respond(0.5, x)
        size = 0.1 if pulses else noise * response.std()
        return make_series((x, response + size * autoregression(draws, n_steps, rho)))

    return draw


def growing(n_steps: int, w_rec: float, rho: float = 0.0) -> Design:
    """Return a design of a response that grows, with noise of the size of its input."""

    def draw(draws: Draws) -> Series:
        x = draws.normal(size=n_steps)
        response = respond(w_rec, x, 2.0)
        return make_series((x, response + NOISE * autoregression(draws, n_steps, rho)))

    return draw


def oscillating(n_steps: int, radius: float, period: float) -> Design:
    """Return a design of a response with two complex poles; two equal ones without a period."""

    def draw(draws: Draws) -> Series:
        x = draws.normal(size=n_steps)
        turn = 2.0 * math.pi / period if period else 0.0
        y = np.zeros(n_steps + 2)
        for k in range(n_steps):
            y[k + 2] = 2.0 * radius * math.cos(turn) * y[k + 1] - radius**2 * y[k] + x[k]
        response = y[2:]
        return make_series((x, response + 0.3 * response.std() * draws.normal(size=n_steps)))

    return draw


def unlike_inputs(n_steps: int, *weights: float, rho: float = 0.0) -> Design:
    """Return a design of inputs with a weight and an equally large effect each."""

    def draw(draws: Draws) -> Series:
        inputs = draws.normal(size=(n_steps, len(weights)))
        parts = [respond(w, x) for w, x in zip(weights, inputs.T, strict=True)]
        response = sum((part / part.std() for part in parts), np.zeros(n_steps))
        noise = NOISE * response.std() * autoregression(draws, n_steps, rho)
        return make_series((inputs, response + 2.0 + noise))

    return draw


def compartments(size: float) -> Design:
    """Return a design of 6 patients whose drug has two compartments, 0.41 and 2.98 hours.

    A step is a quarter of an hour, and errors have a size relative to the value.
    """
    times = np.array([1, 2, 3, 4, 5, 8, 12, 16, 20, 24, 32])

    def sequence(draws: Draws) -> tuple[Array, Array]:
        hours = 0.25 * np.arange(33)
        fast, slow = 2.0 * np.exp(0.25 * draws.normal(size=2)) * (1.0, 0.3)
        values = fast * np.exp(-hours / 0.41) + slow * np.exp(-hours / 2.98)
        targets = np.full(33, np.nan)
        targets[times] = (values * np.exp(size * draws.normal(size=33)))[times]
        return np.zeros((33, 0)), targets

    return lambda draws: make_series(*(sequence(draws) for _ in range(6)))


def building(draws: Draws) -> Series:
    """Return half hours of a house, 0.8 and 80 hours, with heating and the outdoors as inputs."""
    n_steps = 232
    outdoors = 5.0 * autoregression(draws, n_steps, 0.95)
    heating = np.where(np.arange(n_steps) // 24 % 3 == 0, 2.0, 0.0)
    fast, slow = np.exp(-0.5 / 0.8), np.exp(-0.5 / 80.0)
    response = 4.0 * (1.0 - fast) * respond(fast, heating)
    response += (1.0 - slow) * respond(slow, 15.6 * heating + outdoors)
    noise = 0.3 * autoregression(draws, n_steps, 0.6)
    return make_series((np.column_stack([outdoors, heating]), response + 20.0 + noise))


def multiplicative(size: float) -> Design:
    """Return a design of a response whose errors are proportional to its value."""

    def draw(draws: Draws) -> Series:
        n_steps = 100
        x = np.exp(1.2 * draws.normal(size=n_steps))
        return make_series((x, respond(0.8, x) * np.exp(size * draws.normal(size=n_steps))))

    return draw


def outliers(draws: Draws) -> Series:
    """Return a response in which 5 % of the errors are five times as large."""
    n_steps = 100
    x = draws.normal(size=n_steps)
    errors = draws.normal(size=n_steps) * np.where(draws.random(n_steps) < 0.05, 5.0, 1.0)
    response = respond(0.8, x)
    return make_series((x, response + 2.0 + NOISE * response.std() * errors))


def changing(draws: Draws) -> Series:
    """Return a response whose weight grows from 0.7 to 0.9."""
    n_steps, state = 100, 0.0
    x, w_rec = draws.normal(size=n_steps), np.linspace(0.7, 0.9, n_steps)
    response = np.empty(n_steps)
    for k in range(n_steps):
        state = w_rec[k] * state + x[k]
        response[k] = state
    return make_series((x, response + 2.0 + NOISE * response.std() * draws.normal(size=n_steps)))


def faint_second_state(n_steps: int) -> Design:
    """Return a design in which a twentieth of the effect decays with 0.98 instead of 0.8."""

    def draw(draws: Draws) -> Series:
        x = draws.normal(size=n_steps)
        response = 0.95 * respond(0.8, x) + 0.05 * respond(0.98, x)
        return make_series((x, response + NOISE * response.std() * draws.normal(size=n_steps)))

    return draw


def random_walk(n_steps: int, w_rec: float) -> Design:
    """Return a design whose noise is a random walk."""

    def draw(draws: Draws) -> Series:
        x = draws.normal(size=n_steps)
        response = respond(w_rec, x, 2.0 * draws.normal())
        walk = np.cumsum(draws.normal(size=n_steps))
        return make_series((x, response + 2.0 + 0.3 * NOISE * response.std() * walk))

    return draw


def drifting(n_steps: int) -> Design:
    """Return a design whose input is a random walk, and whose noise a smaller one plus white noise.

    Its w_rec is 0.5.
    """

    def draw(draws: Draws) -> Series:
        x = np.cumsum(draws.normal(size=n_steps))
        response = respond(0.5, x)
        noise = 0.3 * np.cumsum(draws.normal(size=n_steps)) + draws.normal(size=n_steps)
        return make_series((x, response + NOISE * response.std() / noise.std() * noise))

    return draw


def two_walks(n_steps: int) -> Design:
    """Return a design whose input and target are random walks, independent of each other."""
    return lambda draws: make_series(
        (np.cumsum(draws.normal(size=n_steps)), np.cumsum(draws.normal(size=n_steps)))
    )


def curved(shape: Callable[[Array], Array]) -> Design:
    """Return a design of 100 steps whose input acts through a curve."""

    def draw(draws: Draws) -> Series:
        x = draws.exponential(size=100)
        response = respond(0.8, shape(x))
        return make_series((x, response + NOISE * response.std() * draws.normal(size=100)))

    return draw


def unlike(gains: float, times: float, rho: float = 0.0) -> Design:
    """Return a design of 12 sequences of pulses, whose gains and time constants have a spread."""

    def sequence(draws: Draws) -> tuple[Array, Array]:
        x = np.where(draws.random(20) < 0.2, 1.0, 0.0)
        time = -math.exp(times * draws.normal()) / math.log(0.8)
        response = math.exp(gains * draws.normal()) * respond(math.exp(-1.0 / time), x)
        return x, response + PULSES_SPREAD * NOISE * autoregression(draws, 20, rho)

    return lambda draws: make_series(*(sequence(draws) for _ in range(12)))


def regions(
    n_sequences: int,
    n_steps: int,
    *,
    weights: float = 0.0,
    levels: float = 0.0,
    rho: float = 0.0,
) -> Design:
    """Return a design of sequences whose w_rec or levels have a spread.

    The w_rec are evenly spaced around 0.5, and the levels have a standard deviation in units of
    that of the response.
    """

    def sequence(draws: Draws, w_rec: float) -> tuple[Array, Array]:
        x = draws.normal(size=n_steps)
        response = respond(w_rec, x, 2.0 * draws.normal())
        spread = 1.0 / math.sqrt(1.0 - w_rec**2)
        level = 1.0 + levels * spread * draws.normal()
        return x, response + level + NOISE * spread * autoregression(draws, n_steps, rho)

    places = 0.5 + weights * np.linspace(-1.0, 1.0, n_sequences)
    return lambda draws: make_series(*(sequence(draws, w) for w in places))


def one_of_three(n_steps: int, share: float, rho: float, slowness: float = 0.0) -> Design:
    """Return a design of three inputs, of which the first explains a share of the variance."""

    def draw(draws: Draws) -> Series:
        inputs = [autoregression(draws, n_steps, slowness) for _ in range(3)]
        response = respond(0.7, inputs[0])
        signal = math.sqrt(share) / response.std() * response
        noise = math.sqrt(1.0 - share) * autoregression(draws, n_steps, rho)
        return make_series((np.column_stack(inputs), signal + 1.0 + noise))

    return draw


def uneven_pulses(size: float) -> Design:
    """Return a design of the response to rare pulses, whose errors are proportional to it."""

    def draw(draws: Draws) -> Series:
        x = np.where(draws.random(100) < 0.1, 1.0, 0.0)
        response = respond(0.8, x)
        return make_series((x, response * (1.0 + size * draws.normal(size=100))))

    return draw


AR1: Final = FitOptions(noise="ar1")
FREE: Final = FitOptions(variance="free")
PROPORTIONAL: Final = FitOptions(variance="proportional")
VARIANCES: Final[tuple[Literal["constant", "proportional"], ...]] = ("constant", "proportional")
AT_REST: Final = FitOptions(initial_state=0.0)
WEIGHTS: Final = (0.3, 0.8, 0.97)
FITS: Final = (("white", FitOptions()), ("ar1", AR1))

RIGHT: Final = (
    *(
        Case("right", f"T = {n}, w {w}", w, one_sequence(n, w))
        for n in (15, 30, 100, 500)
        for w in (*WEIGHTS, 1.0)
    ),
    *(
        Case("right", f"panel {n} x {t}", 0.8, panel(n, t))
        for n, t in ((12, 10), (50, 6), (100, 8))
    ),
    Case("right", "every 14 days", SPARSE_W_REC, sparse(14)),
    *(
        Case("right", f"slow input, T = {n}, w {w}", w, one_sequence(n, w, slowness=0.9))
        for n in (30, 100)
        for w in (0.3, 0.8)
    ),
    *(
        Case("right", f"AR 0.6, T = {n}, w {w}, ar1 fit", w, one_sequence(n, w, rho=0.6), AR1)
        for n in (30, 100, 500)
        for w in WEIGHTS
    ),
    *(
        Case(
            "right",
            f"AR (46 days) every {k} days, ar1 fit",
            SPARSE_W_REC,
            sparse(k, 46.0),
            AR1,
        )
        for k in (14, 2)
    ),
    *(
        Case("right", f"AR 0.6, half observed, T = {n}, ar1 fit", 0.8, half_observed(n), AR1)
        for n in (30, 100, 500)
    ),
    *(
        Case("drift", f"AR 0.97, T = {n}, w {w}, ar1 fit", w, one_sequence(n, w, rho=0.97), AR1)
        for n in (30, 100, 300)
        for w in WEIGHTS
    ),
    *(
        Case("drift", f"random walk, T = {n}, w {w}, ar1 fit", w, random_walk(n, w), AR1)
        for n in (30, 100, 300)
        for w in WEIGHTS
    ),
)
"""Correct models, of which at most 5 % may be rejected."""

CHECKED: Final = (
    *(
        Case(
            "right",
            f"a known gain and level, T = {n}, AR {rho}",
            0.8,
            one_sequence(n, 0.8, rho=rho),
            options,
        )
        for n in (30, 100)
        for rho, noise in ((0.0, FitOptions()), (0.6, AR1))
        for options in [replace(noise, offset=2.0, gains={"x_0": 5.0})]
    ),
    *(
        Case("right", f"panel of pulses, 12 x 20, AR {rho}", 0.8, unlike(0.0, 0.0, rho), options)
        for rho, options in ((0.0, AT_REST), (0.6, replace(AT_REST, noise="ar1")))
    ),
    Case(
        "drift", "a walk and white noise, input a walk, T = 200, ar1 fit", 0.5, drifting(200), AR1
    ),
    Case("right", "free variance, T = 30", 0.8, one_sequence(30, 0.8), FREE),
    Case("right", "free variance, T = 100", 0.8, one_sequence(100, 0.8), FREE),
    *(
        Case("uneven", f"{name}, {options.variance} variance", 0.8, design, options)
        for name, design in (
            ("errors 30 %, T = 100", multiplicative(0.3)),
            ("errors 30 %, pulses, T = 100", uneven_pulses(0.3)),
        )
        for options in (FitOptions(), FREE, PROPORTIONAL)
    ),
    *(
        Case(
            "uneven",
            f"errors {100 * size:.0f} %, pulses from rest, T = 100, {variance} variance",
            0.8,
            uneven_pulses(size),
            FitOptions(initial_state=0.0, offset=False, variance=variance),
        )
        for size in (0.1, 0.2, 0.3)
        for variance in VARIANCES
    ),
    *(
        Case(
            "uneven",
            f"errors {100 * size:.0f} %, two compartments, 6 x 11, {variance} variance",
            math.exp(-0.25 / 2.98),
            compartments(size),
            FitOptions(offset=False, time_constants=2, variance=variance),
            fast=math.exp(-0.25 / 0.41),
        )
        for size in (0.05, 0.1, 0.2)
        for variance in VARIANCES
    ),
    *(
        Case("checked", f"curve: {name}", 0.8, curved(shape))
        for name, shape in (
            ("square", np.square),
            ("hockey stick", lambda x: np.maximum(x - 1.0, 0.0)),
            ("saturation", lambda x: x / (1.0 + x)),
        )
    ),
    *(
        Case(
            "checked",
            f"sequences differ: {name}, AR {rho}",
            math.nan,
            unlike(*spread, rho),
            AT_REST,
        )
        for name, spread in (("gains by 30 %", (0.3, 0.0)), ("times by 60 %", (0.0, 0.6)))
        for rho in (0.0, 0.6)
    ),
    *(
        Case(
            "alike",
            f"{n} × {t}, AR {rho}, {options.noise} fit",
            0.5,
            regions(n, t, rho=rho),
            options,
        )
        for n, t in ((2, 50), (4, 50), (5, 20), (12, 20))
        for rho, options in ((0.0, FitOptions()), (0.6, FitOptions()), (0.6, AR1), (0.9, AR1))
    ),
    *(
        Case(
            "unlike",
            f"{n} × {t}, {name}, AR {rho}",
            math.nan,
            regions(n, t, **spread, rho=rho),
        )
        for n, t in ((2, 50), (4, 50), (4, 100), (12, 20))
        for name, spread in (
            ("w_rec 0.3 to 0.7", {"weights": 0.2}),
            ("levels of 1", {"levels": 1.0}),
        )
        for rho in (0.0, 0.6)
    ),
    *(
        Case(
            "checked",
            f"a known gain times {factor:g}, T = {n}",
            0.8,
            one_sequence(n, 0.8),
            FitOptions(gains={"x_0": 5.0 * factor}),
        )
        for n in (30, 100)
        for factor in (1.5, 3.0)
    ),
    *(
        Case("checked", f"dead time {delay}, T = {n}, AR {rho}", 0.8, design)
        for n, delay in ((60, 12), (100, 14))
        for rho in (0.0, 0.6)
        for design in [one_sequence(n, 0.8, rho=rho, dead_time=delay)]
    ),
)
"""Correct models with known numbers, and models that a single check detects."""

EFFECTS: Final = (
    *(
        Case("no effect", f"T = {n}, AR {rho}, input AR {slow}", math.nan, make)
        for n in (15, 30, 100)
        for rho in (0.0, 0.6, 0.9)
        for slow in (0.0, 0.9)
        if n > 15 or not slow
        for make in [without_effect(n, rho, slow)]
    ),
    *(
        Case("power", f"R² {share}, T = {n}, AR {rho}", 0.7, with_share(n, share, rho))
        for n in (30, 100)
        for share in (0.1, 0.2, 0.3)
        for rho in (0.0, 0.6)
    ),
    *(
        Case(
            "no effect of three",
            f"T = {n}, AR {rho}, input AR {slow}",
            math.nan,
            one_of_three(n, 0.0, rho, slow),
        )
        for n in (30, 100)
        for rho, slow in ((0.0, 0.0), (0.6, 0.0), (0.9, 0.9))
    ),
    *(
        Case("one of three", f"R² {share}, T = {n}", 0.7, one_of_three(n, share, 0.0))
        for n, share in ((30, 0.3), (30, 0.5), (100, 0.1), (100, 0.2))
    ),
    *(
        Case("useless second input", f"T = {n}, AR {rho}", 0.8, useless_second(n, rho), options)
        for n in (30, 100)
        for rho, options in ((0.0, FitOptions()), (0.6, AR1))
    ),
    *(
        Case("two random walks", f"T = {n}, {noise} fit", math.nan, two_walks(n), options)
        for n in (60, 150)
        for noise, options in FITS
    ),
)
"""Inputs without and with an effect, for the rate of detection."""

WRONG: Final = (
    *(
        Case("wrong", f"AR (46 days) every {k} days, white fit", SPARSE_W_REC, sparse(k, 46.0))
        for k in (14, 2)
    ),
    *(
        Case("wrong", f"AR 0.6, T = {n}, white fit", 0.8, one_sequence(n, 0.8, rho=0.6))
        for n in (15, 30, 50, 100)
    ),
    *(
        Case(
            "wrong",
            f"dead time {delay}, T = {n}, {kind} fit",
            0.8,
            one_sequence(n, 0.8, dead_time=delay),
            options,
        )
        for n in (30, 100)
        for delay in (2, 5)
        for kind, options in FITS
    ),
    *(
        Case(
            "wrong",
            f"dead time 3, AR 0.6, T = 100, {kind} fit",
            0.8,
            one_sequence(100, 0.8, rho=0.6, dead_time=3),
            options,
        )
        for kind, options in FITS
    ),
    *(
        Case("wrong", f"season {period}{where}", 0.6, seasonal(period, in_input=both))
        for both, where in ((True, " in input and target"), (False, " in the target"))
        for period in (4, 12)
    ),
    *(
        Case("wrong", f"two time constants, {kind} fit", 0.95, two_time_constants, options)
        for kind, options in FITS
    ),
    Case("wrong", "multiplicative, 30 %", 0.8, multiplicative(0.3)),
    *(
        Case("wrong", f"w -0.8, range 0 to 1, {kind} fit", -0.8, one_sequence(100, -0.8), options)
        for kind, options in FITS
    ),
    *(
        Case("wrong", f"w {w}, T = 40, range 0 to 1, {kind} fit", w, growing(40, w), options)
        for w in (1.05, 1.1)
        for kind, options in FITS
    ),
    *(
        Case("wrong", f"oscillation, {kind} fit", math.nan, oscillating(120, 0.88, 13.0), options)
        for kind, options in FITS
    ),
    *(
        Case("wrong", f"panel {n} x {t}, AR {rho}, white fit", 0.8, panel(n, t, rho))
        for n, t, rho in ((12, 10, 0.6), (50, 6, 0.4))
    ),
    *(
        Case(
            "wrong",
            f"levels {levels}, {n} x {t}, AR {rho}",
            0.8,
            panel(n, t, rho, levels),
        )
        for n, t in ((10, 10), (5, 20), (10, 20))
        for rho in (0.0, 0.6)
        for levels in (0.5, 1.0)
    ),
)
"""Wrong models, which must be detected."""

FAINT: Final = (
    *(
        Case("faint", f"multiplicative, {100 * size:.0f} %", 0.8, multiplicative(size))
        for size in (0.1, 0.2)
    ),
    Case("faint", "outliers, 5 %", 0.8, outliers),
    Case("faint", "w from 0.7 to 0.9", math.nan, changing),
    *(
        Case("faint", f"a faint second state, T = {n}", 0.8, faint_second_state(n))
        for n in (100, 2_000)
    ),
)
"""Small violations, which are detected only with many targets."""

SEVERAL: Final = (
    *(
        Case(
            "right",
            f"two inputs, T = {n}, AR {rho}",
            0.8,
            unlike_inputs(n, 0.8, 0.8, rho=rho),
            options,
        )
        for n in (30, 100, 300)
        for rho, options in ((0.0, FitOptions()), (0.6, AR1))
    ),
    *(
        Case("right", f"panel {n} x {t}, AR 0.6, ar1 fit", 0.8, panel(n, t, 0.6), AR1)
        for n, t in ((12, 10), (50, 6), (6, 20))
    ),
    *(
        Case(
            "several",
            f"two, {kind}, T = {n}, AR {rho}",
            0.95,
            two_states(n, share, rho=rho, noise=0.3, pulses=kind == "pulses"),
            replace(options, time_constants=2),
            0.5,
            share / 0.05 + (1.0 - share) / 0.5,
        )
        for n in (60, 100, 300)
        for rho, options in ((0.0, FitOptions()), (0.6, AR1))
        for kind, share in (("pulses", 0.5), ("white input", 0.4))
    ),
    *(
        Case(
            "several",
            f"per input, T = {n}, AR {rho}",
            0.9,
            unlike_inputs(n, 0.9, 0.5, rho=rho),
            replace(options, time_constants="per_input"),
            0.5,
        )
        for n in (60, 100, 300)
        for rho, options in ((0.0, FitOptions()), (0.6, AR1))
    ),
    *(
        Case("more", f"two, {kind}, T = {n}, AR {rho}", 0.95, design)
        for n, kind, rho in (
            *((100, "pulses", 0.0), (200, "pulses", 0.6)),
            *((100, "white input", 0.0), (100, "white input", 0.6)),
        )
        for design in [two_states(n, rho=rho, pulses=kind == "pulses")]
    ),
    *(
        Case("more", f"two compartments, 6 x 11, errors {100 * size:.0f} %", math.nan, design)
        for size in (0.05, 0.1)
        for design in [compartments(size)]
    ),
    Case("more", "a building, 232 half hours, AR 0.6", math.nan, building),
    *(
        Case("more", f"per input, T = {n}, AR {rho}", 0.95, unlike_inputs(n, 0.95, 0.5, rho=rho))
        for n, rho in ((30, 0.0), (60, 0.0), (100, 0.0), (100, 0.6))
    ),
)
"""Several time constants: correct models, their coverage, and their detection."""

ALL: Final = (*RIGHT, *CHECKED, *EFFECTS, *WRONG, *FAINT, *SEVERAL)
