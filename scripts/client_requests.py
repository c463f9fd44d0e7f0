"""The keywords of the client's methods, from the schema of the requests."""

from typing import Any, Final

from scripts.client_models import Generator, Schema, docstring

# Of fields that the client converts, or whose type in the schema is less precise.
TYPES: Final = {
    "dataset": "i.DatasetLike",
    "network": "i.NetworkLike",
    "weights": "i.WeightsLike",
    "initial_weights": "i.WeightsLike",
    "points": "Sequence[i.WeightsLike]",
    "optimizer": "i.OptimizerLike",
    "window": "i.Window",
    "windows": "Sequence[i.Window]",
    "runs": "Sequence[i.Stored | str]",
    "model": "i.Stored | str | m.WeightsModel | m.RunModel",
    "w_rec": "i.RangeLike",
    "delay": "int | tuple[int, int]",
    "gains": 'Mapping[str, float] | Literal["each"]',
    "time_constants": "int | Literal['per_input'] | Sequence[Sequence[str]]",
}
# Positional arguments, and `continue`, for which there are methods.
OMITTED: Final = {
    ("PredictRequest", "inputs"),
    ("PredictRequest", "continue"),
    ("PredictRequest", "plans"),
    ("PredictRequest", "goal"),
    ("FitRequest", "dataset"),
}
UPLOAD_ARGUMENTS: Final = {"name", "kind", "target", "inputs", "sequence", "time", "roles"}

HEADER = '''\
"""The keywords of methods. Built from the schema by `make build`: do not edit."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

from linear_rnn import _inputs as i
from linear_rnn import _models as m
'''
FIT_OPTIONS = """\
class FitOptions(FitRequest, TableOptions):
    \"\"\"Fields of a fit, and options for reading and repairing its table.\"\"\"
"""

Fields = list[tuple[str, str, str]]  # names, types and descriptions


def requests_source(schema: Schema) -> str:
    """Return the module."""
    generator = Generator(schema, module="m.")
    blocks = [HEADER]
    for name in sorted(generator.requests):
        if name.endswith("Request") and "Picture" not in name:
            description = generator.models[name]["description"]
            blocks.append(_typed_dict(name, description, _list_fields(name, generator)))
    parameters = schema["paths"]["/v1/datasets"]["post"]["parameters"]
    options = _list_options(parameters, generator)
    description = "Options for reading and repairing a table."
    blocks += [_typed_dict("TableOptions", description, options), FIT_OPTIONS]
    return "\n\n".join(blocks)


def _list_fields(name: str, generator: Generator) -> Fields:
    """Return the fields of a request."""
    return [
        (
            key,
            TYPES.get(key) or generator.type_of(schema, (name, key), request=True),
            schema.get("description", ""),
        )
        for key, schema in generator.models[name]["properties"].items()
        if (name, key) not in OMITTED
    ]


def _list_options(parameters: list[dict[str, Any]], generator: Generator) -> Fields:
    """Return the query parameters of an upload that are not arguments of their own."""
    return [
        (
            parameter["name"],
            generator.type_of(parameter["schema"], ("", ""), request=True),
            _capitalize(parameter["description"].removeprefix("For series as tables: ")),
        )
        for parameter in parameters
        if parameter["name"] not in UPLOAD_ARGUMENTS
    ]


def _capitalize(text: str) -> str:
    return text[:1].upper() + text[1:]


def _typed_dict(name: str, description: str, fields: Fields) -> str:
    """Return a class whose fields may be None, which omits them."""
    lines = [f"class {name}(TypedDict, total=False):", *docstring(description), ""]
    for key, kind, meaning in fields:
        named = kind.removesuffix(" | None").replace("list[", "Sequence[")
        lines += [f"    {key}: {named} | None", *docstring(meaning)]
    return "\n".join(lines) + "\n"
