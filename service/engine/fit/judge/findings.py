"""Findings of a verdict, the form of the rules that find them, and the test of a single one."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Flag, auto
from typing import Any, Generic, Literal, NamedTuple, TypeAlias, TypeVar

import numpy as np

from service.engine.fit import constants
from service.engine.fit.judge.residuals import Residuals
from service.engine.fit.solve import Solution
from service.engine.types import Array

JudgedFit = TypeVar("JudgedFit")


class Family(Flag):
    """The subject of a finding."""

    ESTIMATE = auto()  # the estimate and its interval
    HARMLESS = auto()  # the same, and it does not lower the level of the summary
    UNTESTED = auto()  # too few data for checks
    DATA = auto()  # the data, so that it matters without an estimate as well
    EFFECT = auto()  # the effect of all inputs
    STRUCTURE = auto()  # another structure
    BASELINE = auto()  # levels, gains of sequences and trends, which come before the effect
    LARGER = auto()  # more unknowns
    PATTERN = auto()  # a pattern in the residuals
    LEVELS = auto()  # what levels that differ between sequences may imitate
    GAINS = auto()  # what gains that differ between them may imitate
    NOISE = auto()  # successive errors
    SIZES = auto()  # the sizes of errors, whatever their signs


SIGNS = Family.LARGER | Family.PATTERN | Family.NOISE  # of structure in the residuals
ERRORS = Family.NOISE | Family.SIZES


class Finding(NamedTuple):
    """A reason or a caution, with its details."""

    slug: str
    input: str | None = None  # the name of the input that it concerns
    lag: int | None = None  # in steps
    value: float = np.nan  # the size of the violation
    p: float = np.nan
    part: str | None = None  # what changes, or the extreme at which targets are


class Alternative(NamedTuple):
    """A recommended change, and the fit with it."""

    finding: Finding  # the reason
    options: Mapping[str, Any]  # the fields of `FitOptions` that differ
    solution: Solution
    colored: Solution | None = None  # the same with the noise with which models are compared

    @property
    def reason(self) -> str:
        """The slug of the reason."""
        return self.finding.slug


class Joint(NamedTuple):
    """A statistic that is tested together with others."""

    finding: Finding  # if it is significant
    statistics: Array  # (B + 1,), the observed one first


# A check of residuals returns a statistic, or findings that it has tested by itself.
Check: TypeAlias = Callable[[Residuals], Joint | list[Finding] | None]


@dataclass(frozen=True)
class Rule(Generic[JudgedFit]):
    """A reason not to trust a fit, or a caution.

    Attributes
    ----------
    slug
        Its name.
    kind
        A reason invalidates the interval, and a caution does not.
    family
        What it is about.
    find
        Returns the findings of a judged fit, or True for one without details. None if they are
        among those of the checks.
    check
        The check of the residuals, if it is one.
    remedy
        Returns the fit that removes a finding, or None.
    hides
        The slugs that mean nothing where it is found.
    turns
        Returns True if a finding is of the other kind.
    is_last
        True if it is not sought once another reason is found.
    level
        The level of the summary, or the texts of `rejected`, if it is a reason.
    shown
        Whether the summary shows it: never, or not without an estimate, if other sentences state
        the same.
    explains
        True for a reason that explains all others, and the findings of checks.
    hides_level
        True if the level of the target is then unknown.
    """

    slug: str
    kind: Literal["reason", "caution"]
    family: Family
    find: Callable[[JudgedFit], bool | list[Finding]] | None = None
    check: Check | None = None
    remedy: Callable[[JudgedFit, Finding], Alternative | None] | None = None
    hides: tuple[str, ...] = ()
    turns: Callable[[JudgedFit, Finding], bool] | None = None
    is_last: bool = False
    level: Literal["rejected", "no_effect", "other_range"] = "rejected"
    shown: Literal["always", "with_estimate", "never"] = "always"
    explains: bool = False
    hides_level: bool = False

    @property
    def kinds(self) -> set[str]:
        """The kinds that its findings may have."""
        return {self.kind} if self.turns is None else {"reason", "caution"}


def find_rare(finding: Finding, statistics: Array) -> Finding | None:
    """Return a finding of a test by itself, outside the level of all checks.

    Parameters
    ----------
    finding
        The finding if it is significant.
    statistics : (B + 1,)
        The observed one, then the simulated ones.

    Returns
    -------
    Finding or None
        None if a simulated statistic is as large. Of fewer than ``CHECK_SIMULATIONS``, the observed
        one must be far from all.
    """
    observed, *_ = statistics.tolist()
    simulated = statistics[1:]
    size = (observed - float(simulated.mean())) / max(float(simulated.std()), constants.TINY)
    is_far = size >= constants.RARE_SIZE or len(simulated) >= constants.CHECK_SIMULATIONS
    if observed <= float(simulated.max()) or not is_far:
        return None
    value = size if math.isnan(finding.value) else finding.value
    return finding._replace(value=value, p=1.0 / len(statistics))
