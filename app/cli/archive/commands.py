"""The commands of ``perigee archive`` and their options. Each imports what it runs when it runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.errors import UsageError

archive = typer.Typer(help="The archive: what is in it, whether it is whole, and how others get it.")

ArchiveFile = Annotated[Path | None, typer.Option("--archive", metavar="FILE", help="Another than the window's own.")]
Settings = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a setting.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@archive.callback()
def archive_commands(context: typer.Context) -> None:
    """The archive: what is in it, whether it is whole, and how others get it."""
    if context.invoked_subcommand is None:
        raise UsageError("'perigee archive' wants a command: 'perigee archive --help' lists what there is.")


def _path(given: Path | None) -> Path:
    from app import paths

    return paths.default_archive() if given is None else given.expanduser()


@archive.command()
def info(file: ArchiveFile = None, setting: Settings = None, json: AsJson = False) -> None:
    """Say how much is in it, how fast it grows and how long the disk lasts."""
    from app.cli.archive.info import info

    raise typer.Exit(info(_path(file), setting or [], as_json=json))


@archive.command()
def verify(
    file: ArchiveFile = None,
    published: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Also what was published into this folder.")
    ] = None,
    setting: Settings = None,
    json: AsJson = False,
) -> None:
    """Read everything and say what is wrong."""
    from app.cli.archive.info import verify

    raise typer.Exit(verify(_path(file), published, setting or [], as_json=json))


@archive.command()
def compact(file: ArchiveFile = None, setting: Settings = None, json: AsJson = False) -> None:
    """Make the file small, and sort it, while recording goes on."""
    from app.cli.archive.compact import compact

    raise typer.Exit(compact(_path(file), setting or [], as_json=json))


@archive.command()
def repair(file: ArchiveFile = None, json: AsJson = False) -> None:
    """Put what can be read of a damaged one into a new file, and keep the damaged one."""
    from app.cli.archive.repair import repair

    raise typer.Exit(repair(_path(file), as_json=json))


@archive.command()
def publish(
    folder: Annotated[Path, typer.Argument(help="Where the Parquet files go; it grows from run to run.")],
    file: ArchiveFile = None,
    margin: Annotated[
        float, typer.Option(min=0, max=864000, metavar="SECONDS", help="How long a day stays open after its end.")
    ] = 600.0,
    json: AsJson = False,
) -> None:
    """Add the days that are over to a folder of Parquet files that other tools read."""
    from app.cli.archive.publish import publish

    raise typer.Exit(publish(folder, _path(file), margin, as_json=json))
