"""``perigee doctor``: what this machine has and lacks, as lines or as JSON."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from app import paths
from app.cli.errors import ENDED_EARLY, OK
from app.doctor import containers, graphics, machine, scoring, servers
from app.doctor.check import Finding, Look, findings
from app.settings import Settings, SettingsError, load, read
from app.triton import VARIABLE, triton_options


class CheckResult(BaseModel):
    """One check. Without what is ``needed`` Perigee cannot work; ``cure`` says what helps, or lessens a risk."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    ok: bool
    needed: bool
    detail: str
    cure: str


class DoctorResult(BaseModel):
    """Every check, in the order in which they are shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checks: list[CheckResult]


def examine(repository: Path | None, settings: Sequence[str], *, as_json: bool) -> int:
    """Run every check and print what was found; 3 where something that is needed is broken, else 0."""
    looks = _looks(_settings(settings), repository)
    result = DoctorResult(
        checks=[
            CheckResult(name=look.name, ok=found.ok, needed=look.needed, detail=found.detail, cure=found.cure)
            for look, found in zip(looks, findings(looks), strict=True)
        ]
    )
    sys.stdout.write(result.model_dump_json(indent=2) + "\n" if as_json else _text(result))
    return ENDED_EARLY if any(one.needed and not one.ok for one in result.checks) else OK


def _looks(settings: Settings, repository: Path | None) -> list[Look]:
    found = [*machine.looks(settings.storage), *scoring.looks(repository)]
    options = triton_options(settings.inference.triton)
    if options is None:
        return [*found, Look("Triton", lambda: Finding(True, f"switched off ({VARIABLE}=off)"))]
    found.append(Look("tritonserver", partial(scoring.tritonserver, options)))
    return [*found, *servers.looks(options), *graphics.looks(options), *containers.looks(options)]


def _settings(overrides: Sequence[str]) -> Settings:
    """Those in force; a broken file, which one of the checks tells of, is left where it is."""
    file = paths.settings_file()
    try:
        read(file)
    except SettingsError:
        file = Path(os.devnull)  # says nothing, so the defaults are in force
    return load(file, overrides)[0]


def _text(result: DoctorResult) -> str:
    lines = []
    for one in result.checks:
        mark = "ok" if one.ok else "BROKEN" if one.needed else "lacks"
        lines.append(f"{mark:8}{one.name}: {one.detail}.")
        lines += [f"{'':8}{one.cure}."] if one.cure else []
    return "\n".join(lines) + "\n"
