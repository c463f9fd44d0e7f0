"""Uploads and downloads by curl and polars."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.live.conftest import Server
from tests.programs import needs

TABLE = b"\xef\xbb\xbftarget;x_1;x_2\r\n1,5;2;-0,25\r\n3;4;5\r\n"


def curl(server: Server, *options: str) -> Any:
    command = ["curl", "--silent", "--show-error", *options, f"{server.url}/v1/datasets"]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


@needs("curl")
@pytest.mark.slow
@pytest.mark.parametrize("n_rows", [1, 5000])  # in memory, and in a temporary file
def test_curl_uploads_files_forms_and_archives(server: Server, tmp_path: Path, n_rows: int) -> None:
    table = tmp_path / "data.csv"
    table.write_bytes(TABLE + b"3;4;5\r\n" * n_rows)
    stored = curl(server, "--data-binary", f"@{table}", "-H", "content-type: text/csv")
    assert stored["target_range"] == {"low": 1.5, "high": 3.0}
    assert stored["n_samples"] == n_rows + 2
    assert curl(server, "-F", f"file=@{table}") == stored
    assert curl(server, "-F", f"file=@{table};type=application/vnd.ms-excel") == stored
    assert curl(server, "-F", f"file=<{table}") == stored
    archive = tmp_path / "data.npz"
    archive.write_bytes(server.client.get(stored["links"]["npz"]).content)
    assert curl(server, "-F", f"file=@{archive}") == stored
    by_content = "content-type: application/octet-stream"
    assert curl(server, "--data-binary", f"@{archive}", "-H", by_content) == stored
    problem = curl(server, "--data-binary", f"@{table}")
    assert problem["status"] == 415
    assert "text/csv" in problem["detail"]
    assert curl(server, "-F", f"file=@{table}", "-F", "name=x")["status"] == 422


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
