"""Files → documents: the main file, and in a directory every jobs/*.yaml and catalog/*.yaml beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from kpisync.config.findings import Findings, Node
from kpisync.config.problems import clean
from kpisync.config.references import resolve
from kpisync.config.schema import Config
from kpisync.config.yaml import MAX_BYTES, Document, Fault, Mark, parse
from kpisync.registry import suggestion

DEFAULT_PATH = Path("config/kpisync.yaml")
_SECTIONS = {
    "main": tuple(Config.model_fields),
    "jobs": ("jobs", "lookups", "units", "workdays"),
    "catalog": ("catalog",),
}


@dataclass(frozen=True)
class Files:
    """The nodes of the files' top levels, the main one first, and the secrets that came from secret files.

    `read` are all files and folders that were looked at so far, there or not.
    """

    main: Node
    tops: tuple[Node, ...]
    secrets: frozenset[str]
    read: frozenset[Path]


def read_files(path: Path, environ: Mapping[str, str]) -> Files:
    """Read and resolve everything that belongs to a configuration. Never raises for what it finds there."""
    if path.is_dir():
        folders = [path / "jobs", path / "catalog"]
        documents = [_read(path / "kpisync.yaml"), *(part for folder in folders for part in _parts(folder))]
    else:
        folders, documents = [], [_read(path)]
    resolved = [resolve(document, environ) for document in documents]
    tops = [Node(each.document, (), each.document.value, main=index == 0) for index, each in enumerate(resolved)]
    secrets = frozenset(secret for each in resolved for secret in each.secrets)
    read = {*folders, *(document.file for document in documents), *(file for each in resolved for file in each.files)}
    return Files(tops[0], tuple(tops), secrets, frozenset(read))


def _parts(directory: Path) -> Iterator[Document]:
    """Every *.yaml of a directory, by name; hidden ones are an editor's or a container's own."""
    if not directory.is_dir():
        return
    try:
        files = sorted(file for file in directory.iterdir() if not file.name.startswith("."))
    except OSError as error:
        yield _unreadable(directory / "*.yaml", f"cannot be listed: {error.strerror or error}")
        return
    for file in files:
        if file.suffix == ".yaml":
            yield _read(file)
        elif file.suffix == ".yml":
            yield _unreadable(file, "is not read, for its name does not end in .yaml", "Rename it.")


def _unreadable(file: Path, message: str, hint: str | None = None) -> Document:
    return Document(file, None, faults=(Fault((), Mark(1, 1), message, hint),), readable=False)


def _read(file: Path) -> Document:
    try:
        with file.open("rb") as content:
            return parse(content.read(MAX_BYTES + 1), file)
    except FileNotFoundError:
        return _unreadable(file, "there is no such file", "Write it with kpisync init, or name another by -c.")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else clean(str(error))
        return _unreadable(file, f"cannot be read: {reason}")


def check_top(top: Node, findings: Findings) -> None:
    """Note the faults of a file, and what cannot stand at its top level."""
    for fault in top.document.faults:
        findings.add_fault(top, fault)
    known = _SECTIONS["main" if top.main else top.document.file.parent.name]
    if top.value is not None and not isinstance(top.value, dict):
        findings.add(top, "expected a mapping at the top level", f"Its keys are {', '.join(known)}.")
    for key, node in top.children():
        if key not in known:
            hint = None if suggestion(key, known) else f"Known here: {', '.join(known)}."
            findings.add(node, f"unknown key {findings.quote(key)}{suggestion(key, known)}", hint, key=True)


def entries(tops: tuple[Node, ...], section: str, findings: Findings) -> dict[str, Node]:
    """A section's entries by name, from all files that may hold it. One name in two files is a problem naming both."""
    found: dict[str, Node] = {}
    for name, node in _all_entries(tops, section, findings):
        if name in found:
            findings.add(
                node, f"{findings.quote(name)} is in {found[name].line()} too", "Rename one of them.", key=True
            )
        found.setdefault(name, node)
    return found


def _all_entries(tops: tuple[Node, ...], section: str, findings: Findings) -> Iterator[tuple[str, Node]]:
    for top in tops:
        part = top.at(section)
        if part.value is not None and not isinstance(part.value, dict):
            findings.add(part, f"expected a mapping of names under {section}")
        if top.main or section in _SECTIONS[top.document.file.parent.name]:
            yield from part.children()
