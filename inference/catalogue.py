"""The models of a repository folder in Triton's layout, each checked before anything loads it.

``NAME/config.pbtxt`` says what the model is (its ``parameters`` are the model contract), ``NAME/VERSION/model.onnx``
is the model. A version that was published beside others keeps its own ``config.pbtxt``, which counts. A broken entry
is listed with its reason and never stops the others. Pure reading; any thread.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from inference.card import ModelCard
from inference.config import parse_config
from inference.contract import window_spec
from inference.errors import DamagedModelError, EngineError
from inference.tensors import row_shape

LARGEST_CONFIG = 1 << 20
LARGEST_MODEL = 1 << 30
"""Bytes: a model for a workstation is far below it; what is above is not read to find that out."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a repository holds: usable models by name, and a sentence for each entry that is not.

    ``damaged`` names the broken entries whose model is there and is not the one that was published.
    """

    folder: Path
    cards: tuple[ModelCard, ...]
    broken: dict[str, str]
    damaged: frozenset[str] = frozenset()

    @property
    def problems(self) -> tuple[str, ...]:
        """The sentences of the broken entries."""
        return tuple(self.broken.values())

    def select(self, names: Sequence[str] = ()) -> tuple[ModelCard, ...]:
        """The cards of these models, each once, or of every usable model where none is named.

        Raises EngineError for a name that is not there or whose entry is broken. Where none is named, a damaged model
        is refused too: to go on with fewer models than yesterday is for the operator to say, by naming them. An entry
        that never was a model of this program is only set aside.
        """
        if not names:
            for name in sorted(self.damaged):
                raise EngineError(self.broken[name])
            return self.cards
        known = {card.name: card for card in self.cards}
        for name in names:
            if name in self.broken:
                raise EngineError(self.broken[name])
            if name not in known:
                there = ", ".join(known) or "no usable model"
                raise EngineError(f'There is no model "{name}" in {self.folder}; there is {there}.')
        return tuple(known[name] for name in dict.fromkeys(names))


def read_repository(folder: Path) -> Catalogue:
    """The models of ``folder``, in the order of their names.

    Raises EngineError where it cannot be read at all, or holds folders and none of a model.
    """
    try:
        entries = sorted(one for one in folder.iterdir() if one.is_dir() and not one.name.startswith("."))
    except OSError as problem:
        reason = problem.strerror or "it cannot be read"
        raise EngineError(
            f"The model repository {folder} cannot be read ({reason}): give a folder with --repository."
        ) from problem
    found = {_has_config(one) for one in entries}
    if False in found and True not in found:
        raise EngineError(
            f"{folder} is no model repository: none of its {len(entries)} folders has a config.pbtxt; give another "
            "with --repository."
        )
    cards: list[ModelCard] = []
    broken: dict[str, str] = {}
    damaged: set[str] = set()
    for entry in entries:
        try:
            cards.append(read_model(entry))
        except DamagedModelError as problem:
            broken[entry.name] = str(problem)
            damaged.add(entry.name)
        except EngineError as problem:
            broken[entry.name] = str(problem)
        except OSError as problem:
            broken[entry.name] = (
                f"The model {entry.name} cannot be read ({problem.strerror or problem}): check the rights of {entry}."
            )
    return Catalogue(folder, tuple(cards), broken, frozenset(damaged))


def _has_config(folder: Path) -> bool | None:
    """Whether it is the folder of a model, None where that cannot be seen."""
    try:
        return (folder / "config.pbtxt").exists()
    except OSError:
        return None


def read_model(folder: Path) -> ModelCard:
    """The newest version of the model in ``folder``. Raises EngineError with what is wrong, or OSError."""
    file = folder / "config.pbtxt"
    if not file.is_file():
        raise EngineError(f"The model {folder.name} has no config.pbtxt: add one or remove {folder}.")
    version = newest_version(folder)
    if (own := folder / version / "config.pbtxt").is_file():
        file = own
    if file.stat().st_size > LARGEST_CONFIG:
        raise EngineError(f"{file} is too large to be a model configuration: correct it or remove {folder}.")
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as problem:
        raise EngineError(f"{file} is not text: correct it or remove {folder}.") from problem
    config = parse_config(text, str(file))
    if config.name and config.name != folder.name:
        raise EngineError(f'{file} names the model "{config.name}": it must be called {folder.name}, as its folder.')
    file_name = config.default_model_filename or "model.onnx"
    if Path(file_name).name != file_name:
        raise EngineError(f'{file} names the file "{file_name}": a model lies in its version folder; correct it.')
    path = folder / version / file_name
    spec = window_spec(config, folder.name, version)
    if not path.is_file():
        raise EngineError(f"The model {folder.name} has no {path.name} in version {version}: put it back at {path}.")
    digest = _sha256(path)
    if digest != config.parameters["sha256"].strip().lower():
        raise DamagedModelError(
            f"The model {folder.name} is not the one that was published: {path} has another sha256 than its "
            "config.pbtxt says; put the published file back, train or convert the model again, or leave it out with "
            "--model."
        )
    tensor = config.inputs[0]
    return ModelCard(
        name=folder.name,
        version=version,
        path=path,
        spec=spec,
        sha256=digest,
        input_name=tensor.name,
        input_shape=row_shape(tensor, config),
        output_names=tuple(one.name for one in config.outputs),
        max_batch_size=config.max_batch_size,
        output_shapes=tuple(row_shape(one, config) for one in config.outputs),
        config=config,
    )


def newest_version(folder: Path) -> str:
    """The name of the newest version folder in the model's ``folder``. Raises EngineError where there is none."""
    versions = [one.name for one in folder.iterdir() if one.is_dir() and one.name.isascii() and one.name.isdigit()]
    if not versions:
        raise EngineError(f"The model {folder.name} has no version folder: put its model.onnx into {folder / '1'}.")
    return max(versions, key=int)


def _sha256(path: Path) -> str:
    if path.stat().st_size > LARGEST_MODEL:
        raise EngineError(f"{path} is larger than {LARGEST_MODEL >> 30} GB: models of that size are not loaded here.")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
