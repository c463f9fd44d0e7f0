"""Real clients: those that close the connection, and those that offer to upgrade it."""

import http.client
import json
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.live.conftest import receive_all, wait_for
from tests.programs import needs

LARGE = b"1,2\n" * 1_000_000  # more than the buffers of the kernel hold
H2C = (
    b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\n"
    b"http2-settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n"
)
POST = b"POST /v1/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
# The HttpClient of Java offers HTTP/2 in every request.
JAVA = """
import java.net.URI;
import java.net.http.*;

public class Post {
    public static void main(String[] arguments) throws Exception {
        var client = HttpClient.newHttpClient();
        for (var body : new String[] {"{}", "{\\"x\\": 1}", "{}"}) {
            var request = HttpRequest.newBuilder(URI.create(arguments[0]))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
            var response = client.send(request, HttpResponse.BodyHandlers.ofString());
            System.out.println(response.statusCode() + " " + response.version());
        }
    }
}
"""

early_responses = pytest.mark.parametrize(
    ("method", "path", "media_type", "status"),
    [
        ("POST", "/v1/datasets", "text/csv", 413),
        ("POST", "/nothing", "text/csv", 404),
        ("PUT", "/v1/datasets", "text/csv", 405),
        ("POST", "/v1/predict", "text/csv", 415),
        ("POST", "/v1/predict?x=1", "application/json", 422),
    ],
)


@early_responses
def test_urllib_reads_a_response_that_precedes_the_end_of_the_body(
    server: Any, method: str, path: str, media_type: str, status: int
) -> None:
    headers = {"content-type": media_type}
    request = urllib.request.Request(server.url + path, LARGE, headers, method=method)  # noqa: S310
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)  # noqa: S310
    with caught.value as response:
        assert response.status == status
        assert json.load(response)["status"] == status


@early_responses
def test_http_1_0_has_a_response_that_precedes_the_end_of_the_body(
    server: Any, method: str, path: str, media_type: str, status: int
) -> None:
    head = f"{method} {path} HTTP/1.0\r\ncontent-type: {media_type}\r\n"
    with server.connect() as connection:
        connection.sendall(f"{head}content-length: {len(LARGE)}\r\n\r\n".encode() + LARGE)
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert response.status == status
        assert json.load(response)["status"] == status


@pytest.mark.parametrize("following", [b"", POST + b"content-length: 2\r\n\r\n{}"])
def test_a_connection_is_closed_after_the_body(server: Any, following: bytes) -> None:
    def ports() -> set[int]:
        process = psutil.Process(server.process.pid)
        return {each.raddr[1] for each in process.net_connections("tcp") if each.status != "LISTEN"}

    head = b"POST /nothing HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
    with server.connect() as connection:
        port = connection.getsockname()[1]
        connection.sendall(head + b"content-length: 100000\r\n\r\n")
        received = receive_all(connection)
        assert received.startswith(b"HTTP/1.1 404 ")
        assert port in ports()
        connection.sendall(b" " * 99_999)
        assert port in ports()
        connection.sendall(b" " + following)
        wait_for(ports, lambda seen: port not in seen)
    assert server.client.get("/livez").status_code == 200


@pytest.mark.parametrize("step", [1, 100_000])
@pytest.mark.parametrize(
    "rest",
    [
        b"content-length: 2\r\n\r\n{}",
        b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"expect: 100-continue\r\ncontent-length: 2\r\n\r\n{}",
    ],
)
def test_an_offer_to_upgrade_is_ignored(server: Any, rest: bytes, step: int) -> None:
    sent = 3 * (POST + H2C + rest) + POST + b"connection: close\r\n" + rest
    with server.connect() as connection:
        for start in range(0, len(sent), step):
            connection.sendall(sent[start : start + step])
        received = receive_all(connection)
    assert received.count(b"HTTP/1.1 200 ") == 4
    assert b"HTTP/1.1 4" not in received
    assert received.count(b"connection: close") == 1


def test_an_offer_to_upgrade_may_close_the_connection(server: Any) -> None:
    head = b"GET /livez HTTP/1.1\r\nhost: localhost\r\n"
    with server.connect(head + b"connection: close, upgrade\r\nupgrade: b\r\n\r\n") as connection:
        received = receive_all(connection)
    assert received.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in received


@needs("curl")
@pytest.mark.parametrize("body", [None, b"{}", LARGE])
def test_curl_may_offer_http_2(server: Any, body: bytes | None) -> None:
    command = ["curl", "--http2", "--silent", "--write-out", "%{http_code}", "--output", "-"]
    post = ["--data-binary", "@-", "--header", "content-type: application/json"]
    urls = 2 * [server.url + "/v1/predict"]
    done = subprocess.run(
        [*command, *(post if body else []), *urls], input=body, capture_output=True, check=True
    )
    status = {None: b"405", b"{}": b"200", LARGE: b"413"}[body]
    assert done.stdout.endswith(b"}" + status)


@pytest.mark.slow
@needs("javac")
def test_java_offers_http_2(server: Any, tmp_path: Path) -> None:
    program = tmp_path / "Post.java"
    program.write_text(JAVA)
    command = ["java", str(program), server.url + "/v1/predict"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["200 HTTP_1_1", "422 HTTP_1_1", "200 HTTP_1_1"]
