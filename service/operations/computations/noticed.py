"""Notes about the table of a fit."""

from service.engine.data import Series, describe_step
from service.schemas.fits import FitRequest
from service.schemas.problems import Assumption


def list_open_notes(request: FitRequest, series: Series) -> list[str]:
    """Return what was noticed about the table of a fit, and not confirmed."""
    noticed = {*(request.noticed or ())}
    sentences = [note.sentence for note in series.notes if note.slug in noticed]
    step = None if request.step is None else request.step.to_step()
    has_dates = any(isinstance(start, str) for start in series.start_times)
    if has_dates and step is not None and step != series.step:
        found, given = describe_step(series.step), describe_step(step)
        sentences.append(f"its dates have steps of {found}, and not {given}")
    return sentences


def to_assumptions(series: Series) -> list[Assumption]:
    """Return what was noticed about the table of a series."""
    return [Assumption(**note._asdict()) for note in series.notes]
