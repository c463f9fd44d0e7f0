"""HTTP semantics of one response, as httplint judges it."""

import httpx
from httplint import HttpRequestLinter, HttpResponseLinter
from httplint.note import levels


def find_errors(response: httpx.Response, content: bytes) -> list[str]:
    """Return the errors that httplint finds in a response with the content that was sent."""
    sent = response.request
    request = HttpRequestLinter()
    request.process_request_topline(sent.method.encode(), str(sent.url).encode(), b"HTTP/1.1")
    request.process_headers(list(sent.headers.raw))
    request.finish_content(complete=True)
    linter = HttpResponseLinter()
    linter.request = request
    linter.is_head_response = sent.method == "HEAD"
    status = str(response.status_code).encode()
    linter.process_response_topline(b"HTTP/1.1", status, response.reason_phrase.encode())
    linter.process_headers(list(response.headers.raw))
    linter.feed_content(content)
    linter.finish_content(complete=True)
    return [note.summary for note in linter.notes if note.level is levels.BAD]
