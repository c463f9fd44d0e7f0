"""Path parameters, and query parameters of lists, of pictures, and of datasets to store."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import Path
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from starlette.convertors import StringConvertor, register_url_convertor

from service.api.examples import CURSOR
from service.errors import Invalid, NotFound
from service.figures.formats import PICTURE_FORMATS
from service.formats import SeriesColumns
from service.formats.csv_tables import split_line
from service.lifecycle import Status
from service.schemas.base import NUMBER
from service.schemas.pictures import PictureOptions
from service.schemas.series import ColumnName


def parse_number(text: Any) -> Any:
    """Return the JSON number in a text, or the text if it is not a number."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return value if type(value) in {int, float} else text


PARSE_NUMBER: Final = BeforeValidator(parse_number)
"""A validator before `NUMBER`, which accepts only JSON numbers."""


class QueryModel(BaseModel):
    """Query parameters. The route rejects unknown ones."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    @classmethod
    def pointers(cls) -> dict[str, str]:
        """Return the JSON pointers of the parameters that are fields of a request."""
        return {}

    def _given(self, *names: str) -> dict[str, Any]:
        """Return the parameters that are in the URL."""
        return {name: getattr(self, name) for name in names if name in self.model_fields_set}


class DatasetQuery(QueryModel):
    """Query parameters of POST /v1/datasets."""

    name: Annotated[
        str | None,
        StringConstraints(
            strip_whitespace=True, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$"
        ),
        Field(examples=["Rain and runoff, 2024"]),
    ] = None
    """A descriptive name, which is not part of the id. If the dataset is already stored, it
    replaces the name; without it, the name is unchanged."""
    kind: Annotated[Literal["series"] | None, Field(examples=["series"])] = None
    """Read a file as a series: a table with a header and one row per step, or an archive with a
    target at every step."""
    target: Annotated[ColumnName | None, Field(examples=["sales"])] = None
    """For a series: the column of the target; by default target."""
    inputs: Annotated[str | None, Field(max_length=10_000, examples=["spend,heating"])] = None
    """For a series: the columns of the inputs, separated by commas, in quotes if they contain one;
    empty for none. By default all other columns."""
    sequence: Annotated[ColumnName | None, Field(examples=["region"])] = None
    """For a series: the column that identifies the sequences."""
    time: Annotated[ColumnName | None, Field(examples=["date"])] = None
    """For a series: the column of the times, as dates or numbers. They must be equally spaced;
    months and years count as equal steps."""
    decimal: Annotated[Literal[".", ","] | None, Field(examples=[","])] = None
    """For series as CSV: the decimal mark, if the numbers are ambiguous. The other mark is then
    the thousands separator."""
    thousands: Annotated[Literal[".", ","] | None, Field(examples=["."])] = None
    """For series as CSV: the thousands separator."""
    gaps: Annotated[Literal["sequences"] | None, Field(examples=["sequences"])] = None
    """For series as CSV with times: sequences begins a new sequence after each gap in time. By
    default a gap is an error."""
    fill: Annotated[Literal["hold", "zero", "drop"] | None, Field(examples=["hold"])] = None
    """For series as CSV: the value of an input that is empty or a word such as NA. hold repeats the
    previous value of the sequence, zero is 0, and drop omits the row and begins a new sequence
    after it. By default it is an error."""

    def to_columns(self) -> SeriesColumns | None:
        """Return the columns of a series, or None for another dataset; raises Invalid."""
        columns = self._given(*SeriesColumns._fields)
        if self.kind is None:
            for name in columns:
                raise Invalid(f"{name} applies to kind=series", parameter=name)
            return None
        if self.inputs is not None:
            columns["inputs"] = tuple(filter(None, split_line(self.inputs, ",")))
        return SeriesColumns(**columns)


class ListQuery(QueryModel):
    """One page of a list."""

    limit: Annotated[int, Field(ge=1, le=100, examples=[20]), NUMBER, PARSE_NUMBER] = 20
    """The maximum number of items."""
    cursor: Annotated[str | None, Field(examples=[CURSOR])] = None
    """The next_cursor of the previous page."""


class ComputationListQuery(ListQuery):
    """One page of a list of computations."""

    status: Annotated[Status | None, Field(examples=["succeeded"])] = None
    """Only items of this status."""


class PictureQuery(QueryModel, PictureOptions):
    """The options of a picture."""

    def to_options(self) -> PictureOptions:
        """Return the options."""
        return PictureOptions.model_construct(**self._given(*PictureOptions.model_fields))


class IdConvertor(StringConvertor):
    """A path convertor that matches an id without a suffix: `{run_id:id}`."""

    regex = "[^/.]+"


register_url_convertor("id", IdConvertor())


def suffix_path(suffixes: Sequence[str]) -> Any:
    """Declare a suffix. The route checks it, so an unknown one yields 404 instead of 422."""
    return Path(
        description="The format.",
        json_schema_extra={"enum": list(suffixes)},
        examples=[suffixes[0]],
    )


def id_path(example: str, alias: str | None = None) -> Any:
    """Declare an id. The route checks it, so a malformed one yields 404 instead of 422."""
    prefix = example.partition("_")[0]
    pattern = {"pattern": f"^{prefix}_[0-9a-f]{{32}}$"}
    return Path(alias=alias, description="The id.", json_schema_extra=pattern, examples=[example])


def check_suffix(
    suffix: str, suffixes: Sequence[str], options: PictureOptions | None = None
) -> None:
    """Raise NotFound for an unknown suffix, or Invalid for a picture option of another file.

    An option that equals its default is ignored, because generated clients send all options.
    """
    if suffix not in suffixes:
        listed = ", ".join(suffixes)
        detail = f"there is no format {suffix[:20]!r}; the formats of this resource are {listed}"
        raise NotFound(detail, known=list(suffixes))
    if suffix not in PICTURE_FORMATS and options is not None:
        for name, info in PictureOptions.model_fields.items():
            if getattr(options, name) != info.default:
                raise Invalid(f"{name} applies to pictures, not to {suffix}", parameter=name)
