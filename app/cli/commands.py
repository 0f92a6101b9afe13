"""Every command and its options. Each imports what it runs when it runs it."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from app.cli.archive.commands import archive
from app.cli.errors import BAD_INPUT, ENDED_EARLY, OK, EndedEarlyError, UsageError, complain

app = typer.Typer(
    name="perigee",
    help="Watches satellite telemetry from one workstation.",
    add_completion=False,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Sources = Annotated[list[str], typer.Argument(help="CSV or Parquet files, or sim:demo?seed=7&start=now")]
Speed = Annotated[str, typer.Option(metavar="X|max", help="Telemetry seconds a second, or max.")]
Duration = Annotated[float | None, typer.Option(metavar="SECONDS", help="End after so much telemetry.")]
EngineChoice = Annotated[str, typer.Option(metavar="auto|embedded|triton|triton://HOST:PORT")]
ArchiveFile = Annotated[Path | None, typer.Option(metavar="FILE", help="Where telemetry is recorded.")]
Repository = Annotated[Path | None, typer.Option(metavar="DIR", help="Where the models lie.")]
Models = Annotated[list[str] | None, typer.Option("--model", metavar="NAME", help="Only this model; repeatable.")]
Settings = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a setting.")]
LimitsFile = Annotated[Path | None, typer.Option(metavar="FILE", help="Limits and derived channels, TOML or CSV.")]
TimeColumn = Annotated[str | None, typer.Option("--time", metavar="COLUMN", help="The file's time column.")]
Period = Annotated[str | None, typer.Option(metavar="5s", help="Step of a file that has no times.")]
Start = Annotated[str | None, typer.Option(metavar="TIME", help="When a file with relative times began.")]


def _version(asked: bool) -> None:
    if asked:
        typer.echo(version("perigee"))
        raise typer.Exit


@app.callback(invoke_without_command=True)
def window(
    context: typer.Context,
    archive: ArchiveFile = None,
    engine: EngineChoice = "auto",
    repository: Repository = None,
    model: Models = None,
    limits: LimitsFile = None,
    setting: Settings = None,
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
) -> None:
    """Open the window on the built-in fleet, or run a command."""
    if context.invoked_subcommand is None:
        from app.cli.watch import open_window

        raise typer.Exit(open_window(archive, engine, repository, model or [], setting or [], limits))
    if archive or repository or model or setting or limits or engine != "auto":
        name = context.invoked_subcommand
        raise UsageError(f"These options belong to the window: write them after '{name}', which has its own.")


@app.command()
def monitor(
    source: Sources,
    speed: Speed = "1",
    duration: Duration = None,
    engine: EngineChoice = "auto",
    archive: ArchiveFile = None,
    repository: Repository = None,
    model: Models = None,
    time: TimeColumn = None,
    period: Period = None,
    start: Start = None,
    limits: LimitsFile = None,
    setting: Settings = None,
    headless: Annotated[bool, typer.Option("--headless", help="Watch without a window.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Watch sources: with a window, or with --headless without one."""
    from app.cli.headless import watch
    from app.cli.watch import make_plan, open_window_on

    plan = make_plan(
        source,
        speed=speed,
        duration=duration,
        engine=engine,
        archive=archive,
        repository=repository,
        models=model or [],
        time=time,
        period=period,
        start=start,
        limits=limits,
        settings=setting or [],
        headless=headless,
    )
    if json and not headless:
        raise UsageError("--json prints the result of a run without a window: give --headless too.")
    raise typer.Exit(watch(plan, as_json=json) if headless else open_window_on(plan))


@app.command()
def simulate(
    scenario: Annotated[str, typer.Argument(help="demo or another built-in one, a TOML file, or sim:demo?seed=7")],
    satellites: Annotated[int | None, typer.Option(metavar="N", help="How many there are.")] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="The same seed gives the same telemetry.")] = None,
    duration: Duration = None,
    speed: Annotated[
        str | None, typer.Option(metavar="X|max", help="Telemetry seconds a second: 1 over a link, otherwise max.")
    ] = None,
    to: Annotated[
        str | None, typer.Option(metavar="FILE.csv|FILE.parquet|udp://H:P|tcp://H:P", help="Where it is played to.")
    ] = None,
    labels: Annotated[Path | None, typer.Option(metavar="FILE.json", help="Write the injected faults.")] = None,
    loss: Annotated[float, typer.Option(metavar="P", help="Probability that a datagram or row is lost.")] = 0.0,
    duplicates: Annotated[float, typer.Option(metavar="P", help="... that it comes twice.")] = 0.0,
    reorder: Annotated[float, typer.Option(metavar="P", help="... that up to three others overtake it.")] = 0.0,
    delay: Annotated[float, typer.Option(metavar="S", help="Hold datagrams back by up to S seconds.")] = 0.0,
) -> None:
    """Play a simulation into a file, over a link, or nowhere, to see how fast it goes."""
    from app.cli.simulate import play
    from app.playing.impairments import Impairments

    raise typer.Exit(
        play(
            scenario,
            satellites=satellites,
            seed=seed,
            duration=duration,
            speed=speed,
            to=to,
            labels=labels,
            impairments=Impairments(loss, duplicates, reorder, delay),
        )
    )


