"""A small table for every level of a fit's summary."""

from collections.abc import Sequence

import numpy as np

from service.engine.types import Array

COLUMNS = {"target": "flow", "time": "hour"}
"""The roles of the columns that are no inputs."""


def _write(inputs: Sequence[float] | Array, targets: Sequence[float] | Array) -> str:
    rows = [f"{k},{x:.3f},{y:.3f}" for k, (x, y) in enumerate(zip(inputs, targets, strict=True))]
    return "\n".join(["hour,rain (mm),flow", *rows, ""])


def _reservoir(n_steps: int, delay: int = 0, noise: float = 0.2) -> str:
    """Return a table with a time constant of 4.5 hours and independent noise."""
    rng = np.random.default_rng(1)
    rain = rng.gamma(1.0, 2.0, n_steps)
    acting = np.concatenate([np.zeros(delay), rain])[:n_steps]
    state = 3.0
    flow = []
    for x in acting:
        state = 0.8 * state + 0.5 * x
        flow.append(state + 2.0)
    return _write(rain, np.array(flow) + noise * rng.standard_normal(n_steps))


def _unrelated(n_steps: int, *, is_constant: bool) -> str:
    rng = np.random.default_rng(3)
    rain = np.full(n_steps, 2.0) if is_constant else rng.gamma(1.0, 2.0, n_steps)
    return _write(rain, 5.0 + rng.standard_normal(n_steps))


TABLES = {
    "trusted": _reservoir(80),
    "caution": _reservoir(36),
    "rejected": _reservoir(80, delay=2),
    "no_effect": _unrelated(80, is_constant=False),
    "too_few": _reservoir(12, noise=3.0),
    "not_identified": _unrelated(80, is_constant=True),
}
