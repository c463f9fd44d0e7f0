"""Describe the optimizers of the engine."""

from inspect import getdoc
from typing import Final

from service.engine.training import OPTIMIZERS, OptimizerSpec
from service.schemas.optimizers import OptimizerDescription, OptimizerList, OptimizerParameter


def _describe(spec: OptimizerSpec) -> OptimizerDescription:
    """Return the entry of an optimizer; variant and publications are in a docstring."""
    text, _, references = (getdoc(spec.build) or "").partition("\n\nReferences\n----------\n")
    _, _, variant = text.partition("\n\n")
    return OptimizerDescription(
        name=spec.name,
        title=spec.title,
        formula=spec.formula,
        source=" ".join(references.split()),
        variant=" ".join(variant.split()),
        uses_magnitude=spec.uses_magnitude,
        accepts_clip=spec.accepts_clip,
        parameters=[OptimizerParameter.model_validate(parameter) for parameter in spec.parameters],
    )


OPTIMIZER_LIST: Final = OptimizerList(items=[*map(_describe, OPTIMIZERS.values())])
