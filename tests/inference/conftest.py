"""What the tests of inference share: the shipped models, copies that may be damaged, a container engine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from inference.triton.bundle import find
from tests.inference.dockers import container_engine, tritonserver_image

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
def docker_host(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What DOCKER_HOST says so that ``docker`` asks the tests' own engine."""
    kept = pytestconfig.cache.mkdir("docker") if pytestconfig.cache else tmp_path_factory.mktemp("docker")
    with container_engine(kept) as host:
        yield host


@pytest.fixture(scope="session")
def triton_image(docker_host: str, private_server: Path) -> str:
    """An image of a real tritonserver in the tests' own container engine."""
    return tritonserver_image(docker_host, find(str(private_server), ()))
