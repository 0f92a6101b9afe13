"""A private tritonserver is made, by one installation at a time. The Python and what pip brings are scripts here."""

from __future__ import annotations

import os
import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from inference import EngineError
from inference.triton.bundle import install

PYTHON = """#!/bin/sh
case "$*" in
    *venv*)
        echo venv >> {here}/made
        read -r gone < {here}/gate
        mkdir -p $3/bin && cp $0 $3/bin/python;;
    *nvidia-pytriton*)
        server=${{0%/bin/python}}/lib/python3.12/site-packages/pytriton/tritonserver
        mkdir -p $server/bin $server/caches $server/backends/python $server/python_backend_stubs/3.12
        printf '#!/bin/sh\\n' > $server/bin/tritonserver
        cp $server/bin/tritonserver $server/python_backend_stubs/3.12/triton_python_backend_stub;;
    *LIBDIR*) echo /usr/lib;;
esac
"""
NEVER = threading.Event()


@pytest.fixture
def python(tmp_path: Path) -> str:
    """An interpreter whose environment comes once ``gate`` is opened, and is counted in ``made``."""
    script = tmp_path / "python"
    script.write_text(PYTHON.format(here=tmp_path), encoding="utf-8")
    script.chmod(0o755)
    os.mkfifo(tmp_path / "gate")
    return str(script)


def test_a_second_installation_waits_for_the_first_and_finds_what_it_has_made(tmp_path: Path, python: str) -> None:
    folder, first, second = tmp_path / "data" / "triton", queue.SimpleQueue[str](), queue.SimpleQueue[str]()
    with ThreadPoolExecutor(3) as pool:
        making = pool.submit(install, folder, first.put, NEVER, python)
        try:
            assert first.get(timeout=10.0) == "making an environment for the server"
            waiting = pool.submit(install, folder, second.put, NEVER, python)
            said = second.get(timeout=10.0)
            assert said == f"waiting for another installation into {folder} (process id {os.getpid()})"
            unwanted = threading.Event()
            with pytest.raises(EngineError, match="was cancelled"):
                install(folder, lambda text: unwanted.set(), unwanted, python)
        finally:
            (tmp_path / "gate").write_text("open\n")
        assert making.result(10.0) == waiting.result(10.0)
    assert (tmp_path / "made").read_text() == "venv\n" and second.empty()
