"""Files in a bucket of a server that speaks S3."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from fetched import SECRET, TABLE, contents, files, refusal
from moto.server import ThreadedMotoServer

from kpisync.errors import NothingToRead
from kpisync.places.files import Files
from kpisync.testing.clock import FakeClock


class Bucket:
    """`plant`, over the wire."""

    def __init__(self, url: str) -> None:
        self.login = {"key": "AKIAPLANT", "secret": SECRET, "endpoint_url": url, "region": "eu-central-1"}
        self.client = boto3.client(
            "s3",
            endpoint_url=url,
            aws_access_key_id="AKIAPLANT",
            aws_secret_access_key=SECRET,
            region_name="eu-central-1",
        )
        place = {"LocationConstraint": "eu-central-1"}
        self.client.create_bucket(Bucket="plant", CreateBucketConfiguration=place)

    def put(self, key: str, content: bytes = TABLE) -> Any:
        return self.client.put_object(Bucket="plant", Key=key, Body=content)

    def files(self, path: str, **given: Any) -> Files:
        return files(f"s3://{path}", self.login, **given)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    server.stop()


@pytest.fixture
def bucket(url: str) -> Iterator[Bucket]:
    made = Bucket(url)
    yield made
    for found in made.client.list_objects_v2(Bucket="plant").get("Contents", []):
        made.client.delete_object(Bucket="plant", Key=found["Key"])
    made.client.delete_bucket(Bucket="plant")
    made.client.close()


def test_files_that_match_are_fetched_in_the_order_of_their_names(bucket: Bucket) -> None:
    for key in ("out/b.csv", "out/a.csv", "out/.c.csv", "out/d.txt", "out/done/e.csv"):
        bucket.put(key, key.encode())
    assert list(contents(bucket.files("plant/out/*.csv")).items()) == [
        ("s3://plant/out/a.csv", b"out/a.csv"),
        ("s3://plant/out/b.csv", b"out/b.csv"),
    ]


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 21) + 1])
def test_a_file_comes_whole_whatever_its_size(bucket: Bucket, size: int) -> None:
    bucket.put("a.csv", b"x" * size)
    assert contents(bucket.files("plant/a.csv")) == {"s3://plant/a.csv": b"x" * size}


def test_two_stars_stand_for_any_folders(bucket: Bucket) -> None:
    for key in ("a.csv", "2026/b.csv", "2026/11/c.csv"):
        bucket.put(key)
    found = contents(bucket.files("plant/**/*.csv"))
    assert list(found) == ["s3://plant/2026/11/c.csv", "s3://plant/2026/b.csv", "s3://plant/a.csv"]


def test_a_file_is_fetched_once_and_all_readings_see_it_as_it_was(bucket: Bucket) -> None:
    bucket.put("a.csv")
    found = bucket.files("plant/a.csv")
    before = found.hashes()
    bucket.put("a.csv", b"other")
    assert (found.hashes(), contents(found)) == (before, {"s3://plant/a.csv": TABLE})


def test_age_and_settling_go_by_the_time_on_the_server(bucket: Bucket) -> None:
    changed = bucket.put("a.csv") and bucket.client.head_object(Bucket="plant", Key="a.csv")["LastModified"]
    later = FakeClock(changed + timedelta(hours=30))
    assert "30 h old" in refusal(bucket.files("plant/*.csv", clock=later, max_age="26h")).what
    now = FakeClock(changed + timedelta(seconds=10))
    assert len(contents(bucket.files("plant/*.csv", clock=now, pick="newest", settle="1m"))) == 1
    assert 49 <= now.monotonic() <= 60


def test_a_placeholder_for_a_folder_is_no_file(bucket: Bucket) -> None:
    bucket.put("out/", b"")
    assert refusal(bucket.files("plant/out/*")).what == "no file matches"


@pytest.mark.parametrize("path", ["plant/out/*.csv", "plant/out/today.csv"])
def test_no_file_is_an_error_unless_it_may_be_missing(bucket: Bucket, path: str) -> None:
    assert refusal(bucket.files(path)).what == "no file matches"
    with pytest.raises(NothingToRead):
        list(bucket.files(path, on_missing="skip"))


@pytest.mark.parametrize("path", ["gone/out/*.csv", "gone/out/today.csv"])
def test_a_bucket_that_is_missing_is_an_error_even_where_no_file_may_be(bucket: Bucket, path: str) -> None:
    error = refusal(bucket.files(path, on_missing="skip"))
    assert not isinstance(error, NothingToRead)
    assert (error.what, error.where) == ("there is no such bucket", f"s3://{path}")


def test_a_server_where_nobody_listens_is_named(bucket: Bucket) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    login = {**bucket.login, "endpoint_url": f"http://127.0.0.1:{port}"}
    error = refusal(files("s3://plant/*.csv", login))
    assert error.what == "the server was not reached"
    assert "login.endpoint_url" in str(error.hint)


def test_without_any_credentials_that_is_what_is_said(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    error = refusal(files("s3://plant/*.csv", {"endpoint_url": bucket.login["endpoint_url"]}))
    assert error.what == "there are no credentials"
    assert "login.key and login.secret" in str(error.hint)
