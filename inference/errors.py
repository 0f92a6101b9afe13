"""The one error of this package."""

from __future__ import annotations


class EngineError(Exception):
    """A model or an engine cannot be used; the text is a sentence with a cure, fit to be shown as it is."""


class DamagedModelError(EngineError):
    """The file of a model is there and is not what was published."""
