"""The interface of training runs, basin maps and fits: from a request to a result and arrays."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, NamedTuple, TypeAlias, TypeVar

import numpy as np
import orjson
from numpy.typing import NDArray

from service.lifecycle import Kind
from service.operations.shared.limits import Limits
from service.schemas.base import ResponseModel, encode
from service.schemas.computations import ComputationRequest
from service.schemas.resolved_datasets import AnyDataset, DatasetSize
from service.values.budget import OverBudget

R = TypeVar("R", bound=ComputationRequest)
Arrays: TypeAlias = Mapping[str, NDArray[Any]]


class ComputationOutput(NamedTuple):
    """The output of a computation: its result, its arrays by name, and the iterations done."""

    result: ResponseModel
    arrays: dict[str, NDArray[Any]]
    done: int

    def result_json(self) -> dict[str, Any]:
        """Return the result in the types of JSON; non-finite numbers are null."""
        result: dict[str, Any] = orjson.loads(encode(self.result))
        return result


class StepwiseComputation(ABC):
    """A computation that can stop after any step, and resume later, in any process.

    It resumes from its state, a few numbers, and from its parts, all results so far. The
    boundaries of steps depend only on the request, never on time, so a resumed computation is
    bit-identical. If it is interrupted within a step, its state is that before the step.
    """

    done: int  # iterations
    parts: list[Arrays]

    @abstractmethod
    def run(self, after_step: "AfterStep") -> ComputationOutput:
        """Compute the remaining steps; ``after_step`` is called about every tenth of a second."""

    def state(self) -> Arrays:
        """Return the state from which to resume, without the parts."""
        return {}

    @abstractmethod
    def take_part(self) -> Arrays:
        """Return the results since the previous call; empty if there are none."""

    def latest(self) -> dict[str, Any]:
        """Return the current weights and cost for progress events, null if there are none."""
        return {"weights": None, "cost": None}

    def add_part(self) -> Arrays:
        """Append new results to the parts, and return them."""
        part = self.take_part()
        if part:
            self.parts.append(part)
        return part


AfterStep: TypeAlias = Callable[[StepwiseComputation], None]


class Unfinished(OverBudget):
    """A computation that exceeded its budget. It can continue, unless it has not begun."""

    def __init__(self, over: OverBudget, computation: StepwiseComputation | None) -> None:
        super().__init__(over.limit, over.spent)
        self.computation = computation


@dataclass(frozen=True)
class JobType(Generic[R]):
    """A kind of stored computation, which becomes a job if it takes long."""

    kind: Kind  # its name in the database
    prefix: Literal["run", "map", "fit"]  # of ids
    path: str  # of its resources
    request_model: type[R]
    response_model: type[ResponseModel]
    files: Mapping[str, str]  # of a finished computation: relative paths by the name of the link
    arrays_field: str  # of the response: the arrays of a computation that is not stored
    # Returns the estimated seconds; raises Invalid for a contradictory or too large request.
    estimate: Callable[[R, DatasetSize, Limits], float]
    result_bytes: Callable[[R, DatasetSize], int]  # returns the size of the arrays of a result
    # Returns a computation that continues from a state and parts; both are empty at first.
    begin: Callable[[R, Any, Arrays, Sequence[Arrays]], StepwiseComputation]
    # The values that the codes of an array represent, by its name.
    words: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    takes_series: bool = False  # True if the dataset may be a series
    # Fills in the defaults that depend on the dataset.
    complete: Callable[[R, AnyDataset], R] | None = None
    # Raises Invalid for data that contradict the request.
    check: Callable[[R, AnyDataset], None] | None = None
