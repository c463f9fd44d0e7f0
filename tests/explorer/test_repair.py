"""Repairs of tables that the service refuses, as buttons below the error."""

from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import expect

from tests.explorer.conftest import ModuleCaller
from tests.explorer.test_fit import FitOpener, load, open_fit, shown_fit

__all__ = ["open_fit"]


@pytest.fixture
def repairs(call_modules: ModuleCaller) -> Any:
    """Return a function that lists the repairs of a table: texts of buttons, and their effect."""

    def call(table: str) -> list[dict[str, Any]]:
        function = f"""({{ readTable, recognizeColumns, listRepairs }}) => {{
            const table = readTable("own.csv", {table!r});
            return listRepairs({{ table, columns: recognizeColumns(table), options: {{}} }});
        }}"""
        return list(call_modules(["model/table", "fit/table", "fit/repair"], function))

    return call


REPAIRS = [
    ("t,x,y\n1,2,3\n,,\n", "Leave out the empty line at the end", "t,x,y\n1,2,3"),
    (
        "t;x;y\n;[kW];°C\n1;2;3\n2;3;4",
        "Skip the line of units (kW, °C)",
        "t;x (kW);y (°C)\n1;2;3\n2;3;4",
    ),
    (
        "t,x,y\n01/02/2024 9:00,1,2\n01/31/2024 9:00,3,4",
        "Read 01/02/2024 as month/day",
        "t,x,y\n2024-01-02 9:00,1,2\n2024-01-31 9:00,3,4",
    ),
    (
        "t,x,y\n1/2/2024,1,2\n31/1/2024,3,4",
        "Read 1/2/2024 as day/month",
        "t,x,y\n2024-02-01,1,2\n2024-01-31,3,4",
    ),
    ("t,x,y\n1,2,NA\n2,3,4\n", "Read NA as a missing target", "t,x,y\n1,2,\n2,3,4"),
]


@pytest.mark.parametrize(("table", "action", "text"), REPAIRS)
def test_a_repair_changes_the_text(repairs: Any, table: str, action: str, text: str) -> None:
    assert repairs(table) == [{"action": action, "text": text}]


def test_a_date_that_can_be_read_in_two_ways(repairs: Any) -> None:
    found = repairs("date,x,y\n1/2/2024,1,2\n1/3/2024,3,4")
    assert {each["action"]: each["text"] for each in found} == {
        "Read 1/2/2024 as month/day": "date,x,y\n2024-01-02,1,2\n2024-01-03,3,4",
        "Read 1/2/2024 as day/month": "date,x,y\n2024-02-01,1,2\n2024-03-01,3,4",
    }


def test_the_decimal_mark_goes_to_the_service(repairs: Any) -> None:
    for x in ("2", "0.5"):  # another column does not decide
        assert repairs(f"t;x;y\n1;{x};1.200\n2;3;950") == [
            {"action": "1.200 is 1.2", "columns": {"decimal": "."}},
            {"action": "1.200 is 1200", "columns": {"decimal": ","}},
        ]
    assert repairs("t;x;y\n1;2;1.086,47\n2;3;0,5") == [
        {"action": "Read 1.086,47 as 1086.47", "columns": {"decimal": ","}}
    ]


def test_gaps_of_inputs_are_filled_by_the_service(repairs: Any) -> None:
    assert repairs("t,x,y\n1,2,3\n2,NA,4\n3,4,5") == [
        {"action": "Fill the gap in an input with the last value", "columns": {"fill": "hold"}},
        {"action": "Fill the gap in an input with 0", "columns": {"fill": "zero"}},
        {"action": "Leave out 1 row without an input", "columns": {"fill": "drop"}},
    ]
    table = "test,t,x,y\na,1,2,3\na,2,,4\na,3,4,5\nb,1,,3\nb,2,5,4"
    first, *_ = repairs(table)  # nothing comes before the gap of b
    assert first["action"] == "Fill the gaps in 2 rows with 0"


def test_a_table_without_errors_needs_no_repair(repairs: Any) -> None:
    assert repairs("t,x,y\n1,2,3\n2,3,4.5\n") == []


