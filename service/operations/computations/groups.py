"""One fit per sequence of a series, as a table."""

from collections.abc import Callable, Iterator
from typing import Any

from service.engine.data import Series
from service.errors import Invalid
from service.schemas.resolved_datasets import AnyDataset, ResolvedSeries
from service.store.rows import ComputationRow


def fit_groups(
    series: Series, fit: Callable[[AnyDataset], ComputationRow]
) -> Iterator[dict[str, Any]]:
    """Yield a row per sequence: its fit, or the reason why it cannot be fitted.

    Raises Invalid at the end if no sequence can be fitted.
    """
    error = None
    n_fits = 0
    for k, name in enumerate(series.sequence_names or map(str, range(len(series.lengths)))):
        try:
            row = _describe(fit(ResolvedSeries.from_series(series.select(k))))
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
    gains = {f"gain_{each['name']}": each["steady_state_gain"] for each in result["inputs"]}
    estimates = {"time_constant": result["time_constant"], "w_rec": result["w_rec"], **gains}
    return {
        "level": summary and summary["level"],
        **{name: each and each["value"] for name, each in estimates.items()},
        "low": interval and interval["low"],
        "high": interval and interval["high"],
        "unit": row.request["step"]["unit"],
        "r_squared": result["r_squared"],
        "n_targets": result["n_targets"],
        "summary": summary and summary["headline"],
    }
