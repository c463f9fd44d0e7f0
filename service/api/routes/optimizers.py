"""GET /v1/optimizers."""

from dataclasses import asdict

from service.api.requests import router as make_router
from service.api.responses import OrjsonResponse
from service.engine.training import OPTIMIZERS
from service.schemas.optimizers import OptimizerDescription, OptimizerList, OptimizerParameter

router = make_router("Training")


@router.get(
    "/v1/optimizers",
    response_model=OptimizerList,
    summary="List the optimizers and their parameters",
)
async def get() -> OrjsonResponse:
    """Return the registry: what each optimizer is called, does and takes."""
    return OrjsonResponse(ANSWER)


ANSWER = OptimizerList(
    items=[
        OptimizerDescription(
            name=kind.name,
            title=kind.title,
            formula=kind.formula,
            source=kind.source,
            dialect=kind.dialect,
            uses_magnitude=kind.uses_magnitude,
            accepts_clip=kind.accepts_clip,
            parameters=[OptimizerParameter(**asdict(each)) for each in kind.parameters],
        )
        for kind in OPTIMIZERS.values()
    ]
)