def days_with_holes() -> str:
    """Return a table of 200 days, 17 of which are missing, with a time constant of 7.82 days."""
    rng = np.random.default_rng(7)
    days = np.arange("2024-01-01", "2024-07-19", dtype="datetime64[D]")
    holes = {k for first in range(15, 190, 23) for k in range(first, first + 1 + first % 4)}
    state, rain, rows = 5.0, 0.0, ["date,n,rain,flow"]
    for k, day in enumerate(days):
        lacks_rain = k in {50, 120}  # it was that of the day before
        rain = rain if lacks_rain else round(float(rng.gamma(0.4, 4.0)), 2)
        state = np.exp(-1 / 7.82) * state + 0.3 * rain
        if k not in holes:
            flow = state + 2 + 0.1 * rng.standard_normal()
            rows.append(f"{day},{k},{'' if lacks_rain else rain},{flow:.3f}")
    return "\n".join(rows)


def test_repairs_keep_the_unit_and_leave_a_trace(open_fit: FitOpener, api: httpx.Client) -> None:
    page = open_fit(expected=(422,))
    first = shown_fit(page)
    load(page, days_with_holes())
    problem = page.locator("#fit-problem")
    problem.get_by_role("button", name="Fill the gaps in 2 rows with the last value").click()
    expect(problem).to_contain_text("times the usual 1 day")
    buttons = problem.get_by_role("button")
    expect(buttons).to_have_text(["Start a new sequence after each of the 8 gaps"])
    buttons.click()
    fit_id = shown_fit(page, other_than=first)
    fit = api.get(f"/v1/fits/{fit_id}").json()
    ((low, high),) = ((each["low"], each["high"]) for each in fit["time_constant"]["intervals"])
    assert low < 7.82 < high
    assert fit["request"]["step"]["unit"] == "day"
    expect(page.get_by_role("checkbox", name="n", exact=True)).not_to_be_checked()
    for place in ("#table-name", "#repairs"):
        expect(page.locator(place)).to_contain_text("2 rows filled with the last value")
        expect(page.locator(place)).to_contain_text("a new sequence after each gap")
    page.get_by_role("button", name="Save and API").click()
    expect(page.locator("#code")).to_contain_text("gaps=sequences&fill=hold")
    page.reload()  # as from a link
    assert shown_fit(page) == fit_id
    expect(page.locator("#table-name")).to_contain_text("2 rows filled with the last value")


def test_a_week_without_its_end_may_lose_its_times(open_fit: FitOpener) -> None:
    page = open_fit(expected=(422,))
    days = np.arange("2024-01-01", "2024-04-01", dtype="datetime64[D]")
    rows = [f"{day},{k % 5},{k % 7}" for k, day in enumerate(days) if k % 7 != 6]
    load(page, "\n".join(["date,x,y", *rows]))
    buttons = page.locator("#fit-problem").get_by_role("button")
    gaps = "Start a new sequence after each of the 12 gaps"
    expect(buttons).to_have_text([gaps, "Fit without times"])


def test_a_guessed_sequence_is_named(open_fit: FitOpener) -> None:
    page = open_fit(expected=(422,))
    first = shown_fit(page)
    rows = [f"{k % 30},{'ab'[k // 30]},{k // 7 % 2},{k % 5}" for k in range(60)]
    load(page, "\n".join(["hour,operator,x,y", *rows]))
    guessed = shown_fit(page, other_than=first)
    expect(page.locator("#guess")).to_contain_text("each value of “operator” is a recording")
    page.get_by_role("button", name="Fit one recording").click()
    expect(page.locator("#guess")).to_be_hidden()
    expect(page.locator("#sequence-column")).to_have_value("")
    expect(page.locator("#fit-problem")).to_contain_text("earlier than in the row before")
    page.select_option("#sequence-column", "operator")
    assert shown_fit(page) == guessed
    expect(page.locator("#guess")).to_be_hidden()  # it was chosen


