"""How much one request may ask for, in numbers and in work.

Work is estimated before it is done, in seconds of one core, from the counts of the arithmetic;
the constants were measured and are rounded up.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from service.engine.data import DatasetSize
from service.errors import LimitExceeded

# Seconds for one number of an array, by what is done with it.
MOMENT = 0.4e-9  # one multiply-add of the data pass
STRIP = 5e-9  # one sum of products, put in its place
READ = 10e-9  # to look at it, once or twice
HORNER = 1.5e-9  # one coefficient of a polynomial, at one weight of many
STEP = {"identity": 4e-9, "relu": 6e-9, "tanh": 40e-9, "sigmoid": 40e-9}  # one state
SCALAR = 4e-6  # an iteration's own cost in the interpreter
GOAL = 25e-6  # to compare a cost with the target where that takes all its digits
ARRAYS = 80e-6  # an iteration's own cost where many runs are trained at once
BACK = 3.0  # a backward pass, in forward passes


@dataclass(frozen=True)
class Limits:
    """The limits of this service; see the settings of the same names."""

    max_cells: int = 20_000_000
    max_steps: int = 10_000
    max_json_numbers: int = 250_000
    max_work_seconds: float = 10.0
    max_sync_seconds: float = 0.5
    max_job_seconds: float = 86_400.0
    max_iterations: int = 1_000_000
    max_grid: int = 1000

    def check_cells(self, n_samples: int, n_steps: int) -> None:
        """Refuse datasets that are too long or too large; raises LimitExceeded."""
        if n_steps > self.max_steps:
            raise LimitExceeded(
                f"sequences of {n_steps} steps; the limit is {self.max_steps}", "/dataset"
            )
        if n_samples * n_steps > self.max_cells:
            raise LimitExceeded(
                f"{n_samples} samples of {n_steps} steps are {n_samples * n_steps} numbers; "
                f"the limit is {self.max_cells}",
                "/dataset",
            )

    def check_inputs(self, n_inputs: int) -> None:
        """Refuse too many numbers to predict from; raises LimitExceeded."""
        if n_inputs > self.max_cells:
            raise LimitExceeded(f"{n_inputs} numbers; the limit is {self.max_cells}", "/inputs")

    def check_json(self, n_numbers: int, pointer: str | None, instead: str) -> None:
        """Refuse JSON answers that are too long; raises LimitExceeded."""
        if n_numbers > self.max_json_numbers:
            raise LimitExceeded(
                f"the answer would hold {n_numbers} numbers; the limit for JSON is "
                f"{self.max_json_numbers}: {instead}",
                pointer,
            )

    def check_iterations(self, n_iterations: int) -> None:
        """Refuse runs that are too long; raises LimitExceeded."""
        if n_iterations > self.max_iterations:
            raise LimitExceeded(
                f"{n_iterations} iterations; the limit is {self.max_iterations}", "/n_iterations"
            )

    def check_grid(self, resolution: int, pointer: str) -> None:
        """Refuse grids that are too fine; raises LimitExceeded."""
        if resolution > self.max_grid:
            raise LimitExceeded(
                f"{resolution} points along an axis; the limit is {self.max_grid}", pointer
            )

    def check_work(self, seconds: float, pointer: str) -> None:
        """Refuse what would take too long; raises LimitExceeded."""
        if seconds > self.max_work_seconds:
            raise LimitExceeded(
                f"this would take about {seconds:.3g} seconds; "
                f"the limit for one request is {self.max_work_seconds:g}",
                pointer,
            )

    def check_job(self, seconds: float, pointer: str) -> None:
        """Refuse what would take too long even for a job; raises LimitExceeded."""
        if seconds > self.max_job_seconds:
            raise LimitExceeded(
                f"this would take about {seconds:.3g} seconds; "
                f"the limit for a job is {self.max_job_seconds:g}",
                pointer,
            )

    def check_unkept(self, seconds: float) -> None:
        """Refuse to do so much while the caller waits; raises LimitExceeded."""
        if seconds > self.max_sync_seconds:
            raise LimitExceeded(
                f"this would take about {seconds:.3g} seconds; the limit for work done at once "
                f"is {self.max_sync_seconds:g}: keep it, and it becomes a job",
                "/keep",
            )


def evaluations(activation: str, size: DatasetSize, n_weights: int) -> float:
    """Return the seconds for the cost at many weights."""
    n_samples, n_steps, _ = size
    if activation == "identity":
        return data_pass(size) + n_weights * (3 * n_steps * HORNER + 20e-9)
    return n_weights * n_samples * n_steps * STEP[activation]


def data_pass(size: DatasetSize) -> float:
    """Return the seconds for the second moments of the samples, or for a look where needed."""
    n_samples, n_steps, known = size
    look = n_samples * n_steps * READ
    return look if known else look + n_samples * n_steps**2 * MOMENT + n_steps**2 * STRIP


def prediction(activation: str, lengths: Iterable[int]) -> float:
    """Return the seconds for the states of sequences of these lengths; equal ones run together."""
    counts = Counter(lengths)
    n_inputs = sum(length * count for length, count in counts.items())
    return sum(counts) * 2.5e-6 + n_inputs * STEP[activation]


def backpropagation(activation: str, size: DatasetSize, n_weights: int = 1) -> float:
    """Return the seconds for gradients by running the network forward and back."""
    n_samples, n_steps, _ = size
    return n_steps * 10e-6 + n_weights * BACK * n_samples * n_steps * STEP[activation]


def training(
    activation: str,
    size: DatasetSize,
    n_iterations: int,
    *,
    n_starts: int = 1,
    has_target: bool = False,
) -> float:
    """Return the seconds for gradients along runs from one start or from many."""
    if activation != "identity":
        return n_iterations * backpropagation(activation, size, n_starts)
    n_steps = size.n_steps
    if n_starts == 1:
        each = SCALAR + n_steps * 20e-9 + has_target * (GOAL + n_steps * 100e-9)
    else:
        each = ARRAYS + n_starts * n_steps * 4 * HORNER
    return data_pass(size) + n_iterations * each


def traces(size: DatasetSize, n_points: int) -> float:
    """Return the seconds for gradient traces at some points."""
    n_samples, n_steps, _ = size
    return n_points * (n_steps * 30e-6 + n_samples * n_steps * 300e-9)
