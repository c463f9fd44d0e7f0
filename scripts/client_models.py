"""The models of the client, from the schema.

Models of responses and optimizers become dataclasses, and those of fields of requests typed
dictionaries.
"""

import textwrap
from collections.abc import Iterable
from graphlib import TopologicalSorter
from typing import Any, Final

Schema = dict[str, Any]

# Both requests and responses; the typed dictionary of the former has another name.
SHARED_SUFFIX = "Fields"
SUFFIX = "Schema"  # of names in the schema, not in Python
NAMES: Final = {"NullableWeights": "Weights", "WeightsSchema": "WeightsFields"}
# Replaced by properties of the client, or read from a file.
OMITTED: Final = {
    ("TrainingRun", "trajectory"), ("BasinMap", "map"), ("FitResource", "arrays"),
}  # fmt: skip
RENAMED: Final = {
    ("FitResource", "residuals"): "residual_tests", ("FitResource", "summary"): "verdict",
    ("DifferenceReport", "from"): "from_",
}  # fmt: skip
# Of a finished computation, always or unless stated otherwise: never None in Python.
RESULTS: Final = {
    "TrainingRun": {"outcome", "initial", "final", "iterations"},
    "BasinMap": {"shares"},
    "FitResource": {
        "w_rec", "time_constant", "half_life", "states", "inputs", "target", "delay", "cost",
        "rmse", "n_targets", "degrees_of_freedom", "minima", "unique", "identifiable", "at_limit",
        "residuals", "alternatives", "trust", "summary",
    },
}  # fmt: skip
# Numbers that are nan in Python where they are null in JSON.
FLOATS: Final = {
    ("NullableWeights", "w_in"), ("NullableWeights", "w_rec"), ("Evaluation", "cost"),
    ("PointEvaluation", "cost"), ("GridMinimum", "cost"), ("OptimumResponse", "cost"),
}  # fmt: skip
MATRICES: Final = {("CostGrid", "cost")}  # their rows have equal lengths
BASES: Final = {"PiecewiseEstimate": "IntervalEnds[Interval]", "TrustReport": "Trust"}
OPTIMIZERS = "Optimizer"
DATASETS = "Dataset"
WIDTH = 100

HEADER = '''\
"""The models of the API. Built from its schema by `make build`: do not edit."""

from dataclasses import dataclass
from typing import Any, Literal, NotRequired, TypedDict

from linear_rnn._arrays import Array, IntArray
from linear_rnn._estimates import IntervalEnds, Trust
from linear_rnn._finished import finished
from linear_rnn._names import suggest_keywords
'''


