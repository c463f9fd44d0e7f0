"""Settings from the environment, or errors in one line, and API keys in them."""

import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from service.keys import ApiKey, Scope, find_key, make_key, parse_keys
from service.settings import (
    DatabaseUrl,
    Directory,
    FrameSources,
    Names,
    Rate,
    SettingError,
    load_settings,
    usable_cores,
)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("RNN_"):
            monkeypatch.delenv(name)


def refusal() -> str:
    with pytest.raises(SettingError) as caught:
        load_settings()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_without_variables_the_database_is_in_a_directory_that_is_created_later(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings().store_url == f"sqlite:///{tmp_path}/data/rnn.sqlite3"
    assert not (tmp_path / "data").exists()


def test_options_override_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNN_PORT", "9000")
    monkeypatch.setenv("RNN_HOST", "0.0.0.0")  # noqa: S104
    monkeypatch.setenv("RNN_LOG_LEVEL", "WARNING")
    settings = load_settings({"port": "9001"})
    assert (settings.port, settings.host, settings.log_level) == (9001, "0.0.0.0", "warning")  # noqa: S104


def test_the_password_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNN_DATABASE_URL", "postgresql://u:hush@h/d")
    settings = load_settings()
    assert "hush" not in f"{settings} {settings!r} {settings.model_dump_json()}"
    assert "hush" in settings.store_url


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNN_DATABASE_URL", "")
    monkeypatch.setenv("RNN_PORT", "")
    settings = load_settings()
    assert settings.database_url is None
    assert settings.port == 8000


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:hush@h/d",
        "u:hush@h/d",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///hush.db?mode=ro",
        "sqlite://hush/db",
        "sqlite+aiosqlite:///f",
    ],
)
def test_an_unsupported_database_is_rejected(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("RNN_DATABASE_URL", url)
    message = refusal()
    assert message.startswith("RNN_DATABASE_URL: ")
    assert "hush" not in message
    assert "aiosqlite" not in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RNN_PORT", "eighty"),
        ("RNN_PORT", "65536"),
        ("RNN_MAX_BODY_BYTES", "0"),
        ("RNN_MAX_ITERATIONS", "1.5"),
        ("RNN_MAX_GRID", "1"),
        ("RNN_MAX_JSON_NUMBERS", "many"),
        ("RNN_MAX_WORK_SECONDS", "0"),
        ("RNN_MAX_WORK_SECONDS", "inf"),
        ("RNN_MAX_WORK_SECONDS", "nan"),
        ("RNN_LOG_LEVEL", "loud"),
        ("RNN_DATA_DIR", "what?"),
        ("RNN_DATA_DIR", "~no-such-user/data"),
    ],
)
def test_every_invalid_value_is_reported_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    message = refusal()
    assert message.startswith(f"{name}: ")
    assert value in message
    monkeypatch.setenv("RNN_WORKERS", "y")
    assert f"{name}: " in refusal()
    assert "RNN_WORKERS: " in refusal()


def test_an_invalid_option_is_reported_by_its_name() -> None:
    with pytest.raises(SettingError, match=r"^--port: .*\(it is '70000'\)$"):
        load_settings({"port": "70000"})


@pytest.mark.parametrize(
    ("name", "suggestion"), [("RNN_PROT", "; did you mean RNN_PORT?"), ("RNN_ZZZZZZ", "")]
)
def test_unknown_variables(monkeypatch: pytest.MonkeyPatch, name: str, suggestion: str) -> None:
    monkeypatch.setenv(name, "1")
    assert refusal() == f"{name} is not a setting{suggestion}"


@pytest.mark.parametrize(
    ("text", "cores"),
    [("100000 100000", 1), ("50000 100000", 1), ("max 100000", None), ("", None), ("x y", None)],
)
def test_usable_cores_within_the_quota(tmp_path: Path, text: str, cores: int | None) -> None:
    quota = tmp_path / "cpu.max"
    quota.write_text(text)
    assert usable_cores(quota) == (cores or len(os.sched_getaffinity(0)))
    assert usable_cores(tmp_path / "none") == len(os.sched_getaffinity(0))


def test_an_invalid_key_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNN_API_KEYS", "alice:write:hush")
    text = refusal()
    assert text.startswith("RNN_API_KEYS: entry 1 must be name:read:hash")
    assert "hush" not in text
    monkeypatch.setenv("RNN_API_KEYS", f"alice:write:{'ab' * 32}")
    assert load_settings().api_keys[0].name == "alice"
    assert "abab" not in repr(load_settings())


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


@pytest.mark.parametrize("given", ["0/day", "1/week", "1 / day", "1e3/day", "-1/day", "1/day\n"])
def test_other_rates_are_rejected(given: str) -> None:
    with pytest.raises(ValidationError):
        parse(Rate, given)


def test_keys_are_random() -> None:
    assert len({make_key("a", Scope.READ)[0] for _ in range(100)}) == 100


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a,b", "é", "-a", "a" * 65, "a\n"])
def test_names_that_are_not_allowed(name: str) -> None:
    with pytest.raises(ValueError, match="the name of a key"):
        make_key(name, Scope.READ)


def test_several_entries() -> None:
    made = [make_key(name, scope) for name in ("a", "b.c") for scope in Scope]
    entries = tuple(entry for _, entry in made)
    assert parse_keys(" , ".join(map(str, entries)) + ",") == entries
    for key, entry in made:
        assert find_key(entries, key.encode()) == entry
    for other in (b"", b"x", made[0][0].encode()[:-1], made[0][0].encode() + b" ", b"\xff"):
        assert find_key(entries, other) is None
    assert parse_keys("") == ()


HASH = "0" * 64


@pytest.mark.parametrize(
    "entry", ["a", "a:read", "a:admin:" + HASH, "a:read:xyz", f":read:{HASH}", f"a:read:{HASH}0"]
)
def test_a_malformed_entry_is_located_but_not_shown(entry: str) -> None:
    with pytest.raises(ValueError, match="entry 2 must be") as caught:
        parse_keys(f"a:read:{HASH},{entry}")
    assert HASH not in str(caught.value)


def test_the_hash_of_a_key_is_not_a_key() -> None:
    entry = ApiKey("a", Scope.READ, HASH)
    assert find_key([entry], HASH.encode()) is None
