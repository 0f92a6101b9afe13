"""The errors of this package."""

from __future__ import annotations


class EngineError(Exception):
    """A model or an engine cannot be used; the text is a sentence with a cure, fit to be shown as it is."""


class DamagedModelError(EngineError):
    """The file of a model is there and is not what was published."""


class RefusedModelError(EngineError):
    """The model ``model`` can be read and cannot be used; others can."""

    def __init__(self, text: str, model: str) -> None:
        super().__init__(text)
        self.model = model


class ServerGoneError(EngineError):
    """A server does not answer, or not in time: its work is undone and may be done elsewhere."""


class ModelGoneError(EngineError):
    """A server answers, and has lost a model that it had: loading it again may help."""


class MemoryExhaustedError(EngineError):
    """An engine had no memory for a batch: a smaller one may fit."""
