"""Write fit_texts.json: some fits in words.

    python -m tests.golden.make_fit_texts

The first file was written by the service of before `engine/fit/words`, which described a fit from
its answer in JSON. Read the difference before committing it.
"""

import json
from pathlib import Path
from typing import Any, Final

from service.formats.base import SeriesColumns
from service.formats.csv_series import read_series_csv
from service.operations.computations.fits import FIT
from service.operations.computations.submit import compute, name_task
from service.operations.shared.limits import Limits
from service.schemas.fits import FitRequest
from service.schemas.resolved_datasets import ResolvedSeries
from tests.fit_levels import COLUMNS, TABLES

FILE: Final = Path(__file__).with_name("fit_texts.json")
OPTIONS: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"noise": "ar1"},
    {"w_rec": {"low": 0.7, "high": 0.7}},
    {"time_constants": 2},
)


def make_texts() -> dict[str, list[str]]:
    """Return the level, the headline, the sentences and the advice of fits, by table and options.

    There is a table for every level.
    """
    texts = {}
    columns = SeriesColumns(target=COLUMNS["target"], time=COLUMNS["time"])
    for level, table in TABLES.items():
        series = read_series_csv(table.encode(), columns, Limits())
        dataset = ResolvedSeries.from_series(series)
        for options in OPTIONS:
            assert FIT.complete is not None
            request = FIT.complete(FitRequest.model_validate(options), dataset)
            result: Any = compute(name_task(FIT, request), dataset)[0].result
            summary, findings = result["summary"], result["trust"]["findings"]
            texts[f"{level}, {json.dumps(options)}"] = [
                *(summary["level"], summary["headline"], *summary["sentences"]),
                *(f"{each['slug']}: {each['sentence']} {each['advice']}" for each in findings),
            ]
    return texts


def main() -> None:
    """Fit, and write the texts."""
    FILE.write_text(json.dumps(make_texts(), indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
