"""Uploads by curl, with the media types that it sends by itself."""

import json
import subprocess
from pathlib import Path
from typing import Any

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
def test_curl_uploads_the_same_dataset_as_file_form_and_archive(
    server: Server, tmp_path: Path, n_rows: int
) -> None:
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
