"""How much one request may ask for, in numbers and in estimated seconds of work."""

from dataclasses import dataclass

from service.errors import LimitExceeded


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
