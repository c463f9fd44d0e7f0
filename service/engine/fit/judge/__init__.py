"""The verdict: better models, effects, and checks of the residuals."""

from service.engine.fit.judge.effects import Effect
from service.engine.fit.judge.evidence import Evidence
from service.engine.fit.judge.findings import Alternative, Family, Finding, Joint, Rule
from service.engine.fit.judge.larger import find_season
from service.engine.fit.judge.levels import prefers_own_levels
from service.engine.fit.judge.plausibility import find_change_at_once, is_drift
from service.engine.fit.judge.residuals import Residuals
from service.engine.fit.judge.rules import RULES
from service.engine.fit.judge.verdict import Verdict, judge

__all__ = [
    "RULES",
    "Alternative",
    "Effect",
    "Evidence",
    "Family",
    "Finding",
    "Joint",
    "Residuals",
    "Rule",
    "Verdict",
    "find_change_at_once",
    "find_season",
    "is_drift",
    "judge",
    "prefers_own_levels",
]
