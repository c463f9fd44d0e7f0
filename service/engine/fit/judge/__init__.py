"""The verdict: better models, effects, and checks of the residuals."""

from service.engine.fit.judge.checks import Finding
from service.engine.fit.judge.effects import Effect
from service.engine.fit.judge.larger import find_season
from service.engine.fit.judge.levels import prefers_own_levels
from service.engine.fit.judge.plausibility import is_drift
from service.engine.fit.judge.verdict import Verdict

__all__ = [
    "Effect",
    "Finding",
    "Verdict",
    "find_season",
    "is_drift",
    "prefers_own_levels",
]
