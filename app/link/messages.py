"""The nouns as JSON and back: what crosses the socket, and what ``monitor --json`` prints of an event."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from detection.event import Contribution, Event
from telemetry import Channel, Group, Limit, Severity

Json = dict[str, Any]


def event_to_json(line: int, event: Event) -> Json:
    """An event of a source's line, times in microseconds."""
    return {"line": line, **asdict(event)}


def event_from_json(data: Json) -> tuple[int, Event]:
    """The line and the event that ``event_to_json`` wrote."""
    values = dict(data)
    line = int(values.pop("line"))
    values["channels"] = tuple(Contribution(**one) for one in values["channels"])
    values["severity"] = Severity(values["severity"])
    values["seconded"] = tuple(values["seconded"])
    return line, Event(**values)


def group_to_json(group: Group) -> Json:
    """A group with its channels."""
    return asdict(group)


def group_from_json(data: Json) -> Group:
    """The group that ``group_to_json`` wrote."""
    channels = []
    for one in data["channels"]:
        values = dict(one)
        values["states"] = tuple((int(code), str(name)) for code, name in values["states"])
        values["limits"] = tuple(
            Limit(Severity(limit["severity"]), limit["low"], limit["high"]) for limit in values["limits"]
        )
        values["span"] = None if values["span"] is None else tuple(values["span"])
        channels.append(Channel(**values))
    return Group(**{**data, "channels": tuple(channels)})
