"""The environment, read once into one frozen object.

Every setting is an environment variable with the prefix ``RNN_``. An empty variable counts as not
set. A variable that begins with ``RNN_`` and means nothing here is an error, so that a typing
mistake does not quietly leave a default in force.
"""

import difflib
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX: Final = "RNN_"
MEBIBYTE: Final = 1024 * 1024


class SettingError(Exception):
    """A setting cannot be used; the message is one line that names it."""


def _normal_database_url(secret: SecretStr) -> SecretStr:
    """Name the one PostgreSQL driver that is installed, whatever driver the URL names."""
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
    if "?" in str(path):  # it would begin the query of the SQLite URL
        message = "must not contain a question mark"
        raise ValueError(message)
    try:
        return path.expanduser().absolute()
    except RuntimeError as error:  # ~ of nobody
        raise ValueError(str(error)) from None


class Settings(BaseSettings):
    """What an operator can set. Each description is also the README's."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        allow_inf_nan=False,
    )

    host: str = Field(default="127.0.0.1", min_length=1, description="address to listen on")
    port: int = Field(
        default=8000, ge=0, le=65535, description="port to listen on; 0 takes a free one"
    )
    data_dir: Annotated[Path, AfterValidator(_absolute_directory)] = Field(
        default=Path("data"),
        validate_default=True,
        description="directory of the SQLite database, made when missing",
    )
    database_url: Annotated[SecretStr, AfterValidator(_normal_database_url)] | None = Field(
        default=None,
        description="`postgresql://…` or `sqlite:///…`; when not set, SQLite in the data directory",
    )
    max_body_bytes: int = Field(
        default=64 * MEBIBYTE, ge=1024, description="largest request body, in bytes (413 above)"
    )
    max_cells: int = Field(
        default=20_000_000, ge=1, description="largest data set, samples times steps (422 above)"
    )
    max_steps: int = Field(
        default=10_000, ge=1, description="longest sequences of a data set, in steps (422 above)"
    )
    max_iterations: int = Field(
        default=1_000_000, ge=1, description="most iterations of one training run (422 above)"
    )
    max_grid: int = Field(
        default=1000,
        ge=2,
        description="finest resolution of a surface, points along an axis (422 above)",
    )
    max_json_numbers: int = Field(
        default=250_000, ge=1, description="most numbers in one JSON answer (422 above)"
    )
    max_work_seconds: float = Field(
        default=10.0, gt=0, description="most work done at once, in estimated seconds of one core"
    )
    max_sync_seconds: float = Field(
        default=0.5,
        ge=0,
        description="most of a run or map done at once, in estimated seconds; more becomes a job",
    )
    max_job_seconds: float = Field(
        default=86_400.0, gt=0, description="most work of one job, in estimated seconds (422 above)"
    )
    workers: int | None = Field(
        default=None,
        ge=0,
        le=1024,
        description="processes that do jobs, started by `serve`; when not set, one a core",
    )
    render_processes: int | None = Field(
        default=None,
        ge=0,
        le=256,
        description="processes that draw pictures; when not set, one a core; 0 draws in a thread",
    )
    max_waiting_pictures: int = Field(
        default=64, ge=0, description="most pictures that wait to be drawn (503 above)"
    )
    picture_cache_bytes: int = Field(
        default=64 * MEBIBYTE, ge=0, description="drawn pictures kept in memory, in bytes"
    )
    log_level: Annotated[
        Literal["critical", "error", "warning", "info", "debug"],
        BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value),
    ] = Field(
        default="info", description="how much is logged: critical, error, warning, info or debug"
    )

    @property
    def sqlite_file(self) -> Path | None:
        """The file of the SQLite database; None where it is PostgreSQL."""
        scheme, _, path = self.store_url.partition(":///")
        return Path(path) if scheme.partition("+")[0] == "sqlite" else None

    @property
    def store_url(self) -> str:
        """The SQLAlchemy URL of the database, with its password: never print it."""
        if self.database_url is None:
            return f"sqlite:///{self.data_dir / 'rnn.sqlite3'}"
        return self.database_url.get_secret_value()


def load_settings(options: Mapping[str, Any] | None = None) -> Settings:
    """Read the environment.

    Parameters
    ----------
    options
        Values of the command line by field name; each wins over its variable.

    Raises
    ------
    SettingError
        A value is out of bounds, or a variable with the prefix is not a setting.
    """
    given = dict(options or {})
    problems = [_unknown(name) for name in sorted(os.environ) if not _is_known(name)]
    try:
        settings = Settings(**given)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            field = str(detail["loc"][0])
            name = "--" + field.replace("_", "-") if field in given else _variable(field)
            problems.append(f"{name}: {_reason(detail['msg'])}{_shown(field, detail['input'])}")
        raise SettingError("; ".join(problems)) from None
    if problems:
        raise SettingError("; ".join(problems))
    return settings


def make_data_dir(settings: Settings) -> None:
    """Make the directory of the SQLite file when it is missing, and write a byte there to be sure.

    PostgreSQL has no such directory.

    Raises
    ------
    SettingError
        It cannot be made, or nothing can be written there.
    """
    kind, _, file = settings.store_url.partition(":///")
    if kind != "sqlite":
        return
    directory = Path(file).parent
    variable = "RNN_DATA_DIR" if settings.database_url is None else "RNN_DATABASE_URL"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory) as probe:
            probe.write(b"\0")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        message = f"cannot write to the data directory {directory} ({variable}): {reason}"
        raise SettingError(message) from None


def usable_cores(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Return the number of cores that this process may use, at least one.

    A container may be allowed the time of fewer cores than it sees; ``quota`` says so.
    """
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    with suppress(OSError, ValueError):
        allowed, period = map(int, quota.read_text().split())  # "max 100000" is no number
        cores = min(cores, round(allowed / period))
    return max(cores, 1)


def settings_table() -> str:
    """Every setting as a Markdown table: variable, default, meaning."""
    rows = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for field, info in Settings.model_fields.items():
        default = "" if info.default is None else f"`{info.default}`"
        rows.append(f"| `{_variable(field)}` | {default} | {info.description} |")
    return "\n".join(rows) + "\n"


def _variable(field: str) -> str:
    return PREFIX + field.upper()


def _is_known(name: str) -> bool:
    prefix, field = name[: len(PREFIX)].upper(), name[len(PREFIX) :].lower()
    return prefix != PREFIX or field in Settings.model_fields


def _unknown(name: str) -> str:
    known = [_variable(field) for field in Settings.model_fields]
    close = difflib.get_close_matches(name.upper(), known, n=1)
    return f"{name} is not a setting" + (f"; did you mean {close[0]}?" if close else "")


def _reason(message: str) -> str:
    reason = message.removeprefix("Value error, ").removeprefix("Input ")
    return reason[:1].lower() + reason[1:]


def _shown(field: str, value: object) -> str:
    """Quote the value that was refused, unless it may hold a password."""
    return "" if field == "database_url" else f" (it is {value!r})"
