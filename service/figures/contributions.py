"""The contributions to the fitted values: areas on the baseline, stacked up and down."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from service.engine.types import Array
from service.figures.page import Page, count_columns, count_panels, marker, sample, stroke
from service.figures.scales import TimeAxis, finite_range, widen
from service.figures.style import DEFAULT, Style

MAX_PANELS = 6
MAX_PARTS = 7  # the others are drawn together
_AREA = 0.75  # opacity
_BASELINE_DASHES = (4.5, 2.2)
_BAR = 0.35  # half the width of a sequence of one row, in units of the distance to the next one


@dataclass(frozen=True, eq=False)
class Decomposition:
    """One sequence: columns (m,) at its times."""

    label: str
    time: Array
    target: Array  # nan where there is none
    baseline: Array
    parts: Array  # (p, m), which add up with the baseline to the fitted values


def contributions_figure(
    sequences: Sequence[Decomposition],
    names: Sequence[str],
    *,
    n_sequences: int,
    target: str,
    time: TimeAxis,
    headline: str,
    style: Style = DEFAULT,
) -> Figure:
    """Draw the parts of the fitted values, on the baseline, with a panel per sequence.

    Positive parts are stacked upwards from the baseline, negative ones downwards, the largest
    first. ``names`` are those of the parts, of which the last is the start. Sequences with one row
    each are drawn side by side. The legend counts those of ``n_sequences`` that are not drawn.
    """
    n_shown = len(sequences)
    if len(sequences) > 1 and all(len(sequence.time) == 1 for sequence in sequences):
        sequences, time = [_join(sequences)], TimeAxis("sequence")
    else:
        n_shown = count_panels(style, n_shown)
        sequences = sequences[:n_shown]
    shown, names = _merge_smallest(sequences, names)
    colors = [*style.colors.series[: len(names) - 1], style.colors.missing]
    entries = _legend(style, shown, names, colors, n_sequences - n_shown)
    page = Page(style, f"Contributions to {target}", entries, headline=headline)
    n_columns = count_columns(style, len(shown))
    panels = page.add_panels(len(shown), n_columns, grid=True)
    for axes, each in zip(panels, shown, strict=True):
        time.apply(page, axes, *widen(*finite_range(each.time), 0.02), n_columns)
        if len(shown) == 1:
            axes.set_ylabel(page.fit_caption(target, 0.5 * page.height))
        else:
            page.entitle(axes, each.label, n_columns)
        _draw_parts(page, axes, each, colors)
    return page.lay_out()


def _legend(
    style: Style,
    shown: Sequence[Decomposition],
    names: Sequence[str],
    colors: Sequence[str],
    n_hidden: int,
) -> list[Artist]:
    """Return the entries of what is drawn."""
    entries: list[Artist] = [
        sample("target", marker("o", 5, style.colors.foreground)),
        sample("fit", stroke(style.colors.foreground, 0.13 * style.font_size)),
        sample("baseline", stroke(style.colors.muted, 1.1, _BASELINE_DASHES)),
    ]
    entries += [
        Patch(facecolor=color, alpha=_AREA, label=name)
        for i, (color, name) in enumerate(zip(colors, names, strict=True))
        if any(each.parts[i].any() for each in shown)
    ]
    if n_hidden > 0:
        label = f"{n_hidden} more sequences not drawn"
        entries.append(sample(label, {"linestyle": "none"}))
    return entries


def _join(sequences: Sequence[Decomposition]) -> Decomposition:
    """Return sequences of one row each as one, in which each is a bar between gaps."""

    def widen_rows(rows: Array) -> Array:
        gaps = np.full((*rows.shape[:-1], rows.shape[-1], 1), np.nan)
        return np.concatenate([np.repeat(rows[..., None], 2, axis=-1), gaps], axis=-1).reshape(
            *rows.shape[:-1], -1
        )

    numbers = np.arange(len(sequences), dtype=np.float64)
    time = np.column_stack([numbers - _BAR, numbers + _BAR, numbers]).ravel()
    targets = np.concatenate([sequence.target for sequence in sequences])
    empty = np.full_like(targets, np.nan)
    return Decomposition(
        "",
        time,
        np.column_stack([empty, empty, targets]).ravel(),
        widen_rows(np.concatenate([sequence.baseline for sequence in sequences])),
        widen_rows(np.concatenate([sequence.parts for sequence in sequences], axis=1)),
    )


def _merge_smallest(
    sequences: Sequence[Decomposition], names: Sequence[str]
) -> tuple[list[Decomposition], list[str]]:
    """Return the sequences with their parts in order of size, without zeros, and the names.

    The start is the last one.
    """
    sizes = np.sum([np.nansum(np.abs(each.parts), axis=1) for each in sequences], axis=0)[:-1]
    order = [i for i in np.argsort(-sizes, kind="stable").tolist() if sizes[i] > 0.0]
    kept, rest = order, order[:0]
    if len(order) > MAX_PARTS:
        kept, rest = order[: MAX_PARTS - 1], order[MAX_PARTS - 1 :]
    merged = []
    for sequence in sequences:
        others = [sequence.parts[rest].sum(axis=0)] if rest else []
        parts = np.array([*sequence.parts[kept], *others, sequence.parts[-1]])
        merged.append(replace(sequence, parts=parts))
    labels = [names[i] for i in kept] + [f"{len(rest)} others"] * bool(rest)
    return merged, [*labels, names[-1]]


def _stack(sequence: Decomposition) -> tuple[Array, Array]:
    """Return the edges (p + 1, m) of the areas above and below the baseline."""
    ground = np.zeros((1, len(sequence.time)))
    up = np.concatenate([ground, np.maximum(sequence.parts, 0.0)]).cumsum(axis=0)
    down = np.concatenate([ground, np.minimum(sequence.parts, 0.0)]).cumsum(axis=0)
    return sequence.baseline + up, sequence.baseline + down


def _draw_parts(page: Page, axes: Axes, sequence: Decomposition, colors: Sequence[str]) -> None:
    """Draw the areas, the baseline, the fit and the targets of one sequence."""
    times, foreground = sequence.time, page.colors.foreground
    for edges in _stack(sequence):
        for color, start, stop in zip(colors, edges, edges[1:], strict=False):
            axes.fill_between(times, start, stop, color=color, linewidth=0, alpha=_AREA)
    axes.plot(times, sequence.baseline, **stroke(page.colors.muted, 1.1, _BASELINE_DASHES))
    fitted = sequence.baseline + sequence.parts.sum(axis=0)
    axes.plot(times, fitted, **stroke(foreground, 0.13 * page.font))
    size = min(max(page.width / len(times), 0.25 * page.font), 0.4 * page.font)
    axes.plot(times, sequence.target, **marker("o", size, foreground))
