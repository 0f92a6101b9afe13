"""Which channels are on the charts, and how each is drawn. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.window.feed import channel_of, score_key
from app.window.happenings import CONTACT, has_states, is_eclipse
from telemetry import Channel, Group
from widgets.strips.spec import StripSpec
from widgets.text import decimals_for

CHARTS = 7
"""Charts of channels beside those of a state and of the score: what a screen of 1080 lines shows without scrolling."""
LEADING = 4
"""Channels of a finding that come first; what else its satellite does is worth the rest of the room."""


def strip_spec(channel: Channel, group: Group, seen: tuple[float, float] | None) -> StripSpec:
    """The strip of a channel; ``seen`` is the range observed, for one that declares none."""
    states = channel.states
    if channel.type == "bool":
        states = ((0, "Sunlit"), (1, "Eclipse")) if is_eclipse(channel) else ((0, "Off"), (1, "On"))
    return StripSpec(
        key=channel.key,
        title=channel.name,
        subtitle=f"{channel.satellite} / {channel.subsystem}" if channel.subsystem else channel.satellite,
        unit=channel.unit,
        kind="enum" if states else "trace",
        satellite=channel.satellite,
        period=group.period,
        states=states,
        limits=tuple(one for one in channel.limits if one.quantity == "value" and not one.when),
        decimals=decimals_for(channel.span or seen, integer=channel.type in ("i8", "u8", "i4")),
    )


def score_spec(channel: Channel, group: Group) -> StripSpec:
    """The strip of a channel's score."""
    return StripSpec(
        key=score_key(channel.key),
        title="Score",
        subtitle=f"{channel.name}, highest plain score",
        kind="score",
        satellite=channel.satellite,
        period=group.period,
    )


def overview(groups: Sequence[Group], satellite: str) -> list[str]:
    """A channel or two of every subsystem of a satellite, and its mode."""
    own = [group for group in groups if group.satellite == satellite]
    plain = [[c for c in group.channels if not _named(c)] for group in own]
    keys: list[str] = []
    turn = 0
    while len(keys) < CHARTS and any(turn < len(channels) for channels in plain):
        keys += [channels[turn].key for channels in plain if turn < len(channels)]
        turn += 1
    return _in_order(groups, keys[:CHARTS]) + _modes(own)


def around(groups: Sequence[Group], satellite: str, leading: Sequence[str]) -> list[str]:
    """The channels of a finding, then what else its satellite does."""
    known = {channel.key for group in groups for channel in group.channels}
    first = [key for key in leading if key in known][:LEADING]
    context = [key for key in overview(groups, satellite) if key not in first]
    modes = [key for key in _modes([g for g in groups if g.satellite == satellite]) if key not in first]
    plain = [key for key in context if key not in modes]
    return [*first, *plain[: max(0, CHARTS - 1 - len(first))], *modes]


def satellite_of(key: str) -> str:
    """The satellite of a channel, a subsystem or a satellite in the tree."""
    return channel_of(key).partition("/")[0]


def contact_keys(groups: Iterable[Group]) -> list[str]:
    """Channels that are silent while no ground station hears the satellite."""
    return [channel.key for group in groups if group.name == CONTACT for channel in group.channels]


def _named(channel: Channel) -> bool:
    return has_states(channel) or channel.type == "bool"


def _modes(groups: Iterable[Group]) -> list[str]:
    return [channel.key for group in groups for channel in group.channels if has_states(channel)][:1]


def _in_order(groups: Sequence[Group], keys: Sequence[str]) -> list[str]:
    wanted = set(keys)
    return [channel.key for group in groups for channel in group.channels if channel.key in wanted]
