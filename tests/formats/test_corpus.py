"""Tables of spreadsheets, loggers, statistics programs and databases."""

import numpy as np
import pytest

from tests.formats.conftest import read_series_csv
from tests.formats.corpus import CORPUS, Case


@pytest.mark.parametrize("case", CORPUS.values(), ids=CORPUS)
def test_exported_tables(case: Case) -> None:
    query = {"target": "", "roles": "proposed", **case.query}
    series = read_series_csv(case.body, **query)
    inputs, targets = case.numbers()
    np.testing.assert_allclose(series.inputs, inputs, rtol=1e-9)
    np.testing.assert_allclose(series.targets, targets, rtol=1e-9)
    assert tuple(series.step) == case.step
    assert (series.target_name, series.input_names) == (case.target, case.inputs)
