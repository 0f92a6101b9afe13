"""The one error of this package."""

from __future__ import annotations


class EvaluationError(Exception):
    """A folder cannot be evaluated; the text is a sentence that names the file and a cure."""
