"""What the README tells people to type exists."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import typer.main

from app.cli.commands import app
from app.settings import Settings

ROOT = Path(__file__).resolve().parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _code() -> list[str]:
    """Every piece of code in the README: inline, and the lines of blocks without their comments."""
    blocks = [line.strip().partition("  #")[0] for line in README.splitlines() if line.startswith("    ")]
    return re.findall(r"`([^`]+)`", README) + blocks


def test_make_commands_are_targets() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {match for code in _code() for match in re.findall(r"^make ([a-z-]+)", code)}
    assert {"run", "test", "check", "setup"} <= named <= targets


def test_make_passes_on_what_the_readme_gives_it() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    variables = {match for code in _code() for match in re.findall(r"^make .*?\b([A-Z]+)=", code)}
    assert variables == {"ARGS", "PYTHON", "SYSTEM"}
    assert all(f"$({name}" in makefile or f"$(filter skip,$({name}" in makefile for name in variables)


def test_commands_and_options_of_perigee_are_known() -> None:
    group = typer.main.get_command(app)
    commands: dict[str, object] = group.commands  # type: ignore[attr-defined]  # the app has several: a group
    options = {option for command in commands.values() for one in command.params for option in one.opts}  # type: ignore[attr-defined]  # typer's own copy of click is untyped
    lines = [code for code in _code() if re.search(r"(^|/)perigee( |$)", code) and "packaging" not in code]
    assert lines
    for line in lines:
        words = line.split("perigee", 1)[1].split()
        assert not words or words[0] in commands, line
    ours = [code for code in _code() if code.startswith("--") or code in lines]
    named = {match for code in ours for match in re.findall(r"(?:^| )(--[a-z]+)", code)}
    assert {"--headless", "--json", "--speed"} <= named <= options


def test_the_settings_shown_are_the_defaults_of_every_setting() -> None:
    block = README.partition("every setting at its default:")[2].partition("## ")[0]
    page = (ROOT / "docs" / "triton.md").read_text(encoding="utf-8")
    triton = page.partition("Every setting at its default:")[2].partition("## ")[0]
    shown, more = tomllib.loads(block), tomllib.loads(triton)
    shown["inference"] |= more["inference"]
    assert shown == Settings().model_dump(mode="json")


def test_links_lead_to_files() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []
