"""An idle process that asks to be woken every few milliseconds: what the machine itself adds to every gap.

``python -m benchmarks.ticker SECONDS`` prints the gaps between its wakings as JSON, milliseconds.
"""

from __future__ import annotations

import json
import sys
import time

PERIOD_S = 0.005


def gaps(seconds: float) -> list[float]:
    """Milliseconds between wakings over ``seconds``."""
    out: list[float] = []
    end = time.perf_counter() + seconds
    last = time.perf_counter()
    while last < end:
        time.sleep(PERIOD_S)
        now = time.perf_counter()
        out.append((now - last) * 1000)
        last = now
    return out


if __name__ == "__main__":
    json.dump(gaps(float(sys.argv[1])), sys.stdout)
