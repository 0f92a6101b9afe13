"""What a model says of itself, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from detection.spec import WindowSpec
from inference.config import ModelConfig


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One version of one model of a repository, checked and ready to be loaded.

    ``path`` is the ONNX file; ``input_shape``, and the ``output_shapes`` in step with ``output_names``, are without the
    batch dimension. ``max_batch_size`` is the largest batch that a server takes (0: windows go one at a time).
    ``config`` is what a server is told; without it the model can only be scored here.
    """

    name: str
    version: str
    path: Path
    spec: WindowSpec
    sha256: str
    input_name: str
    input_shape: tuple[int, ...]
    output_names: tuple[str, ...]
    max_batch_size: int
    output_shapes: tuple[tuple[int, ...], ...]
    config: ModelConfig | None = None

    @property
    def score_shape(self) -> tuple[int, ...]:
        """Of the score of one window: one number, or one a channel where the model knows them."""
        return (len(self.spec.channels),) if self.spec.places else ()
