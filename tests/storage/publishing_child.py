"""A process that publishes an archive and kills itself, as hard as can be, at one of its file operations.

``python publishing_child.py ARCHIVE FOLDER NUMBER``: at the NUMBER-th; it prints how many there were if it lived.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

from storage import Archive
from storage.publish import publish

OPERATIONS = ("open", "os.rename", "os.mkdir", "os.remove")


def main() -> None:
    folder, last = Path(sys.argv[2]), int(sys.argv[3])
    seen = 0

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event in OPERATIONS and str(arguments[0]).startswith(str(folder)):
            seen += 1
            if seen == last:
                os.kill(os.getpid(), signal.SIGKILL)

    with Archive.open(Path(sys.argv[1]), create=False) as archive:
        sys.addaudithook(count)
        publish(archive, folder, stop=threading.Event())
    sys.stdout.write(f"{seen}\n")


if __name__ == "__main__":
    main()
