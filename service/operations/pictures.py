"""Pictures, from the question to the bytes."""

from collections.abc import Sequence
from math import isfinite

from service.errors import Invalid
from service.figures.marks import LabelledPath
from service.figures.page import Panel
from service.figures.render import render
from service.figures.style import Style
from service.figures.surface import cost_surface_picture
from service.operations import limits
from service.operations.limits import Limits
from service.operations.samples import Samples
from service.schemas.pictures import Picture
from service.schemas.surfaces import SurfaceQuestion

SURFACE_SIZE = (1000, 400)


def style_of(look: Picture, width: int, height: int) -> Style:
    """Return a figure's style; raises LimitExceeded where the picture has too many pixels."""
    return Style(look.width or width, look.height or height, look.dpi, look.theme.value, look.title)


def refuse_resolution(question: SurfaceQuestion) -> None:
    """Refuse a resolution for pictures, which are exact at their own pixels; raises Invalid."""
    for i, window in enumerate(question.windows):
        if "resolution" in window.model_fields_set:
            pointer = f"/windows/{i}/resolution"
            raise Invalid("pictures are exact at every pixel: they take no resolution", pointer)


def surfaces_picture(
    question: SurfaceQuestion,
    samples: Samples,
    paths: Sequence[LabelledPath],
    look: Picture,
    suffix: str,
    allowed: Limits,
) -> bytes:
    """Draw the cost surface in every window, the paths and the exact optimum over it."""
    style = style_of(look, *SURFACE_SIZE)
    n_pixels = style.pixels[0] * style.pixels[1]
    activation = question.network.activation
    seconds = limits.evaluations(activation, *samples.inputs.shape, n_pixels)
    allowed.check_work(seconds, "/dpi")
    objective = samples.objective(question.network)
    best = objective.optimum
    marked = best is not None and paths and all(map(isfinite, best.weights))
    picture = cost_surface_picture(
        [Panel((w.w_in.low, w.w_in.high), (w.w_rec.low, w.w_rec.high)) for w in question.windows],
        objective.log10_costs,
        points=[tuple(point.to_engine()) for point in question.points],
        paths=paths,
        optimum=tuple(best.weights) if marked else None,
        style=style,
    )
    return render(picture, suffix)
