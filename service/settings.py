"""The settings, read once from the environment into a frozen object.

Every setting is an environment variable with the prefix ``RNN_``. An empty variable is not set. An
unknown variable with the prefix is an error, so that a typo is not silently ignored.
"""

import difflib
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.errors import StartError
from service.keys import ApiKey, parse_keys
from service.operations.shared.limits import Limits

PREFIX: Final = "RNN_"
MEBIBYTE: Final = 1024 * 1024
SECRETS: Final = {"api_keys", "database_url", "rate_limit_storage"}  # are not shown

KEYWORDS: Final = {"self", "none"}
FRAME_SOURCE: Final = re.compile(
    r"'self'|'none'|\*|https?:(//(\*\.)?[a-z0-9.-]+(:(\d+|\*))?)?", re.IGNORECASE
)


class SettingError(StartError):
    """An invalid setting; the message contains its name in one line."""

    exit_code = 2


def _normal_database_url(secret: SecretStr) -> SecretStr:
    """Return the URL with the installed PostgreSQL driver instead of the given one."""
    url = secret.get_secret_value()
    scheme, separator, rest = url.partition("://")
    database, _, driver = scheme.lower().partition("+")
    if separator and database in {"postgres", "postgresql"}:
        return SecretStr(f"postgresql+psycopg://{rest}")
    if separator and database == "sqlite" and driver in {"", "pysqlite"}:
        if rest[:1] != "/" or rest in {"/", "/:memory:"} or "?" in rest:
            message = "an SQLite database must be a file, without options: sqlite:////path/file"
            raise ValueError(message)
        return SecretStr(f"sqlite://{rest}")
    message = "must begin with postgresql:// or sqlite:///"
    raise ValueError(message)


def _absolute_directory(path: Path) -> Path:
    if "?" in str(path):  # a question mark starts the query of the SQLite URL
        message = "must not contain a question mark"
        raise ValueError(message)
    try:
        return path.expanduser().absolute()
    except RuntimeError as error:  # the home directory of an unknown user
        raise ValueError(str(error)) from None


def _split(value: object) -> object:
    """Return the parts of a comma-separated list."""
    if not isinstance(value, str):
        return value
    return tuple(part for text in value.split(",") if (part := text.strip()))


def _parse_keys(value: object) -> object:
    return parse_keys(value) if isinstance(value, str) else value


def _frame_sources(sources: tuple[str, ...]) -> tuple[str, ...]:
    """Return the sources in the syntax of a content security policy."""
    quoted = tuple(
        f"'{word}'" if (word := source.strip("'")) in KEYWORDS else source for source in sources
    )
    invalid = [source for source in quoted if not FRAME_SOURCE.fullmatch(source)]
    if invalid or ("'none'" in quoted and len(quoted) > 1):
        message = "must be self, none, * or origins such as https://example.org"
        raise ValueError(message)
    return quoted


Directory = Annotated[Path, AfterValidator(_absolute_directory)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_normal_database_url)]
Keys = Annotated[tuple[ApiKey, ...], BeforeValidator(_parse_keys)]
Rate = Annotated[str | None, Field(pattern=r"^[1-9][0-9]{0,8}/(second|minute|hour|day)$")]
Names = Annotated[tuple[str, ...], BeforeValidator(_split)]
FrameSources = Annotated[Names, AfterValidator(_frame_sources)]


