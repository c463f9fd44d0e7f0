"""The user's own data: uploaded in several ways, described, and used by the whole page."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, Response, expect

from scripts import example_data
from tests.explorer.conftest import (
    DESKTOP,
    PHONE,
    Explorer,
    Opener,
    open_drawer,
    violations,
    wait_for_value,
)

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "service/explorer/examples"
SMALL = "day_1,day_2,sales\n1,2,5\n0,-1.5,2\n3,1,4.25\n"
FOUND = re.compile("3 rows of 2 steps.* −1.5 to 3.* 2 to 5")
TRANSFER = """([kind, type, text]) => {
  const data = new DataTransfer();
  if (kind === "file") data.items.add(new File([text], "data.csv", { type: "text/csv" }));
  else data.setData("text/plain", text);
  const options = { bubbles: true, cancelable: true };
  document.body.dispatchEvent(type === "paste"
    ? new ClipboardEvent(type, { ...options, clipboardData: data })
    : new DragEvent(type, { ...options, dataTransfer: data }));
  return document.documentElement.className;
}"""


def look(page: Page, text: str) -> Locator:
    """Choose a file with this text, and return its preview."""
    open_drawer(page, "data")
    file: Any = {"name": "data.csv", "mimeType": "text/csv", "buffer": text.encode()}
    page.set_input_files("#data-file", file)
    return page.get_by_role("region", name="Preview")


def choose(page: Page, text: str) -> None:
    """Choose a file with this text, and use it."""
    look(page, text).get_by_role("button", name="Use these rows").click()


def summary(page: Page) -> Any:
    return page.locator("#own-data [role=status]")


def dataset_id(page: Page) -> str:
    """Return the id of the dataset in the address, once there is one."""
    expect(page).to_have_url(re.compile(r"dataset=ds_[0-9a-f]{32}"))
    match = re.search(r"ds_[0-9a-f]{32}", page.url)
    assert match is not None
    return match[0]


def test_a_file_is_uploaded_and_the_page_and_the_service_use_it(explorer: Explorer) -> None:
    page, api = explorer.page, explorer.api
    choose(page, SMALL)
    expect(summary(page)).to_contain_text(FOUND)
    stored = api.get(f"/v1/datasets/{dataset_id(page)}.csv").text
    assert stored.split() == ["x_1,x_2,target", "1.0,2.0,5.0", "0.0,-1.5,2.0", "3.0,1.0,4.25"]
    expect(page.locator("#n_samples")).to_be_hidden()
    expect(page.locator("#fit-chart .sample")).to_have_count(3)
    dataset = {"kind": "stored", "id": dataset_id(page)}
    page.fill("#w_in", "0.5")
    page.fill("#w_rec", "0.75")
    cost = explorer.evaluate(0.5, 0.75, dataset=dataset)["cost"]
    explorer.expect_number("#cost", pytest.approx(cost, rel=1e-9))
    with page.expect_request("**/v1/training-runs") as sent:
        page.get_by_role("button", name="Train", exact=True).click()
    assert json.loads(sent.value.post_data or "")["dataset"] == dataset
    expect(page.locator("tbody tr")).to_have_count(1)
    for link in page.locator("#links a", has_text=re.compile("JSON|CSV")).all():
        response = api.get(str(link.get_attribute("href")))
        assert response.status_code == 200, link.inner_text()


@pytest.mark.slow
def test_a_file_is_dropped_and_rows_are_typed(page: Page) -> None:
    wait_for_value(
        page, lambda: page.evaluate(TRANSFER, ["file", "dragover", SMALL]), expected="dropping"
    )
    assert page.evaluate(TRANSFER, ["file", "drop", SMALL]) == ""
    page.get_by_role("button", name="Use these rows").click()
    expect(summary(page)).to_contain_text(FOUND)
    open_drawer(page, "data")
    page.get_by_role("button", name="Use random bits again").click()
    open_drawer(page, "data")
    page.get_by_text("Paste a table").click()
    page.get_by_label("Rows of numbers").fill(SMALL)
    page.get_by_role("button", name="Preview these rows").click()
    page.get_by_role("button", name="Use these rows").click()
    expect(summary(page)).to_contain_text(FOUND)
    expect(page.get_by_label("Rows of numbers")).to_be_hidden()


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", [SMALL, SMALL.replace(",", "\t"), SMALL.replace(",", ";").replace(".", ",")]
)
def test_rows_are_pasted(page: Page, text: str) -> None:
    """From a text editor, a spreadsheet, and one in a country with decimal commas."""
    page.evaluate(TRANSFER, ["text", "paste", text])
    page.get_by_role("button", name="Use these rows").click()
    expect(summary(page)).to_contain_text(FOUND)


@pytest.mark.slow
def test_a_sequence_of_the_data_is_predicted(page: Page) -> None:
    choose(page, SMALL)
    page.fill("#w_in", "0.5")
    page.fill("#w_rec", "2")
    expect(page.locator("#headline")).to_contain_text("target 5")
    expect(page.locator("#prediction")).to_have_text("2")  # 0.5 * (2 * 1 + 2)
    page.locator("#sequence").fill("3")
    expect(page.locator("#headline")).to_have_text("3 1 → 3.5 · target 4.25, off by 0.75")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Unroll").click()
    expect(page.locator("#unrolled .bit")).to_have_text(["", "3", "1"])
    expect(page).to_have_url(re.compile("sequence=3"))
    open_drawer(page, "code")
    page.select_option("#request", "predict")
    expect(page.locator("#code code").first).to_contain_text('"inputs": [[3, 1]]')


@pytest.mark.slow
def test_errors_name_line_and_column(open_page: Opener) -> None:
    page = open_page(expected=(400, 422))
    problem = page.locator("#upload-problem")
    look(page, "a,b\n1,2\n3,x\n")
    expect(problem).to_contain_text("Line 3 ('3,x'), column 2 ('b'): 'x' is not a number")
    expect(problem).to_be_in_viewport()
    preview = look(page, "PK\0\0")
    expect(problem).to_contain_text("save the table as CSV or xlsx, or paste its cells")
    expect(preview).to_be_hidden()
    assert "dataset=" not in page.url
    look(page, SMALL + "1,,3\n2,?,1\n2,out,1\n")
    preview.get_by_label("Name").fill("Repaired")
    expect(problem).to_contain_text("Line 5 ('1,,3'), column 2 ('day_2'): a number is missing")
    problem.get_by_role("button", name="Leave out the rows without a number").click()
    expect(problem).to_contain_text("Line 7 ('2,out,1'), column 2 ('day_2'): 'out' is not a number")
    expect(preview.get_by_role("button", name="Use these rows")).to_be_disabled()
    problem.get_by_role("button", name="Read 'out' as a missing number").click()
    expect(preview).to_contain_text("3 rows without a number left out")
    expect(problem).to_be_hidden()
    preview.get_by_role("button", name="Use these rows").click()
    expect(summary(page)).to_contain_text(re.compile(f"^Repaired: {FOUND.pattern}"))


SPREADSHEET = """id;date;day_1;day_2;sales
1;2024-01-31;1,5;1.234,5;3
2;2024-02-01;2;4;6
3;2024-02-02;0,25;3;7
"""


def test_a_preview_shows_how_a_table_is_read(open_page: Opener, api: httpx.Client) -> None:
    page = open_page()
    preview = look(page, SPREADSHEET)
    expect(preview).to_contain_text("3 rows of 2 steps and a target, separated by semicolons")
    expect(preview).to_contain_text("decimal comma")
    roles = preview.locator(".strip select")
    for role, word in zip(
        roles.all(), ["left out", "left out", "step", "step", "target"], strict=True
    ):
        expect(role.locator("option:checked")).to_have_text(word)
    expect(preview.locator("tbody tr").first.locator("td").nth(3)).to_have_text("1.234,5")
    expect(preview).to_contain_text("one quantity, in order")
    expect(preview).to_contain_text("no intercept")
    expect(preview).to_contain_text("anyone who can open this page can read it")
    assert violations(page) == []
    role = preview.get_by_label("Role of day_1")
    role.focus()
    role.select_option("left out")
    expect(preview).to_contain_text("3 rows of 1 step and a target")
    expect(role).to_be_focused()
    preview.get_by_label("Target").select_option("day_1")
    expect(preview).to_contain_text("3 rows of 1 step and a target")
    preview.get_by_label("Role of sales").select_option("step")
    expect(preview).to_contain_text("3 rows of 2 steps and a target")
    preview.get_by_label("Name").fill("Sales of 2024")
    preview.get_by_role("button", name="Use these rows").click()
    expect(summary(page)).to_contain_text(re.compile("^Sales of 2024: 3 rows of 2 steps"))
    expect(preview).to_have_count(0)
    dataset = f"/v1/datasets/{dataset_id(page)}"
    rows = api.get(f"{dataset}.csv").text.split()[1:]
    assert rows == ["1234.5,3.0,1.5", "4.0,6.0,2.0", "3.0,7.0,0.25"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "value"), [("1,234 is 1234", "1234.0"), ("1,234 is 1.234", "1.234")]
)
def test_thousands_are_asked_about(page: Page, api: httpx.Client, answer: str, value: str) -> None:
    preview = look(page, 'day_1,day_2,sales\n"1,234",2,5\n3,1,"2,345"\n')
    use = preview.get_by_role("button", name="Use these rows")
    expect(page.locator("#upload-problem")).to_contain_text("1,234 is ambiguous")
    expect(use).to_be_disabled()
    page.get_by_role("button", name=answer).click()
    use.click()
    expect(summary(page)).to_contain_text("2 rows of 2 steps")
    stored = api.get(f"/v1/datasets/{dataset_id(page)}.csv").text
    assert stored.split()[1].split(",")[0] == value


def test_the_cost_stands_beside_that_of_the_mean(page: Page) -> None:
    choose(page, "1,2,5\n0,1,2\n3,1,4\n2,2,1\n")
    page.fill("#w_in", "0")  # the output is 0, so the cost is the mean square of the targets, 11.5
    expect(page.locator("#cost-of")).to_have_text(": worse than always predicting the mean (2.5)")
    load_example(page, "Noisy counts")
    page.fill("#w_in", "1")
    page.fill("#w_rec", "1")
    fits = re.compile(r"^ R² 0\.\d+; cost of the mean [\d.]+$")
    expect(page.locator("#cost-of")).to_have_text(fits)


@pytest.mark.slow
def test_the_view_and_the_start_adapt_to_the_data(page: Page) -> None:
    rows = ["1000,2000,7", "3000,500,6.5", "2500,100,5.1"]  # w_in is about 0.002
    choose(page, "\n".join(rows))
    expect(page).to_have_url(re.compile(r"view=-0.005,0.005,-3,3"))
    expect(page.locator("#w_in")).to_have_value("-0.0025")
    expect(page.locator(".optimum")).to_be_visible()
    page.locator(".point").focus()
    page.keyboard.press("+")
    expect(page).not_to_have_url(re.compile(r"view=-0.005,"))
    page.get_by_role("button", name="Reset view").click()
    expect(page).to_have_url(re.compile(r"view=-0.005,0.005,-3,3"))
    open_drawer(page, "data")
    page.get_by_role("button", name="Use random bits again").click()
    expect(page).not_to_have_url(re.compile("view="))
    expect(page.locator("#n_samples")).to_be_visible()


@pytest.mark.slow
def test_removed_runs_can_be_restored(open_page: Opener) -> None:
    page = open_page("#view=-2,2,-2,2&seed=3", reduced_motion="reduce")
    page.get_by_role("button", name="Train", exact=True).click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(1)
    run = rows.get_attribute("data-run")
    choose(page, SMALL)
    expect(page.locator("#undo")).to_contain_text("The run of the previous data was removed.")
    expect(rows).to_have_count(0)
    expect(page).to_have_url(re.compile("view=-3,3,-5,5"))
    page.get_by_role("button", name="Undo").click()
    expect(rows).to_have_attribute("data-run", str(run))
    expect(page).to_have_url(re.compile("view=-2,2,-2,2"))
    expect(page).not_to_have_url(re.compile("dataset="))
    expect(page.locator("#seed")).to_have_value("3")
    expect(page.locator("#iteration")).to_have_text("500 of 500")
    expect(page.locator("#undo")).to_be_hidden()
    open_drawer(page, "data")
    page.fill("#seed", "4")
    expect(page.locator("#undo")).to_be_visible()
    page.get_by_role("button", name="Train", exact=True).click()
    expect(rows).to_have_count(1)
    expect(page.locator("#undo")).to_be_hidden()


@pytest.mark.slow
def test_runs_on_an_example_are_trained_where_it_is_not_stored(
    page: Page, open_page: Opener, api: httpx.Client
) -> None:
    dataset = load_example(page, "Noisy counts")
    stored = api.delete(f"/v1/datasets/{dataset}")
    assert stored.status_code == 204
    link = f"#dataset={dataset}&run=optimizer:rprop;n_iterations:40"
    other = open_page(link)
    expect(other.locator("tbody tr")).to_have_count(1)
    expect(other.locator("#train-problem")).to_be_hidden()


@pytest.mark.slow
def test_a_link_restores_the_data_if_they_are_known(api: httpx.Client, open_page: Opener) -> None:
    body, headers = SMALL.encode(), {"Content-Type": "text/csv"}
    known = api.post("/v1/datasets", content=body, headers=headers).json()["id"]
    page = open_page(f"#dataset={known}&sequence=2&view=-1,1,-1,1", expected=(404,))
    expect(summary(page)).to_contain_text(FOUND)
    expect(page.locator("#headline")).to_contain_text("target 2")
    expect(page).to_have_url(re.compile("view=-1,1,-1,1"))
    page.evaluate(f"location.hash = '#dataset=ds_{'0' * 32}'")
    gone = "This server does not have the data of this address. Load the file again."
    expect(summary(page)).to_have_text(gone)
    expect(page.locator("#data-problem")).to_contain_text("This server does not have the data")
    open_drawer(page, "data")
    page.get_by_role("button", name="Use random bits again").click()
    expect(page.locator("#data-problem")).to_be_hidden()
    page.route("**/v1/datasets/*", lambda route: route.abort())
    page.evaluate(f"location.hash = '#dataset=ds_{'1' * 32}'")
    expect(summary(page)).to_contain_text("The service is unavailable.")


def load_example(page: Page, title: str) -> str:
    """Return the id of an example after all requests for it."""
    optima: list[str] = []  # one for the star, one for the view

    def record(response: Response) -> None:
        if response.url.endswith("/v1/optimum") and "stored" in (response.request.post_data or ""):
            optima.append(response.url)

    page.on("response", record)
    open_drawer(page, "data")
    page.get_by_role("button", name=title).click()
    wait_for_value(page, lambda: len(optima), 2)
    expect(summary(page)).to_contain_text(re.compile(rf"^{title}: .*Synthetic"))
    expect(page.locator("#headline")).to_contain_text(re.compile("(steps)|target"))
    return dataset_id(page)


EXAMPLE_WEIGHTS = {
    "Exact counts": (1, 1),
    "Noisy counts": (1.026, 0.993),
    "Decaying sum": (0.517, 0.792),
}


@pytest.mark.slow
@pytest.mark.parametrize("title", list(EXAMPLE_WEIGHTS))
def test_examples_are_as_described(page: Page, api: httpx.Client, title: str) -> None:
    dataset = load_example(page, title)
    optimum = api.post("/v1/optimum", json={"dataset": {"kind": "stored", "id": dataset}}).json()
    weights = (optimum["weights"]["w_in"], optimum["weights"]["w_rec"])
    assert weights == pytest.approx(EXAMPLE_WEIGHTS[title], abs=1e-3)
    if title == "Noisy counts":
        assert optimum["cost"] == pytest.approx(0.25, rel=0.3)
    expect(page.locator(".optimum")).to_have_count(1)
    api.delete(f"/v1/datasets/{dataset}")
    page.reload()  # as on another server
    expect(summary(page)).to_contain_text(title)


def test_example_files_are_those_of_the_script() -> None:
    assert sorted(example_data.TABLES) == sorted(path.name for path in EXAMPLES.iterdir())
    for name, make in example_data.TABLES.items():
        assert make() == (EXAMPLES / name).read_text()


@pytest.mark.slow
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP])
def test_the_data_fit_on_screens(open_page: Opener, viewport: dict[str, int]) -> None:
    page = open_page(viewport=viewport, reduced_motion="reduce", expected=(422,))
    open_drawer(page, "data")
    open_drawer(page, "data")
    page.get_by_text("Paste a table").click()
    look(page, "1,2\n" + ",".join("0123456789" * 30))
    expect(page.locator("#upload-problem")).to_be_visible()
    open_drawer(page, "data")
    page.get_by_role("button", name="Decaying sum").click()
    expect(summary(page)).to_contain_text("Decaying sum")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width == viewport["width"]
    assert violations(page) == []


def test_deleting_a_table_deletes_what_was_made_of_it(open_page: Opener, api: httpx.Client) -> None:
    page = open_page(expected=(409,))
    choose(page, SMALL)
    expect(summary(page)).to_contain_text(FOUND)
    id_ = dataset_id(page)
    dataset = {"kind": "stored", "id": id_}
    made = [
        api.post("/v1/training-runs", json={"dataset": dataset, "n_iterations": n})
        for n in range(1, 13)
    ]
    made.append(api.post("/v1/basin-maps", json={"dataset": dataset, "window": {"resolution": 5}}))
    paths = [response.json()["links"]["self"] for response in made]
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Delete from the server").click()
    expect(summary(page)).to_contain_text(FOUND)
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete from the server").click()
    expect(page.locator("#n_samples")).to_be_visible()
    for path in (f"/v1/datasets/{id_}", *paths):
        assert api.get(path).status_code == 404


def test_back_returns_to_the_data_before(open_page: Opener) -> None:
    page = open_page("#run=optimizer:rprop;n_iterations:40&iteration=40&w_in=1.25")
    expect(page.locator(".chip")).to_have_count(1)
    load_example(page, "Exact counts")
    expect(page.locator(".chip")).to_have_count(0)
    page.go_back()
    expect(page.locator("#task")).to_have_value("count_ones")
    expect(page.locator(".chip")).to_have_count(1)
    expect(page.locator("#w_in")).to_have_value("1.25")
    expect(page.locator("#iteration")).to_have_text("40 of 40")
