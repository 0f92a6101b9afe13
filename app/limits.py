"""The limits in force in a session: what sources declare, what a file says, what operators set. The core's, any thread.

For each channel the first of these holds: what an operator set, the first entry of the file that binds the channel,
what the source declares. What is set is kept in a file beside the archive, so that it is in force the next time too.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from app.settings import set_aside
from telemetry import Group, Limit
from telemetry.limitfields import LimitsError
from telemetry.limitfile import Definitions, read_limits, to_toml
from telemetry.limits import binds, condition, limits_to_json, problem

Origin = Literal["declared", "file", "set"]


def definitions(file: str | None) -> Definitions:
    """What the operator's file of limits defines; nothing where none was given. Raises LimitsError."""
    return read_limits(Path(file).expanduser()) if file else Definitions()


class LimitBook:
    """``groups`` as their sources declare them, ``given`` by a file; ``kept`` is the file of what operators set."""

    def __init__(self, groups: Sequence[Group], given: Definitions, kept: Path) -> None:
        self._channels = {channel.key: channel for group in groups for channel in group.channels}
        self._given = given.limits
        self._derived = {one.channel for one in given.derived}
        self._kept = kept
        self._lock = threading.Lock()
        self.notes: list[str] = []
        self._set = self._read_kept()
        self.in_force: Mapping[str, tuple[Limit, ...]] = {key: self._of(key)[0] for key in self._channels}
        self.notes += self._unbound()

    @property
    def sha256(self) -> str:
        """Of all limits in force: the same for the same limits, whatever said them."""
        values = {key: limits_to_json(limits) for key, limits in sorted(self.in_force.items()) if limits}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

    def origin(self, key: str) -> Origin:
        """Who says the limits of a channel."""
        return self._of(key)[1]

    def on(self, group: Group) -> Group:
        """A group whose channels carry the limits in force."""
        channels = tuple(replace(channel, limits=self.in_force[channel.key]) for channel in group.channels)
        return replace(group, channels=channels)

    def set(self, key: str, limits: tuple[Limit, ...] | None) -> tuple[tuple[Limit, ...], ...]:
        """Put limits in force and keep them; None: what the file or the source says again.

        The limits in force before and after. Raises LimitsError, and then all is as it was.
        """
        with self._lock:
            channel = self._channels.get(key)
            if channel is None:
                raise LimitsError(f"There is no channel {key} in this session.")
            wrong = problem(limits or ())
            if wrong is not None:
                raise LimitsError(f"{key}, limit {wrong.place + 1}, {wrong.field}: {wrong.sentence}.")
            kept = {one: of for one, of in self._set.items() if one != key}
            if limits is not None:
                kept[key] = limits
            self._write(kept)
            self._set = kept
            before, after = self.in_force[key], self._of(key)[0]
            # Another mapping, never a change of this one: judges read it while it is in force.
            self.in_force = {**self.in_force, key: after}
            self.notes += [note for note in self._idle(key) if note not in self.notes]
        return before, after

    def _of(self, key: str) -> tuple[tuple[Limit, ...], Origin]:
        if key in self._set:
            return self._set[key], "set"
        for pattern, limits in self._given:
            if binds(pattern, key):
                return limits, "file"
        return self._channels[key].limits, "declared"

    def _read_kept(self) -> dict[str, tuple[Limit, ...]]:
        if not self._kept.exists():
            return {}
        try:
            return dict(read_limits(self._kept).limits)
        except LimitsError as problem:
            self.notes.append(set_aside(self._kept, f"Limits that were set before could not be used ({problem})"))
            return {}

    def _write(self, limits: Mapping[str, tuple[Limit, ...]]) -> None:
        fresh = self._kept.with_name(f"{self._kept.name}.new")
        try:
            with fresh.open("w", encoding="utf-8") as file:
                file.write("# Limits set in the window. Perigee writes this file.\n\n" + to_toml([*limits.items()]))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._kept)
        except OSError as raised:
            fresh.unlink(missing_ok=True)
            raise LimitsError(
                f"The limits could not be kept in {self._kept} ({raised.strerror}), and are as they were."
            ) from raised

    def _unbound(self) -> list[str]:
        """Sentences about what a file names and the session does not have."""
        here = {channel.satellite for channel in self._channels.values()}
        # A derived channel that a satellite could not be given has been named by its source, with the reason.
        named = [one for one in self._derived if any(binds(one, f"{name}/{one.partition('/')[2]}") for name in here)]
        notes = [
            f"The file of limits names {pattern}, and no channel here is called so."
            for pattern, _ in self._given
            if pattern not in named and not any(binds(pattern, key) for key in self._channels)
        ]
        return [*notes, *(note for key in self.in_force for note in self._idle(key))]

    def _idle(self, key: str) -> list[str]:
        """Sentences about contexts in which limits of a channel can never hold."""
        satellite, notes = key.partition("/")[0], []
        for when in dict.fromkeys(limit.when for limit in self.in_force[key] if limit.when):
            wanted = condition(when)
            mode = self._channels.get(f"{satellite}/{wanted.channel}")
            if mode is None:
                notes.append(f"Limits of {key} depend on {wanted.channel}, which {satellite} does not have.")
            elif why := wanted.never(mode):
                notes.append(f"Limits of {key} depend on {wanted.channel}, which {why}.")
        return list(dict.fromkeys(notes))


def kept_beside(archive: Path) -> Path:
    """Where limits that were set while recording into ``archive`` are kept."""
    return archive.with_name(f"{archive.stem}.limits.toml")
