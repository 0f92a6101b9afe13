"""User folders for a Perigee that is started to be measured or photographed."""

from __future__ import annotations

import os
from pathlib import Path


def own_folders(folder: Path) -> dict[str, str]:
    """This process's environment, with all that Perigee keeps in ``folder`` (its path short: sockets lie there too)."""
    environment = dict(os.environ)
    for name in ("DATA_HOME", "CONFIG_HOME", "STATE_HOME", "RUNTIME_DIR"):
        place = folder / name.partition("_")[0].lower()
        place.mkdir(mode=0o700)
        environment[f"XDG_{name}"] = str(place)
    return environment
