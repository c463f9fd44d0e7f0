"""Settings from the environment, or errors in one line."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from scripts.tables import settings_table
from service.settings import SettingError, Settings, load_settings, usable_cores


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


def test_defaults_match_the_documentation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings()
    assert settings.model_dump() == {
        "host": "127.0.0.1",
        "port": 8000,
        "data_dir": tmp_path / "data",
        "database_url": None,
        "max_connections": 1000,
        "client_timeout": 20.0,
        "max_body_bytes": 67_108_864,
        "max_cells": 20_000_000,
        "max_steps": 10_000,
        "max_iterations": 1_000_000,
        "max_grid": 1000,
        "max_json_numbers": 250_000,
        "max_work_seconds": 10.0,
        "max_sync_seconds": 0.5,
        "max_job_seconds": 86_400.0,
        "max_queued_jobs": 1000,
        "max_stored_bytes": None,
        "retention_days": None,
        "workers": None,
        "render_processes": None,
        "max_waiting_pictures": 64,
        "max_waiting_computations": 64,
        "picture_cache_bytes": 67_108_864,
        "log_level": "info",
        "allowed_hosts": (),
        "api_keys": (),
        "cors_origins": (),
        "frame_ancestors": ("'self'",),
        "rate_limit_requests": None,
        "rate_limit_seconds": None,
        "rate_limit_storage": None,
        "trusted_proxies": (),
    }
    assert settings.store_url == f"sqlite:///{tmp_path}/data/rnn.sqlite3"
    assert not (tmp_path / "data").exists()


def test_options_override_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNN_PORT", "9000")
    monkeypatch.setenv("RNN_HOST", "0.0.0.0")  # noqa: S104
    monkeypatch.setenv("RNN_LOG_LEVEL", "WARNING")
    settings = load_settings({"port": "9001"})
    assert (settings.port, settings.host, settings.log_level) == (9001, "0.0.0.0", "warning")  # noqa: S104


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNN_DATABASE_URL", "")
    monkeypatch.setenv("RNN_PORT", "")
    settings = load_settings()
    assert settings.database_url is None
    assert settings.port == 8000


def test_settings_are_frozen() -> None:
    settings = load_settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1


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
def test_an_unsupported_database_is_rejected_without_its_url(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("RNN_DATABASE_URL", url)
    message = refusal()
    assert message.startswith("RNN_DATABASE_URL: ")
    assert "hush" not in message
    assert "aiosqlite" not in message


def test_the_password_is_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNN_DATABASE_URL", "postgresql://u:hush@h/d")
    settings = load_settings()
    assert "hush" not in f"{settings} {settings!r} {settings.model_dump_json()}"
    assert "hush" in settings.store_url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RNN_PORT", "eighty"),
        ("RNN_PORT", "65536"),
        ("RNN_PORT", "-1"),
        ("RNN_MAX_BODY_BYTES", "0"),
        ("RNN_MAX_CELLS", "0"),
        ("RNN_MAX_STEPS", "0"),
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
def test_an_invalid_value_is_reported_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    message = refusal()
    assert message.startswith(f"{name}: ")
    assert value in message


def test_all_invalid_values_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNN_PORT", "x")
    monkeypatch.setenv("RNN_MAX_GRID", "y")
    message = refusal()
    assert "RNN_PORT: " in message
    assert "RNN_MAX_GRID: " in message


def test_an_invalid_option_is_reported_by_its_name() -> None:
    with pytest.raises(SettingError, match=r"^--port: .*\(it is '70000'\)$"):
        load_settings({"port": "70000"})


def test_a_misspelled_variable_is_reported_with_a_suggestion(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RNN_PROT", "9000")
    assert refusal() == "RNN_PROT is not a setting; did you mean RNN_PORT?"


def test_an_unknown_variable_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNN_ZZZZZZ", "1")
    assert refusal() == "RNN_ZZZZZZ is not a setting"


def test_the_table_has_one_row_per_setting() -> None:
    header, rule, *rows = settings_table().splitlines()
    assert header.count("|") == rule.count("|") == 4
    assert len(rows) == len(Settings.model_fields)
    assert rows[1] == "| `RNN_PORT` | `8000` | port to listen on; 0 selects a free port |"
    assert all(info.description for info in Settings.model_fields.values())


@pytest.mark.parametrize(
    ("text", "cores"),
    [("100000 100000", 1), ("50000 100000", 1), ("max 100000", None), ("", None), ("x y", None)],
)
def test_usable_cores_are_bounded_by_the_quota(
    tmp_path: Path, text: str, cores: int | None
) -> None:
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
