"""Repairs of tables that the service refuses, as buttons below the error."""

from typing import Any

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
    (
        "t,x,y\n1,2,3\n2,,4\n3,4,5",
        "Fill the gap in an input with the last value",
        "t,x,y\n1,2,3\n2,2,4\n3,4,5",
    ),
    ("t,x,y\n1,NaN,3\n2,3,4\n", "Drop 1 row without an input", "t,x,y\n2,3,4"),
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


def test_gaps_inside_a_sequence_are_not_dropped(repairs: Any) -> None:
    table = "test,t,x,y\na,1,2,3\na,2,,4\na,3,4,5\nb,1,,3\nb,2,5,4"
    assert repairs(table) == []  # nothing comes before the gap of b, and a would lose a time
    (drop,) = repairs(table.replace("a,2,,4", "a,2,3,4"))
    assert drop["action"] == "Drop 1 row without an input"


def test_a_table_without_errors_needs_no_repair(repairs: Any) -> None:
    assert repairs("t,x,y\n1,2,3\n2,3,4.5\n") == []


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
