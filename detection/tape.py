"""The newest samples of a group, channel by channel, always in one piece. Owned by the judge's thread."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


class Tape:
    """The last ``keep`` columns of a (rows, n) array that grows to the right; appending costs no more than a copy.

    Starts with ``keep`` columns of ``fill``, so that ``last`` always has as many as were asked for.
    """

    def __init__(self, rows: int, keep: int, dtype: npt.DTypeLike, fill: float = 0.0) -> None:
        self.keep = keep
        self._data = np.full((rows, keep + keep // 4 + 256), fill, dtype=dtype)
        self._end = keep

    def append(self, columns: npt.NDArray[Any]) -> None:
        """Add (rows, n) columns."""
        n = columns.shape[1]
        if n > self.keep:
            columns, n = columns[:, -self.keep :], self.keep
        if self._end + n > self._data.shape[1]:
            self._data[:, : self.keep] = self._data[:, self._end - self.keep : self._end]
            self._end = self.keep
        self._data[:, self._end : self._end + n] = columns
        self._end += n

    def last(self, n: int) -> npt.NDArray[Any]:
        """A view of the newest ``n`` columns, valid until the next ``append``; ``n`` is at most ``keep``."""
        return self._data[:, self._end - n : self._end]
