"""Windows are scored: engines, the pool in the background, and the catalogue of models.

Knows nothing of events, databases or screens. Importing it loads neither onnxruntime nor gRPC.
"""

from inference.card import ModelCard
from inference.catalogue import Catalogue, read_model, read_repository
from inference.config import ModelConfig, TensorSpec, parse_config, render_config
from inference.engine import Engine, open_engine
from inference.errors import EngineError, RefusedModelError
from inference.fake import FakeEngine
from inference.pool import Pool, PoolStatus

__all__ = [
    "Catalogue",
    "Engine",
    "EngineError",
    "FakeEngine",
    "ModelCard",
    "ModelConfig",
    "Pool",
    "PoolStatus",
    "RefusedModelError",
    "TensorSpec",
    "open_engine",
    "parse_config",
    "read_model",
    "read_repository",
    "render_config",
]
