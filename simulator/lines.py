"""Where something stands in a TOML file: the line of a key, for a sentence about its value.

Pure functions, any thread. ``tomllib`` says where the grammar is broken, and nothing of where a value came from.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"#[^\n]*"  # a comment
    r'|"""(?:\\.|[^\\])*?"""'
    r"|'''.*?'''"  # strings that may go over several lines
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_HEADER = re.compile(r"\s*(\[\[?)\s*[\"']?([\w-]+)[\"']?\s*\]")
_KEY = re.compile(r"\s*[\"']?([\w-]+)[\"']?\s*(?:\.\s*[\"']?([\w-]+)[\"']?\s*)?=")


class Lines:
    """The lines, counted from 1, of the keys and tables of ``text``."""

    def __init__(self, text: str) -> None:
        self._tables: dict[tuple[str, int], int] = {("", 0): 1}
        self._keys: dict[tuple[str, int, str], int] = {}
        met: dict[str, int] = {}
        table, number = "", 0
        for line, content in enumerate(_TOKEN.sub(_plain, text).splitlines(), start=1):
            if header := _HEADER.match(content):
                table = header[2]
                # The entries of [[table]] are counted from 0; a [table] is the only one.
                number = met.get(table, 0) if header[1] == "[[" else 0
                met[table] = number + 1
                self._tables.setdefault((table, number), line)
            elif key := _KEY.match(content):
                where = (key[1], 0, key[2]) if key[2] and not table else (table, number, key[1])
                self._keys.setdefault(where, line)

    def of(self, table: str, number: int = 0, key: str = "") -> int:
        """The line of ``key`` in entry ``number`` of ``table`` ("": the top), or the nearest thing before it."""
        if (line := self._keys.get((table, number, key))) is not None:
            return line
        # A table that stands inside one line is a key of the top.
        return self._tables.get((table, number)) or self._keys.get(("", 0, table)) or 1


def _plain(token: re.Match[str]) -> str:
    """Strings of one line as they are, for a key may be one; of comments and longer strings the line breaks."""
    text = token[0]
    return text if text[0] in "\"'" and "\n" not in text and text[:3] not in ('"""', "'''") else "\n" * text.count("\n")
