"""What a server that speaks S3 may answer instead of a file, in words; its answers are given as bytes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fetched import SECRET, files, refusal


@contextmanager
def answering(status: int, code: str) -> Iterator[str]:
    """A server that gives one answer to everything."""
    body = f"<Error><Code>{code}</Code><Message>no, {SECRET}</Message></Error>".encode()
    head = f"HTTP/1.1 {status} x\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n"
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while not ended.is_set():
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(f"{head}Connection: close\r\n\r\n".encode() + body)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        ended.set()
        socket.create_connection(listener.getsockname()).close()
        thread.join(10)


@pytest.mark.parametrize(
    ("status", "code", "what"),
    [
        (403, "InvalidAccessKeyId", "the server refuses the login (InvalidAccessKeyId)"),
        (403, "SignatureDoesNotMatch", "the server refuses the login (SignatureDoesNotMatch)"),
        (400, "ExpiredToken", "the server refuses the login (ExpiredToken)"),
        (403, "AccessDenied", "the user may not read it (AccessDenied)"),
        (403, "RequestTimeTooSkewed", "the clocks of this machine and of the server differ too much"),
        (404, "NoSuchBucket", "there is no such bucket"),
        (418, "Teapot", "An error occurred (Teapot) when calling the ListObjectsV2 operation: no, ***"),
    ],
)
def test_a_refusal_is_told_in_words_and_without_secrets(status: int, code: str, what: str) -> None:
    with answering(status, code) as url:
        login = {"key": "AKIAPLANT", "secret": SECRET, "endpoint_url": url, "region": "eu-central-1"}
        error = refusal(files("s3://plant/out/*.csv", login))
    assert (error.what.removeprefix("it failed: "), error.where) == (what, "s3://plant/out/*.csv")
