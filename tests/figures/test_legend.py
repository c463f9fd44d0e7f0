"""Legends: rows that fit, entries that are counted when they do not."""

from service.figures.canvas import Canvas, Stroke
from service.figures.legend import LegendEntry, legend_rows
from service.figures.style import Style


def entries(n: int) -> list[LegendEntry]:
    return [LegendEntry(f"run number {i}", Stroke("#000000")) for i in range(n)]


def test_entries_are_wrapped_into_rows() -> None:
    rows = legend_rows(Canvas(Style()), entries(12), 500, 10)
    assert len(rows) > 1
    assert [entry.label for row in rows for entry in row] == [e.label for e in entries(12)]


def test_entries_without_room_are_counted() -> None:
    rows = legend_rows(Canvas(Style()), entries(40), 500, 2)
    shown = sum(map(len, rows)) - 1
    assert len(rows) == 2
    assert rows[-1][-1].label == f"+{40 - shown} more"


def test_a_long_label_is_cut() -> None:
    ((entry,),) = legend_rows(Canvas(Style()), [LegendEntry("W" * 100)], 500, 2)
    assert entry.label.endswith("…")
