"""Files of fits: tables, and the contents of pictures."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service import store
from service.engine.data import Series, Step
from service.engine.fit import Solution, decompose
from service.errors import Invalid, NotFound, count
from service.formats import encode_name, make_unique
from service.operations.computations.fits import PROFILE, RESPONSE, TABLE
from service.operations.computations.job_types import Arrays
from service.operations.shared.downloads import (
    Common,
    Download,
    computed_file,
    conflict_if_outdated,
    stored_table,
)
from service.operations.shared.ids import RESULT_VERSION
from service.operations.shared.limits import Limits
from service.operations.shared.resolve import resolve_dataset
from service.operations.shared.stored_fits import restore_fit
from service.rendering.requests import (
    ContributionsPictureRequest,
    FitPictureRequest,
    GroupsPictureRequest,
    PictureRequest,
    ProfilePictureRequest,
    ReportRequest,
    ResponsePictureRequest,
)
from service.rendering.rows import find_first, list_groups, select_rows
from service.schemas.fit_results import FitResult
from service.schemas.fits import FitRequest
from service.schemas.pictures import Scale
from service.store.rows import ComputationRow
from service.values.steps import list_times

MAX_SEQUENCES = 8  # in a picture, one per color
PROFILE_ROWS = 300  # of a profile, about
RESPONSE_ROWS = 1000  # of all responses, about


def fit_csv(path: str, row: ComputationRow, database: "store.Database") -> Download:
    """Return the fit at every step as a CSV table, with the times of the series, if any."""
    columns, n_rows = {name: name for name in TABLE}, (row.result or {}).get("n_targets", 0)
    add_times = partial(_add_times, row, database)
    return stored_table(path, row, columns, n_rows, database, add_times)


def _add_times(
    row: ComputationRow, database: "store.Database", table: dict[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """Return the table of a fit with its times after the steps, if the series has times."""
    starts, step = _find_starts(row, database)
    if not starts:
        return table
    times = list_times(starts, step, table["sequence"], table["step"] - 1)
    sequence, steps, *others = table.items()
    return dict([sequence, steps, ("time", times), *others])


def _find_starts(
    row: ComputationRow, database: "store.Database"
) -> tuple[Sequence[str | float], Step]:
    """Return the times of the first steps of the sequences, if known, and the step."""
    source = row.request["dataset"]
    if source["kind"] != "stored":
        return (), Step()
    series = store.datasets.get(database, source["id"]).series
    if series is None:
        return (), Step()
    return series.get("start_times") or (), Step(**series["step"])


def profile_csv(path: str, row: ComputationRow, database: "store.Database") -> Download:
    """Return the profile of a fit as a CSV table."""
    return stored_table(path, row, PROFILE, PROFILE_ROWS, database)


def response_csv(path: str, row: ComputationRow, database: "store.Database") -> Download:
    """Return the responses to one lasting unit of each input as a CSV table."""
    check_inputs(row)
    list_responses = partial(_list_responses, row)
    return stored_table(path, row, RESPONSE, RESPONSE_ROWS, database, list_responses)


def contributions_csv(path: str, row: ComputationRow, database: "store.Database") -> Download:
    """Return the contributions to every prediction as a CSV table."""
    return _computed_table(path, row, database, _list_contributions)


def groups_csv(path: str, row: ComputationRow, _: "store.Database") -> Download:
    """Return the level and the gains of each sequence as a CSV table."""
    table = _list_groups(row)
    for name in ("sequence", "input"):
        table[name] = np.array([encode_name(each) for each in table[name].tolist()], object)
    return computed_file(path, row.id, 0.0, lambda: table)


def _list_groups(row: ComputationRow) -> dict[str, NDArray[Any]]:
    """Return the levels and gains of a fit as columns; raises NotFound if there are none."""
    with conflict_if_outdated(row):
        table = list_groups(row.result or {})
    if not len(table["value"]):
        raise NotFound("the fit has neither a level nor inputs")
    return table


def check_inputs(row: ComputationRow) -> None:
    """Raise NotFound for a fit without inputs."""
    if not (row.result or {}).get("inputs"):
        raise NotFound("the fit has no inputs, so it has no response to them")


def restore(row: ComputationRow, database: "store.Database") -> Solution:
    """Return the solution of a stored fit; raises Conflict for a result that lacks its fields."""
    request = FitRequest.model_validate(row.request)
    series = resolve_dataset(request.dataset, database, None).series
    with conflict_if_outdated(row):
        return restore_fit(request, row.result or {}, series)


def _computed_table(
    path: str,
    row: ComputationRow,
    database: "store.Database",
    tabulate: Callable[[Solution], Mapping[str, NDArray[Any]]],
) -> Download:
    """Return a table that is computed from a stored fit, in less time than the fit took."""
    seconds = row.compute_seconds or 0.0
    return computed_file(path, row.id, seconds, lambda: tabulate(restore(row, database)))


def _list_responses(row: ComputationRow, table: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the table of responses with the names of the inputs, and with times."""
    names = np.array([encode_name(each["name"]) for each in (row.result or {})["inputs"]], object)
    inputs, steps = table.pop("input"), table.pop("step")
    times = steps * row.request["step"]["length"]
    return {"input": names[inputs], "step": steps, "time": times, **table}


