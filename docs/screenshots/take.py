"""``make screenshots``: the window's pictures, taken of a real ``perigee`` on a real X display (Xvfb).

For each theme Perigee is started as an operator would start it, on a new archive; when the finding of the built-in
fleet is there, the display is photographed at each size.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.folders import own_folders

FOLDER = Path(__file__).resolve().parent
VIEWS = {"watch": "ctrl+1", "scoring": "ctrl+2"}
SIZES = {"": (1920, 1080), "-1280x720": (1280, 720)}
DEADLINE_S = 90.0
SETTLE_S = 2.0
"""After another size: nothing outside says when a window has drawn all of itself."""
CALM_S = 8.0
"""After the history has been judged, until the figures are those of the running fleet."""


def wait_for(what: Callable[[], bool], doing: str) -> None:
    """Wait until ``what`` holds. Raises TimeoutError."""
    end = time.monotonic() + DEADLINE_S
    while not what():
        if time.monotonic() > end:
            raise TimeoutError(f"{doing} took longer than {DEADLINE_S:g} s")
        time.sleep(0.2)  # another process tells nobody when it is that far


@contextmanager
def display(width: int, height: int) -> Iterator[str]:
    """An X server of its own; its name."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(read) as pipe:
            yield f":{pipe.readline().strip()}"
    finally:
        server.terminate()
        server.wait(10)


def take(theme: str, folder: Path) -> None:
    """Pictures of one theme."""
    home = Path(tempfile.mkdtemp(prefix="perigee-", dir=folder))
    environment = {key: value for key, value in own_folders(home).items() if not key.startswith(("QT_", "WAYLAND"))}
    os.environ["XDG_RUNTIME_DIR"] = environment["XDG_RUNTIME_DIR"]
    # Where this checkout lies is nobody's business: the page shows the way to the server's program.
    server = Path(tempfile.gettempdir()) / "tritonserver"
    server.unlink(missing_ok=True)
    server.symlink_to(Path(__file__).resolve().parents[2] / ".triton")
    environment["PERIGEE_TRITON"] = str(server)
    archive = home / "telemetry.duckdb"
    with display(*max(SIZES.values())) as name:
        environment["DISPLAY"] = name
        command = [
            str(Path(sys.executable).with_name("perigee")),
            "--archive",
            str(archive),
            "--set",
            f"widgets.theme={theme}",
            "--set",
            "inference.triton.container=off",  # the same picture whether or not there is a docker
        ]
        window = subprocess.Popen(command, env=environment)
        try:
            wait_for(lambda: found(archive) or window.poll() is not None, "the finding of the built-in fleet")
            time.sleep(CALM_S)
            for view, key in VIEWS.items():
                for suffix, (width, height) in SIZES.items():
                    shoot(environment, key, width, height, FOLDER / f"{view}-{theme}{suffix}.png")
        finally:
            window.send_signal(signal.SIGTERM)
            window.wait(60)
            server.unlink()


def found(archive: Path) -> bool:
    """Whether the core of ``archive`` has told of an event that has ended, or is being told of one for a while."""
    from app.launch import attach
    from app.link.wire import LinkError

    told: list[dict[str, Any]] = []
    client = attach(archive, told.append, lambda: None)
    if client is None:
        return False
    try:
        client.ask("hello")
        time.sleep(1.0)  # it tells what there is at once, and says of nothing that it was the last
    except LinkError:
        return False
    finally:
        client.close()
    return any(news.get("news") == "events" and any(not e["open"] for e in news["events"]) for news in told)


def shoot(environment: dict[str, str], key: str, width: int, height: int, target: Path) -> None:
    """Give the window a size, show the view of ``key``, and photograph it."""

    def run(*command: str) -> str:
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, timeout=60, check=True)
        return done.stdout.strip()

    number = run("xdotool", "search", "--onlyvisible", "--name", "^Perigee$").splitlines()[-1]
    run("xdotool", "windowmove", number, "0", "0", "windowsize", "--sync", number, str(width), str(height))
    run("xdotool", "windowfocus", "--sync", number, "key", key)
    time.sleep(SETTLE_S)
    run("import", "-window", number, "-strip", "-define", "png:compression-level=9", str(target))
    print(target)


def main() -> int:
    """Take all pictures."""
    missing = [name for name in ("Xvfb", "xdotool", "import") if shutil.which(name) is None]
    if missing:
        print(f"Pictures need {', '.join(missing)}: run 'make test' once, which installs them.", file=sys.stderr)
        return 2
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        for theme in ("dark", "light"):
            take(theme, Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
