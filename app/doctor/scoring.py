"""What scores without a container: the embedded engine, a tritonserver of this machine, and the models."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from app import paths
from app.doctor.check import Finding, Look
from inference import EngineError, read_repository
from inference.embedded import EmbeddedEngine
from inference.triton import bundle
from inference.triton.options import TritonOptions


def looks(repository: Path | None) -> list[Look]:
    """The checks of this file that do without a Triton."""
    return [
        Look("embedded engine", embedded, needed=True),
        Look("models", partial(models, repository), needed=True),
    ]


def embedded() -> Finding:
    """Whether ONNX Runtime loads, and on what it scores."""
    try:
        engine = EmbeddedEngine()
    except EngineError as problem:
        return Finding(False, _plain(problem), "Run make setup again")
    return Finding(True, f"scores with {engine.detail}")


def models(repository: Path | None) -> Finding:
    """Whether each model of the repository can be used."""
    engine = None
    try:
        catalogue = read_repository(repository or paths.working_repository())
        engine = EmbeddedEngine()
        for card in catalogue.select():
            engine.load(card)
    except (EngineError, OSError) as problem:
        return Finding(False, _plain(problem), "Put its files back, train or convert it again, or remove its folder")
    finally:
        if engine is not None:
            engine.close()
    names = ", ".join(f"{card.name} {card.version}" for card in catalogue.cards) or "none"
    if catalogue.problems:
        aside = " ".join(catalogue.problems).rstrip(".")
        return Finding(True, f"usable: {names}; set aside: {aside}", "Correct what is set aside, or remove it")
    return Finding(True, f"usable: {names}")


def tritonserver(options: TritonOptions) -> Finding:
    """Whether a tritonserver can be started as a process."""
    try:
        return Finding(True, str(bundle.find(options.server, options.places, options.server_from).program))
    except EngineError as problem:
        if options.server:
            return Finding(False, f"There is no tritonserver at {options.server}", f"Correct {options.server_from}")
        return Finding(False, _plain(problem), "On Linux perigee triton install brings one")


def _plain(problem: Exception) -> str:
    return str(problem).rstrip(".")
