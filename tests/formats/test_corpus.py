"""Tables of spreadsheets, loggers, statistics programs and databases."""

import numpy as np
import pytest

from service.formats import SeriesColumns
from service.formats.structure import find_structure
from service.formats.text import open_text
from service.operations.shared.limits import Limits
from tests.formats.conftest import read_series_csv
from tests.formats.corpus import CORPUS, Case


@pytest.mark.parametrize("case", CORPUS.values(), ids=CORPUS)
def test_exported_tables(case: Case) -> None:
    bare = [name.rpartition(" (")[0] or name for name in (case.target, *case.inputs)]
    query = {"target": bare[0], "inputs": tuple(bare[1:]), **case.query}
    found = find_structure(
        open_text(case.body, sheet=query.get("sheet")), Limits(), SeriesColumns(**query)
    )
    assert found is not None
    names = found.names
    query["time"] = names[found.kinds.index("time")] if "time" in found.kinds else names[0]

    series = read_series_csv(case.body, **query)
    inputs, targets = case.numbers()
    np.testing.assert_allclose(series.inputs, inputs, rtol=1e-9)
    np.testing.assert_allclose(series.targets, targets, rtol=1e-9)
    assert tuple(series.step) == case.step
    assert (series.target_name, series.input_names) == (case.target, case.inputs)
