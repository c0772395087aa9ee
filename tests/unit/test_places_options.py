"""What may be said of files elsewhere, and what is refused before anything is contacted."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from places_builders import options, problem

from kpisync.errors import SourceError
from kpisync.places.address import SCHEMES, parse
from kpisync.places.files import Files
from kpisync.places.options import FileOptions
from kpisync.ports import Surroundings
from kpisync.sources.csv import CsvOptions

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0h1yQ4aTzbvMhq5yY9Gm0tqZ2zJc1h8m1dW3kPq0aB"
ACCOUNT = {"account": "plant", "key": "c2VjcmV0"}


@pytest.mark.parametrize(
    ("url", "shown", "path"),
    [
        ("sftp://maria@files.plant:2222/out/*.csv", "sftp://files.plant:2222/out/*.csv", "/out/*.csv"),
        ("SFTP://files.plant/a b#1?.csv", "sftp://files.plant/a b#1?.csv", "/a b#1?.csv"),
        ("sftp://[::1]:22/x", "sftp://[::1]:22/x", "/x"),
        ("s3://plant/out/*.csv", "s3://plant/out/*.csv", "plant/out/*.csv"),
        ("abfs://plant/out.csv", "abfs://plant/out.csv", "plant/out.csv"),
        ("smb://nas/plant/out/*.csv", "smb://nas/plant/out/*.csv", "/plant/out/*.csv"),
        ("https://erp.plant/out.csv?sig=secret", "https://erp.plant/out.csv", "/out.csv?sig=secret"),
    ],
)
def test_a_url_is_taken_apart_and_shown_without_user_and_query(url: str, shown: str, path: str) -> None:
    address = parse(url)
    assert (address.shown, address.path) == (shown, path)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://host/x.csv", "files are read from sftp://, s3://, abfs://, smb://, https://"),
        ("file:///x.csv", "and, without any of these, from this machine"),
        ("sftp:///x.csv", "no valid host"),
        ("sftp://ho st/x.csv", "no valid host"),
        ("sftp://host:0/x.csv", "no valid host and port"),
        ("sftp://host:99999/x.csv", "no valid host and port"),
        ("sftp://host", "names no file"),
        ("sftp://host/", "names no file"),
        ("sftp://host/a\nb", "cannot be seen"),
        ("smb://nas/plant", "names no file on the share"),
        ("s3://plant", "s3://bucket/path"),
        ("s3://pl*nt/x.csv", "a pattern at most in the path"),
        ("abfs://plant@account.dfs.core.windows.net/x.csv", "do not belong into the URL, but under login"),
        ("https://169.254.169.254/x.csv", "where machines keep credentials"),
    ],
)
def test_a_url_that_cannot_be_meant_is_refused_in_words(url: str, words: str) -> None:
    assert words in problem(url)


@pytest.mark.parametrize("scheme", ["sftp", "smb", "https"])
def test_a_password_in_a_url_is_refused_without_being_shown(scheme: str) -> None:
    with pytest.raises(ValueError, match=r"login\.password") as caught:
        parse(f"{scheme}://maria:hunter22@host/share/x.csv")
    assert "hunter22" not in str(caught.value)


def test_a_path_without_a_scheme_is_on_this_machine_and_has_no_login() -> None:
    assert options("out/*.csv").login is None
    assert "login is for a path that is a URL" in problem("out/*.csv", {"username": "maria"})


def test_a_url_stays_as_it_is_and_files_of_a_login_are_beside_the_configuration() -> None:
    given = {"path": "sftp://host/x.csv", "login": {"key_file": "keys/id", "known_hosts": "~/.ssh/known_hosts"}}
    made = FileOptions.model_validate(given, context={"base": "/etc/kpisync"})
    assert made.path == "sftp://host/x.csv"
    assert made.login is not None
    assert made.login.key_file == "/etc/kpisync/keys/id"
    assert made.login.known_hosts == str(Path.home() / ".ssh/known_hosts")


@pytest.mark.parametrize(
    ("url", "login", "words"),
    [
        ("s3://plant/x.csv", {"password": "x"}, "password is no option of s3://, which has key, secret"),
        ("sftp://host/x.csv", {"endpoint_url": "https://h"}, "endpoint_url is no option of sftp://"),
        ("https://host/x.csv", {"host_key": HOST_KEY}, "host_key is no option of https://"),
        ("sftp://maria@host/x.csv", {"username": "paul"}, "the URL names a user too"),
        ("sftp://host/x.csv", {"known_hosts": "x", "host_key": HOST_KEY}, "exclude one another"),
        ("sftp://host/x.csv", {"key_passphrase": "x"}, "of no use without key_file"),
        ("https://host/x.csv", {"token": "x", "username": "u", "password": "p"}, "exclude one another"),
        ("https://host/x.csv", {"username": "maria"}, "belong together"),
        ("s3://plant/x.csv", {"key": "x"}, "key is of no use without secret"),
        ("s3://plant/x.csv", {"secret": "x"}, "secret is of no use without key"),
        ("s3://plant/x.csv", {"key": "k", "secret": "s", "endpoint_url": "minio:9000"}, "not a URL such as"),
        ("abfs://plant/x.csv", None, "needs an account"),
        ("abfs://plant/x.csv", {**ACCOUNT, "connection_string": "x"}, "exclude one another"),
        ("sftp://host/x.csv", {"host_key": "SHA256:abc"}, "not a public key such as"),
        ("sftp://host/x.csv", {"host_key": "ssh-rsa " + HOST_KEY.split()[1]}, "not a public key such as"),
        ("sftp://host/x.csv", {"pasword": "x"}, "pasword"),
    ],
)
def test_a_login_that_the_place_does_not_have_is_an_error(url: str, login: dict[str, Any] | None, words: str) -> None:
    assert words in problem(url, login)


def test_a_host_key_is_taken_as_ssh_keyscan_prints_it() -> None:
    made = options("sftp://host/x.csv", login={"host_key": f"{HOST_KEY} host"})
    assert made.login is not None
    assert made.login.host_key == HOST_KEY


def test_no_secret_is_shown_with_the_options() -> None:
    login = {"username": "maria", "password": "hunter22"}
    assert "hunter22" not in repr(options("smb://nas/plant/x.csv", login=login))
    assert "hunter22" not in repr(options("https://host/x", login={"headers": {"X-Key": "hunter22"}}))


@pytest.mark.parametrize(
    ("url", "login", "modules", "extra"),
    [
        ("sftp://host/x.csv", None, ["sshfs"], "sftp"),
        ("sftp://host/x.csv", None, ["asyncssh"], "sftp"),
        ("s3://plant/x.csv", None, ["s3fs"], "s3"),
        ("abfs://plant/x.csv", ACCOUNT, ["azure.storage.blob"], "azure"),
        ("smb://nas/plant/x.csv", None, ["smbclient"], "smb"),
    ],
)
def test_an_extra_that_is_not_installed_is_named_with_how_to_install_it(
    url: str, login: dict[str, str] | None, modules: list[str], extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in modules:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SourceError) as caught:
        list(Files(options(url, login=login), Surroundings()))
    assert str(caught.value) == (
        f"{url}: what reads {url.partition(':')[0]}:// is not installed. Install it: pip install 'kpisync[{extra}]'"
    )


def test_every_kind_of_place_has_options_of_its_own() -> None:
    for scheme in SCHEMES:
        url = f"{scheme}://host/share/x.csv"
        assert f"is no option of {scheme}://" in problem(url, {"domain" if scheme != "smb" else "token": "x"})


def test_every_example_of_the_page_about_places_is_accepted() -> None:
    page = (Path(__file__).parents[2] / "docs" / "places.md").read_text(encoding="utf-8")
    examples = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert len(examples) == 7
    for example in examples:
        source = yaml.safe_load(example)["source"]
        CsvOptions.model_validate({key: value for key, value in source.items() if key != "type"})
