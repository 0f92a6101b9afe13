"""Frames cut to the length that a moving chart needs, and joined to one that is judged quickly.

Neither changes what is judged: detection does not depend on the cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from detection import Item
from telemetry import Frame


def cut(frames: Iterable[Frame], span: Callable[[], int], whole: int) -> Iterator[Frame]:
    """Frames of at most ``span()`` microseconds, groups in turns; the first ``whole`` microseconds stay as they come.

    ``span`` is asked anew for each turn, so that another speed takes effect at once.
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


def _in_turns(frames: tuple[Frame, ...], span: Callable[[], int]) -> Iterator[Frame]:
    """Each stretch of ``span`` of all ``frames`` before the next one; stretches without a sample are passed over."""
    at = [0] * len(frames)
    while True:
        left = [int(frame.times[i]) for frame, i in zip(frames, at, strict=True) if i < len(frame)]
        if not left:
            return
        end = min(left) + span()
        for number, frame in enumerate(frames):
            to = int(np.searchsorted(frame.times, end))
            if to > at[number]:
                yield frame.part(at[number], to)
                at[number] = to


def joined(items: Sequence[tuple[Item, int]], most: int) -> list[tuple[Item, int]]:
    """What waits for the judge, each group's frames joined up to ``most`` microseconds, stamped as their oldest.

    All else stays where it is among the frames, and no frame passes it.
    """
    out: list[tuple[Item, int]] = []
    waiting: dict[str, list[tuple[Frame, int]]] = {}
    since: int | None = None

    def flush() -> None:
        for parts in waiting.values():
            out.append((join([frame for frame, _ in parts]), parts[0][1]))
        waiting.clear()

    for what, stamp in items:
        if not isinstance(what, Frame):
            flush()
            since = None
            out.append((what, stamp))
            continue
        begins = int(what.times[0])
        before = waiting.get(what.group.key)
        set_back = before is not None and begins < before[-1][0].times[-1]
        if since is None or begins - since >= most or set_back:
            flush()
            since = begins
        waiting.setdefault(what.group.key, []).append((what, stamp))
    flush()
    return out


def join(frames: Sequence[Frame]) -> Frame:
    """Consecutive frames of one group as one."""
    if len(frames) == 1:
        return frames[0]
    group = frames[0].group
    columns = tuple(np.concatenate(parts) for parts in zip(*(frame.columns for frame in frames), strict=True))
    quality = None
    if any(frame.quality is not None for frame in frames):
        quality = tuple(
            np.concatenate([_quality(frame, channel) for frame in frames]) for channel in range(len(group.channels))
        )
    received = [frame.received for frame in frames if frame.received is not None]
    return Frame(
        group,
        np.concatenate([frame.times for frame in frames]),
        columns,
        quality,
        np.concatenate(received) if len(received) == len(frames) else None,
    )


def _quality(frame: Frame, channel: int) -> npt.NDArray[np.uint8]:
    known = None if frame.quality is None else frame.quality[channel]
    return np.zeros(len(frame), dtype=np.uint8) if known is None else known
