"""The types of settings that are more than a number or a text."""

import re
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from service.keys import ApiKey, parse_keys

KEYWORDS: Final = {"self", "none"}
FRAME_SOURCE: Final = re.compile(
    r"'self'|'none'|\*|https?:(//(\*\.)?[a-z0-9.-]+(:(\d+|\*))?)?", re.IGNORECASE
)


def _normal_database_url(secret: SecretStr) -> SecretStr:
    """Return the URL with the installed PostgreSQL driver, whichever driver it names."""
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
    """Return the sources as a content security policy has them."""
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
Keys = Annotated[tuple[ApiKey, ...], NoDecode, BeforeValidator(_parse_keys)]
Rate = Annotated[str | None, Field(pattern=r"^[1-9][0-9]{0,8}/(second|minute|hour|day)$")]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
FrameSources = Annotated[Names, AfterValidator(_frame_sources)]
