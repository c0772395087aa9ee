"""Files in a container of an Azure storage account."""

from __future__ import annotations

import logging
from typing import Any

from kpisync.places.address import Address
from kpisync.places.drives import PIECE, SECONDS, Drive, Stream, Trouble
from kpisync.places.entries import Entry
from kpisync.places.login import Login

_NO_LOGIN = Trouble("the server refuses the login", "Check account and key, sas_token or connection_string under login")


class _AzureDrive:
    def __init__(self, service: Any, root: str) -> None:
        self._service, self._root = service, root

    def entries(self, folder: str) -> list[Entry]:
        """A container has no folders: one without files is not told from one that is missing."""
        container, _, prefix = folder.partition("/")
        client = self._service.get_container_client(container)
        start = f"{prefix}/" if prefix else ""
        found = client.walk_blobs(name_starts_with=start, delimiter="/", include=["metadata"])
        return [self._entry(container, blob) for blob in found]

    def look(self, path: str) -> Entry:
        from azure.core.exceptions import ResourceNotFoundError

        container, _, name = path.partition("/")
        try:
            return self._entry(container, self._service.get_blob_client(container, name).get_blob_properties())
        except ResourceNotFoundError as error:
            raise FileNotFoundError(path) from error

    def open(self, path: str) -> Stream:
        container, _, name = path.partition("/")
        return _Download(self._service.get_blob_client(container, name).download_blob())

    def close(self) -> None:
        self._service.close()

    def _entry(self, container: str, blob: Any) -> Entry:
        path = f"{container}/{blob.name.rstrip('/')}"
        folder = blob.name.endswith("/") or "hdi_isfolder" in (blob.get("metadata") or {})
        return Entry(
            path, self._root + path, blob.get("size"), blob.get("last_modified"), blob.get("etag") or "", folder
        )


class _Download:
    """What is read after the first piece is of the same version, or the library fails."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, size: int, /) -> bytes:
        piece: bytes = self._stream.read(size)
        return piece

    def close(self) -> None:
        """Nothing is open between two pieces."""


def connect(address: Address, login: Login) -> Drive:
    """With an account alone, the identity of this machine or user is asked, as Azure's own tools do."""
    from azure.identity import DefaultAzureCredential
    from azure.storage.blob import BlobServiceClient, LinearRetry

    logging.getLogger("azure").setLevel(logging.ERROR)  # what it warns of, it raises too
    limits: dict[str, Any] = {
        "retry_policy": LinearRetry(backoff=1, retry_total=1),
        "connection_timeout": SECONDS / 3,
        "read_timeout": SECONDS,
        "max_single_get_size": 4 * PIECE,
        "max_chunk_get_size": 4 * PIECE,
    }
    if login.connection_string:
        text = login.connection_string.get_secret_value()
        return _AzureDrive(BlobServiceClient.from_connection_string(text, **limits), address.root)
    secret = login.key or login.sas_token
    credential: Any = secret.get_secret_value() if secret else DefaultAzureCredential()
    url = f"https://{login.account}.blob.core.windows.net"
    return _AzureDrive(BlobServiceClient(url, credential, **limits), address.root)


def failures() -> tuple[type[Exception], ...]:
    import azure.identity
    import azure.storage.blob  # noqa: F401 - it is part of what must be installed
    from azure.core.exceptions import AzureError

    return AzureError, ValueError  # the last one for an account or key that it cannot make sense of


def trouble(error: Exception) -> Trouble | None:
    from azure.core import exceptions

    if isinstance(error, exceptions.ClientAuthenticationError):
        return _NO_LOGIN
    if isinstance(error, exceptions.ResourceNotFoundError) and getattr(error, "error_code", "") == "ContainerNotFound":
        return Trouble("there is no such container", "Check its name, and login.account")
    if isinstance(error, exceptions.HttpResponseError) and error.status_code == 403:
        hint = "Check the key under login, or ask the owner of the account for the right to list and to read"
        return Trouble("the server refuses the login, or the right to read it", hint)
    if isinstance(error, exceptions.ResourceModifiedError):
        return Trouble("the file changed while it was fetched", "Run again when the export has ended")
    if isinstance(error, exceptions.ServiceRequestError):
        return Trouble("the server was not reached", "Check login.account, network and firewall")
    if isinstance(error, exceptions.ServiceResponseError):
        return Trouble("the server gave no answer that can be used", "Run again; if it stays so, check the network")
    if isinstance(error, ValueError):
        return Trouble("account and key cannot be used", "Check login.account, login.key or login.connection_string")
    return None
