"""Datasets in all forms, and tables."""

import asyncio
import io
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import polars
import pytest

from linear_rnn import AsyncClient, Client, InvalidRequest, LinearRNNError

COLUMNS: dict[str, list[Any]] = {
    "week": [f"2026-01-{day:02}" for day in range(1, 31)],
    "tv": [float(k % 4) for k in range(30)],
}
STATES = list(accumulate(COLUMNS["tv"], lambda state, tv: 0.5 * state + tv, initial=8.0))
COLUMNS["sales"] = [1.0 + state for state in STATES[1:]]


def test_a_series_is_the_same_from_every_source(rnn: Client, tmp_path: Path) -> None:
    frame = pandas.DataFrame(COLUMNS)
    csv = frame.to_csv(index=False)
    dated = frame.assign(week=pandas.to_datetime(frame["week"]))
    indexed = dated.set_index("week")
    (tmp_path / "sales.csv").write_text(csv)
    sources: list[Any] = [
        COLUMNS,
        {name: np.array(column) for name, column in COLUMNS.items()},
        {**COLUMNS, "week": np.array(COLUMNS["week"], dtype="datetime64[D]")},
        frame,
        frame.set_index("week"),
        frame.to_records(index=False),
        frame.assign(week=pandas.PeriodIndex(frame["week"], freq="D")),
        indexed.to_period("D"),
        polars.DataFrame(COLUMNS),
        polars.LazyFrame(dated),
        tmp_path / "sales.csv",
        str(tmp_path / "sales.csv"),
        io.StringIO(csv),
        io.BytesIO(csv.encode()),
    ]
    stored = [rnn.upload_series(each, target="sales", time="week") for each in sources]
    assert {each.id for each in stored} == {stored[0].id}
    assert rnn.upload_series(indexed, target="sales").id == stored[0].id  # the index has dates
    assert (stored[0].inputs, stored[0].n_targets) == (["tv"], 30)
    assert rnn.fit(stored[0]).id == rnn.fit(COLUMNS, target="sales", time="week").id
    table = stored[0].table
    np.testing.assert_allclose(table["sales"], COLUMNS["sales"])


def test_a_series_needs_no_table_and_columns_need_no_words(rnn: Client) -> None:
    series = pandas.Series(COLUMNS["sales"], pandas.date_range("2026-01-01", periods=30), name="y")
    days = {"time": COLUMNS["week"], "y": COLUMNS["sales"]}
    expected = rnn.upload_series(days, target="y", time="time")
    assert rnn.upload_series(series, target="y").id == expected.id
    bits = [k % 3 == 0 for k in range(30)]
    numbers = np.column_stack([np.array(bits, float), COLUMNS["sales"]])
    array = rnn.upload_series(numbers, target="column_2")
    assert array.inputs == ["column_1"]
    fits = [
        rnn.fit(table, target=1, inputs=[0])
        for table in (pandas.DataFrame(numbers), pandas.DataFrame({0: bits, 1: COLUMNS["sales"]}))
    ]
    assert fits[0].id == fits[1].id
    assert fits[0].rmse == rnn.fit(array).rmse
    np.testing.assert_array_equal(
        fits[0].forecast(pandas.DataFrame({0: [True]})).mean, fits[0].forecast([1.0]).mean
    )


def test_levels_of_an_index_are_columns_and_a_single_input_needs_no_list(rnn: Client) -> None:
    shops = pandas.DataFrame({**COLUMNS, "shop": "a"})
    expected = rnn.upload_series(shops, target="sales", inputs=["tv"], time="week", sequence="shop")
    panel = shops.set_index(["shop", "week"])
    stored = rnn.upload_series(panel, target="sales", inputs="tv", time="week", sequence="shop")
    assert stored.id == expected.id


def test_a_gap_in_the_targets_is_nan(rnn: Client) -> None:
    sales = [None if k == 3 else value for k, value in enumerate(COLUMNS["sales"])]
    stored = rnn.upload_series({**COLUMNS, "sales": sales}, target="sales", inputs=["tv"])
    assert stored.n_targets == 29
    fit = rnn.fit(stored)
    assert np.flatnonzero(np.isnan(fit.residuals)).tolist() == [3]


def test_a_file_that_can_be_read_in_two_ways(rnn: Client) -> None:
    rows = "".join(f"1.{k:03};2.{k % 7}00\n" for k in range(20))
    table = f"x;y\n{rows}"
    with pytest.raises(InvalidRequest, match="decimal"):
        rnn.fit(io.StringIO(table), target="y")
    fits = [rnn.fit(io.StringIO(table), target="y", decimal=mark) for mark in (".", ",")]
    means = [np.mean(fit.table["target"]) for fit in fits]
    assert means[1] == pytest.approx(1000 * means[0])
    stored = rnn.upload_series(io.StringIO(table), target="y", thousands=".")
    assert rnn.fit(stored).id == fits[1].id


