"""A catalog as it stands in a file, and the text around it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kpisync.config.findings import Findings, Node
from kpisync.config.references import resolve
from kpisync.config.validate import validate
from kpisync.config.yaml import parse
from kpisync.errors import ConfigError
from kpisync.mapping.catalog_options import CatalogOptions
from kpisync.model import Catalog


def read_catalog(file: Path, destination: str, environ: Mapping[str, str]) -> tuple[str, Catalog] | None:
    """A file's text, and the catalog of a destination in it (empty where it has none); None if there is no such file.

    Raises ConfigError, naming the place, for a file that is not sound.
    """
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror or error}", where=str(file)) from None
    document = resolve(parse(content, file), environ).document
    findings, top = Findings(), Node(document, (), document.value)
    for fault in document.faults:
        findings.add_fault(top, fault)
    node = top.at("catalog", destination)
    options = validate(CatalogOptions, node, findings) if node.value is not None else CatalogOptions()
    if findings.problems or options is None:
        first = findings.problems[0]
        raise ConfigError(first.message, where=first.place, hint=first.hint or "Correct it first")
    return content.decode("utf-8"), options.catalog()