def _list_contributions(solution: Solution) -> dict[str, NDArray[Any]]:
    """Return the columns of the table of contributions, the last of which are the inputs."""
    series: Series = solution.problem.record
    parts = decompose(solution)
    columns: dict[str, NDArray[Any]] = {"sequence": parts.sequence, "step": parts.step}
    if series.start_times:
        times = list_times(series.start_times, series.step, parts.sequence, parts.step - 1)
        columns["time"] = times
    columns |= {"start": parts.start, "baseline": parts.baseline}
    own = {make_unique(name, series.input_names): column for name, column in columns.items()}
    inputs = zip(map(encode_name, series.input_names), parts.inputs, strict=True)
    return own | dict(inputs)


def load_fit(
    row: ComputationRow, arrays: Arrays, common: Common, database: "store.Database", _: Limits
) -> FitPictureRequest:
    """Draw targets and fit over time with the residuals, or list them as CSV.

    A table begins at the first target of each sequence. Its columns are `sequence`, from 0, `step`,
    from 1, `target`, `prediction`, the band of the prediction, `low` and `high`, `residual`, and
    `innovation`, the residual without the autocorrelation of the noise. A field without a number is
    empty.
    """
    sequences = arrays["sequence"]
    drawn = [arrays[name] for name in ("target", "prediction", "residual")]
    rows = select_rows(sequences, drawn, MAX_SEQUENCES)
    columns = {name: arrays[name][rows] for name in TABLE}
    if common["scale"] == Scale.LOG:
        _check_positive(columns)
    return FitPictureRequest(
        columns=columns,
        n_sequences=len(find_first(sequences)),
        starts=_find_starts(row, database)[0],
        **_fit_fields(row),
        **common,
    )


def _check_positive(columns: Arrays) -> None:
    """Raise Invalid if a value in the picture of a fit has no logarithm."""
    n_low = [int(np.sum(columns[name] <= 0.0)) for name in ("target", "prediction")]
    if any(n_low):
        targets, predictions = map(count, n_low, ("target", "prediction"))
        detail = f"a log scale requires positive values, but {targets} and {predictions} are not"
        raise Invalid(detail, parameter="scale")


def load_profile(
    row: ComputationRow, arrays: Arrays, common: Common, *_: Any
) -> ProfilePictureRequest:
    """Draw the lowest mean squared error, `cost`, with each `w_rec`, or list it as CSV."""
    columns = {name: arrays[name] for name in PROFILE.values()}
    return ProfilePictureRequest(columns=columns, **_fit_fields(row), **common)


def load_response(
    row: ComputationRow, arrays: Arrays, common: Common, *_: Any
) -> ResponsePictureRequest:
    """Draw the change of the target after one lasting unit of each input, or list it as CSV.

    The columns are `input`, `step` and `time` since the input has changed, from 0, `response`, and
    its band, `low` and `high`: the profile interval at each step. A delay is included. The response
    to a square is that to a unit of the squared distance from the mean.
    """
    check_inputs(row)
    table = {column: arrays[name] for column, name in RESPONSE.items()}
    return ResponsePictureRequest(columns=table, **_fit_fields(row), **common)


def load_groups(
    row: ComputationRow, _: Arrays, common: Common, *_others: Any
) -> GroupsPictureRequest:
    """Draw the level and the gains of each sequence, or list them as CSV.

    The columns are `sequence`, its name or its index from 0, `input`, empty for the level, `value`,
    and its interval, `low` and `high`. What all sequences share has an empty `sequence`.
    """
    _list_groups(row)
    return GroupsPictureRequest(**_fit_fields(row), **common)


def load_contributions(
    row: ComputationRow, _: Arrays, common: Common, database: "store.Database", *_others: Any
) -> ContributionsPictureRequest:
    """Draw what the start, the baseline and each input contribute to the fit, or list it as CSV.

    The columns are `sequence`, `step`, `time` if the series has times, `start` (of the initial
    state), `baseline` (offset, trend and season), and one per input. `start`, `baseline` and the
    inputs add up to the prediction. A square belongs to its input. An underscore is appended to a
    name that is also that of an input.
    """
    solution = restore(row, database)
    return ContributionsPictureRequest(solution=solution, **_fit_fields(row), **common)


def load_report(
    row: ComputationRow, arrays: Arrays, common: Common, database: "store.Database", limits: Limits
) -> ReportRequest:
    """Write the verdict, pictures, the roles of columns, repairs and the request in one HTML file.

    The file contains its pictures and no script.
    """
    drawn = {**common, "suffix": "svg"}
    pictures: dict[str, PictureRequest] = {
        "The data with the fit, and the residuals below": load_fit(
            row, arrays, drawn, database, limits
        )
    }
    del drawn["scale"]  # of the first picture
    if row.result and row.result["inputs"]:
        caption = "The response to one lasting unit of each input"
        pictures[caption] = load_response(row, arrays, drawn)
    pictures["The lowest error for each w_rec"] = load_profile(row, arrays, drawn)
    return ReportRequest(
        result=row.result or {},
        name=f"{row.id}, result version {row.result_version}",
        pictures=pictures,
        **{**drawn, "suffix": common["suffix"]},
    )


def _fit_fields(row: ComputationRow) -> dict[str, Any]:
    """Return the common part of the pictures of a fit."""
    if row.result_version != RESULT_VERSION:
        FitResult.model_validate(row.result)  # the figure needs some of its fields
    step, confidence = Step(**row.request["step"]), row.request["confidence"]
    return {"result": row.result, "step": step, "confidence": confidence}
