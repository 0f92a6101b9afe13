"""What the tests of inference share: the shipped models, copies that may be damaged."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from inference import EngineError
from inference.triton.bundle import find

SHIPPED = Path(__file__).resolve().parents[2] / "model_repository"


@pytest.fixture(scope="session")
def shipped() -> Path:
    return SHIPPED


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    shutil.copytree(SHIPPED, folder)
    return folder


@pytest.fixture(scope="session")
def private_server() -> Path:
    """Where ``make test`` puts a real tritonserver."""
    folder = Path(__file__).resolve().parents[2] / ".triton"
    try:
        find(str(folder), ())
    except EngineError as problem:
        pytest.skip(f"there is no tritonserver here: {problem}")
    return folder
