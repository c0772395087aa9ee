"""The habits of the house, checked: size of modules, who imports what, and what must not stand in the repository."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "kpisync").rglob("*.py"))
FOREIGN = re.compile(r"(?<![\w.])/(?:work|farm)/|pypi\.org|registry\.npmjs|deb\.debian\.org", re.IGNORECASE)


def names(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("path", MODULES, ids=names)
def test_a_module_is_under_300_lines_and_says_first_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 300
    assert ast.get_docstring(ast.parse(text)), "the first line of a module says what it is for"


def test_only_one_module_imports_the_http_library() -> None:
    users = [names(path) for path in MODULES if "httpx" in imports(path)]
    assert users == ["kpisync/support/http.py"]


def test_nothing_imports_the_testing_package() -> None:
    users = [
        names(path)
        for path in MODULES
        if any(name.startswith("kpisync.testing") for name in imports(path)) and "testing" not in path.parts
    ]
    assert users == []


def test_everything_is_caught_at_one_edge_only() -> None:
    catchers = [names(path) for path in MODULES if re.search(r"except (Exception|BaseException)\b", path.read_text())]
    assert catchers == ["kpisync/cli/main.py"]


def test_no_machine_and_no_registry_is_named() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout, so the files that belong to it are not known")
    texts = [ROOT / name for name in listed.stdout.split("\0") if name and not name.endswith((".png", ".csv", ".db"))]
    hits = [
        f"{names(path)}:{number}"
        for path in texts
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if FOREIGN.search(line)
    ]
    assert hits == []
