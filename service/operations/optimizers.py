"""Describe the optimizers of the engine."""

from dataclasses import asdict
from typing import Final

from service.engine.training import OPTIMIZERS
from service.schemas.optimizers import OptimizerDescription, OptimizerList, OptimizerParameter

OPTIMIZER_LIST: Final = OptimizerList(
    items=[
        OptimizerDescription(
            name=spec.name,
            title=spec.title,
            formula=spec.formula,
            source=spec.source,
            dialect=spec.dialect,
            uses_magnitude=spec.uses_magnitude,
            accepts_clip=spec.accepts_clip,
            parameters=[OptimizerParameter(**asdict(each)) for each in spec.parameters],
        )
        for spec in OPTIMIZERS.values()
    ]
)
