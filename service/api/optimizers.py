"""GET /v1/optimizers."""

from dataclasses import asdict

from service.api.answers import JsonAnswer
from service.api.routing import router as make_router
from service.engine.training import OPTIMIZERS
from service.schemas.optimizers import OptimizerAnswer, OptimizersAnswer, ParameterAnswer

router = make_router("Training")


@router.get(
    "/v1/optimizers",
    response_model=OptimizersAnswer,
    summary="List the optimizers and their parameters",
)
async def get() -> JsonAnswer:
    """Return the registry: what each optimizer is called, does and takes."""
    return JsonAnswer(ANSWER)


ANSWER = OptimizersAnswer(
    items=[
        OptimizerAnswer(
            name=kind.name,
            title=kind.title,
            formula=kind.formula,
            source=kind.source,
            dialect=kind.dialect,
            uses_magnitude=kind.uses_magnitude,
            parameters=[ParameterAnswer(**asdict(each)) for each in kind.parameters],
        )
        for kind in OPTIMIZERS.values()
    ]
)