def test_a_fit_forecasts_from_a_table(rnn: Client) -> None:
    fit = rnn.fit(COLUMNS, target="sales", inputs=["tv"], time="week")
    future = pandas.DataFrame({"other": [9, 9], "tv": [1.0, 2.0]})
    expected = fit.forecast([[1.0], [2.0]]).mean
    for table in (
        future,
        polars.DataFrame(future),
        polars.LazyFrame(future),
        {"tv": [1.0, 2.0]},
        np.array([1.0, 2.0]),
    ):
        np.testing.assert_array_equal(fit.forecast(table).mean, expected)
    states = [0.5 * STATES[-1] + 1.0, 0.25 * STATES[-1] + 0.5 + 2.0]
    np.testing.assert_allclose(expected, 1.0 + np.array(states))
    new = fit.predict({"tv": [0.0, 1.0]}, initial_state=4.0).mean
    np.testing.assert_allclose(new, [1.0 + 2.0, 1.0 + 1.0 + 1.0])


def test_tables_of_dated_fits_have_dates_and_names(rnn: Client) -> None:
    two = {name: column * 2 for name, column in COLUMNS.items()} | {"shop": ["a"] * 30 + ["b"] * 30}
    fit = rnn.fit(two, target="sales", inputs=["tv"], time="week", sequence="shop")
    table = fit.to_pandas()
    assert table.loc["2026-01-30", "sequence"].tolist() == ["a", "b"]
    future = fit.forecast({"tv": [1.0, 2.0]}, sequence="b").to_pandas()
    assert future.index.equals(pandas.DatetimeIndex(["2026-01-31", "2026-02-01"], name="time"))
    months = {"month": ["2025-11", "2025-12", "2026-01", "2026-02"], "y": [8.0, 4.0, 2.0, 1.5]}
    monthly = rnn.fit(months, target="y", inputs=[], time="month", offset=False)
    assert monthly.forecast(2).time == ["2026-03-01", "2026-04-01"]
    assert "time" not in rnn.fit({"y": months["y"]}, target="y").forecast(2)


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_the_dates_of_future_inputs_continue_the_sequence(
    rnn: Client, url: str, zone: str | None
) -> None:
    dates = pandas.date_range("2026-01-01", periods=33, freq="D", tz=zone)
    past = pandas.DataFrame({name: COLUMNS[name] for name in ("tv", "sales")}, dates[:30])
    fit = rnn.fit(past, target="sales", inputs=["tv"])
    future = pandas.DataFrame({"tv": [1.0, 2.0]}, dates[30:32])
    naive = future.tz_localize(None).reset_index(names="day")
    tables: list[Any] = [
        future,
        future["tv"],
        future.tz_localize(None).to_period("D"),
        naive,
        polars.DataFrame(naive),
        polars.LazyFrame(naive).cast({"day": polars.Date}),
        {"tv": [1.0, 2.0], "day": naive["day"].to_numpy()},
        {"day": ["2026-01-31", "2026-02-01"], "tv": np.array([1, 2])},
        {"day": [20260131, 20260201], "tv": [1, 2]},
    ]
    expected = fit.forecast([1.0, 2.0])
    for table in tables:
        np.testing.assert_array_equal(fit.forecast(table).mean, expected.mean)
    late = future.shift(freq="D")
    gap = {"tv": [1.0, 2.0], "day": ["2026-01-31", "2026-02-02"]}
    text = {(1, "2026-01-31"): late, (2, "2026-02-01"): gap}
    for (step, date), table in text.items():
        with pytest.raises(LinearRNNError, match=rf"step {step} .* 2026-02-0[12].* at {date}"):
            fit.forecast(table)
    assert fit.predict(late, initial_state=4.0).mean.shape == (2,)  # of a new sequence

    async def ask() -> None:
        async with AsyncClient(url) as client:
            await (await client.fits.get(str(fit.id))).forecast(late)

    with pytest.raises(LinearRNNError, match="2026-02-01"):
        asyncio.run(ask())


def test_months_continue_the_sequence(rnn: Client) -> None:
    months = pandas.period_range("2024-01", periods=32, freq="M").astype(str)
    columns = {"month": list(months[:30]), "tv": COLUMNS["tv"], "sales": COLUMNS["sales"]}
    fit = rnn.fit(columns, target="sales", inputs=["tv"], time="month")
    assert fit.forecast({"month": months[30:], "tv": [1, 2]}).time == ["2026-07-01", "2026-08-01"]
    decay = rnn.fit(columns, target="sales", inputs=[], time="month")
    message = "is at 2026-08, but the sequence continues at 2026-07-01"
    for each, inputs in ((fit, {"tv": [1]}), (decay, {})):
        with pytest.raises(LinearRNNError, match=message):
            each.forecast({"month": months[31:], **inputs})


def test_a_forecast_names_the_input_that_it_misses(rnn: Client) -> None:
    fit = rnn.fit(COLUMNS, target="sales", inputs=["tv"], time="week")
    with pytest.raises(LinearRNNError, match=r"no 'tv'; their columns are \['tvs'\]"):
        fit.forecast({"tvs": [1.0]})
    with pytest.raises(TypeError, match="not a file"):
        fit.forecast("future.csv")