class Settings(BaseSettings, Limits):
    """The settings. ``docs/configuration.md`` has the same descriptions."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        enable_decoding=False,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )

    host: str = Field(default="127.0.0.1", min_length=1)
    """address to listen on"""
    port: int = Field(default=8000, ge=0, le=65535)
    """port to listen on; 0 selects a free port"""
    data_dir: Directory = Field(default=Path("data"), validate_default=True)
    """directory of the SQLite database, created if missing"""
    database_url: DatabaseUrl | None = None
    """`postgresql://…` or `sqlite:///…`; by default SQLite in the data directory"""
    max_connections: int = Field(default=1000, ge=1)
    """maximum number of open connections (503 above)"""
    max_connections_per_client: int = Field(default=500, ge=1)
    """maximum number of open connections of one address, or IPv6 network of 64 bits, that is not a
    trusted proxy (503 above)"""
    client_timeout: float = Field(default=20.0, ge=1)
    """seconds without progress after which a client is disconnected: while it sends headers or a
    body, reads a response, or is idle; 64 KiB of a body or a response are progress, and its end"""
    max_body_bytes: int = Field(default=64 * MEBIBYTE, ge=1024)
    """maximum size of a csv or npz body in bytes (413 above); JSON has at most 2 MB"""
    max_stored_bytes: int | None = Field(default=None, ge=0)
    """maximum size of all stored data in bytes (507 above)"""
    retention_days: float | None = Field(default=None, gt=0)
    """days after which finished runs, maps and fits, and unused datasets, are deleted; by
    default never"""
    workers: int | None = Field(default=None, ge=0, le=1024)
    """worker processes that `serve` starts; by default one per core"""
    render_processes: int | None = Field(default=None, ge=0, le=256)
    """processes that draw pictures; by default one per core; 0 draws in a thread"""
    max_waiting_pictures: int = Field(default=64, ge=0)
    """maximum number of waiting pictures (503 above)"""
    max_waiting_computations: int = Field(default=64, ge=0)
    """maximum number of requests in the queue of short and in that of long work (503 above)"""
    picture_cache_bytes: int = Field(default=64 * MEBIBYTE, ge=0)
    """size of the picture cache in bytes"""
    log_level: Annotated[
        Literal["critical", "error", "warning", "info", "debug"],
        BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value),
    ] = "info"
    """log level: critical, error, warning, info or debug"""

    allowed_hosts: Names = ()
    """permitted names in the `Host` header (403 otherwise), such as
    `rnn.example.org,*.example.net`; by default the loopback names if the service listens on a
    loopback address, and otherwise all"""
    api_keys: Keys = Field(default=(), repr=False)
    """API keys as `name:scope:hash`, comma-separated; `linear-rnn keys new` creates them; by
    default none is required"""
    cors_origins: Names = ()
    """origins whose pages may use the service, such as `https://example.org`; `*` for all"""
    frame_ancestors: FrameSources = Field(default="'self'", validate_default=True)
    """origins whose pages may embed the explorer in a frame, such as
    `https://example.org,https://*.example.net`; `none` for none, `*` for all"""
    rate_limit_requests: Rate = None
    """requests per client, such as `600/minute` (429 above); by default unlimited"""
    rate_limit_storage: SecretStr | None = None
    """where rate limits are counted for all replicas: `redis://…`; by default in each process"""
    trusted_proxies: Names = ()
    """addresses or networks of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` headers are
    used; `*` for all"""

    @property
    def sqlite_file(self) -> Path | None:
        """The file of the SQLite database; None for PostgreSQL."""
        scheme, _, path = self.store_url.partition(":///")
        return Path(path) if scheme.partition("+")[0] == "sqlite" else None

    @property
    def store_url(self) -> str:
        """The SQLAlchemy URL of the database. It contains the password, so never print it."""
        if self.database_url is None:
            return f"sqlite:///{self.data_dir / 'rnn.sqlite3'}"
        return self.database_url.get_secret_value()


def load_settings(options: Mapping[str, Any] | None = None) -> Settings:
    """Read the settings from the environment; raises SettingError.

    ``options`` are the command line options by field name, and override the environment.
    """
    given = dict(options or {})
    known = [PREFIX + field.upper() for field in Settings.model_fields]
    problems = []
    for name in sorted(os.environ):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            close = difflib.get_close_matches(name.upper(), known, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            problems.append(f"{name} is not a setting{hint}")
    try:
        settings = Settings(**given)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            field = str(detail["loc"][0])
            name = "--" + field.replace("_", "-") if field in given else PREFIX + field.upper()
            reason = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
            value = "" if field in SECRETS else f" (it is {detail['input']!r})"
            problems.append(f"{name}: {reason}{value}")
        raise SettingError("; ".join(problems)) from None
    if problems:
        raise SettingError("; ".join(problems))
    return settings


def usable_cores(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Return the number of cores that this process may use, at least one.

    ``quota`` is the file with the CPU quota of a container, which may be below its number of cores.
    """
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    with suppress(OSError, ValueError):
        allowed, period = map(int, quota.read_text().split())  # "max 100000" without a quota
        cores = min(cores, round(allowed / period))
    return max(cores, 1)
