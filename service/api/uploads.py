"""Files in requests: their media types, and the file in a form."""

import re
from typing import Final

from fastapi import Request

from service.api.errors import MEDIA, Refused
from service.api.requests import check_encoding, media_type
from service.errors import Invalid, Malformed
from service.formats import CSV, DATASET_FORMATS, NPZ, DatasetFormat

FORM: Final = "multipart/form-data"
_FORMATS: Final = {
    **{file_format.media_type: file_format for file_format in DATASET_FORMATS.values()},
    # The last one is what Windows sends for files with the suffix csv.
    **dict.fromkeys(("text/plain", "application/csv", "application/vnd.ms-excel"), CSV),
}
FILE_TYPES: Final = (*_FORMATS, "application/octet-stream", FORM)
ZIP_MARKS: Final = (b"PK\x03\x04", b"PK\x05\x06")  # the first bytes of an archive, or an empty one
CHARSET: Final = re.compile(r""";\s*+charset=["']?([^"';\s]++)""", re.IGNORECASE)
BOUNDARY: Final = re.compile(r';\s*+boundary="?([^";]++)', re.IGNORECASE)
CHARSETS: Final = {"utf8", "usascii", "ascii"}  # without hyphens


def is_file(request: Request) -> bool:
    """Return whether the body is a file; raises Refused for other encodings."""
    if media_type(request) not in FILE_TYPES:
        return False
    check_encoding(request)
    match = CHARSET.search(request.headers["content-type"])
    if match is not None and match[1].lower().replace("-", "") not in CHARSETS:
        raise Refused(MEDIA, f"the table must be in UTF-8, not {match[1][:40]}")
    return True


def open_file(request: Request, body: bytes) -> tuple[DatasetFormat, bytes]:
    """Return the format and the contents of the file in a body; raises as `_read_form`."""
    name = media_type(request)
    if name == FORM:
        body = _read_form(body, request.headers["content-type"])
    return _FORMATS.get(name) or (NPZ if body.startswith(ZIP_MARKS) else CSV), body


def _read_form(body: bytes, content_type: str) -> bytes:
    """Return the only part of a form (RFC 7578); raises Malformed, and Invalid for several parts.

    `Request.form` of Starlette would write it to a second temporary file, outside the limits of
    `service.api.bodies`.
    """
    match = BOUNDARY.search(content_type)
    if match is None:
        raise Malformed("the Content-Type of the form has no boundary")
    boundary = b"--" + match[1].strip().encode("latin-1")
    _, _, part = body.partition(boundary + b"\r\n")
    _, _, part = part.partition(b"\r\n\r\n")
    content, end, more = part.partition(b"\r\n" + boundary)
    if not end:
        raise Malformed("the form has no file, or its end is missing")
    if not more.startswith(b"--"):
        raise Invalid("the form must have one file and no other fields", "")
    return content
