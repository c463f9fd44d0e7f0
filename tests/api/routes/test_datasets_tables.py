"""POST /v1/datasets with tables of pandas, polars and spreadsheets."""

import io
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

DATASETS = "/v1/datasets"
INPUTS = np.array([[1.5, -2.0], [0.125, 3.0], [1e-5, 1e20]])
TARGETS = np.array([0.5, -1.0, 1 / 3])
PANDAS = pd.DataFrame({"x_1": INPUTS[:, 0], "Target": TARGETS, "x_2": INPUTS[:, 1]})
POLARS = pl.DataFrame({"target": TARGETS, "x_1": INPUTS[:, 0], "x_2": INPUTS[:, 1]})


@pytest.fixture(scope="module")
def stored(api: Any) -> Any:
    """Return the dataset of these arrays."""
    body = {"kind": "explicit", "inputs": INPUTS.tolist(), "targets": TARGETS.tolist()}
    return api.post(DATASETS, body).json()


TABLES = {
    "pandas": PANDAS.to_csv(index=False),
    "semicolons": PANDAS.to_csv(index=False, sep=";"),
    "tabs": PANDAS.to_csv(index=False, sep="\t", decimal=","),
    "German": PANDAS.to_csv(index=False, sep=";", decimal=",", lineterminator="\r\n"),
    "quoted decimal commas": PANDAS.to_csv(index=False, decimal=","),
    "quotes": PANDAS.to_csv(index=False, quoting=1),
    "Windows": "\ufeff" + PANDAS.to_csv(index=False, lineterminator="\r\n"),
    "polars": POLARS.write_csv(),
    "polars with a mark": POLARS.write_csv(include_bom=True, line_terminator="\r\n"),
    "polars, German": POLARS.write_csv(separator=";", decimal_comma=True),
    "no header": POLARS.select("x_1", "x_2", "target").write_csv(include_header=False),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_keep_their_meaning(api: Any, stored: Any, name: str) -> None:
    assert api.upload(TABLES[name]).json() == stored


def test_downloads_are_read_by_pandas_and_polars(api: Any, stored: Any) -> None:
    body = io.BytesIO(api.get(stored["links"]["csv"]).content)
    expected = np.column_stack([INPUTS, TARGETS])
    frame = pd.read_csv(body)
    assert list(frame) == ["x_1", "x_2", "target"]
    np.testing.assert_array_equal(frame.to_numpy(), expected)
    np.testing.assert_array_equal(pl.read_csv(body.getvalue()).to_numpy(), expected)
