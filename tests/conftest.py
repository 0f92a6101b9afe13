"""What every test stands on: folders of its own, silence in the log, and real data where there is some.

Warnings fail a test through pytest's ``filterwarnings``, Qt's through pytest-qt's ``qt_log_level_fail`` (both in
pyproject.toml); the log is watched here.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# Before anything can load Qt: a test opens no window on the desktop of whoever runs it. Tests of a real display
# start an X server of their own and say so to the process that they start.
os.environ["QT_QPA_PLATFORM"] = "offscreen"
# A tritonserver takes seconds to start. Tests of it ask for it by name.
os.environ["PERIGEE_TRITON"] = "off"

_FOLDERS = {
    "HOME": "home",
    "XDG_DATA_HOME": "data",
    "XDG_CONFIG_HOME": "config",
    "XDG_STATE_HOME": "state",
}


def _move_user_folders(to: Path, patch: pytest.MonkeyPatch) -> None:
    for variable, name in _FOLDERS.items():
        folder = to / name
        folder.mkdir()
        patch.setenv(variable, str(folder))
    # A Unix socket's path may have about 100 characters, which pytest's own folders use up.
    runtime = Path(tempfile.mkdtemp(prefix="pg-"))
    patch.setenv("XDG_RUNTIME_DIR", str(runtime))


@pytest.fixture(scope="session", autouse=True)
def _session_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep even a fixture that outlives one test off the user's own folders."""
    with pytest.MonkeyPatch.context() as patch:
        _move_user_folders(tmp_path_factory.mktemp("user"), patch)
        # One for the session: fontconfig would otherwise read every font again for each process a test starts.
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        runtime = os.environ["XDG_RUNTIME_DIR"]
        yield
        shutil.rmtree(runtime, ignore_errors=True)


@pytest.fixture(autouse=True)
def _own_folders(_session_folders: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give each test user folders of its own.

    An operator's archive, settings and running core lie there: a test must neither read them (it would pass here
    and fail elsewhere) nor write them, nor may one test's settings reach the next.
    """
    with pytest.MonkeyPatch.context() as patch:
        _move_user_folders(tmp_path_factory.mktemp("user"), patch)
        runtime = os.environ["XDG_RUNTIME_DIR"]
        yield
        shutil.rmtree(runtime, ignore_errors=True)


@pytest.fixture(autouse=True)
def _quiet_log(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a test that logs a warning or worse which it did not announce with ``@pytest.mark.logs(TEXT, ...)``.

    Each TEXT must occur in a line that was logged, so that the announcement cannot outlive its reason.
    """
    yield
    lines = [
        record.getMessage()
        for phase in ("setup", "call", "teardown")
        for record in caplog.get_records(phase)
        if record.levelno >= logging.WARNING
    ]
    expected = [text for mark in request.node.iter_markers("logs") for text in mark.args]
    unexpected = [line for line in lines if not any(text in line for text in expected)]
    absent = [text for text in expected if not any(text in line for line in lines)]
    if unexpected:
        pytest.fail("Logged without being expected:\n" + "\n".join(unexpected), pytrace=False)
    if absent:
        pytest.fail("Expected in the log and not there:\n" + "\n".join(absent), pytrace=False)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real telemetry; the test is skipped where the environment names none."""
    named = os.environ.get("PERIGEE_REAL_DATA")
    if not named:
        pytest.skip("PERIGEE_REAL_DATA names no folder of real telemetry")
    folder = Path(named)
    if not folder.is_dir():
        pytest.fail(f"PERIGEE_REAL_DATA names {folder}, which is not a folder", pytrace=False)
    return folder


@pytest.fixture(scope="session")
def private_server() -> Path:
    """Where ``make test`` puts a real tritonserver."""
    from inference import EngineError
    from inference.triton.bundle import find

    folder = Path(__file__).resolve().parents[1] / ".triton"
    try:
        find(str(folder), ())
    except EngineError as problem:
        pytest.skip(f"there is no tritonserver here: {problem}")
    return folder
