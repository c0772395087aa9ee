"""Files in a bucket of S3, Amazon's or another server's that speaks the same."""

from __future__ import annotations

from typing import Any

from kpisync.places.address import Address
from kpisync.places.drives import PIECE, SECONDS, Drive, FsspecDrive, Trouble
from kpisync.places.entries import Entry
from kpisync.places.login import Login

_TRIES = 2
_NO_KEY = Trouble("there are no credentials", "Give login.key and login.secret, or set up AWS's own for this user")


class _S3Drive(FsspecDrive):
    def entries(self, folder: str) -> list[Entry]:
        """A bucket has no folders: one without files is not told from one that is missing."""
        try:
            return super().entries(folder)
        except FileNotFoundError as error:
            if error.__cause__ is not None:  # the server said so, of the bucket
                raise
            return []


def connect(address: Address, login: Login) -> Drive:
    """Without a key, the usual chain of AWS is asked: environment, ~/.aws, the role of the machine."""
    import s3fs  # type: ignore[import-untyped]

    client: dict[str, Any] = {"region_name": login.region, "verify": login.ca_file}
    system = s3fs.S3FileSystem(
        key=login.key.get_secret_value() if login.key else None,
        secret=login.secret.get_secret_value() if login.secret else None,
        endpoint_url=login.endpoint_url,
        client_kwargs={name: value for name, value in client.items() if value},
        config_kwargs={
            "connect_timeout": SECONDS / 3,
            "read_timeout": SECONDS,
            "retries": {"total_max_attempts": _TRIES, "mode": "standard"},
        },
        use_listings_cache=False,
        skip_instance_cache=True,
    )
    system.retries = _TRIES
    system.connect()
    return _S3Drive(system, address.root, "LastModified", "ETag", block_size=4 * PIECE)


def failures() -> tuple[type[Exception], ...]:
    import s3fs  # noqa: F401 - it is part of what must be installed
    from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

    return BotoCoreError, ClientError


def trouble(error: Exception) -> Trouble | None:
    from botocore import exceptions  # type: ignore[import-untyped]
    from s3fs.utils import FileExpired  # type: ignore[import-untyped]

    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return _NO_KEY
    if isinstance(error, exceptions.EndpointConnectionError):
        return Trouble("the server was not reached", "Check login.endpoint_url or login.region, network and firewall")
    if isinstance(error, exceptions.ConnectTimeoutError | exceptions.ReadTimeoutError):
        return Trouble("the server did not answer in time", "Check host, network and firewall, then run again")
    if isinstance(error, exceptions.SSLError):
        return Trouble(
            "its certificate is not trusted here", "Name the company's certification authority as login.ca_file"
        )
    if isinstance(error, FileExpired):
        return Trouble("the file changed while it was fetched", "Run again when the export has ended")
    if isinstance(error, exceptions.ClientError):
        return _refused(error)
    return None


def _refused(error: Any) -> Trouble | None:
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code == "NoSuchBucket":
        return Trouble(
            "there is no such bucket", "Check the name of the bucket, and login.endpoint_url or login.region"
        )
    if code in ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"):
        return Trouble(f"the server refuses the login ({code})", "Check login.key and login.secret")
    if code == "RequestTimeTooSkewed":
        return Trouble("the clocks of this machine and of the server differ too much", "Set the clock of this machine")
    if code in ("AccessDenied", "403"):
        hint = "Ask the owner of the bucket for the right to list and to read it"
        return Trouble(f"the user may not read it ({code})", hint)
    return None
