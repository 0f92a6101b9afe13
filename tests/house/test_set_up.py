"""The set-up: what it asks for, what it believes, and what it says when it cannot go on."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def set_up(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "packaging"))
    import set_up

    return set_up


@pytest.fixture
def checkout(set_up: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A set-up that believes in another folder, with a virtual environment of a few files."""
    venv = tmp_path / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(sys.executable)
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("pip==1\ntorch==2.13.0\n")
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(set_up, "ROOT", tmp_path)
    monkeypatch.setattr(set_up, "VENV", venv)
    monkeypatch.setattr(set_up, "PYTHON", venv / "bin" / "python")
    monkeypatch.setattr(set_up, "STAMP", venv / "stamp.json")
    monkeypatch.setattr(set_up, "CONSTRAINTS", constraints)
    return tmp_path


def _stamp(set_up: ModuleType, extras: tuple[str, ...]) -> None:
    set_up.STAMP.write_text(json.dumps({"key": set_up.key(), "extras": list(extras)}))


def test_the_pythons_it_takes_are_those_of_the_project(set_up: ModuleType) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (oldest, newest) = set_up.OLDEST, set_up.NEWEST
    assert project["requires-python"] == f">={oldest[0]}.{oldest[1]},<{newest[0]}.{newest[1] + 1}"


def test_to_run_needs_neither_torch_nor_pytest(set_up: ModuleType) -> None:
    base = " ".join(set_up.requirements(()))
    assert "PySide6-Essentials==" in base
    assert "torch" not in base
    assert "pytest" not in base
    assert "torch" in " ".join(set_up.requirements(set_up.TEST_EXTRAS))


def test_a_stamp_is_believed_until_something_changes(set_up: ModuleType, checkout: Path) -> None:
    assert not set_up.is_complete(())
    _stamp(set_up, ())
    assert set_up.is_complete(())
    assert not set_up.is_complete(set_up.TEST_EXTRAS)
    _stamp(set_up, set_up.TEST_EXTRAS)
    assert set_up.is_complete(())
    assert set_up.is_complete(set_up.TEST_EXTRAS)
    set_up.CONSTRAINTS.write_text("pip==2\ntorch==2.13.0\n")
    assert not set_up.is_complete(())


def test_a_lint_rule_is_no_reason_to_install_again(set_up: ModuleType, checkout: Path) -> None:
    _stamp(set_up, ())
    project = checkout / "pyproject.toml"
    project.write_text(project.read_text(encoding="utf-8").replace("[tool.ruff]", "[tool.ruff]\nfix = true"))
    assert set_up.is_complete(())


def test_a_stamp_that_is_damaged_or_whose_python_has_gone_is_not_believed(set_up: ModuleType, checkout: Path) -> None:
    _stamp(set_up, ())
    set_up.PYTHON.unlink()
    set_up.PYTHON.symlink_to(checkout / "gone")
    assert not set_up.is_complete(())
    set_up.STAMP.write_text("[1")
    assert not set_up.is_complete(())


def test_what_a_killed_pip_left_is_removed(set_up: ModuleType, checkout: Path) -> None:
    packages = checkout / ".venv" / "lib" / "python3.11" / "site-packages"
    for name, whole in (("good-1.dist-info", True), ("half-1.dist-info", False), ("~umpy", False)):
        (packages / name).mkdir(parents=True)
        (packages / name / "METADATA").touch()
        if whole:
            (packages / name / "INSTALLER").touch()
    set_up._remove_halves()
    assert [path.name for path in packages.iterdir()] == ["good-1.dist-info"]


def test_the_command_names_each_missing_package_once(set_up: ModuleType) -> None:
    needs = [*set_up.system_needs.LIBRARIES, set_up.system_needs.HANGUL]
    said = set_up.system_needs.command(needs)
    assert said.startswith("sudo sh -c 'apt-get update && apt-get install -y ")
    assert [said.count(f" {need.package}") >= 1 for need in needs] == [True] * len(needs)


def test_what_tests_of_containers_need_is_asked_of_apt_by_root_alone_and_may_fail(
    set_up: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "env").symlink_to("/usr/bin/env")
    apt = tmp_path / "apt-get"
    apt.write_text('#!/bin/sh\necho "apt-get $*"\nexit 100\n', encoding="utf-8")
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    set_up.system_needs.provide_containers()
    assert capfd.readouterr().err == ""
    monkeypatch.setattr("os.geteuid", lambda: 0)
    set_up.system_needs.provide_containers()
    said = capfd.readouterr().err
    for need in set_up.system_needs.CONTAINER_COMMANDS:
        assert f"install {need.package}\n" in said and f"going on without {need.what};" in said


def test_set_up_needs_nothing_but_the_standard_library_and_an_old_python_can_read_it() -> None:
    import ast

    for script in (ROOT / "packaging").glob("*.py"):
        tree = ast.parse(script.read_text(encoding="utf-8"), feature_version=(3, 8))
        modules = {
            name.partition(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for name in ([one.name for one in node.names] if isinstance(node, ast.Import) else [str(node.module)])
        }
        assert modules <= sys.stdlib_module_names | {"system_needs"}
