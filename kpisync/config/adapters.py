"""`type:` of a source or destination → the adapter that it names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kpisync.config.findings import Findings, Node
from kpisync.errors import ConfigError
from kpisync.ports import AdapterSpec

Find = Callable[[str], AdapterSpec[Any]]


def read_adapter(node: Node, find: Find, findings: Findings) -> tuple[str, AdapterSpec[Any]] | None:
    """The type and the adapter of a node, or None and a problem."""
    name = node.at("type").value
    if not isinstance(node.value, dict):
        findings.add(node, "expected a mapping with a type", key=True)
    elif name is None:
        findings.add(node, '"type" is missing', "It names the kind of system.", key=True)
    elif not isinstance(name, str):
        findings.add(node.at("type"), "expected text as the type")
    else:
        try:
            return name, find(name)
        except ConfigError as error:
            findings.add(node.at("type"), error.what, error.hint)
    return None
