"""Files in a container of an Azure storage account: Azurite's, where it is installed, and servers that refuse."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient
from fetched import SECRET, TABLE, contents, files, refusal

from kpisync.errors import NothingToRead
from kpisync.places.files import Files
from kpisync.testing.clock import FakeClock

AZURITE = shutil.which("azurite-blob")
# Azurite's own, published with it.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def login(port: int, key: str = KEY) -> dict[str, str]:
    place = f"http://127.0.0.1:{port}/{ACCOUNT}"
    return {"connection_string": f"AccountName={ACCOUNT};AccountKey={key};BlobEndpoint={place};"}


class Container:
    """`plant`, over the wire."""

    def __init__(self, port: int, service: BlobServiceClient) -> None:
        self.port, self.client = port, service.get_container_client("plant")

    def put(self, name: str, content: bytes = TABLE) -> None:
        self.client.upload_blob(name, content, overwrite=True)

    def files(self, path: str, **given: Any) -> Files:
        return files(f"abfs://{path}", login(self.port), **given)


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    if AZURITE is None:
        pytest.skip("azurite-blob (npm package azurite), Azure's own emulator, is not installed")
    folder = tmp_path_factory.mktemp("azurite")
    command = [AZURITE, "--location", str(folder), "--blobPort", "0", "--disableTelemetry", "--skipApiVersionCheck"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            found = (re.search(r"listens on http://127\.0\.0\.1:(\d+)", line) for line in process.stdout)
            yield int(next(match for match in found if match)[1])
        finally:
            process.terminate()


@pytest.fixture
def container(port: int) -> Iterator[Container]:
    with BlobServiceClient.from_connection_string(login(port)["connection_string"]) as service:
        made = Container(port, service)
        made.client.create_container()
        yield made
        made.client.delete_container()


def test_files_that_match_are_fetched_in_the_order_of_their_names(container: Container) -> None:
    for name in ("out/b.csv", "out/a.csv", "out/.c.csv", "out/d.txt", "out/done/e.csv"):
        container.put(name, name.encode())
    assert list(contents(container.files("plant/out/*.csv")).items()) == [
        ("abfs://plant/out/a.csv", b"out/a.csv"),
        ("abfs://plant/out/b.csv", b"out/b.csv"),
    ]


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 21) + 1])
def test_a_file_comes_whole_whatever_its_size(container: Container, size: int) -> None:
    container.put("a.csv", b"x" * size)
    assert contents(container.files("plant/a.csv")) == {"abfs://plant/a.csv": b"x" * size}


def test_two_stars_stand_for_any_folders(container: Container) -> None:
    for name in ("a.csv", "2026/b.csv", "2026/11/c.csv"):
        container.put(name)
    found = contents(container.files("plant/**/*.csv"))
    assert list(found) == ["abfs://plant/2026/11/c.csv", "abfs://plant/2026/b.csv", "abfs://plant/a.csv"]


def test_a_folder_of_a_hierarchical_account_is_no_file(container: Container) -> None:
    container.put("out/a.csv")
    container.client.upload_blob("out/done", b"", metadata={"hdi_isfolder": "true"})
    assert list(contents(container.files("plant/out/*.csv"))) == ["abfs://plant/out/a.csv"]
    assert refusal(container.files("plant/out/done")).what == "not a regular file"


def test_age_and_settling_go_by_the_time_on_the_server(container: Container) -> None:
    container.put("a.csv")
    changed = container.client.get_blob_client("a.csv").get_blob_properties().last_modified
    later = FakeClock(changed + timedelta(hours=30))
    assert "30 h old" in refusal(container.files("plant/*.csv", clock=later, max_age="26h")).what
    now = FakeClock(changed + timedelta(seconds=10))
    assert len(contents(container.files("plant/*.csv", clock=now, pick="newest", settle="1m"))) == 1
    assert 49 <= now.monotonic() <= 60


@pytest.mark.parametrize("path", ["plant/out/*.csv", "plant/out/today.csv"])
def test_no_file_is_an_error_unless_it_may_be_missing(container: Container, path: str) -> None:
    assert refusal(container.files(path)).what == "no file matches"
    with pytest.raises(NothingToRead):
        list(container.files(path, on_missing="skip"))


@pytest.mark.parametrize("path", ["gone/out/*.csv", "gone/out/today.csv"])
def test_a_container_that_is_missing_is_an_error_even_where_no_file_may_be(container: Container, path: str) -> None:
    error = refusal(container.files(path, on_missing="skip"))
    assert not isinstance(error, NothingToRead)
    assert (error.what, error.where) == ("there is no such container", f"abfs://{path}")


def test_a_wrong_key_is_told_from_a_server_that_is_down(port: int) -> None:
    error = refusal(files("abfs://plant/*.csv", login(port, "c2VjcmV0")))
    assert error.what == "the server refuses the login, or the right to read it"


def test_a_server_where_nobody_listens_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    error = refusal(files("abfs://plant/*.csv", login(port)))
    assert (error.what, error.where) == ("the server was not reached", "abfs://plant/*.csv")


def test_a_connection_string_that_cannot_be_meant_is_an_error_that_does_not_show_it() -> None:
    error = refusal(files("abfs://plant/*.csv", {"connection_string": SECRET}))
    assert error.what == "account and key cannot be used"
    assert "login.connection_string" in str(error.hint)
