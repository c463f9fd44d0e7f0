"""POST /v1/tables: what a table contains, proposed roles, problems and their repairs."""

import io
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest

from service.schemas.series import MAX_INPUTS
from tests.formats.corpus import CORPUS, Case, workbook

DAYS = ("01-29", "01-30", "01-31", "02-01", "02-02")
CSV, XLSX = "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def read(api: Any, body: bytes | str, media_type: str = CSV, **query: Any) -> Any:
    """Return the table in a response."""
    headers = {"content-type": media_type}
    path = f"/v1/tables?{urlencode(query)}"
    response = api.request("POST", path, content=body, headers=headers)
    assert response.status_code == 200, response.text
    return response.json()


def roles(table: Any) -> dict[str, str]:
    return {column["name"]: column["role"] for column in table["columns"]}


def errors(table: Any) -> list[Any]:
    return [problem for problem in table["problems"] if problem["is_error"]]


def written(query: Mapping[str, Any]) -> dict[str, Any]:
    """Return the query of a table as parameters."""
    return {
        name: ",".join(value) if isinstance(value, tuple) else value
        for name, value in query.items()
    }


@pytest.mark.parametrize("case", CORPUS.values(), ids=CORPUS)
def test_exported_tables_are_read_as_proposed(api: Any, case: Case) -> None:
    query = written(case.query)
    table = read(api, case.body, "application/octet-stream", **query)
    assert errors(table) == []
    assert table["n_rows"] == 10
    assert (table["step"]["length"], table["step"]["unit"]) == case.step
    upload = {"kind": "series", "roles": "proposed", **query}
    stored = api.upload(case.body, "application/octet-stream", f"?{urlencode(upload)}").json()
    assert (stored["target"], tuple(stored["inputs"])) == (case.target, case.inputs)
    assert f"target {case.target.rpartition(' (')[0] or case.target}" in stored["roles"]
    arrays = np.load(io.BytesIO(api.get(stored["links"]["npz"]).content))
    for name, expected in zip(("inputs", "targets"), case.numbers(), strict=True):
        np.testing.assert_allclose(arrays[name][0], expected, rtol=1e-9)


def test_a_table_is_described(api: Any) -> None:
    rows = "".join(f"{k};{k % 4 / 8:.3f};{k % 3};-999.0;-\n".replace(".", ",") for k in range(12))
    table = read(api, f"Dosis\n\nNr.;Dosis;Wert;Druck;Rest\n;[mg];;bar;\n{rows};;;;\n")
    assert table | {"columns": None, "problems": None} == {
        "encoding": "utf-8",
        "separator": ";",
        "decimal": ",",
        "sheet": None,
        "sheets": [],
        "n_rows": 12,
        "header_line": 3,
        "step": {"length": 1.0, "unit": "step"},
        "repairs": [],
        "columns": None,
        "problems": None,
    }
    assert roles(table) == {
        "Nr.": "left_out",
        "Dosis": "input",
        "Wert": "input",
        "Druck": "target",
        "Rest": "left_out",
    }
    number, dose, _, pressure, rest = table["columns"]
    assert number["because"] == "it numbers the rows"
    assert (dose["unit"], dose["kind"], dose["first"][1]) == ("mg", "number", "0,125")
    assert (pressure["unit"], rest["kind"]) == ("bar", "empty")
    notes = {each["slug"]: each for each in table["problems"]}
    assert notes.keys() == {"title", "end", "sentinel", "target"}
    assert notes["end"]["line"] == 17
    repair, confirmation = notes["sentinel"]["repairs"]
    assert repair["query"] == {"missing": "-999"}
    assert confirmation["query"] == {"confirm": "sentinel"}


def test_sheets_and_encodings_are_named(api: Any) -> None:
    body = workbook(("One", [["a"], [1], [2]]), ("Two", [["b", "y"], [1, 2], [3, 5]]))
    table = read(api, body, XLSX, sheet="Two")
    assert (table["sheet"], table["sheets"], table["encoding"]) == ("Two", ["One", "Two"], None)
    table = read(api, "Größe,y\n1,2\n3,5\n".encode("cp1252"))
    assert table["encoding"] == "windows-1252"
    (note,) = table["problems"]
    assert {"encoding": "mac-roman"} in [repair["query"] for repair in note["repairs"]]