def test_plans_are_compared(rnn: Client) -> None:
    fit = rnn.fit(COLUMNS, target="sales", inputs=["tv"], time="week")
    week = ["2026-01-31", "2026-02-01"]
    plans: Any = {"none": {"tv": [0, 0]}, "some": pandas.DataFrame({"tv": [1, 2], "week": week})}
    compared = fit.compare_plans(plans, goal={"output": 5.0, "at": 2, "kind": "once"})
    table = compared.to_pandas()
    assert table.index.equals(pandas.DatetimeIndex(week * 2, name="time"))
    assert table["plan"].tolist() == ["none", "none", "some", "some"]
    for name, rows in table.groupby("plan"):
        expected = fit.forecast(plans[str(name)])
        np.testing.assert_array_equal(rows["mean"], expected.mean)
        np.testing.assert_array_equal(rows["new_high"], expected.new_high)
    np.testing.assert_allclose(table["difference"], [np.nan, np.nan, 1.0, 2.5])
    (difference,) = compared.differences
    assert difference.total.value == pytest.approx(3.5)
    assert compared.goal is not None
    reached = fit.forecast([compared.goal.value, 0.0])
    assert reached.mean[1] == pytest.approx(5.0)
    lines = compared.summary().splitlines()
    assert "Plan some instead of none changes sales by 3.5" in "".join(lines)
    assert lines[-2].startswith("A single tv of ")
    assert compared.plot(format="png").content.startswith(b"\x89PNG")
    assert "With plan some, sales ends at" in compared._repr_html_()
    assert "<svg" in compared._repr_html_()
    new = fit.compare_plans(plans, sequence=None, initial_state=4.0)
    np.testing.assert_allclose(new["mean"], [3.0, 2.0, 4.0, 4.5])
    with pytest.raises(LinearRNNError, match=r"plan 'b': the future inputs have no 'tv'"):
        fit.compare_plans({"a": [1.0], "b": {"tvs": [1.0]}})
    with pytest.raises(LinearRNNError, match="'tv' is missing at step 2"):
        fit.compare_plans({"a": [1.0, None]})
    with pytest.raises(LinearRNNError, match="step 1 of the future inputs is at 2026-02-01"):
        fit.compare_plans({"a": [1.0], "b": {"tv": [1.0], "week": week[1:]}})
    with pytest.raises(InvalidRequest, match="plans have the same number of steps"):
        fit.compare_plans({"a": [1.0], "b": [1.0, 2.0]})


def test_columns_of_different_lengths_are_named(rnn: Client) -> None:
    message = r"differ in length: \{'x': 3, 'y': 2\}"
    with pytest.raises(ValueError, match=message):
        rnn.fit({"x": [1, 2, 3], "y": np.ones(2)}, target="y")
    columns = {**COLUMNS, "search": [float(k % 3) for k in range(30)]}
    fit = rnn.fit(columns, target="sales", inputs=["tv", "search"])
    with pytest.raises(ValueError, match=r"differ in length: \{'search': 2, 'tv': 1\}"):
        fit.forecast({"search": [1, 2], "tv": [1]})


def test_an_address_is_no_file(rnn: Client) -> None:
    with pytest.raises(ValueError, match="is an address; download it"):
        rnn.fit("https://example.org/table.csv")


def test_datasets_with_a_target_per_sequence(rnn: Client, tmp_path: Path) -> None:
    inputs, targets = np.eye(4), np.arange(4.0)
    stored = rnn.upload((inputs, targets), name="eye")
    np.savez(tmp_path / "eye.npz", inputs=inputs, targets=targets)
    rows = "".join(",".join(map(str, [*row, y])) + "\n" for row, y in zip(inputs, targets))  # noqa: B905
    assert rnn.upload(tmp_path / "eye.npz").id == stored.id
    assert rnn.upload(io.StringIO(rows)).id == stored.id
    assert rnn.upload({"kind": "explicit", "inputs": inputs, "targets": targets}).id == stored.id
    assert rnn.datasets.get(stored.id).name == "eye"
    assert stored.id in [each.id for each in rnn.datasets]
    assert rnn.optimum(dataset=stored).cost == rnn.optimum(dataset=(inputs, targets)).cost


def test_results_become_tables(rnn: Client) -> None:
    surface = rnn.surface(windows=[{"w_in": (0, 1), "w_rec": (5, 6), "resolution": 3}])
    for table in (surface.to_pandas(), pandas.DataFrame(surface.to_polars().to_dict())):
        row = table[(table["w_in"] == 1) & (table["w_rec"] == 5)]
        assert row["cost"].item() == surface.cost[0][2]
    trace = rnn.trace(points=[(1, 2)]).to_polars()
    assert trace.columns == ["w_in", "w_rec", "k", "gradient", "log10_magnitude", "sign"]
    assert rnn.predict().to_pandas().to_dict("list") == {"output": [5.0]}
