"""Fit recurrences, delay by delay."""

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, Literal
from zlib import crc32

from pydantic import ValidationError

from service import __version__
from service.engine.data import Series, Step
from service.engine.fit import (
    FitProblem,
    Points,
    ResponseTable,
    Result,
    Unsettled,
    count_needed,
    fit,
    prefers_own_levels,
    summarize,
    tabulate_responses,
)
from service.engine.interruption import Stages, recorded_by
from service.errors import Invalid, count
from service.figures.formats import PICTURE_FORMATS
from service.operations.computations.fit_descriptions import (
    describe_fit,
    describe_summary,
    to_request,
)
from service.operations.computations.job_types import (
    AfterStep,
    Arrays,
    ComputationOutput,
    JobType,
    StepwiseComputation,
)
from service.operations.computations.noticed import list_open_notes, to_assumptions
from service.operations.shared.ids import RESULT_VERSION
from service.operations.shared.limits import Limits, check_seconds
from service.operations.shared.work_estimates import fit_seconds
from service.schemas.fit_results import FitArrays, FitResource
from service.schemas.fits import MAX_STATES, FitRange, FitRequest
from service.schemas.resolved_datasets import AnyDataset, DatasetSize, ResolvedSeries
from service.schemas.series import StepSchema

MAX_LOG10_POWER = 150.0  # of |w_rec|^T, whose square must not overflow
COLUMNS = FitArrays.model_fields
PROFILE = {name.removeprefix("profile_"): name for name in COLUMNS if "profile_" in name}
SUFFIXES = (*PICTURE_FORMATS, "csv")  # of each file
RESPONSE = {name: f"response_{name}" for name in ResponseTable._fields}
TABLE = [name for name in COLUMNS if name not in PROFILE.values()]
# Of the arrays of stages, which may differ in another version.
VERSION = crc32(f"{__version__} {RESULT_VERSION}".encode())
FIELDS = [field.name for field in fields(Points)]


def complete(request: FitRequest, dataset: AnyDataset) -> FitRequest:
    """Return the request with the defaults for its kind of data."""
    defaults: dict[str, Any] = {"initial_state": 0.0, "offset": False, "step": StepSchema()}
    if isinstance(dataset, ResolvedSeries):
        step = StepSchema(length=dataset.step.length, unit=dataset.step.unit)
        offset = _choose_offset(request, dataset.series)
        noticed = sorted({note.slug for note in dataset.notes if note.is_open})
        defaults = {"noticed": noticed, "initial_state": "each", "offset": offset, "step": step}
    missing = {name: value for name, value in defaults.items() if getattr(request, name) is None}
    if request.direct and {*dataset.series.input_names} <= {*request.direct}:  # a regression
        missing |= {"w_rec": FitRange(low=0.0, high=0.0)}
    return request.model_copy(update=missing)


def _choose_offset(request: FitRequest, series: Series) -> Literal[True, "each"]:
    """Return the default offset of a series: one per sequence in a panel with unknown starts."""
    has_unknown_starts = request.initial_state in {None, "each"}
    return "each" if has_unknown_starts and prefers_own_levels(series) else True


def estimate(request: FitRequest, size: DatasetSize, limits: Limits) -> float:
    """Return the estimated seconds of a fit; raises Invalid if it is too large."""
    largest = max(abs(request.w_rec.low), abs(request.w_rec.high))
    if largest > 1.0 and size.n_steps * math.log10(largest) > MAX_LOG10_POWER:
        detail = (
            f"{largest:g} to the power of {size.n_steps} steps exceeds 1e{MAX_LOG10_POWER:g}: "
            "choose a smaller range"
        )
        raise Invalid(detail, "/w_rec")
    limits.check_fit(size.n_samples, size.n_steps)
    if request.initial_state == "each":
        limits.check_json(3 * size.n_samples, "/initial_state", "fit a shared state instead")
    if request.offset == "each":
        limits.check_json(4 * size.n_samples, "/offset", "fit a shared offset instead")
    if request.gains == "each":
        n_gains = 4 * size.n_samples * size.n_inputs
        limits.check_json(n_gains, "/gains", "fit the same gains for all instead")
    if not request.keep:
        instead = "keep the fit, and read its table as CSV"
        limits.check_json(len(TABLE) * size.n_samples * size.n_steps, "/keep", instead)
    n_states = request.count_states(size.n_inputs)
    seconds = fit_seconds(request, size, request.n_searches, n_states)
    check_seconds(seconds, limits.max_job_seconds, "for a job", "/dataset")
    return seconds


