"""Notes about the table of a fit, in its summary."""

from typing import Final

from service.engine.data import Series, describe_step
from service.engine.fit import TEXTS
from service.schemas.fit_results import FitSummary
from service.schemas.fits import FitRequest
from service.schemas.problems import Assumption

CHECK_FIRST: Final = "check the table first"


def add_notes(summary: FitSummary, request: FitRequest, series: Series) -> FitSummary:
    """Return the summary of a fit with what was noticed about its table, and not confirmed.

    The level is then at most `caution`, and the headline says it.
    """
    noticed = {*(request.noticed or ())}
    open_notes = (note for note in series.notes if note.slug in noticed)
    sentences = [f"About the table: {note.sentence}." for note in open_notes]
    step = None if request.step is None else request.step.to_step()
    has_dates = any(isinstance(start, str) for start in series.start_times)
    if has_dates and step is not None and step != series.step:
        found, given = describe_step(series.step), describe_step(step)
        sentences.append(f"About the table: its dates have steps of {found}, and not {given}.")
    if not sentences:
        return summary
    verdicts = {TEXTS["levels"]["trusted"]["verdict"]: TEXTS["levels"]["caution"]["verdict"]}
    headline = summary.headline.removesuffix(")")
    joint = " (" if headline == summary.headline else "; "
    texts = [verdicts.get(text, text) for text in summary.sentences]
    return summary.model_copy(
        update={
            "level": "caution" if summary.level == "trusted" else summary.level,
            "headline": f"{headline}{joint}{CHECK_FIRST})",
            "sentences": [*sentences, *texts],
            "topics": [*("table" for _ in sentences), *summary.topics],
        }
    )


def to_assumptions(series: Series) -> list[Assumption]:
    """Return what was noticed about the table of a series."""
    return [Assumption(**note._asdict()) for note in series.notes]
