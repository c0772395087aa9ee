"""Texts as YAML scalars and comments that read as they look, here and in every other reader of YAML."""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[^\W\d_](?:[\w ./()%+-]*[\w./()%+-])?")
_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_WORDS = ("true", "false", "yes", "no", "on", "off", "y", "n", "null")  # to YAML 1.1 they are no texts
_ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_LONGEST = 200


def tidy(text: str) -> str:
    """A name of a platform as a catalog can have it: on one line, without outer blanks, of sane length."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(shown.split())[:_LONGEST].rstrip()


def scalar(text: str) -> str:
    """A text as a key or value, in quotes where it needs them."""
    if _ID.fullmatch(text) or (_PLAIN.fullmatch(text) and text.lower() not in _WORDS):
        return text
    return quoted(text)


def quoted(text: str) -> str:
    """A text in double quotes."""
    return '"' + "".join(map(_character, text)) + '"'


def value(text: str) -> str:
    """A text as a value of a configuration, where `${` would begin a reference."""
    return scalar(text.replace("${", "$${"))


def _character(char: str) -> str:
    if char in _ESCAPED:
        return _ESCAPED[char]
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
