"""The guards of conftest guard: each is given the very thing that it must catch."""

from __future__ import annotations

import logging
import os
import textwrap
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

CONFTEST = Path(__file__).resolve().parent.parent / "conftest.py"
LOG = logging.getLogger("perigee.tests.house")


@pytest.fixture
def inner(pytester: pytest.Pytester) -> pytest.Pytester:
    """A small project that stands on our conftest."""
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    pytester.makepyprojecttoml(
        '[tool.pytest.ini_options]\nmarkers = ["logs(text): expected"]\nfilterwarnings = ["error"]\n'
        'qt_log_level_fail = "WARNING"\n'
    )
    return pytester


def _outcomes(inner: pytest.Pytester, body: str) -> dict[str, int]:
    inner.makepyfile(textwrap.dedent(body))
    return inner.runpytest_subprocess("-p", "no:cacheprovider").parseoutcomes()


def test_a_warning_in_the_log_fails_its_test(inner: pytest.Pytester) -> None:
    outcomes = _outcomes(
        inner,
        """
        import logging, pytest
        def test_says_nothing(): logging.info("fine")
        def test_warns(): logging.getLogger("x").warning("oh")
        @pytest.mark.logs("oh")
        def test_warns_as_announced(): logging.getLogger("x").warning("oh no")
        @pytest.mark.logs("oh")
        def test_keeps_quiet_against_its_word(): pass
        """,
    )
    # The guard runs after the test: pytest calls what it finds an error, and the run fails.
    assert outcomes == {"passed": 4, "errors": 2}


def test_a_python_or_qt_warning_fails_its_test(inner: pytest.Pytester) -> None:
    outcomes = _outcomes(
        inner,
        """
        import warnings
        from PySide6.QtCore import qWarning
        def test_warns(): warnings.warn("old")
        def test_qt_warns(): qWarning("QObject: no")
        """,
    )
    assert outcomes == {"failed": 2}


def test_a_test_reaches_no_folder_of_the_user() -> None:
    import platformdirs

    from app import paths

    for folder in (Path.home(), paths.data_folder(), paths.settings_file(), Path(platformdirs.user_cache_dir("x"))):
        assert "pytest-" in str(folder), folder
    assert Path(os.environ["XDG_RUNTIME_DIR"]).name.startswith("pg-")
    assert paths.runtime_folder().is_relative_to(os.environ["XDG_RUNTIME_DIR"])


def test_the_runtime_folder_leaves_room_for_a_socket() -> None:
    assert len(os.environ["XDG_RUNTIME_DIR"]) < 60
