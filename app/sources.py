"""From what the operator typed to sources that are open. One line a kind of source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.plan import Plan
from simulator import Simulation, open_simulation
from telemetry import Source, SourceError
from telemetry.derived import Definition, Derived
from telemetry.files import open_file

_NOT_YET = ("udp", "tcp", "kafka", "mqtt")


def open_source(text: str, plan: Plan, now: int) -> Source:
    """The source named ``text``; ``now`` (UTC microseconds) is what ``start=now`` means. Raises SourceError."""
    scheme, colon, _ = text.partition(":")
    if colon and scheme == "sim":
        return open_simulation(text, now=now, until=plan.duration)
    if colon and scheme in _NOT_YET:
        raise SourceError(
            f"'{text}' is a live link, which this version cannot read: give a CSV or Parquet file, or sim:demo."
        )
    if "://" in text:
        raise SourceError(
            f"'{text}' cannot be read, for there is no source of the kind '{scheme}': give a CSV or Parquet file, or "
            "sim:demo."
        )
    return open_file(text, time=plan.time_column, period=plan.period, start=plan.start)


def open_sources(plan: Plan, now: int, derived: Sequence[Definition] = ()) -> list[Source]:
    """Every source of a plan with the faults injected into it and the channels ``derived`` from its own, all or none.

    Raises SourceError.
    """
    opened: list[Source] = []
    try:
        for text in plan.sources:
            opened.append(open_source(text, plan, now))
        for kind, satellite, at in plan.injected:
            simulation_of(satellite, opened).inject(kind, satellite, at)
        if derived:
            opened = [Derived(source, derived) for source in opened]
    except BaseException:
        for source in opened:
            source.close()
        raise
    seen: dict[str, str] = {}
    for source in opened:
        for group in source.groups:
            if group.key in seen:
                for one in opened:
                    one.close()
                raise SourceError(
                    f"{source.name} and {seen[group.key]} both carry {group.key}: watch them one after the other, "
                    "or give one of the files another name."
                )
            seen[group.key] = source.name
    return opened


def simulation_of(satellite: str, sources: Iterable[Source]) -> Simulation:
    """The simulation among ``sources`` in which a satellite flies. Raises SourceError."""
    for source in map(bare, sources):
        if isinstance(source, Simulation) and any(group.satellite == satellite for group in source.groups):
            return source
    raise SourceError(f"No simulated satellite {satellite} is being watched.")


def bare(source: Source) -> Source:
    """A source without the channels that are derived from its own."""
    return source.source if isinstance(source, Derived) else source
