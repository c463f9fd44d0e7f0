"""Downloads by curl and polars, which use ranges."""

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.programs import needs


@pytest.fixture(scope="module")
def stored(server: Any) -> Any:
    """Return a dataset whose table has several parts."""
    return server.client.post("/v1/datasets", json={"n_samples": 30_000, "n_steps": 20}).json()


@needs("curl")
@pytest.mark.slow
@pytest.mark.parametrize("link", ["csv", "npz"])
def test_curl_resumes_a_download(server: Any, stored: Any, tmp_path: Path, link: str) -> None:
    url = server.url + stored["links"][link]
    whole = server.client.get(url).content
    target = tmp_path / f"{stored['id']}.{link}"
    target.write_bytes(whole[:12_345])
    for _ in range(2):  # the second time, the file is complete
        subprocess.run(["curl", "-sSO", "--continue-at", "-", url], check=True, cwd=tmp_path)
        assert target.read_bytes() == whole
    named = tmp_path / "named"
    named.mkdir()
    subprocess.run(["curl", "-sSOJ", "--range", "0-9", url], check=True, cwd=named)
    assert (named / target.name).read_bytes() == whole[:10]


@pytest.mark.slow
def test_polars_reads_a_table_from_its_address(server: Any, stored: Any) -> None:
    url = server.url + stored["links"]["csv"]
    assert pl.scan_csv(url).filter(pl.col("target") > 10).select(pl.len()).collect().item() > 0
    table = pl.read_csv(url)
    inputs = table.drop("target").to_numpy()
    np.testing.assert_array_equal(inputs.sum(axis=1), table["target"].to_numpy())
    assert inputs.shape == (30_000, 20)
