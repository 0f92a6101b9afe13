"""A text file as blocks of whole lines in UTF-8, whatever it was written in, in bounded memory.

Byte-order marks, UTF-16, UTF-32, Latin letters of Windows, old Mac line ends and the zero bytes that a power cut
leaves are made good here; what is no text at all is refused. One thread, the one that opens the file.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from telemetry.files.bounds import counted
from telemetry.source import SourceError

_ZEROS_ALONE = re.compile(rb"(?:^|(?<=[\r\n]))\0+|\0+(?=[\r\n]|$)")
BLOCK = 8 << 20
"""Bytes of a block; also the longest row, a row of quoted lines included."""
_SAMPLE = 1 << 20
_TEXT_CONTROLS = frozenset(b"\t\n\v\f\r\x1a\x1b")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Lines:
    """The lines of one file. ``encoding`` is what it was found to be in; ``notes`` grow while it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[str] = []
        with path.open("rb") as file:
            head = file.read(_SAMPLE)
        self.encoding, self._mark = _encoding(head)
        self._zeros = 0
        self._foreign = False
        if self.encoding in ("utf-8", "cp1252") and _is_binary(head):
            raise SourceError(
                f"{path.name} is neither text nor Parquet: give a CSV file (commas, semicolons, tabs or pipes) "
                "or a Parquet file."
            )

    def sample(self) -> str:
        """The first lines of the file, about a megabyte at most; the last line is whole."""
        for block in self._text(_SAMPLE):
            return block.decode("utf-8")
        return ""

    def blocks(self, quoted: bool) -> Iterator[bytes]:
        """UTF-8 blocks that end where a line does; with ``quoted``, never inside quotation marks.

        Raises SourceError where a row is longer than a block.
        """
        rest = b""
        self._zeros, self._foreign = 0, False
        for piece in self._text(BLOCK // 2):
            rest += piece
            cut = _last_outside_quotes(rest) if quoted else len(rest)
            if cut:
                yield rest[:cut]
                rest = rest[cut:]
            if len(rest) > BLOCK:
                raise SourceError(
                    f"{self.path.name} has a quotation mark that is not closed within {BLOCK >> 20} MB: "
                    "close it, or remove it, and open the file again."
                )
        if rest:
            yield rest
        if self._zeros:
            self.notes.append(f"{counted(self._zeros, 'zero byte')} left out between the lines.")
        if self._foreign:
            self.notes.append("Some letters are not UTF-8: they were read as Windows letters (cp1252).")

    def _text(self, size: int) -> Iterator[bytes]:
        """UTF-8 pieces of whole lines with ``\\n`` ends."""
        decoder = None
        if self.encoding not in ("utf-8", "cp1252"):
            decoder = codecs.getincrementaldecoder(self.encoding)(errors="replace")
        with self.path.open("rb") as file:
            file.seek(self._mark)
            rest = b""
            while True:
                raw = file.read(size)
                data = decoder.decode(raw, final=not raw).encode("utf-8", "replace") if decoder else raw
                if b"\0" in data:
                    self._zeros += data.count(b"\0")
                    # Between lines they are what a power cut leaves; inside a cell they spoil it, and must not
                    # join what stood on either side.
                    data = _ZEROS_ALONE.sub(b"", data).replace(b"\0", b"?")
                    if self._zeros > BLOCK:
                        raise SourceError(
                            f"{self.path.name} holds {BLOCK >> 20} MB of zero bytes, as a disk leaves them that was "
                            "cut off while it wrote: copy it again, or cut it after its last line."
                        )
                rest += data
                if b"\r" in rest:
                    # A carriage return at the very end may be half of a line end: it waits for the next piece.
                    held = rest.endswith(b"\r") and bool(raw)
                    whole = rest[:-1] if held else rest
                    rest = whole.replace(b"\r\n", b"\n").replace(b"\r", b"\n") + (b"\r" if held else b"")
                cut = rest.rfind(b"\n") + 1
                if cut:
                    yield self._utf8(rest[:cut])
                    rest = rest[cut:]
                if not raw:
                    break
                if len(rest) > BLOCK:
                    raise SourceError(
                        f"{self.path.name} has a line of more than {BLOCK >> 20} MB, which no table has: "
                        "export it with one row a line."
                    )
            if rest:
                yield self._utf8(rest + b"\n")

    def _utf8(self, data: bytes) -> bytes:
        if self.encoding == "utf-8":
            try:
                data.decode("utf-8")
                return data
            except UnicodeDecodeError:
                self._foreign = True
        elif self.encoding != "cp1252":
            return data
        return data.decode("cp1252", "replace").encode("utf-8")


def _last_outside_quotes(data: bytes) -> int:
    """The end of the last line of ``data`` that does not end inside quotation marks; 0 where there is none."""
    odd = data.count(b'"') & 1
    cut = len(data)
    while odd:
        # Everything after the last quotation mark is inside: go back to before the line that holds it.
        mark = data.rfind(b'"', 0, cut)
        cut = data.rfind(b"\n", 0, mark) + 1
        odd ^= data.count(b'"', cut, mark + 1) & 1
        if cut == 0:
            return 0
    return cut


def _encoding(head: bytes) -> tuple[str, int]:
    """The encoding, and the length of the byte-order mark."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name, len(mark)
    even, odd = head[0:4096:2], head[1:4096:2]
    if len(odd) > 1:
        # Digits and separators in UTF-16 are zero in every other byte.
        if odd.count(0) > len(odd) * 0.6 and even.count(0) < len(even) * 0.1:
            return "utf-16-le", 0
        if even.count(0) > len(even) * 0.6 and odd.count(0) < len(odd) * 0.1:
            return "utf-16-be", 0
    try:
        head[: head.rfind(b"\n") + 1 or len(head)].decode("utf-8")
    except UnicodeDecodeError as problem:
        # A letter cut in two at the end of the sample is no sign of anything.
        return ("utf-8", 0) if problem.start > len(head) - 4 else ("cp1252", 0)
    return "utf-8", 0


def _is_binary(head: bytes) -> bool:
    body = head.rstrip(b"\0")[: 1 << 16]
    if not body:
        return True
    controls = sum(count for byte, count in _histogram(body) if byte < 32 and byte not in _TEXT_CONTROLS)
    return controls > len(body) * 0.02 or body.count(0) > len(body) * 0.01


def _histogram(data: bytes) -> list[tuple[int, int]]:
    return [(byte, data.count(byte)) for byte in set(data)]
