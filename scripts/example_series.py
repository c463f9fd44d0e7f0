"""Write the example series of fits, one per field: python -m scripts.example_series.

All are simulated from true values with a fixed seed. A file has one row per step.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.engine.data import Step

Array = NDArray[np.float64]
Columns = Mapping[str, Any]  # lists of texts and of numbers, None for missing ones

FOLDER = Path(__file__).parents[1] / "service" / "explorer" / "fit_examples"
INDEX = "index.json"
START = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday


@dataclass(frozen=True)
class ExampleSeries:
    """A table, with the requests to upload and fit it, and the true values.

    Attributes
    ----------
    title
        Its title on the page.
    make
        Returns its columns.
    query
        The query of `POST /v1/datasets` without ``kind``.
    options
        The fields of `POST /v1/fits` without ``dataset``.
    step
        The step of the times.
    w_rec, weights
        The true values.
    note
        A note on further properties of the simulation.
    trap
        The reason for which the first fit cannot be trusted, if that is what the example shows.
    """

    title: str
    make: Callable[[], Columns]
    query: Mapping[str, str]
    step: Step
    w_rec: float
    weights: Mapping[str, float]
    options: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    trap: str = ""

    @property
    def truth(self) -> str:
        """The true values, in a sentence."""
        if not self.w_rec:
            return self.note
        time = -self.step.length / np.log(self.w_rec)
        return f"The time constant is {time:.3g} {self.step.unit}s{self.note}."


def run(inputs: Array, w_rec: float, weights: list[float], start: float = 0.0) -> Array:
    """Return the states (T,) after each step."""
    state, states = start, []
    for drive in inputs @ np.array(weights):
        state = w_rec * state + drive
        states.append(state)
    return np.array(states)


def dates(n: int, step: timedelta, form: str = "%Y-%m-%d") -> list[str]:
    """Return n dates."""
    return [(START + k * step).strftime(form) for k in range(n)]


def with_gaps(numbers: Array, gaps: slice) -> list[float | None]:
    """Return numbers, None in the gaps."""
    listed: list[float | None] = numbers.tolist()
    for k in range(*gaps.indices(len(listed))):
        listed[k] = None
    return listed


def advertising() -> Columns:
    """Return two years of weekly sales: 60 % of an effect remains after a week."""
    draws = np.random.default_rng(43)
    on = draws.random((104, 2)) < (0.25, 0.6)
    spend = (on * draws.gamma(3.0, 2.0, (104, 2))).round(1)
    sales = 100 + run(spend, 0.6, [3.0, 1.0], 12.0) + 4 * draws.standard_normal(104)
    weeks = dates(104, timedelta(weeks=1))
    return {"week": weeks, "tv": spend[:, 0], "search": spend[:, 1], "sales": sales.round(1)}


def room() -> Columns:
    """Return ten days of a heated room, with disturbances that persist for hours."""
    draws = np.random.default_rng(42)
    hour = np.arange(240)
    outdoor = 4 + 4 * np.sin((hour - 9) * np.pi / 12) + np.cumsum(0.2 * draws.standard_normal(240))
    heating = np.where((hour % 24 >= 6) & (hour % 24 < 21), draws.uniform(0.8, 1.2, 240), 0.0)
    outdoor, heating = outdoor.round(1), heating.round(2)
    disturbance = run(0.12 * draws.standard_normal((240, 1)), 0.6, [1.0])
    w_rec = np.exp(-0.1)
    weights = [1 - w_rec, 12 * (1 - w_rec)]
    indoor = 2 + run(np.column_stack([outdoor, heating]), w_rec, weights, 14.0) + disturbance
    times = dates(240, timedelta(hours=1), "%Y-%m-%d %H:%M")
    gaps = slice(130, 138)  # the logger was off
    return {
        "time": times,
        "outdoor": outdoor,
        "heating": heating,
        "indoor": with_gaps(indoor.round(2), gaps),
    }


def tank() -> Columns:
    """Return the level of a tank with an outlet, while the inflow changes."""
    draws = np.random.default_rng(43)
    inflow = np.repeat(draws.uniform(0, 5, 9), 20).round(1)
    w_rec = np.exp(-1 / 20)
    level = run(inflow[:, np.newaxis], w_rec, [0.04], 0.2) + 0.02 * draws.standard_normal(180)
    return {"minute": np.arange(180), "inflow": inflow, "level": level.round(3)}


def step_tests() -> Columns:
    """Return three step tests of a heater, whose effect begins 90 seconds after the valve moves."""
    draws, delay, w_rec = np.random.default_rng(44), 3, np.exp(-0.5 / 6)
    names: list[str] = []
    columns: dict[str, list[float]] = {"minute": [], "valve": [], "temperature": []}
    for test, (before, after, n) in enumerate(((20, 35, 70), (35, 25, 60), (25, 50, 80)), 1):
        valve = np.where(np.arange(n) < 10, before, after).astype(float)
        acting = np.concatenate([np.full(delay, float(before)), valve[:-delay]])
        gain = 1.2 * (1 - w_rec)
        state = run(acting[:, np.newaxis], w_rec, [gain], 1.2 * before)
        names += [f"test {test}"] * n
        columns["minute"] += (0.5 * np.arange(n)).tolist()
        columns["valve"] += valve.tolist()
        columns["temperature"] += (18 + state + 0.4 * draws.standard_normal(n)).round(2).tolist()
    return {"test": names, **columns}


def drug() -> Columns:
    """Return concentrations in six patients, drawn at few of the hours after two doses."""
    draws, w_rec = np.random.default_rng(45), 0.5 ** (1 / 6)
    names: list[str] = []
    hours: list[int] = []
    columns: dict[str, list[float | None]] = {"dose": [], "concentration": []}
    for patient in range(1, 7):
        dose = np.zeros(25)
        dose[[0, 12]] = draws.choice([50.0, 100.0, 150.0]), 100.0
        level = run(dose[:, np.newaxis], w_rec, [0.05]) + 0.15 * draws.standard_normal(25)
        drawn = {0, 2, 5, 9, 13, 16, 24}
        names += [f"patient {patient}"] * 25
        hours += range(25)
        columns["dose"] += dose.tolist()
        columns["concentration"] += [
            float(x) if hour in drawn else None for hour, x in enumerate(level.round(2))
        ]
    return {"patient": names, "hour": hours, **columns}


def reservoir() -> Columns:
    """Return a year of rain and runoff of a catchment that stores water for ten days."""
    draws = np.random.default_rng(46)
    rain = ((draws.random(365) < 0.35) * draws.gamma(0.8, 9.0, 365)).round(1)
    runoff = 0.6 + run(rain[:, np.newaxis], 0.9, [0.05], 1.0) + 0.12 * draws.standard_normal(365)
    return {
        "date": dates(365, timedelta(days=1)),
        "rain": rain,
        "runoff": with_gaps(runoff.round(2), slice(200, 210)),
    }


def calcium() -> Columns:
    """Return the fluorescence of a cell at 20 frames per second, with the spikes that raise it."""
    draws = np.random.default_rng(53)
    spikes = draws.poisson(0.06, 400).astype(float)
    w_rec = np.exp(-0.05 / 0.5)
    light = 1.0 + run(spikes[:, np.newaxis], w_rec, [0.3]) + 0.08 * draws.standard_normal(400)
    seconds = (0.05 * np.arange(400)).round(2)
    return {"second": seconds, "spikes": spikes, "fluorescence": light.round(3)}


def river() -> Columns:
    """Return the flow of a river that rain reaches after two days."""
    draws, delay, n = np.random.default_rng(21), 2, 240
    rain = ((draws.random(n) < 0.35) * draws.gamma(0.8, 9.0, n)).round(1)
    acting = np.concatenate([np.zeros(delay), rain[:-delay]])
    flow = 0.8 + run(acting[:, np.newaxis], np.exp(-0.2), [0.05], 2.0)
    flow += 0.1 * draws.standard_normal(n)
    return {"date": dates(n, timedelta(days=1)), "rain": rain, "flow": flow.round(2)}


def moon() -> Columns:
    """Return births per day, on which the moon has no effect."""
    draws, n = np.random.default_rng(12), 200
    light = (0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(n) - 11) / 29.53)).round(2)
    births = (24 + 3 * draws.standard_normal(n)).round(0)
    return {"date": dates(n, timedelta(days=1)), "moonlight": light, "births": births}


EXAMPLES = {
    "advertising.csv": ExampleSeries(
        "Advertising and sales",
        advertising,
        {"target": "sales", "inputs": "tv,search", "time": "week"},
        Step(1.0, "week"),
        0.6,
        {"tv": 3.0, "search": 1.0},
    ),
    "room.csv": ExampleSeries(
        "A room that warms up",
        room,
        {"target": "indoor", "inputs": "outdoor,heating", "time": "time"},
        Step(1.0, "hour"),
        np.exp(-0.1),
        {"outdoor": 1 - np.exp(-0.1), "heating": 12 * (1 - np.exp(-0.1))},
        note=", and disturbances last for some hours",
    ),
    "tank.csv": ExampleSeries(
        "A tank",
        tank,
        {"target": "level", "inputs": "inflow", "time": "minute"},
        Step(1.0, "minute"),
        np.exp(-1 / 20),
        {"inflow": 0.04},
        {"offset": False},
    ),
    "step_tests.csv": ExampleSeries(
        "Step tests of a plant",
        step_tests,
        {"target": "temperature", "inputs": "valve", "sequence": "test", "time": "minute"},
        Step(0.5, "minute"),
        np.exp(-0.5 / 6),
        {"valve": 1.2 * (1 - np.exp(-0.5 / 6))},
        {"delay": {"low": 0, "high": 8}},
        note=", after a dead time of 1.5 minutes",
    ),
    "drug.csv": ExampleSeries(
        "A drug in the blood",
        drug,
        {"target": "concentration", "inputs": "dose", "sequence": "patient", "time": "hour"},
        Step(1.0, "hour"),
        0.5 ** (1 / 6),
        {"dose": 0.05},
        {"initial_state": 0, "offset": False},
    ),
    "reservoir.csv": ExampleSeries(
        "Rain and runoff",
        reservoir,
        {"target": "runoff", "inputs": "rain", "time": "date"},
        Step(1.0, "day"),
        0.9,
        {"rain": 0.05},
    ),
    "calcium.csv": ExampleSeries(
        "Calcium in a neuron",
        calcium,
        {"target": "fluorescence", "inputs": "spikes", "time": "second"},
        Step(0.05, "second"),
        np.exp(-0.1),
        {"spikes": 0.3},
    ),
    "river.csv": ExampleSeries(
        "A river, with a trap",
        river,
        {"target": "flow", "inputs": "rain", "time": "date"},
        Step(1.0, "day"),
        np.exp(-0.2),
        {"rain": 0.05},
        note=", and rain arrives after 2 days",
        trap="delay_advised",
    ),
    "moon.csv": ExampleSeries(
        "The moon and births, with a trap",
        moon,
        {"target": "births", "inputs": "moonlight", "time": "date"},
        Step(1.0, "day"),
        0.0,
        {"moonlight": 0.0},
        note="The moon does nothing: births are drawn at random.",
        trap="no_visible_effect",
    ),
}


def write_table(columns: Columns) -> str:
    """Return columns as CSV."""
    rows = zip(*columns.values(), strict=True)
    return "".join(",".join(map(_text, row)) + "\n" for row in [columns, *rows])


def write_index() -> str:
    """Return the texts of the page about the examples, as JSON."""
    index = {
        name.removesuffix(".csv"): {
            "title": example.title,
            "options": example.options,
            "truth": example.truth,
        }
        for name, example in EXAMPLES.items()
    }
    return json.dumps(index, indent=2) + "\n"


def _text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else f"{value:g}"


def main() -> None:
    """Write all files."""
    FOLDER.mkdir(exist_ok=True)
    for name, example in EXAMPLES.items():
        (FOLDER / name).write_text(write_table(example.make()), "ascii")
    (FOLDER / INDEX).write_text(write_index(), "ascii")


if __name__ == "__main__":
    main()