@pytest.mark.parametrize(
    ("times", "is_one"),
    [
        ([f"2024-01-{k:02}" for k in range(1, 13)], True),
        ([f"{k}.1.2024 9:00" for k in range(1, 13)], True),
        ([f"{k}/1/2024" for k in range(1, 13)], True),
        ([f"2024-W{k:02}" for k in range(1, 13)], True),
        ([f"2024-01-{k:02}" for k in range(1, 20) if k % 7 < 6 and k % 7][:12], True),
        ([str(0.5 * k) for k in range(12)], True),
        ([str(k % 4) for k in range(12)], False),
        ([str(k + (k > 6)) for k in range(12)], False),
        ([str(k // 3) for k in range(12)], False),
    ],
)
def test_equally_spaced_times_are_one_recording(
    call_modules: ModuleCaller, times: list[str], *, is_one: bool
) -> None:
    rows = [f"{time},{('Anna', 'Bo', 'Cy')[k % 3]},{k % 2},{k}" for k, time in enumerate(times)]
    table = "\n".join(["time,operator,x,y", *rows])
    function = f"({{ readTable, recognizeColumns }}) => recognizeColumns(readTable('', {table!r}))"
    columns = call_modules(["model/table", "fit/table"], function)
    assert (columns["time"], columns["target"], columns["inputs"]) == ("time", "y", ["x"])
    assert (columns["sequence"], columns["isGuessed"]) == (
        ("", False) if is_one else ("operator", True)
    )


@pytest.mark.parametrize(
    ("numbers", "is_counter"),
    [
        ([*range(1, 21)], True),
        ([*range(2001, 2021)], True),
        ([*range(5), *range(6, 20)], True),  # a row was left out
        ([*range(10), *range(10)], True),  # of two sequences
        ([0, 1] * 10, False),
        ([0, 1, 0, 0, 0] * 4, False),
        ([3] * 20, False),
        ([*range(0, 40, 2)], False),
        ([1, 2, 3, 4, 5], False),
    ],
)
def test_a_column_that_counts_rows_is_no_input(
    call_modules: ModuleCaller, numbers: list[int], *, is_counter: bool
) -> None:
    rows = [f"{k / 2},{number},{k * k % 7}" for k, number in enumerate(numbers)]
    table = "\n".join(["t,count,y", *rows])
    function = f"""({{ readTable, recognizeColumns, listInputs }}) => {{
        const table = readTable('', {table!r});
        const columns = recognizeColumns(table);
        return [columns.inputs, listInputs(table, columns)]; }}"""
    found = call_modules(["model/table", "fit/table"], function)
    assert found == [[] if is_counter else ["count"], ["count"]]


@pytest.mark.slow
def test_a_spreadsheet_is_repaired_step_by_step(open_fit: FitOpener) -> None:
    rows, state = [], 1000.0
    for k in range(60):
        heat = k // 10 % 2
        state = 0.8 * state + 100 * heat + 200
        value = f"{state + 40 * ((7 * k) % 5 - 2):,.2f}"
        german = value.replace(",", "_").replace(".", ",").replace("_", ".")
        target = "NaN" if k == 30 else german
        rows.append(f"{k + 1};{1 + k // 24:02}/02/2024 {k % 24}:00;{heat};{target}")
    table = "\n".join(["Nr.;Zeit;Heizung;Leistung", ";;kW;W", *rows, ";;;"])
    page = open_fit(expected=(422,))
    room = shown_fit(page)
    load(page, table)
    problem = page.locator("#fit-problem")
    buttons = ("line of units", "empty line at the end", "Read 1.", "as day/month", "Read NaN")
    for name in buttons:
        button = problem.get_by_role("button", name=name)
        button.click()
        expect(button).to_have_count(0)
    shown_fit(page, other_than=room)
    expect(page.locator("#time-constant")).to_contain_text("hours")
    box = page.get_by_role("checkbox", name="Nr.")
    expect(box).not_to_be_checked()
    expect(page.get_by_role("checkbox", name="Heizung (kW)")).to_be_checked()
    expect(page.locator("#target-column")).to_have_value("Leistung (W)")