def check(request: FitRequest, dataset: AnyDataset) -> None:
    """Raise Invalid if the data contradict the request."""
    series, options = dataset.series, request.to_options()
    curves = {f"/curves/{i}": name for i, name in enumerate(request.curves)}
    named = {f"/gains/{name}": name for name in options.gains} | curves
    named |= {f"/direct/{i}": name for i, name in enumerate(request.direct)}
    for pointer, name in named.items():
        if name not in series.input_names:
            known = ", ".join(series.input_names) or "none"
            raise Invalid(f"unknown input; the inputs are: {known}", pointer)
    for pointer, name in curves.items():
        if f"{name}²" in series.input_names or request.curves.count(name) > 1:
            raise Invalid(f"two inputs would be called {name}²", pointer)
    _check_time_constants(request, series)
    _check_offset(request, series)
    _check_gains(request)
    period, _ = request.seasonal or (0, 0)
    longest = int(series.lengths.max())
    if period > longest:
        detail = f"a season of {period} steps is longer than the longest sequence, of {longest}"
        raise Invalid(detail, "/season", limit=longest, needed=period)
    problem = FitProblem(series, options)
    if problem.n_targets < problem.n_unknowns:
        given, unknowns = count(problem.n_targets, "target"), count(problem.n_unknowns, "unknown")
        where, pointer, remedy = "", "/dataset", "add data, or fix initial_state or offset"
        if problem.skip > 0:
            where, pointer, remedy = " after the delay", "/delay", f"{remedy}, or shorten the delay"
        needed = count_needed(problem.n_unknowns)
        raise Invalid(
            f"{given}{where} for {unknowns}, about {needed} are needed: {remedy}",
            pointer,
            needed=needed,
            n_targets=problem.n_targets,
            n_unknowns=problem.n_unknowns,
        )
    if request.is_weighted and problem.has_both_signs:
        detail = "errors can only be proportional to values of one sign: choose constant or free"
        raise Invalid(detail, "/variance")


def _check_offset(request: FitRequest, series: Series) -> None:
    """Raise Invalid if an offset per sequence does not suit the data or the initial state."""
    if request.offset != "each":
        return
    if len(series.lengths) < 2:
        raise Invalid("there is only one sequence, so its offset is that of all: true", "/offset")
    if request.initial_state == "shared":
        detail = "with an offset per sequence, the initial state is `each` or a number"
        raise Invalid(detail, "/initial_state")


def _check_gains(request: FitRequest) -> None:
    """Raise Invalid if gains per sequence do not suit the other options."""
    if request.gains != "each":
        return
    if request.offset != "each":
        detail = "gains per sequence need an offset per sequence: choose `each` for both"
        raise Invalid(detail, "/gains")
    if request.time_constants != 1:
        raise Invalid("gains per sequence need a single time constant", "/gains")


def _check_time_constants(request: FitRequest, series: Series) -> None:
    """Raise Invalid if several time constants do not suit the data or the other options."""
    groups = request.time_constants
    lasting = {*series.input_names} - {*request.direct}
    if groups == 1:
        return
    if isinstance(groups, list):
        for i, group in enumerate(groups):
            for k, name in enumerate(group):
                if name not in lasting:
                    known = ", ".join(sorted(lasting)) or "none"
                    detail = f"unknown input; the inputs with a memory are: {known}"
                    raise Invalid(detail, f"/time_constants/{i}/{k}")
        missing = lasting.difference(*groups)
        if missing:
            detail = f"no time constant for: {', '.join(sorted(missing))}"
            raise Invalid(f"{detail}; add a list, or name them in direct", "/time_constants")
    n_states = FitProblem(series, request.to_options()).unknowns.n_states
    if n_states > MAX_STATES:
        detail = f"{n_states} inputs need a time constant each; the limit is {MAX_STATES}"
        raise Invalid(f"{detail}: group inputs, or name some in direct", "/time_constants")
    if n_states > 1 and request.initial_state not in {"shared", "each", 0.0}:
        detail = "with several time constants, a known initial state can only be 0"
        raise Invalid(f"{detail}: its parts in the states are unknown", "/initial_state")
    low, high = request.range
    if n_states > 1 and not -1.0 <= low < high <= 1.0:
        detail = "with several time constants, w_rec is searched in a range from -1 to 1"
        raise Invalid(detail, "/w_rec")


