"""What is wrong with a scenario file is one sentence with the file, the line and the key."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator import open_simulation
from simulator.lines import Lines
from simulator.scenario import read_scenario
from telemetry import SourceError

PIECES = (
    *("[fleet]", "seed = 1", "duration = 60", "fleet = {}"),
    *("[[faults]]", "[[events]]", "[[faults]", "faults = []", 'kind = "spikes"', 'kind = "any"'),
    *("at = 5", "at = 1e999", 'for = "9 s"', "strength = 1", 'x = """', "'"),
)
HEAD = '[fleet]\nduration = "1 h"\n\n[[faults]]\nkind = "spikes"\nat = "10%"\n\n[[faults]]\n'  # what follows is line 9
GOOD = 'kind = "gyro_bias"\nat = "40%"\n'


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        # the grammar
        ("name = \n", 1, 'not TOML at "name"'),
        ("[fleet]\nseed = 1\nseed = 2\n", 3, 'not TOML at "seed"'),
        ("[fleet\n", 1, "not TOML"),
        ('name = "open', 1, 'not TOML at "name"'),
        # the top
        ('nmae = "x"\n', 1, 'no "nmae".*did you mean "name"'),
        ("# said\nname = 3\n", 2, '"name" must be text'),
        ('name = "x"\nfleet = 3\n', 2, '"fleet" must be a table'),
        ("faults = 3\n", 1, '"faults" must be tables'),
        ("[faults]\nkind = 'spikes'\n", 1, '"faults" must be tables'),
        # the fleet
        ("[fleet]\nspeed = 3\n", 2, r'\[fleet\] knows no "speed"'),
        ("[fleet]\n\nsatellites = 65\n", 3, '"satellites" must be a whole number from 1 to 64.*not 65'),
        ("[fleet]\nsatellites = 2.5\n", 2, '"satellites"'),
        ("[fleet]\nsatellites = true\n", 2, '"satellites".*not true'),
        ("[fleet]\nseed = -1\n", 2, '"seed" must be a whole number from 0 to 9223372036854775807'),
        ("[fleet]\nduration = 1e18\n", 2, '"duration" must be from 1 second to 7 days'),
        (f"[fleet]\nduration = -{10**400}\n", 2, '"duration" must be from 1 second to 7 days'),
        ('[fleet]\nsatellites = 2\ntumbling = ["SAT-009"]\n', 3, "a list of some of SAT-001 to SAT-002"),
        ("[fleet]\nrate = nan\n", 2, '"rate"'),
        ("[fleet]\nrate = " + "9" * 400 + "\n", 2, '"rate"'),
        ('[fleet]\nduration = "2 hours"\n', 2, '"duration" must be "25 min"'),
        ('[fleet]\nduration = "50%"\n', 2, '"duration"'),
        ('[fleet]\nduration = "8 d"\n', 2, '"duration" must be from 1 second to 7 days'),
        ("fleet.seed = -1\n", 1, '"seed"'),
        ('name = "x"\nfleet = { seed = "x" }\n', 2, '"seed"'),
        # faults
        (HEAD + "at = 5\n", 8, '"kind" of .* is missing'),
        (HEAD + 'kind = "gyro_bais"\nat = 5\n', 9, 'no "kind" "gyro_bais".*did you mean "gyro_bias"'),
        (HEAD + "kind = 7\nat = 5\n", 9, 'no "kind" 7'),
        (HEAD + 'kind = "manoeuvre"\nat = 5\n', 9, r'no "kind" "manoeuvre" in \[\[faults\]\]'),
        (HEAD + GOOD + "strenght = 5\n", 11, 'knows no "strenght".*did you mean "strength"'),
        (HEAD + GOOD + 'strength = "much"\n', 11, '"strength" must be sigmas.*not "much"'),
        (HEAD + GOOD + "strength = 0\n", 11, '"strength"'),
        (HEAD + GOOD + "strength = false\n", 11, '"strength"'),
        (HEAD + 'kind = "dropouts"\nat = 5\nstrength = 5\n', 11, '"strength" means nothing for dropouts'),
        (HEAD + GOOD + 'satellite = "SAT-004"\n', 11, '"satellite" must be "any" or one of SAT-001 to SAT-003'),
        (HEAD + GOOD + "satellite = 1\n", 11, '"satellite".*not 1'),
        (HEAD + GOOD + 'channel = "aocs/gyro_w"\n', 11, '"channel" cannot be "aocs/gyro_w": gyro_bias begins in aocs'),
        (HEAD + 'kind = "gyro_bias"\n', 8, '"at" of .* is missing'),
        (HEAD + 'kind = "gyro_bias"\nat = "noon"\n', 10, '"at" must be "40%", "25 min".*not "noon"'),
        (HEAD + 'kind = "gyro_bias"\nat = "101%"\n', 10, '"at" must be at most 100%'),
        (HEAD + 'kind = "gyro_bias"\nat = "2 h"\n', 10, '"at" must lie before the end'),
        (HEAD + 'kind = "gyro_bias"\nat = -1\n', 10, '"at"'),
        (HEAD + 'kind = "gyro_bias"\nat = 5\nfor = "0 s"\n', 11, '"for" must be from 1 second'),
        (HEAD + 'kind = "gyro_bias"\nat = 5\nfor = 2030-01-01\n', 11, '"for".*not 2030-01-01'),
        (HEAD + 'kind = "any"\nat = 5\n', 10, '"at" cannot stand beside kind = "any"'),
        ('[[faults]]\nkind = "spikes"\nat = "40%"\n', 3, r'"at" must be a time, for \[fleet\] has no duration'),
        ('[[faults]]\nkind = "spikes"\nat = 40\n', 1, '"for" of .* is missing, and .fleet. has no duration'),
        ('faults = [{ kind = "x" }]\n', 1, 'no "kind" "x"'),
        # events
        ('[[events]]\nkind = "gyro_bias"\nat = 5\n', 2, r'no "kind" "gyro_bias" in \[\[events\]\].*manoeuvre'),
        ('[[events]]\nkind = "manoeuvre"\nat = 5\nfor = 9\nstrength = 3\n', 5, r'\[\[events\]\] knows no "strength"'),
        # a key that only looks like one
        ('name = """\n[fleet]\nseed = 1\n"""\n\n[fleet]\nseed = "x"\n', 7, '"seed"'),
        ('[fleet] # """\n"seed" = "x"\n', 2, '"seed"'),
    ],
)
def test_a_mistake_is_named_with_file_line_and_key(text: str, line: int, words: str, tmp_path: Path) -> None:
    path = tmp_path / "day.toml"
    for ends in ("\n", "\r\n"):
        path.write_bytes(text.replace("\n", ends).encode())
        with pytest.raises(SourceError, match=words) as caught:
            open_simulation(f"sim:{path}")
        sentence = str(caught.value)
        assert f"day.toml, line {line}: " in sentence
        assert sentence[-1] in ".?"
        assert "\n" not in sentence


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"There is no scenario file .*none\.toml"):
        open_simulation(f"sim:{tmp_path / 'none.toml'}?seed=1")
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(SourceError, match=r"folder\.toml is no file"):
        open_simulation(f"sim:{tmp_path / 'folder.toml'}")
    large = tmp_path / "large.toml"
    large.write_text("#" * 1_000_001)
    with pytest.raises(SourceError, match="larger than 1 MB"):
        open_simulation(f"sim:{large}")
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'name = "x"\ndescription = "Grad \xb0"\n')
    with pytest.raises(SourceError, match=r"latin\.toml, line 2: this is not UTF-8"):
        open_simulation(f"sim:{latin}")
    deep = tmp_path / "deep.toml"
    deep.write_text("name = " + "[" * 5000)
    with pytest.raises(SourceError, match=r"deep\.toml, line 1: "):
        open_simulation(f"sim:{deep}")


def test_an_option_that_a_file_does_not_take_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "empty.toml"
    path.write_bytes(b"\xef\xbb\xbf")
    assert open_simulation(f"sim:{path}").injected == ()
    with pytest.raises(SourceError, match='knows no "eclipse": it takes satellites'):
        open_simulation(f"sim:{path}?eclipse=3")


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(PIECES), max_size=8))
def test_no_file_does_worse_than_a_sentence_with_a_line(tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "any.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    try:
        read_scenario(path)
    except SourceError as error:
        assert "any.toml, line " in str(error)


def test_lines_are_those_of_keys_and_tables() -> None:
    lines = Lines("a = 1 # b = 2\n\n[t]\n'k' = 3\n[[u]]\nx = 1\n[[u]]\n  x = 2\n")
    assert [lines.of("", 0, "a"), lines.of("", 0, "b"), lines.of("t", 0, "k")] == [1, 1, 4]
    assert [lines.of("u", 0), lines.of("u", 0, "x"), lines.of("u", 1, "x"), lines.of("u", 1, "y")] == [5, 6, 8, 7]
