"""Errors of the binary formats of Excel, by their codes."""

from __future__ import annotations

# [MS-XLS] 2.5.10 and [MS-XLSB] 2.5.97.2: BErr
_ERRORS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}


def error_text(code: int) -> str:
    return _ERRORS.get(code, "#ERROR!")
