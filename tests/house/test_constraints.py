"""Every set-up installs the same versions: all that is asked for, at whatever remove, is pinned."""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _pins() -> dict[str, Version]:
    lines = (ROOT / "packaging" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): Version(version) for name, version in pairs}


def _asked() -> list[Requirement]:
    project = PROJECT["project"]
    extras = [text for group in project["optional-dependencies"].values() for text in group]
    return [Requirement(text) for text in [*project["dependencies"], *extras, *PROJECT["build-system"]["requires"]]]


def _needs(requirement: Requirement) -> list[Requirement]:
    """What an installed distribution needs here, with the extras that ``requirement`` names."""
    found = []
    for text in distribution(requirement.name).requires or ():
        need = Requirement(text)
        extras = ("", *requirement.extras)
        if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras):
            found.append(need)
    return found


def _closure() -> dict[str, list[Requirement]]:
    """Each distribution that is needed, by canonical name, with every requirement that was made of it."""
    closure: dict[str, list[Requirement]] = {}
    waiting, seen = _asked(), set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        closure.setdefault(name, []).append(requirement)
        if (name, frozenset(requirement.extras)) not in seen:
            seen.add((name, frozenset(requirement.extras)))
            waiting += _needs(requirement)
    return closure


def test_every_requirement_is_pinned_within_its_range() -> None:
    pins = _pins()
    for requirement in _asked():
        assert pins[canonicalize_name(requirement.name)] in requirement.specifier, requirement


def test_what_the_requirements_need_is_pinned_too() -> None:
    assert set(_closure()) - set(_pins()) == set()


def test_what_is_installed_is_what_is_pinned() -> None:
    installed = {name: Version(distribution(name).version) for name in _closure()}
    pins = _pins()
    # torch's CPU build calls itself 2.13.0+cpu.
    assert {name: version.public for name, version in installed.items()} == {
        name: str(pins[name]) for name in installed
    }


def test_no_pin_is_left_over() -> None:
    unneeded = set(_pins()) - set(_closure()) - {"pip"}
    # What only another system or Python asks for is pinned without being installed here.
    installed_for_nothing = set()
    for name in unneeded:
        try:
            distribution(name)
        except PackageNotFoundError:
            continue
        installed_for_nothing.add(name)
    assert installed_for_nothing == set()


def test_torch_came_without_cuda() -> None:
    import importlib.metadata

    names = {canonicalize_name(one.metadata["Name"]) for one in importlib.metadata.distributions()}
    # nvidia-ml-py asks the driver how a GPU does; it brings none of CUDA.
    assert not {name for name in names - {"nvidia-ml-py"} if name.startswith(("nvidia-", "cuda-"))}
