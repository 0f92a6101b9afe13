"""Flat import names: what we import is what lies here, and nothing on PyPI is shadowed by it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
NOT_SHIPPED = {"benchmarks"}


def _packages() -> set[str]:
    return {init.parent.name for init in ROOT.glob("*/__init__.py")}


def test_each_package_lies_in_this_repository() -> None:
    for name in sorted(_packages()):
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin == str(ROOT / name / "__init__.py")


def test_each_package_lies_in_this_repository_from_anywhere(tmp_path: Path) -> None:
    code = (
        "import importlib.util, json, sys\n"
        "print(json.dumps({name: importlib.util.find_spec(name).origin for name in sys.argv[1:]}))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, *sorted(_packages())], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert json.loads(answer.stdout) == {name: str(ROOT / name / "__init__.py") for name in _packages()}


def test_the_packaging_folder_does_not_shadow_the_library_of_that_name() -> None:
    import packaging

    assert packaging.__file__ is not None
    assert not Path(packaging.__file__).is_relative_to(ROOT / "packaging")
    assert not (ROOT / "packaging" / "__init__.py").exists()


def test_every_package_is_under_the_import_contracts_and_the_type_checker() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]
    layers = {name.strip() for layer in contracts["contracts"][0]["layers"] for name in layer.split("|")}
    assert set(contracts["root_packages"]) == layers == _packages() - NOT_SHIPPED
    assert _packages() <= set(project["tool"]["mypy"]["files"])
    found = {pattern.rstrip("*") for pattern in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert _packages() - NOT_SHIPPED <= found
