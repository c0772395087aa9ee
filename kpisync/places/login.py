"""How kpisync logs in where files lie: one set of options, of which each kind of place has some."""

from __future__ import annotations

import binascii
import os
import re
from base64 import b64decode
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from kpisync.fields import FilePath, Options
from kpisync.places.address import Address


def _home(value: Any) -> Any:
    return os.path.expanduser(value) if isinstance(value, str) else value  # noqa: PTH111 - only `~` changes


def _host_key(text: str) -> str:
    """As a line of known_hosts has it after the host: the kind of key, and the key in base64."""
    match = re.fullmatch(r"([a-z][a-z0-9@.-]+) ([A-Za-z0-9+/]+=*)( \S.*)?", text.strip())
    try:
        if match and match[1].encode() in b64decode(match[2], validate=True)[:64]:
            return f"{match[1]} {match[2]}"
    except binascii.Error:
        pass
    raise ValueError("not a public key such as ssh-ed25519 AAAAC3Nz…, as ssh-keyscan prints it after the host")


def _url(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s@?#]+", text):
        raise ValueError("not a URL such as https://minio.plant.example:9000")
    return text


_HomePath = Annotated[FilePath, BeforeValidator(_home)]


class Login(Options):
    """Who we are at the place of the files; each option says for which kinds of URL it is."""

    username: str | None = Field(None, min_length=1, description="sftp, smb, https: the user")
    password: SecretStr | None = Field(None, min_length=1, description="sftp, smb, https: the user's password")
    domain: str | None = Field(None, min_length=1, description="smb: the user's Windows domain")
    key_file: _HomePath | None = Field(None, description="sftp: the user's private key")
    key_passphrase: SecretStr | None = Field(None, description="sftp: what the private key is encrypted with")
    known_hosts: _HomePath | None = Field(
        None, description="sftp: a file with the keys of known servers; by default ~/.ssh/known_hosts"
    )
    host_key: Annotated[str, AfterValidator(_host_key)] | None = Field(
        None, description="sftp: the server's public key (ssh-ed25519 AAAA…), in place of known_hosts"
    )
    key: SecretStr | None = Field(None, description="s3: the access key id; abfs: the key of the account")
    secret: SecretStr | None = Field(None, description="s3: the secret access key")
    region: str | None = Field(None, description="s3: the region, such as eu-central-1")
    endpoint_url: Annotated[str, AfterValidator(_url)] | None = Field(
        None, description="s3: the server, where it is not Amazon's"
    )
    account: str | None = Field(None, description="abfs: the name of the storage account")
    sas_token: SecretStr | None = Field(None, description="abfs: a shared access signature")
    connection_string: SecretStr | None = Field(
        None, description="abfs: account and key in one, as the portal shows it"
    )
    token: SecretStr | None = Field(None, min_length=1, description="https: a bearer token")
    headers: dict[str, SecretStr] = Field({}, description="https: more headers, such as an API key")
    ca_file: _HomePath | None = Field(
        None, description="https, s3: a PEM file with the company's certification authority"
    )


_OPTIONS = {
    "sftp": ("username", "password", "key_file", "key_passphrase", "known_hosts", "host_key"),
    "smb": ("username", "password", "domain"),
    "https": ("username", "password", "token", "headers", "ca_file"),
    "s3": ("key", "secret", "region", "endpoint_url", "ca_file"),
    "abfs": ("account", "key", "sas_token", "connection_string"),
}


def check(login: Login, address: Address) -> None:
    """Raises ValueError for options that this kind of place does not have, or that contradict one another."""
    scheme, given = address.scheme, login.model_fields_set
    known = _OPTIONS[scheme]
    if foreign := sorted(given - set(known)):
        raise ValueError(f"{foreign[0]} is no option of {scheme}://, which has {', '.join(known)}")
    if address.user and login.username:
        raise ValueError("username: the URL names a user too; keep one of them")
    for one, other in (("known_hosts", "host_key"), ("token", "password"), ("connection_string", "account")):
        if {one, other} <= given:
            raise ValueError(f"{one} and {other} exclude one another")
    for one, other in (("key_passphrase", "key_file"), ("secret", "key")):
        if one in given and other not in given:
            raise ValueError(f"{one} is of no use without {other}")
    if scheme == "s3" and "key" in given and "secret" not in given:
        raise ValueError("key is of no use without secret")
    if scheme == "https" and (login.username is None) != (login.password is None):
        raise ValueError("username and password belong together")
    if scheme == "abfs" and login.account is None and login.connection_string is None:
        raise ValueError("abfs:// needs an account, or a connection_string")
