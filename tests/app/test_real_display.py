"""Perigee as an operator starts it, on a real X display: it is seen, takes the keyboard, and ends in order."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QImage

from app.counters import Counter
from app.launch import attach
from telemetry.ring import LiveRing

TOOLS = ("Xvfb", "xdotool", "import")
MISSING = [name for name in TOOLS if shutil.which(name) is None]
pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="no X11 on this system"),
    pytest.mark.skipif(bool(MISSING), reason=f"missing: {', '.join(MISSING)}"),
]
Ask = Callable[[str | Path, str], list[tuple[object, ...]]]
DEADLINE_S = 60.0


@pytest.fixture
def display() -> Iterator[str]:
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1920x1080x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as pipe:
        yield f":{pipe.readline().strip()}"
    server.terminate()
    server.wait(10)


def _poll(what: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE_S
    while not what():
        assert time.monotonic() < end
        os.sched_yield()


def test_a_window_on_a_real_display_is_drawn_takes_keys_and_ends_in_order(
    display: str, tmp_path: Path, ask: Ask
) -> None:
    archive, picture = tmp_path / "t.duckdb", tmp_path / "window.png"
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("QT_", "WAYLAND"))}
    environment["DISPLAY"] = display

    def x(*command: str) -> str:
        done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True, timeout=60)
        return done.stdout.strip()

    perigee = Path(sys.executable).with_name("perigee")
    command = [str(perigee), "--archive", str(archive), "--set", "telemetry.history_s=300"]
    window = subprocess.Popen(command, env=environment)
    try:
        _poll(lambda: attach_once(archive) or window.poll() is not None)
        number = x("xdotool", "search", "--sync", "--onlyvisible", "--name", "^Perigee$").splitlines()[-1]
        _poll(lambda: toolbar(x, number, picture) == toolbar(x, number, picture))
        before = toolbar(x, number, picture)
        # Back in time: the charts leave live, and the bar above them says how far behind it they are.
        x("xdotool", "windowfocus", "--sync", number, "key", "--window", number, "Left")
        _poll(lambda: toolbar(x, number, picture) != before)
        image = QImage(str(picture))
        assert image.width() >= 1280
        assert len({image.pixel(i, j) for i in range(0, image.width(), 7) for j in range(0, image.height(), 7)}) > 20
        window.send_signal(signal.SIGTERM)
        assert window.wait(DEADLINE_S) == 0
    finally:
        window.kill()
        window.wait(10)
    (counted,) = ask(archive, "SELECT count(*) FROM samples")
    assert counted == ask(archive, "SELECT samples FROM sessions")[0]
    assert counted != (0,)


def attach_once(archive: Path) -> bool:
    """Whether a core is there and its pace has begun."""
    client = attach(archive, lambda _: None, lambda: None)
    if client is None:
        return False
    ring = client.ask("hello")["ring"]
    live = LiveRing.attach(Path(ring["path"]), ring["layout"]).counters[Counter.LIVE]
    client.close()
    return bool(live)


def toolbar(x: Callable[..., str], number: str, picture: Path) -> bytes:
    """The bar above the charts as it is on the screen; it stands still while the charts are live."""
    x("import", "-window", number, str(picture))
    bar = QImage(str(picture)).copy(300, 50, 880, 38)
    return bytes(bar.constBits())
