"""What may go wrong without being a bug: the root error of each package, whose text is a sentence with a cure."""

from __future__ import annotations

from app.evaluation.errors import EvaluationError
from app.paths import FolderError
from app.plan import PlanError
from app.playing.target import PlayError
from app.settings import SettingsError
from inference import EngineError
from storage import StorageError
from telemetry import SourceError
from telemetry.limitfields import LimitsError
from telemetry.ring import RingError
from training.errors import TrainingError

EXPECTED = (
    EvaluationError,
    FolderError,
    PlanError,
    PlayError,
    SettingsError,
    SourceError,
    LimitsError,
    StorageError,
    EngineError,
    RingError,
    TrainingError,
)
