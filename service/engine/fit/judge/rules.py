"""The rules of a verdict: one row for each reason and caution, in the order of findings.

Reasons are shown before cautions. A new check is a function, a row here, and a text in
`words/texts.json`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from service.engine.fit import constants
from service.engine.fit.judge.changes import find_change
from service.engine.fit.judge.checks import (
    compare_noise_models,
    compare_shapes,
    correlate_neighbors,
    correlate_seasons,
    correlate_sizes,
    correlate_squares,
    find_alternation,
    find_outliers,
    follow_inputs,
    precede_inputs,
)
from service.engine.fit.judge.evidence import Evidence, weigh
from service.engine.fit.judge.findings import Alternative, Family, Finding, Rule
from service.engine.fit.judge.limits import find_clipped
from service.engine.fit.judge.plausibility import (
    coincide,
    find_change_at_once,
    find_turn,
    has_common_trend,
    may_be_drift,
)
from service.engine.fit.solve import Solution

BASELINES: Final = ("levels_advised", "gains_differ", "trend_advised")
STRUCTURES: Final = (
    *("acts_later", "delay_advised", "range_advised"),
    *BASELINES,
    *("offset_advised", "gain_advised"),
)
LARGER: Final = ("own_time_constants_advised", "second_time_constant_advised")
# What robust intervals allow for in a fit with ar1 noise.
DEPENDENCE: Final = {"neighbors", "season", "spread", "alternate"}
OF_SEQUENCES: Final = Family.PATTERN | Family.LEVELS | Family.GAINS
OF_DIFFERENCES: Final = ("neighbors", "follow_inputs", "season", "noise_model_matters")


# What is found.


def _lacks_freedom(fit: Evidence) -> bool:
    return fit.solution.degrees_of_freedom <= 0


def _is_unidentified(fit: Evidence) -> bool:
    return not fit.judged.is_identifiable


def _find_structure(fit: Evidence) -> list[Finding]:
    return [best.finding for best in fit.structures[:1]]


def _find_oscillation(fit: Evidence) -> list[Finding]:
    return [] if fit.oscillation is None else [fit.oscillation]


def _find_drift(fit: Evidence) -> bool:
    if fit.is_drift:
        return fit.oscillation is None
    return may_be_drift(fit.solution)


def _lacks_effect(fit: Evidence) -> list[Finding]:
    if fit.effect is None or fit.effect.visible:
        return []
    is_drift = not fit.alone.is_detected.any() and fit.may_be_drift
    return [Finding("drift_or_effect" if is_drift else "no_visible_effect", p=fit.effect.p)]


def _find_season(fit: Evidence) -> list[Finding]:
    return [] if fit.structures or fit.season is None else [fit.season.finding]


def _has_few_targets(fit: Evidence) -> bool:
    return fit.problem.n_targets < constants.FEW_TARGETS


def _is_open(fit: Evidence) -> bool:
    low, high = fit.problem.options.w_rec
    intervals = fit.judged.intervals_of_states
    return low < high and any(each[0].low <= low or each[-1].high >= high for each in intervals)


def _has_pieces(fit: Evidence) -> bool:
    return any(len(pieces) > 1 for pieces in fit.judged.intervals_of_states)


def _is_incomplete(fit: Evidence) -> bool:
    return not all(profile.is_complete for profile in fit.judged.profiles)


def _is_random_walk(fit: Evidence) -> bool:
    correlation = fit.judged.rho**fit.problem.sequences.usual_gap
    limit = constants.MAX_CORRELATION - constants.RHO_LIMIT_ATOL
    return fit.judged.can_judge and correlation > limit


def _is_confounded(fit: Evidence) -> bool:
    has_inputs = fit.judged.can_judge and len(fit.problem.is_free) > 0
    return has_inputs and fit.effect is None and fit.problem.has_unknown_start


def _is_collinear(fit: Evidence) -> bool:
    sizes = fit.judged.best.singular_values[0]
    return bool(sizes.max(initial=1.0) > constants.MAX_CONDITION * sizes.min(initial=1.0))


def _has_equal_poles(fit: Evidence) -> bool:
    return coincide(fit.judged, constants.COINCIDENT)


def _has_negative_offset(fit: Evidence) -> bool:
    return fit.judged.has_impossible_offset


def _has_common_trend(fit: Evidence) -> bool:
    is_detected = any(each is not None and each.visible for each in fit.input_effects)
    return is_detected and has_common_trend(fit.colored)


def _find_equal_levels(fit: Evidence) -> list[Finding]:
    is_equal = not fit.problem.unknowns.has_own_gains and fit.level_p > constants.EQUAL_LEVELS
    return [Finding("levels_alike", p=fit.level_p)] if is_equal else []


def _find_clipped(fit: Evidence) -> list[Finding]:
    return find_clipped(fit.solution)


def _find_turn(fit: Evidence) -> list[Finding]:
    turn = find_turn(fit.solution)
    return [] if turn is None else [turn]


def _has_few_pairs(fit: Evidence) -> bool:
    return fit.judged.can_judge and fit.problem.n_pairs < constants.MIN_PAIRS


# What removes it.


def _change_structure(fit: Evidence, _: Finding) -> Alternative | None:
    return fit.structures[0]


def _leave_out_inputs(fit: Evidence, finding: Finding) -> Alternative | None:
    changes = fit.alone.options
    if not changes:
        return None
    for other in fit.structures[:1]:
        changes = {**other.options, **changes}
    return weigh(Alternative(finding, changes, Solution(fit.problem.vary(**changes))))


def _add_season(fit: Evidence, _: Finding) -> Alternative | None:
    return None if fit.season is None else weigh(fit.season)


def _add_curve(fit: Evidence, finding: Finding) -> Alternative | None:
    options = {"curves": (*fit.problem.options.curves, finding.input)}
    return weigh(Alternative(finding, options, Solution(fit.problem.vary(**options))))


def _free_variance(fit: Evidence, finding: Finding) -> Alternative | None:
    """Return the fit with robust intervals, unless these do not allow for all that was detected."""
    options = {**fit.checked.changes, "variance": "free"}
    allowed = DEPENDENCE if _can_depend(fit, fit.checked.solution) else {"spread"}
    detected = {each.slug for each in fit.checked.last if fit.is_reason(each)}
    if finding.slug not in allowed or not detected <= allowed:
        return None
    return weigh(Alternative(finding, options, Solution(fit.problem.vary(**options))))


def _can_depend(fit: Evidence, solution: Solution) -> bool:
    """Return True if robust intervals of a fit allow for correlations that ar1 noise leaves.

    Without inputs, w_rec follows from the first targets alone.
    """
    is_long = fit.problem.n_targets >= constants.MIN_CORRELATED
    return solution.is_colored and is_long and len(fit.problem.is_free) > 0


def _color_noise(fit: Evidence, finding: Finding) -> Alternative | None:
    """Return the fit with ar1 noise, if nothing is detected in it but what intervals allow for."""
    changes = fit.checked.changes
    if not changes or any(map(fit.is_reason, fit.checked.last)):
        return _free_variance(fit, finding)
    return weigh(Alternative(finding, changes, fit.colored))


def _share_offset(fit: Evidence, finding: Finding) -> Alternative | None:
    options = {"offset": True}
    return Alternative(finding, options, Solution(fit.problem.vary(**options)))


def _exceeds(size: float) -> Callable[[Evidence, Finding], bool]:
    return lambda _, finding: finding.value >= size


def _hardly_changes(fit: Evidence, finding: Finding) -> bool:
    if finding.input is None or finding.lag != fit.problem.delay:
        return False
    change = find_change_at_once(fit.checked.solution, finding.input)
    return change < constants.LARGE_CHANGE_AT_ONCE


def _keeps_estimates(fit: Evidence, _: Finding) -> bool:
    return fit.parts is None


def _is_slow_only(fit: Evidence, _: Finding) -> bool:
    return not fit.is_drift


def _has_free_variance(fit: Evidence, _: Finding) -> bool:
    return fit.problem.options.variance == "free"


def _allows_dependence(fit: Evidence, _: Finding) -> bool:
    return fit.problem.options.variance == "free" and _can_depend(fit, fit.solution)


def _is_allowed_for(fit: Evidence, finding: Finding) -> bool:
    is_cautious = finding in fit.dependence and fit.judged is not fit.solution
    return is_cautious or _allows_dependence(fit, finding)


_TABLE: Final[tuple[Rule[Evidence], ...]] = (
    Rule("no_degrees_of_freedom", "reason", Family.ESTIMATE, _lacks_freedom),
    Rule("too_few_to_tell", "caution", Family.UNTESTED, _has_few_targets, shown="never"),
    Rule("interval_open", "caution", Family.HARMLESS, _is_open, shown="with_estimate"),
    Rule("several_pieces", "caution", Family.ESTIMATE, _has_pieces),
    Rule("search_limited", "caution", Family.ESTIMATE, _is_incomplete),
    Rule("rho_at_limit", "caution", Family.ESTIMATE, _is_random_walk, hides_level=True),
    Rule("confounded_with_start", "caution", Family.ESTIMATE, _is_confounded),
    Rule("nearly_collinear", "caution", Family.DATA, _is_collinear),
    Rule("poles_coincide", "caution", Family.ESTIMATE, _has_equal_poles),
    Rule("negative_offset", "caution", Family.ESTIMATE, _has_negative_offset),
    Rule(
        "levels_alike",
        "caution",
        Family.HARMLESS,
        _find_equal_levels,
        remedy=_share_offset,
        is_last=True,
    ),
    Rule("common_trend", "caution", Family.EFFECT, _has_common_trend, is_last=True),
    Rule(
        "oscillates",
        "reason",
        Family.STRUCTURE,
        _find_oscillation,
        hides=STRUCTURES + LARGER,
        explains=True,
    ),
    *(
        Rule(
            slug,
            "reason",
            Family.STRUCTURE | (Family.BASELINE if slug in BASELINES else Family(0)),
            _find_structure,
            remedy=_change_structure,
            level="other_range" if slug == "range_advised" else "rejected",
        )
        for slug in STRUCTURES
    ),
    *(
        Rule(slug, "reason", Family.LARGER, _find_structure, remedy=_change_structure)
        for slug in LARGER
    ),
    Rule("slow_as_drift", "reason", Family.ESTIMATE, _find_drift, turns=_is_slow_only),
    Rule(
        "no_visible_effect",
        "reason",
        Family.EFFECT,
        _lacks_effect,
        remedy=_leave_out_inputs,
        level="no_effect",
    ),
    Rule("drift_or_effect", "reason", Family.EFFECT | Family.DATA, _lacks_effect),
    Rule("not_identifiable", "reason", Family.ESTIMATE, _is_unidentified, is_last=True),
    Rule("not_tested", "caution", Family.UNTESTED, _has_few_pairs),
    Rule("curve_turns", "caution", Family.ESTIMATE, _find_turn),
    Rule("clipped", "caution", Family.DATA, _find_clipped, turns=_exceeds(constants.LARGE_CLIPPED)),
    Rule(
        "season_advised",
        "reason",
        Family.LARGER,
        _find_season,
        remedy=_add_season,
        hides=("season",),
    ),
    Rule("sequences_differ", "reason", OF_SEQUENCES, hides=OF_DIFFERENCES),
    Rule(
        "follow_inputs",
        "reason",
        Family.PATTERN,
        check=follow_inputs,
        turns=_hardly_changes,
    ),
    Rule("curved", "reason", Family.PATTERN, check=correlate_squares, remedy=_add_curve),
    Rule("same_shape", "reason", Family.PATTERN, check=compare_shapes),
    Rule(
        "season",
        "reason",
        Family.PATTERN | Family.LEVELS,
        check=correlate_seasons,
        remedy=_free_variance,
        turns=_allows_dependence,
    ),
    Rule("noise_model_matters", "reason", Family.PATTERN, check=compare_noise_models),
    Rule("leads", "reason", Family.DATA),  # found by the check of feedback
    Rule(
        "feedback",
        "caution",
        Family.DATA,
        check=precede_inputs,
        turns=_exceeds(constants.LARGE_FEEDBACK),
    ),
    Rule("changes", "reason", Family.PATTERN, check=find_change, turns=_keeps_estimates),
    Rule(
        "spread",
        "reason",
        Family.SIZES,
        check=correlate_sizes,
        remedy=_free_variance,
        turns=_has_free_variance,
    ),
    Rule("outliers", "caution", Family.SIZES | Family.DATA, check=find_outliers),
    Rule("alternate", "caution", Family.NOISE, check=find_alternation),
    Rule(
        "neighbors",
        "reason",
        Family.NOISE,
        check=correlate_neighbors,
        remedy=_color_noise,
        turns=_is_allowed_for,
    ),
)
RULES: Final[Mapping[str, Rule[Evidence]]] = MappingProxyType({rule.slug: rule for rule in _TABLE})
