"""What was wrong with the samples of a group, counted by channel. Judge's thread writes, any thread reads."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields

import numpy as np
import numpy.typing as npt

from telemetry import Channel, Frame, Quality


@dataclass(frozen=True, slots=True)
class Flaws:
    """Samples of one channel that were not as they should be. Only infinite and duplicate ones were judged on."""

    missing: int = 0
    """Cells without a value."""
    invalid: int = 0
    """Marked as wrong by their source."""
    infinite: int = 0
    """An infinity: checked against limits, in no score."""
    late: int = 0
    """Older than what had come before."""
    duplicate: int = 0
    """At the time of the one before."""
    jumped_back: int = 0
    """Times that the clock of its group was set back; what follows is judged anew."""

    def __bool__(self) -> bool:
        return any(astuple(self))


KINDS = tuple(one.name for one in fields(Flaws))
"""The counts of ``Flaws``, in order."""


class Tally:
    """The counts of the channels of a group."""

    def __init__(self, channels: tuple[Channel, ...]) -> None:
        self._channels = channels
        self._counts = {kind: np.zeros(len(channels), dtype=np.int64) for kind in KINDS}

    def take(self, frame: Frame, x: npt.NDArray[np.float64], late: int, newest: int, *, jumped: bool) -> None:
        """Count a frame.

        ``x`` (channels, n) are its values as they are judged, NaN where there is none. The first ``late`` rows are
        older than the ``newest`` sample before (UTC microseconds); ``jumped``: the clock was set back.
        """
        counts = self._counts
        counts["jumped_back"] += jumped
        counts["infinite"] += np.isinf(x[:, late:]).sum(axis=1)
        old = np.arange(len(frame)) < late
        again = np.zeros(len(frame), dtype=bool)
        again[late:] = np.diff(frame.times[late:], prepend=newest) == 0
        if frame.quality is None:
            here = ~np.isnan(x)
            counts["missing"] += len(frame) - here.sum(axis=1)
            counts["late"] += here[:, :late].sum(axis=1)
            if again.any():
                counts["duplicate"] += here[:, again].sum(axis=1)
            return
        for i, quality in enumerate(frame.quality):
            known = frame.present(i)
            flags = np.zeros(len(frame), dtype=np.uint8) if quality is None else quality
            counts["missing"][i] += len(frame) - np.count_nonzero(known)
            counts["invalid"][i] += np.count_nonzero(known & ((flags & Quality.INVALID) != 0))
            counts["late"][i] += np.count_nonzero(known & (old | ((flags & Quality.LATE) != 0)))
            counts["duplicate"][i] += np.count_nonzero(known & (again | ((flags & Quality.REPEATED) != 0)))

    def flaws(self) -> dict[str, Flaws]:
        """By key, those channels that have any."""
        columns = np.stack([self._counts[kind] for kind in KINDS], axis=1).tolist()
        found = {channel.key: Flaws(*row) for channel, row in zip(self._channels, columns, strict=True)}
        return {key: one for key, one in found.items() if one}
