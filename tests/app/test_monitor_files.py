"""A recording of a real satellite through the whole program: every number in the file is in the archive."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.cli.result import MonitorResult

if TYPE_CHECKING:
    from tests.app.conftest import Start

Ask = Callable[[str | Path, str], list[tuple[object, ...]]]


@pytest.fixture(scope="module")
def columns(real_data: Path) -> dict[str, list[float]]:
    """The numbers of each channel in the order of the file, read by the standard library alone."""
    out: dict[str, list[float]] = defaultdict(list)
    with (real_data / "birds" / "nepalisat.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            for name, cell in row.items():
                if name not in ("session", "t") and cell.strip():
                    out[name].append(float(cell))
    return dict(out)


@pytest.fixture(scope="module")
def result(real_data: Path, start: Start) -> MonitorResult:
    file = (real_data / "birds" / "nepalisat.csv").resolve()
    code, printed, said = start("monitor", str(file), "--headless", "--speed", "max", "--json").end()
    assert code == 0, said
    return MonitorResult.model_validate_json(printed, strict=True)


def test_every_number_in_the_file_is_counted_and_recorded(
    result: MonitorResult, columns: dict[str, list[float]], ask: Ask
) -> None:
    assert len(columns) == 18 and {len(values) for values in columns.values()} == {3040}
    total = sum(map(len, columns.values()))
    assert result.samples == result.recorded_samples == total
    assert ask(result.archive, "SELECT count(*) FROM samples") == [(total,)]


def test_every_value_is_recorded_as_it_stands_in_the_file(
    result: MonitorResult, columns: dict[str, list[float]], ask: Ask
) -> None:
    found = ask(
        result.archive,
        "SELECT channel, list(value ORDER BY time) FROM samples WHERE satellite = 'nepalisat' GROUP BY channel",
    )
    # The sessions of this file follow each other in time, so the order of the file is the order of time.
    assert {str(name): values for name, values in found} == columns


def test_the_passes_lie_apart_and_their_samples_five_seconds_from_each_other(result: MonitorResult, ask: Ask) -> None:
    times = [int(str(us)) for (us,) in ask(result.archive, "SELECT DISTINCT epoch_us(time) t FROM samples ORDER BY t")]
    assert len(times) == 3040
    gaps = [later - earlier for earlier, later in pairwise(times) if later - earlier > 3_600_000_000]
    assert len(gaps) == 2
    days = ask(result.archive, "SELECT DISTINCT strftime(time, '%Y-%m-%d') d FROM samples ORDER BY d")
    assert days == [("2020-11-09",), ("2020-11-25",), ("2021-04-10",)]


def test_the_archive_says_where_it_came_from(result: MonitorResult, ask: Ask) -> None:
    ((origin, sources, models),) = ask(result.archive, "SELECT origin, sources, models FROM sessions")
    assert origin == "import" and sources == [result.source]
    assert {one["name"] for one in json.loads(str(models))} == {"vae_timeseries", "transformer_timeseries"}