@app.command()
def evaluate(
    folder: Annotated[Path, typer.Argument(help="train/*.npy, test/*.npy and labeled_anomalies.csv")],
    model: Annotated[
        list[str] | None,
        typer.Option("--model", metavar="NAME|all", help="Compare with this model only; repeatable."),
    ] = None,
    repository: Repository = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Measure what the application and each model find in labelled recordings."""
    from app.cli.evaluate import evaluate

    raise typer.Exit(evaluate(folder, model or [], repository, as_json=json))


@app.command()
def train(
    source: Annotated[str | None, typer.Argument(help="Nominal telemetry: a file, or sim:quiet?satellites=1")] = None,
    subsystem: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="What the model watches between; repeatable.")
    ] = None,
    kind: Annotated[str, typer.Option(metavar="vae|transformer", help="The kind of network.")] = "vae",
    satellite: Annotated[str, typer.Option(metavar="NAME", help="Only this satellite.")] = "",
    archive: Annotated[Path | None, typer.Option(metavar="FILE", help="Learn from what was recorded.")] = None,
    session: Annotated[int | None, typer.Option(metavar="N", help="The session of --archive.")] = None,
    first: Annotated[str | None, typer.Option("--from", metavar="TIME", help="Nominal from here on.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Nominal up to here.")] = None,
    minutes: Annotated[
        float | None, typer.Option(metavar="N", help="Stop fitting after so many (10; with --out 4).")
    ] = None,
    repository: Repository = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Train the reference models anew, and write them there.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=(1 << 63) - 1)] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train a model on your own nominal telemetry (needs the extra 'convert')."""
    if out is None:
        from app.cli.teach import teach
        from training.own import Ask

        ask = Ask(tuple(dict.fromkeys(subsystem or ())), kind, satellite, seed, 10.0 if minutes is None else minutes)
        raise typer.Exit(teach(source, archive, session, ask, first, last, repository, as_json=json))
    if source or subsystem or archive or repository or satellite or session or first or last or json or kind != "vae":
        raise UsageError(
            "--out trains the reference models anew, and takes --seed and --minutes only: leave it out to train on "
            "telemetry of your own."
        )
    command = [sys.executable, "-m", "training", "--out", str(out), "--seed", str(seed)]
    command += [] if minutes is None else ["--minutes", f"{minutes:g}"]
    code = subprocess.run(command, check=False).returncode
    raise typer.Exit(code if code in (OK, BAD_INPUT) else ENDED_EARLY)


triton = typer.Typer(help="Servers that score: bring, start, stop and look at them.")
app.add_typer(triton, name="triton", invoke_without_command=True)
app.add_typer(archive, name="archive", invoke_without_command=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@triton.callback()
def triton_commands(context: typer.Context) -> None:
    """Servers that score: bring, start, stop and look at them."""
    if context.invoked_subcommand is None:
        raise UsageError("'perigee triton' wants a command: 'perigee triton --help' lists what there is.")


@triton.command("install")
def triton_install(
    image: Annotated[bool, typer.Option("--image", help="The container image instead.")] = False,
    setting: Settings = None,
    json: AsJson = False,
) -> None:
    """Bring a private tritonserver, or with --image the container image."""
    from app.cli.triton import install

    raise typer.Exit(install(image, setting or [], as_json=json))


@triton.command("start")
def triton_start(
    repository: Repository = None, model: Models = None, setting: Settings = None, json: AsJson = False
) -> None:
    """Start a server that stays, with every model loaded and warm."""
    from app.cli.triton import start

    raise typer.Exit(start(repository, model or [], setting or [], as_json=json))


@triton.command("stop")
def triton_stop(setting: Settings = None, json: AsJson = False) -> None:
    """End the servers that stay, and those whose owner is gone."""
    from app.cli.triton import stop

    raise typer.Exit(stop(setting or [], as_json=json))


@triton.command("status")
def triton_status(setting: Settings = None, json: AsJson = False) -> None:
    """Every server of this machine, its models, and the GPUs."""
    from app.cli.triton import status

    raise typer.Exit(status(setting or [], as_json=json))


@triton.command("logs")
def triton_logs(
    lines: Annotated[int, typer.Option(min=1, max=1_000_000, metavar="N", help="How many of the newest.")] = 50,
    grep: Annotated[str, typer.Option(metavar="TEXT", help="Only lines that contain this.")] = "",
    setting: Settings = None,
) -> None:
    """What the servers wrote."""
    from app.cli.triton import logs

    raise typer.Exit(logs(lines, grep, setting or []))


@app.command()
def doctor(repository: Repository = None, setting: Settings = None, json: AsJson = False) -> None:
    """Find out what this machine has, what it lacks, and what helps."""
    from app.cli.doctor import examine

    raise typer.Exit(examine(repository, setting or [], as_json=json))


_WRONG_NUMBER = re.compile(r"Invalid value for '(.+?)': Input should be ([^,]+)(?:, .*)?")
_NUMBERS = {"a valid number": "a number, such as 60", "a valid integer": "a whole number, such as 7"}


def _sentence(said: str) -> str:
    """What a parser says of a command line, with a cure."""
    wrong = _WRONG_NUMBER.fullmatch(said)
    if wrong:
        return f"{wrong[1]} takes {_NUMBERS.get(wrong[2], f'a number {wrong[2]}')}."
    return f"{said.rstrip('.')}. 'perigee --help' lists what there is."


def run(argv: list[str]) -> int:
    """Carry out a command line; its exit code. What may be expected to go wrong is one line on stderr."""
    from app.expected import EXPECTED

    try:
        code = app(argv, standalone_mode=False, prog_name="perigee")
    except typer.exceptions.TyperException as problem:
        complain(_sentence(problem.format_message() if hasattr(problem, "format_message") else str(problem)))
        return BAD_INPUT
    except EndedEarlyError as problem:
        complain(problem)
        return ENDED_EARLY
    except (UsageError, *EXPECTED) as problem:
        complain(problem)
        return BAD_INPUT
    return code if isinstance(code, int) else OK
