"""The interface of training runs, basin maps and fits: from a request to a result and arrays."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeAlias, TypeVar

import numpy as np
import orjson
from numpy.typing import NDArray

from service.lifecycle import Kind
from service.operations.limits import Limits
from service.scheduling import OverBudget
from service.schemas.base import ResponseModel, encode
from service.schemas.computations import ComputationRequest
from service.schemas.resolved_datasets import AnyDataset, DatasetSize

R = TypeVar("R", bound=ComputationRequest)
Arrays: TypeAlias = Mapping[str, NDArray[Any]]


class ComputationOutput(NamedTuple):
    """The output of a computation: its result, its arrays by name, and the iterations done."""

    result: ResponseModel
    arrays: dict[str, NDArray[Any]]
    done: int

    def result_json(self) -> dict[str, Any]:
        """Return the result in the types of JSON, null where a number is not finite."""
        result: dict[str, Any] = orjson.loads(encode(self.result))
        return result


class StepwiseComputation(ABC):
    """A computation that can stop after any step and continue later, in any process.

    The request alone decides where one step ends and the next begins, never the time: a resumed
    computation is bit-identical.
    """

    done: int  # iterations
    over: bool  # whether there are no more steps

    @abstractmethod
    def step(self) -> None:
        """Compute for about a tenth of a second."""

    @abstractmethod
    def state(self) -> Arrays:
        """Return everything that is needed to continue from here, except the parts."""

    @abstractmethod
    def part(self) -> Arrays:
        """Return the results since the previous call."""

    @abstractmethod
    def latest(self) -> dict[str, Any]:
        """Return the current weights and cost for progress events, null if there are none."""

    @abstractmethod
    def finish(self, parts: Sequence[Arrays]) -> ComputationOutput:
        """Return the output from all parts, in order, once the computation is over."""


class Unfinished(OverBudget):
    """A computation took longer than it may at once.

    It can continue from its state, unless it has not begun. ``part`` is None if `part` can return
    it.
    """

    def __init__(
        self, over: OverBudget, computation: StepwiseComputation | None, part: Arrays | None
    ) -> None:
        super().__init__(over.limit, over.spent)
        self.computation = computation
        self.part = part


@dataclass(frozen=True)
class JobType(Generic[R]):
    """A kind of computation that is stored, and that becomes a job if it takes long."""

    kind: Kind  # its name in the database
    prefix: Literal["run", "map", "fit"]  # of ids
    path: str  # of its resources
    request_model: type[R]
    response_model: type[ResponseModel]
    files: Mapping[str, str]  # of a finished one: relative paths by the name of the link
    arrays_field: str  # of the response: the arrays of a computation that is not stored
    words: Mapping[str, NDArray[np.str_]]  # for which the numbers of an array stand, by its name
    # Returns the estimated seconds; raises Invalid for a contradictory or too large request.
    estimate: Callable[[R, DatasetSize, Limits], float]
    result_bytes: Callable[[R, DatasetSize], int]  # returns the size of the arrays of a result
    # Starts to compute step by step, from a state, or from the beginning if it is empty.
    begin: Callable[[R, Any, Arrays], StepwiseComputation]
    takes_series: bool = False  # whether the dataset may be a series
    # Fills in the defaults that depend on the dataset.
    complete: Callable[[R, AnyDataset], R] | None = None
    # Raises Invalid for data that contradict the request.
    check: Callable[[R, AnyDataset], None] | None = None

    def compute(self, request: R, dataset: AnyDataset) -> ComputationOutput:
        """Compute at once what a worker computes; raises Unfinished, and Invalid as ``check``."""
        computation, part = None, None
        try:
            if self.check is not None:
                self.check(request, dataset)
            computation = self.begin(request, dataset, {})
            computation.step()
            while not computation.over:
                computation.step()
            part = computation.part()
            return computation.finish([part] if part else [])
        except OverBudget as over:
            raise Unfinished(over, computation, part) from None