def test_headers_of_joined_files_are_named(api: Any) -> None:
    table = read(api, CORPUS["joined files"].body)
    sentence = "line 6 is the header again, like 1 more line, and is left out"
    assert [each["sentence"] for each in table["problems"]] == [sentence]
    assert table["columns"][0]["first"] == [f"2024-{day}" for day in DAYS]


def test_rows_that_equal_a_header_of_numbers_are_rows(api: Any) -> None:
    table = read(api, "0,1\n" + "1,0\n0,1\n0,1\n1,1\n" * 3, header=1)
    assert (table["n_rows"], [each["slug"] for each in table["problems"]]) == (12, ["target"])


def test_every_repair_of_an_error_leads_on(api: Any) -> None:
    rows = ["1/1/2024;1.200;5", "1/2/2024;;6", "1/3/2024;1.300;7", "1/4/2024;2.500;9"]
    rows += ["1/6/2024;1.300;8", "1/7/2024;1.300;5"]
    body = "t;x;y\n" + "\n".join(rows)
    query: dict[str, Any] = {}
    slugs = []
    for _ in range(6):
        found = errors(table := read(api, body, **query))
        if not found:
            break
        slugs.append(found[0]["slug"])
        repairs = [repair["query"] for repair in found[0]["repairs"]]
        query |= {"dates": "month-first"} if {"dates": "month-first"} in repairs else repairs[0]
    assert slugs == ["numbers", "numbers", "times", "times"]
    assert table["step"] == {"length": 1.0, "unit": "day"}
    assert len(table["repairs"]) == 2
    stored = api.upload(
        body, CSV, f"?{urlencode(query | {'kind': 'series', 'target': 'y'})}&time=t"
    )
    assert stored.json()["repairs"] == table["repairs"]
    fit = api.post(
        "/v1/fits",
        {
            "dataset": {"kind": "stored", "id": stored.json()["id"]},
            "offset": False,
            "initial_state": 0,
        },
    ).json()
    assert f"The table was repaired: {'; '.join(table['repairs'])}." in fit["summary"]["sentences"]


def test_refused_uploads_list_their_repairs(api: Any) -> None:
    response = api.upload("t,x,y\n1,1,1\n2,,2\n", CSV, "?kind=series&target=y&time=t")
    queries = [{"fill": "drop"}, {"fill": "hold"}, {"fill": "zero"}]
    assert [repair["query"] for repair in response.json()["repairs"]] == queries


def test_of_many_inputs_those_with_the_largest_lagged_correlation_are_proposed(api: Any) -> None:
    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(80, 20))
    targets = np.convolve(inputs[:, 17], [0, 0, 3, 1])[:80] + rng.normal(size=80)
    rows = [",".join(f"{value:.3f}" for value in row) for row in np.column_stack([inputs, targets])]
    head = ",".join([*(f"x_{j}" for j in range(20)), "sales"])
    table = read(api, "\n".join([head, *rows]))
    chosen = [name for name, role in roles(table).items() if role == "input"]
    assert len(chosen) == MAX_INPUTS
    assert "x_17" in chosen


@pytest.mark.parametrize("by_store", [True, False])
@pytest.mark.parametrize("regions", [("north",) * 4, ("north", "north", "south", "south")], ids=str)
def test_the_column_that_makes_times_unique_is_the_sequence(
    api: Any, regions: tuple[str, ...], by_store: bool
) -> None:
    pairs = [(store, week) for week in range(12) for store in range(4)]
    rows = [
        f"{regions[store]},s{store},{week},{week * week % 7},{10 * store + week * 3 % 5}"
        for store, week in (sorted(pairs) if by_store else pairs)
    ]
    table = read(api, "\n".join(["region,store,week,promo,sales", *rows]))
    assert errors(table) == []
    found = roles(table)
    assert (found["store"], found["week"]) == ("sequence", "time")
    assert found["region"] == "left_out"
    assert found["sales"] == "target"


def test_names_of_a_download_are_proposed_without_their_apostrophes(api: Any) -> None:
    table = "\n".join(["t,'=x,'+y", *(f"{k},{k % 3},{k * k % 7}" for k in range(20))])
    stored = api.upload(table, CSV, "?kind=series&roles=proposed").json()
    assert (stored["inputs"], stored["target"]) == (["=x"], "+y")


