"""How the page reads tables: repairs, proposed roles, and the choice among many columns."""

import itertools

import httpx
import numpy as np
import pytest
from playwright.sync_api import Route, expect

from tests.explorer.test_fit import (
    FitOpener,
    choose_role,
    load,
    load_and_fit,
    open_fit,
    shown_fit,
)
from tests.formats.corpus import CORPUS

__all__ = ["open_fit"]


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
    problem.get_by_role("button", name="Fill missing inputs with the value before").click()
    expect(problem).to_contain_text("times the usual 1 day")
    problem.get_by_role("button", name="Start a new sequence after each of the 8 gaps").click()
    fit_id = shown_fit(page, other_than=first)
    fit = api.get(f"/v1/fits/{fit_id}").json()
    ((low, high),) = ((each["low"], each["high"]) for each in fit["time_constant"]["intervals"])
    assert low < 7.82 < high
    assert fit["request"]["step"]["unit"] == "day"
    expect(page.get_by_label("Role of n", exact=True)).to_have_value("left_out")
    repairs = "missing inputs of 2 rows have the value before", "a new sequence after 8 gaps"
    for place, repair in itertools.product(("#table-name", "#quality"), repairs):
        expect(page.locator(place)).to_contain_text(repair)
    page.get_by_role("button", name="Save and API").click()
    expect(page.locator("#code")).to_contain_text("fill=hold&gaps=sequences")
    with page.expect_download() as download:
        page.get_by_role("button", name="Table as uploaded").click()
    assert download.value.path().read_text() == days_with_holes()
    page.go_back()
    expect(problem).to_contain_text("times the usual 1 day")  # a repair is undone
    page.go_back()
    expect(problem).to_contain_text("a number is missing")
    page.go_back()
    expect(page.locator(f'#story[data-fit="{first}"]')).to_be_visible()
    page.evaluate("(id) => { location.hash = id; }", fit_id)  # as from a link
    assert shown_fit(page, other_than=first) == fit_id
    expect(page.locator("#quality")).to_contain_text("missing inputs of 2 rows")
    for code in page.locator("#code code").all():  # the user has no file of this text
        expect(code).to_contain_text("v1/fits")
        expect(code).not_to_contain_text("v1/datasets")


def test_a_week_without_its_end_may_lose_its_times(open_fit: FitOpener) -> None:
    page = open_fit(expected=(422,))
    days = np.arange("2024-01-01", "2024-04-01", dtype="datetime64[D]")
    rows = [f"{day},{k % 5},{k % 7}" for k, day in enumerate(days) if k % 7 != 6]
    load(page, "\n".join(["date,x,y", *rows]))
    button = page.get_by_role("button", name="Read the rows without times")
    page.set_viewport_size({"width": 320, "height": 640})
    button.click()
    shown_fit(page)
    expect(page.get_by_label("Role of date")).to_have_value("left_out")


def test_a_proposed_sequence_is_named(open_fit: FitOpener, api: httpx.Client) -> None:
    page = open_fit(expected=(422,))
    rows = [f"{k % 30},{'ab'[k // 30]},{k // 7 % 2},{k % 5}" for k in range(60)]
    restarted = load_and_fit(page, "\n".join(["hour,operator,x,y", *rows]))
    expect(page.locator("#notes")).to_contain_text("Each value of 'operator' is read as a sequence")
    choose_role(page, "hour", "left out")
    last = shown_fit(page, other_than=restarted)
    choose_role(page, "operator", "left out")
    one = shown_fit(page, other_than=last)
    page.locator("#notes").get_by_role("button", name="x", exact=True).click()
    fit = api.get(f"/v1/fits/{shown_fit(page, other_than=one)}").json()
    assert (fit["target"], fit["inputs"][0]["name"]) == ("x", "y")
    page.go_back()
    assert shown_fit(page, other_than=fit["id"]) == one
    page.go_back()
    assert shown_fit(page) == last
    expect(page.get_by_label("Role of operator")).to_have_value("sequence")


def test_of_many_inputs_some_are_chosen(open_fit: FitOpener, api: httpx.Client) -> None:
    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(80, 30))
    targets = np.convolve(inputs[:, 17], [3, 2, 1])[:80] + rng.normal(size=80)
    rows = [",".join(f"{value:.3f}" for value in row) for row in np.column_stack([inputs, targets])]
    head = ",".join([*(f"x_{j}" for j in range(30)), "sales"])
    page = open_fit(expected=(422,))
    proposed = load_and_fit(page, "\n".join([head, *rows]))
    notes, problem = page.locator("#notes"), page.locator("#fit-problem")
    expect(notes).to_contain_text("Inputs: 12 of 30")
    expect(notes).to_contain_text("12 of 30 inputs are proposed, which have the largest lagged")
    notes.get_by_role("button", name="all").click()
    expect(problem.locator("strong")).to_have_text("Choose at most 12 of 30 inputs.")
    problem.get_by_role("button", name="Use the proposed inputs: x_").click()
    assert shown_fit(page) == proposed
    notes.get_by_role("button", name="none").click()
    fit = api.get(f"/v1/fits/{shown_fit(page, other_than=proposed)}").json()
    assert (fit["target"], fit["inputs"]) == ("sales", [])
    expect(page.locator("#response-view")).to_be_hidden()
    choose_role(page, "x_3", "target")
    assert api.get(f"/v1/fits/{shown_fit(page, other_than=fit['id'])}").json()["target"] == "x_3"


DOORS = {
    "german windows-1252": "",
    "title in fields": "",
    "compressed": "",
    "workbook with a title": "",
    "french gaps": "",  # between tables with the same numbers, and so the same id
    "workbook of two sheets": "Two",
    "ambiguous dates": "The day is first in dates",
    "missing number": "Read -9999 as a missing number",
}


def test_a_late_answer_does_not_replace_the_next_table(open_fit: FitOpener) -> None:
    page = open_fit(expected=(422,))
    first, case = shown_fit(page), CORPUS["ambiguous dates"]
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/v1/fits", hold, times=1)
    with page.expect_request("**/v1/fits"):
        load(page, CORPUS["german"].body, "german.csv")
    load(page, case.body, "ambiguous.csv")
    held[0].continue_()
    page.get_by_role("button", name="The day is first in dates").click()
    shown_fit(page, other_than=first)
    expect(page.locator("#table-name")).to_contain_text("ambiguous.csv")
    expect(page.get_by_label("Role of Date")).to_have_value("time")
    expect(page.locator("#strip")).to_contain_text("1/1/2024")


@pytest.mark.slow
def test_the_page_reads_the_same_tables(open_fit: FitOpener, api: httpx.Client) -> None:
    page = open_fit(expected=(422,))
    for name, choice in DOORS.items():
        case = CORPUS[name]
        load(page, case.body, f"{name}.csv")
        expect(page.locator("#table-name")).to_contain_text(name)
        if case.query.get("sheet"):
            page.get_by_label("Sheet").select_option(choice)
        elif choice:
            page.get_by_role("button", name=choice).click()
        query = {"kind": "series", "roles": "proposed", **case.query}
        headers = {"Content-Type": "application/octet-stream"}
        stored = api.post("/v1/datasets", params=query, content=case.body, headers=headers).json()
        expect(page.locator("#stored")).to_contain_text(stored["id"])
