"""One door per library, and none of them opened on the way to a headless run."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

FOLDERS = {
    "duckdb": ("storage/",),
    "onnxruntime": ("inference/",),
    "tritonclient": ("inference/",),
    "pynvml": ("inference/",),
    "sgp4": ("simulator/",),
    "torch": ("training/", "conversion/"),
    "PySide6": ("widgets/", "app/window"),
    "pyqtgraph": ("widgets/", "app/window"),
}
ONE_FILE = ("onnxruntime", "tritonclient", "pynvml")


def _importers() -> dict[str, set[str]]:
    """Library to the product files that import it, at whatever depth of the code."""
    found: dict[str, set[str]] = defaultdict(set)
    for init in ROOT.glob("*/__init__.py"):
        if init.parent.name == "benchmarks":
            continue  # the naive side of a comparison is written with the bare library
        for path in init.parent.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    modules = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    modules = [node.module]
                else:
                    continue
                for module in modules:
                    found[module.partition(".")[0]].add(path.relative_to(ROOT).as_posix())
    return found


def test_a_library_is_imported_behind_its_own_door_only() -> None:
    importers = _importers()
    strays = {
        library: sorted(path for path in importers[library] if not path.startswith(folders))
        for library, folders in FOLDERS.items()
    }
    assert {library: paths for library, paths in strays.items() if paths} == {}


@pytest.mark.parametrize("library", ONE_FILE)
def test_an_engine_library_is_imported_in_one_file(library: str) -> None:
    assert len(_importers()[library]) <= 1


@pytest.mark.parametrize(
    "module",
    [
        "app.cli",
        "app.cli.archive.info",
        "app.cli.archive.publish",
        "app.cli.commands",
        "app.cli.doctor",
        "app.cli.evaluate",
        "app.cli.headless",
        "app.cli.simulate",
        "app.cli.triton",
        "app.core",
        "app.session",
    ],
)
def test_headless_loads_neither_qt_nor_torch(module: str, tmp_path: Path) -> None:
    code = (
        f"import sys, {module}\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules} & "
        "{'PySide6', 'shiboken6', 'pyqtgraph', 'torch', 'pandas', 'matplotlib'}))"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stdout.strip()) == (0, ""), answer.stderr


def test_the_window_stands_before_numpy_is_loaded(tmp_path: Path) -> None:
    """The first window is quick because little is imported for it; torch never enters its process at all."""
    code = (
        "import sys\n"
        "from app.cli.watch import make_plan\n"
        "from app.window.main import first_window\n"
        "shown = first_window(make_plan(['sim:demo']))\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules} & "
        "{'numpy', 'pyarrow', 'duckdb', 'onnxruntime', 'pydantic', 'pyqtgraph', 'torch'}))"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stdout.strip()) == (0, ""), answer.stderr


def test_the_window_never_loads_torch_duckdb_or_an_engine(tmp_path: Path) -> None:
    code = (
        "import sys, app.window.watching, app.window.main, app.window.corelink, widgets.strips.widget\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules} & {'torch', 'duckdb', 'onnxruntime'}))"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stdout.strip()) == (0, ""), answer.stderr
