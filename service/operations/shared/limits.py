"""The limits of one request, in numbers and in estimated seconds of work."""

from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from service.errors import LimitExceeded, count

CLIENTS: Final = 5  # that share the queue of jobs by default
ESTIMATE_MARGIN: Final = 10.0  # the largest error of an estimate, as a factor


class Limits(BaseModel):
    """The limits of this service; each is a setting."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    max_cells: int = Field(default=20_000_000, ge=1)
    """maximum size of a dataset, sequences times steps (422 above)"""
    max_steps: int = Field(default=20_000, ge=1)
    """maximum length of a sequence in steps (422 above)"""
    max_fit_steps: int = Field(default=2_000_000, ge=1)
    """maximum size of the series of a fit, sequences times the steps of the longest (422 above)"""
    max_iterations: int = Field(default=1_000_000, ge=1)
    """maximum number of iterations of a training run (422 above)"""
    max_grid: int = Field(default=1000, ge=2)
    """maximum resolution of a grid, in points per axis (422 above)"""
    max_json_numbers: int = Field(default=250_000, ge=1)
    """maximum number of values in a JSON response (422 above)"""
    max_work_seconds: float = Field(default=10.0, gt=0)
    """maximum work of one request, in CPU seconds (422 above)"""
    max_picture_seconds: float = Field(default=2.0, gt=0)
    """maximum work of a picture, in CPU seconds; above, it is drawn more coarsely, or rejected
    (422)"""
    max_sync_seconds: float = Field(default=0.5, ge=0)
    """maximum work of a run, a map or a fit without a job, in CPU seconds"""
    max_job_seconds: float = Field(default=86_400.0, gt=0)
    """maximum work of a job, in CPU seconds; above, it fails"""
    max_queued_jobs: int = Field(default=1000, ge=0)
    """maximum number of queued jobs (503 above)"""
    max_queued_jobs_per_client: int | None = Field(default=None, ge=0)
    """maximum number of queued jobs of one API key, or without keys of one address or IPv6 network
    of 64 bits (503 above); by default a fifth of RNN_MAX_QUEUED_JOBS, at least 1"""

    @property
    def queued_jobs_per_client(self) -> int:
        """The maximum number of queued jobs of one client."""
        if self.max_queued_jobs_per_client is not None:
            return self.max_queued_jobs_per_client
        return max(1, self.max_queued_jobs // CLIENTS)

    def check_cells(self, n_samples: int, n_steps: int, n_inputs: int = 1) -> None:
        """Raise LimitExceeded for a dataset that is too long or too large."""
        check_count(n_steps, self.max_steps, f"the sequences have {n_steps} steps", "/dataset")
        n_cells = n_samples * n_steps * max(n_inputs, 1)
        inputs = f" with {n_inputs} inputs" if n_inputs > 1 else ""
        size = f"{count(n_samples, 'sequence')} of {count(n_steps, 'step')}{inputs}"
        check_count(n_cells, self.max_cells, f"{size}: {n_cells} numbers", "/dataset")

    def check_fit(self, n_samples: int, n_steps: int) -> None:
        """Raise LimitExceeded for a fit that would need too much memory."""
        n_cells = n_samples * n_steps
        size = f"{count(n_samples, 'sequence')} of up to {count(n_steps, 'step')}: {n_cells} steps"
        advice = ": fit fewer sequences, or means of several steps"
        check_count(n_cells, self.max_fit_steps, size, "/dataset", advice)

    def check_inputs(self, n_inputs: int) -> None:
        """Raise LimitExceeded for too many inputs of a prediction."""
        check_count(n_inputs, self.max_cells, f"there are {n_inputs} inputs", "/inputs")

    def check_json(self, n_numbers: int, pointer: str | None, instead: str) -> None:
        """Raise LimitExceeded for a JSON response with too many numbers; ``instead`` is advice."""
        what = f"the response would have {n_numbers} numbers in JSON"
        check_count(n_numbers, self.max_json_numbers, what, pointer, f": {instead}")

    def check_grid(self, resolution: int, pointer: str) -> None:
        """Raise LimitExceeded for a grid that is too fine."""
        check_count(resolution, self.max_grid, f"the resolution is {resolution}", pointer)


def check_count(needed: int, limit: int, what: str, pointer: str | None, advice: str = "") -> None:
    """Raise LimitExceeded above a limit; ``what`` is a sentence about the required amount."""
    if needed > limit:
        detail = f"{what}; the limit is {limit}{advice}"
        raise LimitExceeded(detail, pointer, limit=limit, needed=needed)


def check_seconds(
    seconds: float, allowed: float, purpose: str, pointer: str, advice: str = ""
) -> None:
    """Raise LimitExceeded only far above the limit, which applies to the seconds spent."""
    if seconds > ESTIMATE_MARGIN * allowed:
        detail = (
            f"this takes about {seconds:.3g} seconds; the limit {purpose} is {allowed:g}{advice}"
        )
        raise LimitExceeded(detail, pointer, limit=allowed, needed=seconds)
