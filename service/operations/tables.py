"""Read tables without storing them."""

from collections.abc import Iterator
from typing import Any, Final

from service.errors import Invalid
from service.formats.base import SeriesColumns
from service.formats.csv_series import open_table, read_table
from service.formats.group_columns import LAYOUT
from service.formats.notes import list_notes
from service.formats.reshape import check_layout
from service.formats.roles import Roles, propose_roles
from service.formats.structure import Structure
from service.operations.shared.limits import Limits
from service.schemas.series import StepSchema
from service.schemas.tables import TableColumn, TableProblem, TableSummary
from service.values.budget import OverBudget

PATH: Final = "/v1/tables"
N_FIRST: Final = 5  # fields of a column that are shown
# The kinds of errors by their places.
SLUGS: Final = {
    "time": "times",
    "inputs": "inputs",
    "fill": "missing_inputs",
    "/sequences": "numbers",
    "/dataset": "length",
    "sheet": "sheet",
    "pivot": LAYOUT,
}


def describe_table(body: bytes, chosen: SeriesColumns, limits: Limits) -> TableSummary:
    """Return what a file contains; raises Malformed, Invalid and LimitExceeded."""
    found = open_table(body, chosen, limits)
    text = found.text
    proposed = propose_roles(found, chosen)
    n_rows = sum(1 for _ in found.rows())
    problems = []
    series, decimal = None, None
    try:
        check_layout(found, proposed)
        series, decimal = read_table(found, proposed.chosen)
    except OverBudget:
        raise
    except Invalid as error:
        problems = [_describe_error(error)]
    is_laid_out = not any(each.slug == LAYOUT for each in problems)
    made = () if series is None else series.notes
    notes = list_notes(found, chosen, proposed, made) if is_laid_out else ()
    problems += [TableProblem(**note._asdict(), is_error=False) for note in notes]
    return TableSummary(
        encoding=text.encoding,
        separator=found.separator,
        decimal=decimal,
        sheet=text.sheet,
        sheets=[*text.sheets],
        n_rows=n_rows,
        header_line=found.header and found.header[0],
        columns=[*_describe_columns(found, proposed)],
        step=StepSchema(**series.step._asdict()) if series and chosen.is_series else None,
        repairs=[] if series is None else [*series.repairs],
        problems=problems,
    )


def _describe_columns(found: Structure, proposed: Roles) -> Iterator[TableColumn]:
    for j, name in enumerate(found.names):
        yield TableColumn(
            name=name,
            unit=found.units[j],
            kind=found.kinds[j],
            first=[row[j][:100] for row in found.sample[:N_FIRST]],
            role=proposed.roles[j],
            because=proposed.because[j],
        )


def _describe_error(error: Invalid) -> TableProblem:
    place = error.errors[0] if error.errors else None
    where = place and (place.parameter or place.pointer)
    members: dict[str, Any] = {key: error.members.get(key) for key in ("line", "column")}
    repairs = error.members.get("repairs") or []
    slug = SLUGS.get(where or "", "columns")
    return TableProblem(slug=slug, is_error=True, sentence=error.detail, **members, repairs=repairs)
