"""The optimizers' schemas, made from the engine's registry."""

from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal

from pydantic import Field, create_model

from service.engine.training import OPTIMIZERS, Clip, Optimizer, OptimizerSpec, Parameter
from service.schemas.base import NUMBER, RequestModel, ResponseModel
from service.schemas.datasets import tagged


class OptimizerSchema(RequestModel):
    """What all optimizers' schemas have in common; the registry makes one of each kind."""

    name: str

    def to_engine(self) -> Optimizer:
        """Build the engine's optimizer."""
        return OPTIMIZERS[self.name](**self.model_dump(exclude={"name"}))


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
    # Only the note's optimizer may go without its name.
    name: Any = Literal[kind.name]
    fields: dict[str, Any] = {p.name: _field(p) for p in kind.parameters}
    named = Annotated[name, Field(description="Which optimizer.")]
    fields["name"] = (named, kind.name if kind.name == "rprop" else ...)
    return create_model(
        "".join(part.capitalize() for part in kind.name.split("_")),
        __base__=OptimizerSchema,
        __doc__=f"{kind.title}: {kind.formula}",
        **fields,
    )


SCHEMAS = {name: _schema(kind) for name, kind in OPTIMIZERS.items()}
RPROP = SCHEMAS["rprop"](name="rprop")

# A union of as many members as the registry has: mypy sees their common base.
AnyOptimizer: Any = Annotated[
    reduce(or_, SCHEMAS.values()),
    Field(discriminator="name", description="What turns gradients into steps."),
    tagged("name", "rprop"),
]


class ClipSchema(RequestModel):
    """A bound on the gradient before the optimizer sees it."""

    by: Annotated[
        Literal["norm", "value"],
        Field(description="norm: scale the whole gradient; value: cut each component."),
    ] = "norm"
    threshold: Annotated[float, Field(gt=0, le=1e150, description="The bound."), NUMBER] = 1.0

    def to_engine(self) -> Clip:
        """Return the engine's clip."""
        return Clip(self.by, self.threshold)


class OptimizerParameter(ResponseModel):
    """A parameter of an optimizer; absent bounds are null."""

    name: Annotated[str, Field(description="What the request calls it.")]
    type: Annotated[Literal["number", "boolean"], Field(description="What it is.")]
    default: Annotated[float | bool, Field(description="The value if it is not given.")]
    minimum: Annotated[float | None, Field(description="The least value.")]
    maximum: Annotated[float | None, Field(description="The greatest value.")]
    exclusive_minimum: Annotated[float | None, Field(description="Values are above this.")]
    exclusive_maximum: Annotated[float | None, Field(description="Values are below this.")]
    description: Annotated[str, Field(description="What it does.")]


class OptimizerDescription(ResponseModel):
    """An entry of the registry."""

    name: Annotated[str, Field(description="What the request calls it.")]
    title: Annotated[str, Field(description="What people call it.")]
    formula: Annotated[
        str,
        Field(description="One iteration of one weight w with gradient g, or of both weights."),
    ]
    source: Annotated[str, Field(description="Where it was published.")]
    dialect: Annotated[str, Field(description="Which of the published variants this is.")]
    uses_magnitude: Annotated[
        bool, Field(description="Whether more than the gradient's sign counts.")
    ]
    accepts_clip: Annotated[bool, Field(description="Whether requests may give a clip.")]
    parameters: Annotated[list[OptimizerParameter], Field(description="What it takes.")]


class OptimizerList(ResponseModel):
    """All optimizers."""

    items: Annotated[list[OptimizerDescription], Field(description="One of each kind.")]