def _read_stages(part: Arrays) -> Iterator[Points]:
    """Yield the results of the stages in a part; none of those of another version."""
    n_arrays = sum(name.startswith(f"{VERSION}.") for name in part)
    for stage in range(n_arrays // len(FIELDS)):
        yield Points(*(part[f"{VERSION}.{stage}.{name}"] for name in FIELDS))


class StepwiseFit(StepwiseComputation):
    """A fit. It begins again after an interruption, and its parts are the stages that had ended.

    Its progress counts searches over w_rec, and stages of the verdict.
    """

    def __init__(
        self, request: FitRequest, dataset: AnyDataset, _: Arrays, parts: Sequence[Arrays]
    ) -> None:
        self.parts = [*parts]
        self.request, self.dataset = request, dataset
        self.done = 0
        self._known = deque(points for part in parts for points in _read_stages(part))
        self._new: list[Points] = []

    def _count(self) -> None:
        self.done += 1

    def _accepts(self, options: Mapping[str, Any]) -> bool:
        """Return True if the service accepts the request with other options."""
        changed = dict(self.request) | to_request(options)
        try:
            check(FitRequest.model_validate(changed), self.dataset)
        except (Invalid, ValidationError):
            return False
        return True

    def run(self, after_step: AfterStep) -> ComputationOutput:
        """Search the delays, and test the fit with the best one.

        It raises Invalid if the model does not suit proportional errors.
        """

        def finish(points: Points) -> None:
            self._new.append(points)
            after_step(self)

        with recorded_by(Stages(self._known, finish)):
            try:
                result = fit(self.dataset.series, self.request.to_options(), self._count)
            except Unsettled:
                detail = "the predicted values, to which errors are proportional, do not settle"
                raise Invalid(f"{detail}: choose constant or free", "/variance") from None
            for _ in result.compute(has_verdict=self.request.verdict):
                self._count()
            return self._describe(result)

    def _describe(self, result: Result) -> ComputationOutput:
        table = result.table | dict(zip(PROFILE.values(), result.profile_table, strict=True))
        if self.request.keep and result.solution.problem.series.input_names:
            responses = tabulate_responses(result.solution)
            table |= dict(zip(RESPONSE.values(), responses, strict=True))
        request, series = self.request, self.dataset.series
        described = describe_fit(request, series, result, self._accepts)
        updates: dict[str, Any] = {"assumptions": to_assumptions(series) or None}
        if request.verdict:
            step = Step() if request.step is None else request.step.to_step()
            notes = list_open_notes(request, series)
            updates["summary"] = describe_summary(summarize(result, step, self._accepts, notes))
        response = described.model_copy(update=updates)
        return ComputationOutput(response, table, request.progress_total)

    def take_part(self) -> Arrays:
        """Return the results of stages since the previous call."""
        new, self._new = self._new, []
        return {
            f"{VERSION}.{stage}.{name}": getattr(points, name)
            for stage, points in enumerate(new)
            for name in FIELDS
        }


FIT = JobType(
    kind="fit",
    prefix="fit",
    path="/v1/fits",
    request_model=FitRequest,
    response_model=FitResource,
    files={
        **{suffix: f".{suffix}" for suffix in SUFFIXES},
        **{
            f"{name}_{suffix}": f"/{name}.{suffix}"
            for name in ("profile", "response", "contributions", "groups")
            for suffix in SUFFIXES
        },
        "report": "/report.html",
    },
    arrays_field="arrays",
    estimate=estimate,
    result_bytes=lambda _, size: 8 * len(TABLE) * size.n_samples * size.n_steps,
    begin=StepwiseFit,
    takes_series=True,
    complete=complete,
    check=check,
)
