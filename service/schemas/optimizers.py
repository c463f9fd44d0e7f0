"""Models of optimizers, generated from the registry of the engine."""

from functools import reduce
from inspect import getdoc
from operator import or_
from typing import Annotated, Any, Final, Literal

from pydantic import Field, create_model

from service.engine.training import OPTIMIZERS, Clip, Optimizer, OptimizerSpec, Parameter
from service.schemas.base import NUMBER, RequestModel, ResponseModel, Tagged


class OptimizerSchema(RequestModel):
    """The base class of one model per optimizer."""

    name: str

    def to_engine(self) -> Optimizer:
        """Return the engine's optimizer."""
        return OPTIMIZERS[self.name].build(**self.model_dump(exclude={"name"}))


def _field(parameter: Parameter) -> Any:
    bounds = {
        "ge": parameter.minimum,
        "le": parameter.maximum,
        "gt": parameter.exclusive_minimum,
        "lt": parameter.exclusive_maximum,
    }
    given: dict[str, Any] = {name: bound for name, bound in bounds.items() if bound is not None}
    if parameter.type == "boolean":
        given["strict"] = True
    described = Field(description=parameter.description, **given)
    if parameter.type == "boolean":
        return Annotated[bool, described], parameter.default
    return Annotated[float, described, NUMBER], parameter.default


def _schema(kind: OptimizerSpec) -> type[OptimizerSchema]:
    name: Any = Literal[kind.name]
    fields: dict[str, Any] = {p.name: _field(p) for p in kind.parameters}
    named = Annotated[name, Field(description="The name of the optimizer.")]
    fields["name"] = (named, kind.name if kind.name == "rprop" else ...)
    return create_model(
        "".join(part.capitalize() for part in kind.name.split("_")),
        __base__=OptimizerSchema,
        __doc__=f"{kind.title}: {kind.formula}",
        **fields,
    )


SCHEMAS = {name: _schema(kind) for name, kind in OPTIMIZERS.items()}
globals().update({schema.__name__: schema for schema in SCHEMAS.values()})  # for pickle
RPROP = SCHEMAS["rprop"](name="rprop")

# A union with one member per optimizer; mypy sees their base class.
AnyOptimizer: Any = Annotated[
    reduce(or_, SCHEMAS.values()),
    Field(discriminator="name", description="The optimizer, which turns gradients into steps."),
    Tagged("name", "rprop"),
]


class ClipSchema(RequestModel):
    """Clipping of the gradient before the optimizer uses it."""

    by: Literal["norm", "value"] = "norm"
    """norm scales the whole gradient; value bounds each component."""
    threshold: Annotated[float, Field(gt=0, le=1e150), NUMBER] = 1.0
    """The bound."""

    def to_engine(self) -> Clip:
        """Return the engine's clip."""
        return Clip(self.by, self.threshold)


class OptimizerParameter(ResponseModel):
    """A parameter of an optimizer; a missing bound is null."""

    name: str
    """The name of the field in the request."""
    type: Literal["number", "boolean"]
    """The type of the value."""
    default: float | bool
    """The default."""
    minimum: float | None
    """The minimum."""
    maximum: float | None
    """The maximum."""
    exclusive_minimum: float | None
    """The value must be above this."""
    exclusive_maximum: float | None
    """The value must be below this."""
    description: str
    """The effect of the parameter."""


class OptimizerDescription(ResponseModel):
    """An optimizer and its parameters."""

    name: str
    """The name in a request."""
    title: str
    """The usual name."""
    formula: str
    """One iteration of one weight w with gradient g, or of both weights."""
    source: str
    """The publication."""
    variant: str
    """The implemented variant."""
    uses_magnitude: bool
    """True if it uses the magnitude of the gradient, not only its sign."""
    accepts_clip: bool
    """True if it supports clipping."""
    parameters: list[OptimizerParameter]
    """The parameters."""


class OptimizerList(ResponseModel):
    """All optimizers."""

    items: list[OptimizerDescription]
    """One item per optimizer."""


def _describe(spec: OptimizerSpec) -> OptimizerDescription:
    """Return the entry of an optimizer; variant and publications are in a docstring."""
    text, _, references = (getdoc(spec.build) or "").partition("\n\nReferences\n----------\n")
    _, _, variant = text.partition("\n\n")
    own = {"source": " ".join(references.split()), "variant": " ".join(variant.split())}
    fields = OptimizerDescription.model_fields.keys() - own.keys()
    return OptimizerDescription.model_validate(own | {name: getattr(spec, name) for name in fields})


OPTIMIZER_LIST: Final = OptimizerList(items=[*map(_describe, OPTIMIZERS.values())])
