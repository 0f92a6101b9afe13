"""Frames of a paced source cut to the length that a moving chart needs. Judging does not depend on the cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from telemetry import Frame


def cut(frames: Iterable[Frame], span: int, whole: int) -> Iterator[Frame]:
    """Frames of at most ``span`` microseconds, groups in turns; the first ``whole`` microseconds stay as they come.

    What came before ``frames`` raises is handed on first.
    """
    begun: int | None = None
    turn: dict[str, Frame] = {}
    problem: Exception | None = None
    source = iter(frames)
    while True:
        try:
            frame = next(source, None)
        except Exception as raised:  # noqa: BLE001 - raised again below
            frame, problem = None, raised
        if frame is None:
            break
        if not len(frame):
            continue
        if begun is None:
            begun = int(frame.times[0])
        if frame.group.key in turn:
            yield from _in_turns(tuple(turn.values()), span)
            turn.clear()
        if frame.times[-1] < begun + whole:
            yield frame
        else:
            turn[frame.group.key] = frame
    yield from _in_turns(tuple(turn.values()), span)
    if problem is not None:
        raise problem


def _in_turns(frames: tuple[Frame, ...], span: int) -> Iterator[Frame]:
    """Each stretch of ``span`` of all ``frames`` before the next one."""
    if not frames:
        return
    first = min(int(frame.times[0]) for frame in frames)
    last = max(int(frame.times[-1]) for frame in frames)
    if last - first < span:
        yield from frames
        return
    # Only stretches that hold samples are walked: a gap in a file may be years long.
    stretches = np.unique(np.concatenate([(frame.times - first) // span for frame in frames]))
    ends = first + (stretches + 1) * span
    cuts = [np.searchsorted(frame.times, ends) for frame in frames]
    at = [0] * len(frames)
    for i in range(len(ends)):
        for number, frame in enumerate(frames):
            to = int(cuts[number][i])
            if to > at[number]:
                yield frame.part(at[number], to)
                at[number] = to
