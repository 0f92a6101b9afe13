"""One question of a kind at a time: the core is not asked again before it has answered. No Qt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Asked(Protocol):
    """Who is asked: a ``CoreLink``."""

    def ask(self, do: str, **values: object) -> None:
        """Ask; the answer comes by itself."""


class Question:
    """Something asked of the core: what is wanted while an answer is awaited is asked when that has come."""

    def __init__(self, link: Asked, do: str) -> None:
        self._link, self._do = link, do
        self._asked: Mapping[str, object] | None = None
        self._wanted: Mapping[str, object] | None = None

    def ask(self, **values: object) -> None:
        """Ask with these values, now or next."""
        self._wanted = values
        if self._asked is None:
            self._asked = values
            self._link.ask(self._do, **values)

    def came(self) -> bool:
        """An answer or a refusal came; whether it is to what is wanted still. Otherwise that is asked now."""
        asked, self._asked = self._asked, None
        if self._wanted is not None and asked != self._wanted:
            self.ask(**self._wanted)
        return asked is not None and asked == self._wanted

    def forget(self) -> None:
        """No answer will come."""
        self._asked = self._wanted = None
