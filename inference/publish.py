"""A model becomes the next version of its name in a repository, or nothing happens at all. Any thread; one at a time.

Everything is written and read back beside its place, and one rename makes it the newest version. A version that was
published is never changed: it keeps its own ``config.pbtxt``, and the one above all versions, which a Triton server
reads, is that of the newest.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from inference.card import ModelCard
from inference.catalogue import newest_version, read_model
from inference.config import ModelConfig, render_config
from inference.rendering import MODEL_PY

CONFIG = "config.pbtxt"


def publish_version(repository: Path, config: ModelConfig, data: bytes) -> ModelCard:
    """Publish the ONNX file ``data`` as the next version of ``config.name`` in ``repository``, made where missing.

    Raises EngineError where what was written could not be used, OSError where it cannot be written; the repository
    is as it was then.
    """
    repository.mkdir(parents=True, exist_ok=True)
    target = repository / config.name
    before = newest_version(target) if target.exists() else "0"
    version = str(int(before) + 1)
    text = render_config(config)
    stage = repository / f".{config.name}.staged"
    shutil.rmtree(stage, ignore_errors=True)  # of a publication that was killed
    staged = stage / config.name
    try:
        (staged / version).mkdir(parents=True)
        (staged / version / "model.onnx").write_bytes(data)
        (staged / version / "model.py").write_text(MODEL_PY, encoding="utf-8")
        (staged / version / CONFIG).write_text(text, encoding="utf-8")
        (staged / CONFIG).write_text(text, encoding="utf-8")
        read_model(staged)
        if not target.exists():
            staged.rename(target)
        else:
            # What ships says what it is above its only version; from now on that place is the newest one's.
            own = target / before / CONFIG
            if not own.exists():
                shutil.copyfile(target / CONFIG, stage / CONFIG)
                (stage / CONFIG).rename(own)
            (staged / version).rename(target / version)
            (staged / CONFIG).replace(target / CONFIG)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return read_model(target)
