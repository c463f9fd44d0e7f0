"""One fit per sequence of a series, as a table."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from service.errors import Invalid
from service.store.rows import ComputationRow


def fit_groups(
    names: Sequence[str], fit: Callable[[str], ComputationRow]
) -> Iterator[dict[str, Any]]:
    """Yield a row per sequence: its fit, or the reason why it cannot be fitted.

    Raises Invalid at the end if no sequence can be fitted.
    """
    error = None
    n_fits = 0
    for name in names:
        try:
            row = _describe(fit(name))
            n_fits += 1
        except Invalid as failure:
            error = failure
            row = {"level": "failed", "summary": str(failure)}
        yield {"group": name, **row}
    if error is not None and not n_fits:
        raise error


def _describe(row: ComputationRow) -> dict[str, Any]:
    """Return a fit as a row of a table."""
    result: Any = row.result
    summary = result["summary"]
    interval = summary and summary["interval"]
    names = ("time_constant", "w_rec")
    numbers = {name: result[name] and result[name]["value"] for name in names}
    gains = [each["steady_state_gain"] for each in result["inputs"]]
    if summary is not None:  # with few targets, the numbers of ar1 noise
        numbers = {name: summary[name] for name in names}
        gains = summary["gains"]
    pairs = zip(result["inputs"], gains, strict=True)
    return {
        "level": summary and summary["level"],
        **numbers,
        **{f"gain_{each['name']}": gain["value"] for each, gain in pairs},
        "low": interval and interval["low"],
        "high": interval and interval["high"],
        "unit": row.request["step"]["unit"],
        "r_squared": result["r_squared"],
        "n_targets": result["n_targets"],
        "summary": summary and summary["headline"],
    }
