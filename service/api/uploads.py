"""Files in requests: their media types, and the file in a form.

`Request.form` of Starlette would write that file to a second temporary file, outside the limits of
`service.api.bodies`. The parser that it uses reads the received body instead.
"""

import re
from typing import Final

from fastapi import Request
from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.exceptions import HTTPException

from service.api.errors import MEDIA
from service.api.requests import check_encoding, media_type
from service.errors import Invalid, Malformed
from service.formats import DATASET_FORMATS, DatasetFormat, detect_format

FORM: Final = "multipart/form-data"
ONE_FILE: Final = "the form must have one file and no other fields"
_FORMATS: Final = {
    name: file_format
    for file_format in DATASET_FORMATS.values()
    for name in (file_format.media_type, *file_format.other_media_types)
}
FILE_TYPES: Final = (*_FORMATS, "application/octet-stream", FORM)
CHARSET: Final = re.compile(r""";\s*+charset=["']?([^"';\s]++)""", re.IGNORECASE)
CHARSETS: Final = {"utf8", "usascii", "ascii"}  # without hyphens


def is_file(request: Request) -> bool:
    """Return whether the body is a file; raises an HTTPException (415) for other encodings."""
    if media_type(request) not in FILE_TYPES:
        return False
    check_encoding(request)
    match = CHARSET.search(request.headers["content-type"])
    if match is not None and match[1].lower().replace("-", "") not in CHARSETS:
        raise HTTPException(MEDIA.status, f"the table must be in UTF-8, not {match[1][:40]}")
    return True


def open_file(request: Request, body: bytes) -> tuple[DatasetFormat, bytes]:
    """Return the format and the contents of the file in a body; raises as `read_form_file`."""
    name = media_type(request)
    if name == FORM:
        body = read_form_file(body, request.headers["content-type"])
    return _FORMATS.get(name) or detect_format(body), body


def read_form_file(body: bytes, content_type: str) -> bytes:
    """Return the content of the only part of a form.

    Parameters
    ----------
    content_type
        The Content-Type of the request, with the boundary of the parts.

    Raises
    ------
    Malformed
        The body is not a complete form.
    Invalid
        The form does not have exactly one part.
    """
    content: list[bytes] = []
    n_parts = 0
    is_complete = False

    def begin() -> None:
        nonlocal n_parts
        n_parts += 1
        if n_parts > 1:
            raise Invalid(ONE_FILE, "")

    def end() -> None:
        nonlocal is_complete
        is_complete = True

    try:
        boundary = parse_options_header(content_type)[1][b"boundary"]
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": begin,
                "on_part_data": lambda data, start, stop: content.append(data[start:stop]),
                "on_end": end,
            },
        )
        parser.write(body)
    except KeyError:
        raise Malformed("the Content-Type of the form has no boundary") from None
    except FormParserError as error:
        raise Malformed(f"the form cannot be parsed: {str(error)[:100]}") from error
    if not is_complete:
        raise Malformed("the form is incomplete: its last boundary is missing")
    if not n_parts:
        raise Invalid(ONE_FILE, "")
    return b"".join(content)