class Generator:
    """A generator of Python for the models of one schema."""

    def __init__(self, schema: Schema, module: str = "") -> None:
        self.module = module  # of the models, with a point
        self.models: dict[str, Schema] = schema["components"]["schemas"]
        operations = [
            operation
            for methods in schema["paths"].values()
            for operation in methods.values()
            if isinstance(operation, dict)
        ]
        self.requests = self._reachable(
            [operation.get("requestBody", {}) for operation in operations]
        )
        responses = [operation["responses"] for operation in operations]
        self.responses = self._reachable(responses)
        self.optimizers = self._members("optimizer")

    def write(self) -> str:
        """Return the module."""
        blocks = [HEADER]
        enums = [name for name, model in self.models.items() if "enum" in model]
        blocks += [f"{name} = {_literal(self.models[name]['enum'])}" for name in enums]
        for name in self.optimizers:
            blocks.append(self._dataclass(name))
        blocks.append(f"{OPTIMIZERS} = {' | '.join(self.optimizers)}")
        blocks.append(f"OptimizerName = {_literal(self._optimizer_names())}")
        for name in self._in_order():
            if name in self.responses:
                blocks.append(self._dataclass(name))
            if name in self.requests - {*self.optimizers} and not name.endswith("Request"):
                blocks.append(self._typed_dict(name))
        datasets = [self._name(each, request=True) for each in self._members("dataset")]
        blocks.append(f"{DATASETS} = {' | '.join(datasets)}")
        return "\n\n".join(blocks) + "\n"

    def _members(self, field: str) -> list[str]:
        """Return the names of the models of a field of a training run."""
        tagged = self.models["TrainingRunRequest"]["properties"][field]["discriminator"]
        return [_last(ref) for ref in tagged["mapping"].values()]

    def _optimizer_names(self) -> list[str]:
        return [self.models[each]["properties"]["name"]["const"] for each in self.optimizers]

    def _in_order(self) -> list[str]:
        """Return the names of objects in the order of their dependencies."""
        graph = {name: sorted(_references(model)) for name, model in self.models.items()}
        order = TopologicalSorter(graph).static_order()
        return [name for name in order if self.models[name].get("type") == "object"]

    def _reachable(self, roots: list[Any]) -> set[str]:
        """Return the names of models to which JSON refers, directly or through others."""
        found: set[str] = set()
        waiting = _references(roots)
        while waiting:
            found |= waiting
            waiting = set().union(*(_references(self.models[name]) for name in waiting)) - found
        return found

    def _name(self, schema_name: str, *, request: bool) -> str:
        shared = schema_name in self.requests & self.responses
        is_object = "enum" not in self.models[schema_name]
        suffix = SHARED_SUFFIX if request and shared and is_object else ""
        name = NAMES.get(schema_name) or schema_name.removesuffix(SUFFIX) + suffix
        return self.module + name

    def _dataclass(self, name: str) -> str:
        base = f"({BASES[name]})" if name in BASES else ""
        lines = ["@suggest_keywords"] if name in self.optimizers else []
        lines += ["@dataclass(kw_only=True)", f"class {self._name(name, request=False)}{base}:"]
        lines += docstring(self.models[name].get("description") or f"A {name}.")
        lines.append("")
        for key, schema in self.models[name]["properties"].items():
            if (name, key) in OMITTED:
                continue
            kind = self.type_of(schema, (name, key), request=False)
            default = _default(schema, required=key in self.models[name].get("required", []))
            if (name, key) in FLOATS:
                kind = "float"
                default = ""
            if key in RESULTS.get(name, ()):
                kind = kind.removesuffix(" | None")
                default = " = finished()"
            lines.append(f"    {RENAMED.get((name, key), key)}: {kind}{default}")
            lines += docstring(schema.get("description", ""))
        return "\n".join(lines)

    def _typed_dict(self, name: str) -> str:
        lines = [f"class {self._name(name, request=True)}(TypedDict):"]
        lines += docstring(self.models[name].get("description") or f"A {name}.")
        lines.append("")
        required = self.models[name].get("required", [])
        for key, schema in self.models[name]["properties"].items():
            kind = self.type_of(schema, (name, key), request=True)
            lines.append(f"    {key}: {kind if key in required else f'NotRequired[{kind}]'}")
            lines += docstring(schema.get("description", ""))
        return "\n".join(lines)

    def type_of(self, schema: Schema, place: tuple[str, str], *, request: bool) -> str:  # noqa: PLR0911
        """Return the type of a field, whose place is its model and its name."""
        if "$ref" in schema:
            return self._name(_last(schema["$ref"]), request=request)
        if members := schema.get("anyOf") or schema.get("oneOf"):
            kinds = [self.type_of(member, place, request=request) for member in members]
            return " | ".join(dict.fromkeys(kinds))
        if isinstance(types := schema.get("type"), list):
            members = [{**schema, "type": each} for each in types]
            return self.type_of({"anyOf": members}, place, request=request)
        if "const" in schema:
            return _literal([schema["const"]])
        if "enum" in schema:
            return _literal(schema["enum"])
        if schema.get("type") == "array":
            return self._array_type(schema["items"], place, request=request)
        if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
            value = self.type_of(schema["additionalProperties"], place, request=request)
            return f"dict[str, {value}]"
        names = {
            "string": "str", "integer": "int", "number": "float", "boolean": "bool",
            "null": "None", "object": "dict[str, Any]",
        }  # fmt: skip
        return names.get(schema.get("type", ""), "Any")

    def _array_type(self, items: Schema, place: tuple[str, str], *, request: bool) -> str:
        kind = self.type_of(items, place, request=request)
        if not request and kind in {"float", "float | None"}:
            return "Array"
        if not request and kind == "int":
            return "IntArray"
        if kind == "Array" and place in MATRICES:
            return kind
        return f"list[{kind}]"


def _default(schema: Schema, *, required: bool) -> str:
    if "const" in schema:
        return f" = {schema['const']!r}"
    if "default" in schema:
        return f" = {schema['default']!r}"
    nullable = any(member.get("type") == "null" for member in schema.get("anyOf", []))
    return " = None" if nullable or not required else ""


def docstring(text: str) -> list[str]:
    """Return the lines of a docstring in a class; none without a text."""
    if not text:
        return []
    quoted = f'"""{" ".join(text.split())}"""'
    return textwrap.wrap(quoted, WIDTH, initial_indent="    ", subsequent_indent="    ")


def _literal(values: Iterable[Any]) -> str:
    return f"Literal[{', '.join(map(repr, values))}]"


def _references(value: Any) -> set[str]:
    """Return the names of models that occur in JSON."""
    if isinstance(value, list):
        return set().union(*map(_references, value))
    if not isinstance(value, dict):
        return set()
    own = {_last(value["$ref"])} if "$ref" in value else set()
    return own.union(*map(_references, value.values()))


def _last(ref: str) -> str:
    return ref.rpartition("/")[2]
