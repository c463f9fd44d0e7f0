"""Damaged tables: whatever is wrong with them is an answer, not an error of the service."""

import random
from contextlib import suppress
from typing import Any

from service.errors import ServiceError
from service.formats import CSV, SeriesColumns
from service.operations.tables import describe_table
from tests.formats.conftest import LIMITS
from tests.formats.corpus import CORPUS, WORKBOOKS

N_TABLES = 300
PANEL = [
    "height,age,Seed,name",
    *(
        f"{k * k % 7},{3 * age},{s},{'ab'[k % 2]}"
        for s in range(3)
        for k, age in enumerate("12345")
    ),
]
TABLES = [b"\n".join(map(str.encode, PANEL))] + [
    case.body
    for name, case in CORPUS.items()
    if name not in WORKBOOKS and not case.body.startswith(b"\x1f\x8b")
]
SEPARATORS = (b",", b";", b"\t", b"|", b" ")
FIELDS = [
    *("", "NA", "-", "1e999", "nan", "1e30", "-1e30", "1e-320", "0", "1,5", "1.200", "5 %", "é"),
    *("=1+1", "'", '"', "a;=1", "\x00", "x" * 50, "6:00:00", "12:00 AM", "1/2/2024"),
    *("2024-02-30", "2024-W60", "31.12.9999", "0001-01-01", "9999-12-31T23:00-05:00"),
]
QUERIES: list[dict[str, Any]] = [
    *({"gaps": each} for each in ("missing", "sequences")),
    *({"grid": each} for each in ("1", "0.000000001", "15 minutes", "1 day")),
    *({"fill": each} for each in ("hold", "zero", "drop")),
    *({"decimal": each} for each in (",", ".")),
    *({"dates": each} for each in ("day-first", "month-first")),
    *({"encoding": each} for each in ("utf-16", "shift_jis")),
    *({"time": each} for each in ("", "y")),
    *({"sequence": each} for each in ("", "x")),
    *({"every": 2}, {"last": 3}, {"repeated": "mean"}, {"between": "zero"}, {"missing": "0"}),
    *({"header": 0}, {"header": 2}, {"skip": 1}, {"thousands": ","}, {"clock": "x"}),
]


def damage(draw: random.Random, lines: list[bytes]) -> None:
    """Change one line of a table."""
    k = draw.randrange(len(lines))
    separator, field = draw.choice(SEPARATORS), draw.choice(FIELDS).encode()
    fields = lines[k].split(separator)
    fields[draw.randrange(len(fields))] = field
    mark = draw.choice((b",", b";", b".", b"-", b":", b"0"))
    place = draw.randrange(len(lines[k]) + 1)
    changes = [
        [lines[k], draw.choice(lines)],
        [],
        [separator.join(fields)],
        [lines[k].replace(mark, draw.choice((b"", b",", b";", b"9")))],
        [lines[k][:place] + bytes([draw.randrange(256)]) + lines[k][place + 1 :]],
        [lines[k] + separator + field],
    ]
    lines[k : k + 1] = draw.choice(changes) or ([] if len(lines) > 1 else [b""])


def test_damaged_tables_are_read_or_refused() -> None:
    n_read = 0
    for seed in range(N_TABLES):
        draw = random.Random(seed)  # noqa: S311
        lines = draw.choice(TABLES).split(b"\n")
        query: dict[str, Any] = {}
        for _ in range(draw.randint(1, 3)):
            damage(draw, lines)
            query |= draw.choice(QUERIES) if draw.random() < 0.3 else {}
        body = b"\n".join(lines)
        with suppress(ServiceError):
            describe_table(body, SeriesColumns(target="", **query), LIMITS)
            CSV.read_series(body, SeriesColumns(target="", roles="proposed", **query), LIMITS)
            n_read += 1
    assert 0.1 * N_TABLES < n_read < 0.9 * N_TABLES
