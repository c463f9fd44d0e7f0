"""The types of settings: what they accept, and what becomes of it."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from service.keys import Scope, make_key
from service.setting_types import DatabaseUrl, Directory, FrameSources, Keys, Names, Rate


def parse(kind: Any, text: str) -> Any:
    return TypeAdapter(kind).validate_python(text)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            "postgres://u:p@h:5432/d?sslmode=require",
            "postgresql+psycopg://u:p@h:5432/d?sslmode=require",
        ),
        ("postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("postgresql+psycopg://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("postgresql+psycopg2://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("PostgreSQL:///d?host=/run", "postgresql+psycopg:///d?host=/run"),
        ("sqlite:////var/lib/rnn.db", "sqlite:////var/lib/rnn.db"),
        ("sqlite+pysqlite:///rnn.db", "sqlite:///rnn.db"),
    ],
)
def test_a_database_url_names_the_installed_driver(given: str, expected: str) -> None:
    assert parse(DatabaseUrl, given).get_secret_value() == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("none", ("'none'",)),
        ("'self'", ("'self'",)),
        ("*", ("*",)),
        ("HTTPS://LMS.example.org", ("HTTPS://LMS.example.org",)),
        (
            "self, https://lms.example.org:8443,https://*.example.net,https:",
            ("'self'", "https://lms.example.org:8443", "https://*.example.net", "https:"),
        ),
    ],
)
def test_frame_ancestors_are_sources_of_a_policy(given: str, expected: tuple[str, ...]) -> None:
    assert parse(FrameSources, given) == expected


@pytest.mark.parametrize(
    "given", ["none,self", "example.org", "https://a; script-src *", "https://a b", "'unsafe'"]
)
def test_other_frame_ancestors_are_rejected(given: str) -> None:
    with pytest.raises(ValidationError, match="must be self, none, \\* or origins such as"):
        parse(FrameSources, given)


def test_a_directory_is_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/alice")
    assert parse(Directory, "data") == tmp_path / "data"
    assert parse(Directory, "~/data") == Path("/home/alice/data")


@pytest.mark.parametrize(
    ("given", "expected"), [("", ()), (" , ", ()), ("a", ("a",)), (" a ,b,, c", ("a", "b", "c"))]
)
def test_names_are_separated_by_commas(given: str, expected: tuple[str, ...]) -> None:
    assert parse(Names, given) == expected


@pytest.mark.parametrize("given", ["1/second", "10/minute", "999999999/hour", "5/day"])
def test_a_rate_is_an_amount_per_unit_of_time(given: str) -> None:
    assert parse(Rate, given) == given


@pytest.mark.parametrize("given", ["0/day", "1/week", "1 / day", "1e3/day", "-1/day", "1/day\n"])
def test_other_rates_are_rejected(given: str) -> None:
    with pytest.raises(ValidationError):
        parse(Rate, given)


def test_keys_are_entries() -> None:
    entries = [make_key(name, Scope.READ)[1] for name in ("alice", "bob")]
    assert parse(Keys, ",".join(map(str, entries))) == tuple(entries)
