"""Legends: rows that fit, entries that are counted when they do not."""

from matplotlib.text import Text

from service.figures.canvas import Canvas, Stroke
from service.figures.legend import LegendEntry, draw_legend, legend_height, legend_rows, stripes
from service.figures.style import Style, rgba


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


def test_a_legend_takes_the_height_of_its_rows() -> None:
    canvas = Canvas(Style())
    rows = legend_rows(canvas, entries(12), 500, 10)
    draw_legend(canvas, rows, legend_height(canvas, len(rows)))
    texts: list[Text] = canvas.figure.findobj(Text)
    heights = [text.get_position()[1] for text in texts]
    assert 0 < min(heights) < max(heights) < legend_height(canvas, len(rows))


def test_stripes_alternate_along_the_diagonal() -> None:
    pixels = stripes(8, 8, ("#ff0000", "#0000ff"), 2)
    assert pixels[0, 0].tolist() == pixels[0, 1].tolist() == rgba("#ff0000").tolist()
    assert pixels[0, 2].tolist() == pixels[1, 1].tolist() == rgba("#0000ff").tolist()
