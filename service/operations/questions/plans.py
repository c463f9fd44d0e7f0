"""Plans of future inputs with a fit: their differences, a goal, and both in words."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from service.engine.data import Series
from service.engine.fit import (
    Goal,
    Prediction,
    Solution,
    find_input,
    format_ranges,
    format_value,
    subtract_plans,
)
from service.engine.types import Array
from service.errors import Invalid, count
from service.schemas.plans import (
    DifferenceReport,
    GoalReport,
    GoalSchema,
    PlanSchema,
    PredictionSummary,
)


def compare_plans(
    solution: Solution, plans: Sequence[PlanSchema], inputs: Sequence[Array], **start: Any
) -> list[DifferenceReport]:
    """Return the differences of all plans from the first one.

    Parameters
    ----------
    solution
        The fit.
    plans
        The plans.
    inputs
        (T, q) each: their inputs.
    **start
        The arguments of `subtract_plans` on where they begin.

    Returns
    -------
    list of DifferenceReport
        One per plan after the first.

    Raises
    ------
    ValueError
        The initial state is unknown.
    """
    if not plans:
        return []
    reports = []
    differences = subtract_plans(solution, inputs, **start)
    for plan, difference in zip(plans[1:], differences, strict=True):
        total = dict(zip(("value", "low", "high"), difference.total.tolist(), strict=True))
        fields = difference._asdict() | {"total": total}
        reports.append(DifferenceReport(plan=plan.name, from_=plans[0].name, **fields))
    return reports


def reach_goal(
    solution: Solution, goal: GoalSchema, names: Sequence[str], plan: Array, **start: Any
) -> GoalReport:
    """Return the input that reaches a goal.

    Parameters
    ----------
    solution
        The fit.
    goal
        The goal.
    names
        The inputs of the fit.
    plan : (T, q)
        The other inputs.
    **start
        The arguments of `find_input` on where the plan begins.

    Returns
    -------
    GoalReport
        The input and its confidence set.

    Raises
    ------
    Invalid
        The goal does not apply to the fit.
    """
    name = names[0] if goal.input is None and len(names) == 1 else goal.input
    if name not in names:
        raise Invalid(f"name one of the inputs: {', '.join(names)}", "/goal/input")
    if goal.at is not None and goal.at > len(plan):
        raise Invalid(f"the plan has {count(len(plan), 'step')}", "/goal/at")
    aim = Goal(goal.output, names.index(name), goal.at, goal.kind == "lasting")
    try:
        reached = find_input(solution, plan, aim, **start)
    except ValueError as error:
        raise Invalid(str(error), "/goal") from None
    intervals = [{"low": low, "high": high} for low, high in reached.pieces]
    fields = goal.model_dump() | {"input": name, "value": reached.value, "intervals": intervals}
    return GoalReport.model_validate(fields)


def summarize_predictions(
    result: Any,
    series: Series,
    inputs: Sequence[Array],
    plans: Mapping[str, Prediction],
    differences: Sequence[DifferenceReport],
    goal: GoalReport | None,
) -> PredictionSummary:
    """Return notes on predictions, in words.

    Parameters
    ----------
    result
        The result of the fit, as in JSON.
    series
        Its data.
    inputs
        (T, q) each: the predicted inputs.
    plans
        The predictions by the names of plans; empty without plans.
    differences, goal
        The answers.

    Returns
    -------
    PredictionSummary
        The verdict first.
    """
    level = result["summary"] and result["summary"]["level"]
    sentences = [_describe_verdict(result["summary"])]
    endings = [f" of plan {name}" for name in plans] or [""] * len(inputs)
    for rows, of_plan in zip(inputs, endings, strict=True):
        sentences += _name_extrapolations(rows, series, of_plan)
    sentences += [_describe_end(name, each, result["target"]) for name, each in plans.items()]
    sentences += [_describe_difference(each, result["target"]) for each in differences]
    if goal is not None:
        sentences.append(_describe_goal(goal, result["target"]))
        sentences += _check_goal(goal, series)
    return PredictionSummary(level=level, sentences=sentences)


def _describe_verdict(summary: Any) -> str:
    """Return the verdict on the fit in words."""
    if summary is None:
        return "The fit was not checked."
    if summary["level"] == "trusted":
        return "The fit passed all checks."
    level = "Use with caution" if summary["level"] == "caution" else "Not reliable"
    headline = summary["headline"].removesuffix(" (not reliable)")
    headline = headline.replace("(not reliable; ", "(")
    return f"{level}: {headline}"


def _name_extrapolations(inputs: Array, series: Series, of_plan: str) -> Iterator[str]:
    """Yield a sentence per input that is beyond those of the data."""
    for j, name in enumerate(series.input_names):
        seen = series.inputs[:, j]
        for end, word, sign in ((np.max, "most", 1.0), (np.min, "least", -1.0)):
            planned = float(end(inputs[:, j]))
            known = float(end(seen))
            if sign * planned > sign * known:
                numbers = f"{format_value(planned)}; in the data it is at {word} "
                yield f"{name}{of_plan} reaches {numbers}{format_value(known)}."


def _describe_end(name: str, prediction: Prediction, target: str) -> str:
    """Return the last step of a plan in words."""
    last, low, high = (float(prediction[k][-1]) for k in range(3))
    return f"With plan {name}, {target} ends at {_with_ends(last, [(low, high)])}."


def _describe_difference(difference: DifferenceReport, target: str) -> str:
    """Return a difference in words."""
    total = difference.total
    change = _with_ends(total.value, [(total.low, total.high)])
    ends = [(difference.low[-1], difference.high[-1])]
    last = _with_ends(difference.outputs[-1], ends)
    names = f"Plan {difference.plan} instead of {difference.from_}"
    steps = count(len(difference.outputs), "step")
    return f"{names} changes {target} by {change} in total over {steps}, and by {last} in the last."


def _describe_goal(goal: GoalReport, target: str) -> str:
    """Return a goal and the input that reaches it in words."""
    place = "in the long run" if goal.at is None else f"at step {goal.at}"
    aim = f"{target} of {format_value(goal.output)} {place}"
    if goal.value is None or not np.isfinite(goal.value):
        return f"No {goal.input} reaches {aim}: it has no effect there."
    kind = "lasting" if goal.kind == "lasting" else "single"
    value = _with_ends(goal.value, [(each.low, each.high) for each in goal.intervals])
    return f"A {kind} {goal.input} of {value} reaches {aim}."


def _check_goal(goal: GoalReport, series: Series) -> Iterator[str]:
    """Yield a sentence if the input of a goal is beyond those of the data."""
    seen = series.inputs[:, [series.input_names.index(goal.input)]]
    if goal.value is not None and not seen.min() <= goal.value <= seen.max():
        ends = format_ranges([(float(seen.min()), float(seen.max()))])
        yield f"That is beyond the data, in which {goal.input} is {ends}."


def _with_ends(value: Any, intervals: Sequence[tuple[Any, Any]]) -> str:
    """Return a number and its interval in words."""
    pieces = [(_finite(low), _finite(high)) for low, high in intervals]
    number = format_value(float(value)) if np.isfinite(value) else "infinity"
    return f"{number} ({format_ranges(pieces)})"


def _finite(end: float | None) -> float | None:
    """Return a finite end of an interval, or None."""
    return float(end) if end is not None and np.isfinite(end) else None