def test_a_spreadsheet_evaluates_no_part_of_a_name(api: Any) -> None:
    names = ["=x", "a;=1+1", "b| @c", "d;'-e", "f;g -1, +2"]
    series = {"inputs": names, "target": "y;+z", "sequences": [{"inputs": [[0, 1, 2, 3, 4]] * 3,
              "targets": [1, 2, 3]}], "kind": "series"}  # fmt: skip
    text = api.get(api.post("/v1/datasets", series).json()["links"]["csv"]).text
    fields = text.splitlines()[0].replace("|", ";").split(";")
    assert not any(field.strip().startswith(("=", "+", "-", "@")) for field in fields)
    stored = api.upload(text, CSV, "?kind=series&target=y;%2Bz&sequence=sequence&time=step").json()
    assert (stored["inputs"], stored["target"]) == (names, "y;+z")


@pytest.mark.parametrize(
    ("head", "names"),
    [
        ("date,variable,value", ("rain", "flow")),
        ("date,series_id,value", ("rain", "flow")),
        ("date,parameter,reading,flag", ("P", "Q")),
    ],
)
@pytest.mark.parametrize("is_sorted", [True, False])
def test_pairs_of_variable_and_value_are_no_sequences(
    api: Any, head: str, names: tuple[str, str], *, is_sorted: bool
) -> None:
    pairs = [(name, day) for name in names for day in range(1, 29)]
    rows = [f"2024-01-{day:02},{name},{day % 5}{',0' * head.count('flag')}" for name, day in pairs]
    body = "\n".join([head, *(rows if is_sorted else sorted(rows))])
    variable, value = head.split(",")[1:3]
    (problem,) = errors(read(api, body))
    for words in ("this is a long table", variable, value, *names):
        assert words in problem["sentence"]
    refused = api.upload(body, CSV, "?kind=series&roles=proposed")
    assert (refused.status_code, refused.json()["detail"]) == (422, problem["sentence"])
    pivoted, repair = problem["repairs"]  # and recordings of one variable
    assert pivoted["query"] == {"pivot": f"{variable}:{value}"}
    query = {"kind": "series", "roles": "proposed", **repair["query"]}
    stored = api.upload(body, CSV, f"?{urlencode(query)}")
    assert stored.json()["n_samples"] == 2


def test_an_input_that_may_name_groups_is_noted(api: Any) -> None:
    rows = [f"{seed},{k * k % 7 + seed % 3}" for seed in (301, 303, 305) for k in range(8)]
    table = read(api, "\n".join(["Seed,height", *rows]))
    assert roles(table) == {"Seed": "input", "height": "target"}
    (note,) = [each for each in table["problems"] if each["slug"] == "groups"]
    assert "'Seed' has few values in blocks of rows" in note["sentence"]
    table = read(api, "\n".join(["Seed,height", *rows]), **note["repairs"][0]["query"])
    assert roles(table) == {"Seed": "sequence", "height": "target"}


