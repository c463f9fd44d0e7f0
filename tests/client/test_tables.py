"""Tables through the client, HTTP and the command line."""

import asyncio
import gzip
import io
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import mcp
import numpy as np
import pandas
import polars
import pytest

from linear_rnn import Client, InvalidRequest, NoResult, _tools
from service.cli import main
from tests.formats.corpus import CORPUS, Case


def call_tool(name: str, **arguments: Any) -> Any:
    """Return the structured output of a tool for assistants."""

    async def ask() -> Any:
        async with mcp.Client(_tools.server) as client:
            return await client.call_tool(name, arguments)

    return asyncio.run(ask()).structured_content


ROLES = {"target", "inputs", "time", "sequence"}
FEW = ("german", "workbook", "late logger")  # that are always tested


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=name, marks=() if name in FEW else pytest.mark.slow)
        for name, case in CORPUS.items()
    ],
)
def test_a_table_is_the_same_dataset_through_all_doors(
    case: Case,
    rnn: Client,
    url: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / f"table.{'xlsx' if case.body.startswith(b'PK') else 'csv'}"
    path.write_bytes(case.body)
    stored = rnn.upload_series(path, **case.query)
    query = {**case.query}
    if "inputs" in query:
        query["inputs"] = ",".join(query["inputs"])
    path_of_upload = f"/v1/datasets?{urlencode({'kind': 'series', 'roles': 'proposed', **query})}"
    headers = {**rnn._connection.headers, "content-type": "application/octet-stream"}
    uploaded = httpx.post(url + path_of_upload, content=case.body, headers=headers, timeout=60)
    assert uploaded.json()["id"] == stored.id
    options = [text for name, value in query.items() for text in (f"--{name}", str(value))]
    fixed = ["--no-offset", "--initial-state", "0", "--w-rec", "0:0.9", "--json"]
    if any(note.slug == "target" for note in stored.assumptions or []):
        # A target that is only guessed is not fitted where nobody can confirm it.
        assert main(["fit", str(path), *options, *fixed]) == 2
        assert "' is a guess, because" in capsys.readouterr().err
        options += ["--confirm", "target"]
    assert main(["fit", str(path), *options, *fixed]) == 0
    output = capsys.readouterr()
    assert json.loads(output.out)["request"]["dataset"]["id"] == stored.id
    monkeypatch.setattr(_tools, "folder", tmp_path)
    monkeypatch.setattr(_tools, "_client", lambda: rnn)
    roles = {name: case.query[name] for name in ROLES & case.query.keys()}
    table = {name: case.query[name] for name in case.query.keys() - ROLES}
    fields = {"offset": False, "initial_state": 0, "w_rec": [0, 0.9]}
    fit = call_tool("fit", path=path.name, options={**table, **fields}, **roles)
    assert rnn.fits.get(fit["id"]).request["dataset"]["id"] == stored.id
    assert "inputs" in query or (stored.roles is not None and stored.roles in output.err)


def test_a_fit_of_a_table_proposes_its_roles(
    rnn: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"2024-01-{k:02},{k % 3},{k * k % 7},{k % 2}" for k in range(1, 31)]
    table = "\n".join(["date,tv,level,x", *rows])
    fit = rnn.fit(io.StringIO(table), target="level", offset=False)
    assert (fit.target, [each.name for each in fit.inputs]) == ("level", ["tv", "x"])
    assert capsys.readouterr().err == ""
    other = rnn.fit(io.StringIO(table), offset=False)
    assert (
        capsys.readouterr().err == "target x, inputs tv and level, time date; target=… to change\n"
    )
    assert other.request["step"]["unit"] == "day"
    assert rnn.read_table(io.StringIO(table), target="level").columns[1].role == "input"


STEP_TESTS = Path(__file__).parents[2] / "service/explorer/fit_examples/step_tests.csv"


def test_a_table_of_groups_is_that_of_the_command_line(
    rnn: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tests.csv"
    path.write_text(STEP_TESTS.read_text() + "short,0,20,43\nshort,0.5,20,43\n")
    fits = rnn.fit_groups(path, by="test", target="temperature", delay=3, progress=True)
    assert "groups" in capsys.readouterr().err
    columns = ["--by", "test", "--target", "temperature", "--delay", "3"]
    assert main(["fit", str(path), *columns, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)["groups"]
    *rows, failed = fits.to_pandas().drop(columns="id").to_dict("records")
    assert rows == printed[:3]
    assert failed["group"] == printed[3]["group"] == "short"
    assert failed["level"] == printed[3]["level"] == "failed"
    assert failed["summary"].startswith("0 targets after the delay for 4 unknowns")
    assert "or fix --initial-state or offset" in printed[3]["summary"]
    single = rnn.fits.get(fits.id[0])
    assert (single.n_targets, single.verdict.headline) == (67, fits.summary[0])
    misspelt: Any = {"nosie": "ar1"}
    with pytest.raises(TypeError, match="did you mean 'noise'"):
        rnn.fit_groups(path, by="test", target="temperature", **misspelt)
    with pytest.raises(InvalidRequest, match="unknown input"):
        rnn.fit_groups(path, by="test", target="temperature", gains={"x": 1})
    for options, message in [
        (["--by", "x"], "--by: line 1"),
        (["--by", "test", "--sequence", "test"], "--by: replaces --sequence"),
        (["--by", "test", "--out", "a.png"], "must end in csv"),
    ]:
        assert main(["fit", str(path), "--target", "temperature", *options]) == 2
        assert message in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["pandas", "polars", "columns"])
def test_groups_keep_their_values(rnn: Client, kind: str) -> None:
    rng = np.random.default_rng(1)
    groups = np.repeat([-1, 2, 10], 60)
    columns: dict[str, Any] = {"group": groups, "sequence": rng.standard_normal(180)}
    state, levels = 0.0, []
    for group, step in zip(groups, columns["sequence"], strict=True):
        state = (0.5 if group > 0 else 0.8) * state + step
        levels.append(state)
    columns["level"] = levels
    frames: dict[str, Any] = {
        "pandas": pandas.DataFrame(columns),
        "polars": polars.DataFrame(columns),
        "columns": columns | {"group": [np.int64(each) for each in groups]},
    }
    fits = rnn.fit_groups(frames[kind], by="group", target="level")
    assert list(fits.group) == [-1, 2, 10]
    table = fits.to_pandas()
    assert table.group.dtype == groups.dtype
    assert len(table.merge(frames["pandas"], on="group")) == 180
    # The gain per input: the input called sequence is none of the names of sequences.
    assert table.gain_sequence.round(1).tolist() == [5.0, 2.0, 2.0]


def test_with_few_targets_tables_of_groups_have_the_numbers_of_the_summary(
    rnn: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(2)
    steps = np.arange(30)
    rain = rng.gamma(1.0, 2.0, 30)
    level = np.convolve(rain, 0.7**steps)[:30] + np.cumsum(rng.standard_normal(30))
    path = tmp_path / "small.csv"
    rows = zip(steps, rain, level, strict=True)
    lines = [f"a,{step},{x:.4f},{y:.4f}" for step, x, y in rows]
    path.write_text("\n".join(["basin,hour,rain,level", *lines, ""]))
    (row,) = rnn.fit_groups(path, by="basin", target="level").to_pandas().to_dict("records")
    white = rnn.fits.get(row["id"])
    colored = rnn.fit_groups(path, by="basin", target="level", noise="ar1")
    assert row["time_constant"] == colored.time_constant[0] != white.time_constant.value
    assert row["gain_rain"] == colored.gain_rain[0] != white.inputs[0].steady_state_gain.value
    assert row["low"] < row["time_constant"] < row["high"]
    assert "\nThe same with white noise:\n" in white.summary()
    assert main(["fit", str(path), "--sequence", "basin", "--target", "level"]) == 0
    printed = capsys.readouterr().out
    numbers = printed[printed.index("The same with white noise:") :]
    assert f"{white.w_rec.value:.6g}" in numbers
    assert main(["fit", str(path), "--by", "basin", "--target", "level", "--json"]) == 0
    (group,) = json.loads(capsys.readouterr().out)["groups"]
    assert {name: row[name] for name in group} == group


def test_a_fit_without_a_verdict_has_its_numbers(
    rnn: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    columns: Any = {"target": "temperature", "delay": 3}
    fit = rnn.fit(STEP_TESTS, sequence="test", **columns, verdict=False)
    with pytest.raises(NoResult, match="requested without, by `verdict=False`"):
        _ = fit.trust
    numbers = f"{fit.time_constant.value:.4g}"
    assert numbers in fit.summary()
    assert numbers in fit._repr_html_()
    assert repr(fit) == f"<Fit {fit.id}: succeeded>"
    valve = {"valve": [20.0]}
    assert fit.forecast(valve, sequence="test 1").trust is None
    table = rnn.fit_groups(STEP_TESTS, by="test", **columns, verdict=False)
    assert np.isnan([table.level, table.summary]).all()
    arguments = ["--target", "temperature", "--delay", "3", "--no-verdict"]
    assert main(["fit", str(STEP_TESTS), "--sequence", "test", *arguments]) == 0
    assert "time_constant" in capsys.readouterr().out
    assert main(["fit", str(STEP_TESTS), "--by", "test", *arguments, "--json"]) == 0
    groups = json.loads(capsys.readouterr().out)["groups"]
    assert [each["w_rec"] for each in groups] == table.w_rec.tolist()


def test_an_error_names_the_options_that_repair_it(rnn: Client) -> None:
    table = "t,x,y\n1,1,1\n2,,2\n3,3,3\n"
    with pytest.raises(InvalidRequest, match=r"Fill missing inputs with 0, .*: fill='zero'"):
        rnn.upload_series(io.StringIO(table), target="y")
    compressed = io.BytesIO(gzip.compress(table.encode()))
    stored: Any = rnn.upload_series(compressed, target="y", fill="zero")
    assert stored.repairs == ["missing inputs of 1 row are 0"]
