"""The nouns as JSON and back: what crosses the socket, and what ``monitor --json`` prints of an event."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from app.link.wire import LinkError
from detection.event import Contribution, Event
from detection.familiar import VERDICTS, Opinion
from telemetry import Channel, Group, Severity
from telemetry.limits import limits_from_json

Json = dict[str, Any]
NOTE_BOUND = 4000
"""Characters of a note, or of a name."""


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
    values["versions"] = tuple((judge, version) for judge, version in values["versions"])
    return line, Event(**values)


def opinion_to_json(session: int, key: int, opinion: Opinion) -> Json:
    """An opinion on the event ``key`` of a session."""
    return {"session": session, "key": key, **asdict(opinion)}


def opinion_from_json(data: Json) -> tuple[int, int, Opinion]:
    """Session, key and opinion. Raises LinkError where they cannot be: whoever speaks to a core may send anything."""
    verdict = data.get("verdict")
    if verdict not in VERDICTS:
        raise LinkError(f"A verdict is one of {', '.join(VERDICTS)}, not '{verdict}'.")
    note, who = str(data.get("note") or ""), str(data.get("who") or "")
    if max(len(note), len(who)) > NOTE_BOUND:
        raise LinkError(f"A note has at most {NOTE_BOUND:,} characters: make it shorter.")
    try:
        session, key, given = (int(one) for one in (data["session"], data["key"], data["given"]))
    except (KeyError, TypeError, ValueError) as problem:
        raise LinkError("A verdict names the session and the key of its event, both numbers.") from problem
    return session, key, Opinion(given, verdict, note, who)


def group_to_json(group: Group) -> Json:
    """A group with its channels."""
    return asdict(group)


def group_from_json(data: Json) -> Group:
    """The group that ``group_to_json`` wrote."""
    channels = []
    for one in data["channels"]:
        values = dict(one)
        values["states"] = tuple((int(code), str(name)) for code, name in values["states"])
        values["limits"] = limits_from_json(values["limits"])
        values["span"] = None if values["span"] is None else tuple(values["span"])
        channels.append(Channel(**values))
    return Group(**{**data, "channels": tuple(channels)})
