"""Basin maps, from the question to the numbers of the answer."""

import numpy as np

from service.engine.basins import BasinMap, CellOutcome, basin_map
from service.operations import limits
from service.operations.computed import Computation, Computed
from service.operations.limits import Limits
from service.operations.samples import Samples
from service.operations.surfaces import axis, optimum_answer
from service.operations.training import check_clip
from service.schemas.basins import BasinQuestion, BasinResult, Shares


def check(question: BasinQuestion, samples: Samples, allowed: Limits) -> None:
    """Refuse a map that makes no sense or takes too long; raises Invalid."""
    check_clip(question.optimizer, question.clip)
    allowed.check_iterations(question.n_iterations)
    allowed.check_grid(question.window.resolution, "/window/resolution")
    n_starts = question.window.resolution**2
    if not question.keep:
        instead = "lower the resolution, or keep the map and read its npz"
        allowed.check_json(3 * n_starts, "/window/resolution", instead)
    activation = question.network.activation
    seconds = limits.training(activation, *samples.size, question.n_iterations, n_starts=n_starts)
    allowed.check_work(seconds, "/n_iterations")


def compute(question: BasinQuestion, samples: Samples) -> Computed:
    """Train from every start of the grid, and find the exact optimum if there is one to find."""
    objective = samples.objective(question.network)
    window = question.window
    found = basin_map(
        objective,
        question.optimizer.to_engine(),
        axis(window.w_in, window.resolution),
        axis(window.w_rec, window.resolution),
        n_iterations=question.n_iterations,
        target_cost=question.target_cost,
        clip=question.clip.to_engine() if question.clip else None,
    )
    best = objective.optimum
    result = BasinResult(
        shares=_shares(found), optimum=None if best is None else optimum_answer(best)
    )
    arrays = {name: getattr(found, name) for name in BasinMap.__dataclass_fields__}
    return Computed(result, arrays, question.n_iterations)


def _shares(found: BasinMap) -> Shares:
    share = {
        outcome.name.lower(): float(np.mean(found.outcome == outcome)) for outcome in CellOutcome
    }
    return Shares(**share)


BASINS = Computation(
    kind="basin_map",
    prefix="map",
    path="/v1/basin-maps",
    check=check,
    compute=compute,
    total=lambda question: question.n_iterations,
)