@pytest.mark.parametrize(
    ("head", "row", "expected"),
    [
        ("day,region,x,y", "{day},{ab},{x},{y}", "time sequence input target"),
        ("x,date,sales", "{x},{day},{y}", "input time target"),
        ("week,sales,tv", "{k},{y},{x}", "time target input"),
        ("output,x,z", "{y},{x},{y}", "target input input"),
        ("time,operator,x,y", "{k},{abc},{x},{y}", "time left_out input target"),
        ("k,x,y,note", "{k},{x},{y},good {k}", "left_out input target left_out"),
        ("patient,hour,x,y", "{half},{six},{x},{y}", "sequence time input target"),
        ("patient,hour,value", "{half},{six},{y}", "sequence time target"),
        ("Seed,age,x,y", "30{half},{six},{x},{y}", "sequence time input target"),
        ("x,age,y,Seed", "{x},{six},{y},{half}", "input time target sequence"),
        ("firm,year,x,y", "{half},{six},{x},{y}", "sequence time input target"),
        ("firm,year,x,y", "{odd},{pair},{x},{y}", "sequence time input target"),
        ("year,level,x,y", "{k},{half},{x},{y}", "time input input target"),
        ("dose,level,y", "{x},{half},{y}", "input input target"),
    ],
)
def test_roles(api: Any, head: str, row: str, expected: str) -> None:
    days = np.arange("2024-01-01", "2024-01-13", dtype="datetime64[D]")
    rows = [
        row.format(
            k=k + 1, x=k % 3, y=k * k % 7, half=k // 6, six=k % 6, odd=k % 2, pair=k // 2,
            day=days[k % 6] if "{ab}" in row else days[k], ab="ab"[k // 6], abc="abc"[k % 3],
        )
        for k in range(12)
    ]  # fmt: skip
    table = read(api, "\n".join([head, *rows]))
    assert " ".join(roles(table).values()) == expected
    assert all(column["because"] for column in table["columns"])


@pytest.mark.parametrize(
    ("body", "media_type", "status", "words"),
    [
        ("", CSV, 422, "empty"),
        ("a,b\nc,d\ne,f\n", CSV, 422, "no column of numbers"),
        (",".join(f"x{j}" for j in range(100_000)) + "\n" + "1," * 100_000, CSV, 422, "100000 col"),
        (b"%PDF-1.7", CSV, 400, "a PDF document"),
        (b"PK\x03\x04xl/workbook", XLSX, 400, "damaged"),
        ("{}", "application/json", 415, "text/csv"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused(
    api: Any, body: Any, media_type: str, status: int, words: str
) -> None:
    headers = {"content-type": media_type}
    response = api.request("POST", "/v1/tables", content=body, headers=headers)
    assert response.status_code == status
    assert words in response.json()["detail"]


def test_a_million_rows_are_counted(api: Any) -> None:
    table = read(api, "t,x,y\n" + "1,2,3\n" * 1_000_000)
    assert table["n_rows"] == 1_000_000
    (error,) = errors(table)
    assert error["slug"] == "length"
    assert [[*repair["query"]] for repair in error["repairs"]] == [["last"], ["every"]]


def test_dates_are_left_out_without_times(api: Any) -> None:
    for query in ({"kind": "explicit"}, {"time": ""}):
        (day, _, _) = read(api, "day,x,y\n2024-01-01,1,2\n2024-01-02,2,3\n", **query)["columns"]
        assert (day["role"], day["because"]) == ("left_out", "it has times")


SEQUENCES = """Trial of May
patient;day 1;day 1;;dose;remark;sum
1;1,5;2 %;0;3;;1.004,5
2;n.d.;1 %;2;4;late;2
3;2;4 %;1;5;;7
Total;;;;;;1.013,5
"""


def test_a_row_can_be_a_sequence(api: Any) -> None:
    steps = {"kind": "explicit", "inputs": "day 1_2,day 1_3,column_4", "target": "sum"}
    table = read(api, SEQUENCES, kind="explicit")
    assert roles(table) == {
        "patient": "left_out",
        "day 1_2": "input",
        "day 1_3": "input",
        "column_4": "input",
        "dose": "input",
        "remark": "left_out",
        "sum": "target",
    }
    (error,) = errors(table)
    assert (error["line"], error["column"], table["n_rows"]) == (4, 2, 3)
    (repair,) = error["repairs"]
    table = read(api, SEQUENCES, **steps, **repair["query"])
    assert (errors(table), table["decimal"], table["step"]) == ([], ",", None)
    assert table["repairs"] == ["the total in line 6 left out", "1 row without a number left out"]
    book = workbook(("Trials", [["a", "sum", "b", "c"], [1.5, 1004.5, 2, 0], [2, 7, 4, 1]]))
    for body, query in (
        (SEQUENCES.encode(), urlencode({**steps, **repair["query"]})),
        (book, "kind=explicit&target=sum"),
    ):
        stored = api.upload(body, "application/octet-stream", f"?{query}").json()
        rows = {"inputs": [[1.5, 2, 0], [2, 4, 1]], "targets": [1004.5, 7]}
        named = api.request("POST", "/v1/datasets", json={"kind": "explicit", **rows}).json()
        assert (stored["id"], stored["kind"]) == (named["id"], "explicit")


@pytest.mark.parametrize(
    ("body", "query", "parameter", "words"),
    [
        ("a,b\n1,2\n", {"time": "a"}, "time", "applies to kind=series"),
        ("a,b\n1,2\n", {"fill": "hold"}, "fill", "fill=hold applies to kind=series"),
        ("a,b\n1,2\n", {"every": 2}, "every", "applies to kind=series"),
        ("a,b\n1,2\n", {"inputs": "c"}, "inputs", "no column 'c'"),
        ("a,b\n1,2\n", {"inputs": ""}, "inputs", "a row must have at least one step"),
        ("a,b\n1,2\n", {"decimal": ",", "thousands": ","}, "thousands", "must differ"),
        ("a,b\n1,-\n-,2\n", {"fill": "drop"}, "fill", "missing in every row"),
        ("", {}, None, "no rows"),
        ("1,2\n1,2" + ",1" * 200_000, {}, None, "200002 fields"),
        ("1,2" + ",1" * 200_000, {}, None, "the limit is 20000"),
    ],
)
def test_rows_that_are_no_sequences_are_refused(
    api: Any, body: str, query: dict[str, Any], parameter: str | None, words: str
) -> None:
    response = api.upload(body.encode(), CSV, f"?{urlencode({'kind': 'explicit', **query})}")
    assert response.status_code == 422
    (error,) = response.json()["errors"]
    assert words in error["detail"]
    assert error.get("parameter") == parameter


def test_an_archive_has_no_columns_to_choose(api: Any) -> None:
    file = io.BytesIO()
    np.savez(file, inputs=np.ones((2, 3)), targets=np.ones(2))
    response = api.upload(file.getvalue(), "application/x-npz", "?kind=explicit")
    assert response.status_code == 422
    assert response.json()["errors"][0]["parameter"] == "kind"


def fit_table(api: Any, body: str, **query: Any) -> dict[str, Any]:
    """Return the fit of a table whose other roles are proposed."""
    asked = urlencode({"kind": "series", "roles": "proposed", **query})
    stored = api.upload(body, CSV, f"?{asked}").json()
    source = {"kind": "stored", "id": stored["id"]}
    fit = api.post("/v1/fits", {"dataset": source}).json()
    assert fit["assumptions"] == stored["assumptions"]
    return dict(fit)


def test_what_was_noticed_limits_the_level_until_it_is_repaired_or_confirmed(api: Any) -> None:
    rng = np.random.default_rng(5)
    x, state, rows = rng.exponential(1.0, 150), 0.0, ["day,x,y"]
    for k, each in enumerate(x):
        state = 0.8 * state + each
        y = -999 if k in {40, 77, 101} else round(state + rng.normal(0, 0.1), 3)
        rows.append(f"{date(2024, 1, 1) + timedelta(k)},{each:.3f},{y}")
    body = "\n".join(rows)
    fits = {
        name: fit_table(api, body, target="y", **query)
        for name, query in {
            "noticed": {},
            "repaired": {"missing": "-999"},
            "confirmed": {"confirm": "sentinel"},
        }.items()
    }
    first = fits["noticed"]["summary"]
    assert first["topics"][0] == "table"
    assert first["sentences"][0] == "About the table: -999 occurs 3 times in 'y'."
    assert first["level"] != "trusted"
    assert first["headline"].endswith("(check the table first)")
    (noticed,) = fits["noticed"]["assumptions"]
    assert [repair["query"] for repair in noticed["repairs"]] == [
        {"missing": "-999"},
        {"confirm": "sentinel"},
    ]
    for name in ("repaired", "confirmed"):
        assert "table" not in fits[name]["summary"]["topics"]
        assert fits[name]["id"] != fits["noticed"]["id"]
    (piece,) = fits["repaired"]["w_rec"]["intervals"]
    assert piece["low"] < 0.8 < piece["high"]
    assert fits["repaired"]["summary"]["level"] == "trusted"


def test_predictions_say_once_that_a_fit_is_not_reliable(api: Any) -> None:
    rng = np.random.default_rng(5)
    x, state, rows = rng.exponential(1.0, 150), 0.0, ["day,x,y"]
    for k, each in enumerate(x):
        state = 0.8 * state + each * (1.0 if k < 75 else 3.0)  # the gain changes
        rows.append(f"{date(2024, 1, 1) + timedelta(k)},{each:.3f},{state:.3f}")
    stored = api.upload("\n".join(rows), CSV, "?kind=series&target=y&time=day").json()
    source = {"kind": "stored", "id": stored["id"]}
    hour = {"length": 1, "unit": "hour"}
    fit = api.post("/v1/fits", {"dataset": source, "step": hour}).json()
    assert fit["summary"]["headline"].endswith("(not reliable; check the table first)")
    model = {"kind": "fit", "id": fit["id"]}
    answer = api.post("/v1/predict", {"model": model, "inputs": [[[1.0]]], "continue": {}}).json()
    (verdict,) = (each for each in answer["summary"]["sentences"] if "reliable" in each)
    assert verdict.startswith("Not reliable: ")
    assert verdict.endswith(" (check the table first)")
