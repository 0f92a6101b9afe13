"""Settings: defaults, then ``settings.toml``, then ``--set key=value``. Frozen; unknown keys are refused."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_core import PydanticCustomError

IMAGE = "nvcr.io/nvidia/tritonserver:26.09-py3"
"""As ``inference.triton.options`` has it, whose import would bring numpy before the window stands."""


def _address(text: str) -> str:
    from inference.errors import EngineError  # only who names servers waits for numpy, which comes with it
    from inference.triton.options import check_address

    try:
        return check_address(text)
    except EngineError as problem:
        raise PydanticCustomError("address", "{why}", {"why": str(problem)}) from problem


Address = Annotated[str, AfterValidator(_address)]


class SettingsError(Exception):
    """A setting is not known or its value does not fit; the text is a sentence."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class TritonSettings(_Part):
    """Where a Triton comes from, and how it runs."""

    urls: tuple[Address, ...] = Field(default=(), description="gRPC addresses HOST:PORT of servers that run elsewhere")
    tls: bool = Field(default=False, description="reach them through TLS")
    tls_ca: str = Field(default="", description="file of the certificates that they are checked against")
    headers: dict[str, SecretStr] = Field(default={}, description="sent with every call to them, such as a token")
    container: Literal["auto", "docker", "podman", "off"] = Field(
        default="auto", description="what runs the server's image"
    )
    image: str = Field(
        default=IMAGE, pattern=r"^[A-Za-z0-9]\S*$", description="the server's image, best with its digest"
    )
    archive: str = Field(default="", description="file that the image is loaded from instead of a registry")
    server: str = Field(default="", description="a tritonserver on this machine: its folder or its program")
    gpus: tuple[str, ...] = Field(default=(), description="UUIDs of the GPUs or MIG devices to use; all where empty")
    memory_mb: int = Field(default=0, ge=0, description="GPU memory that one model may take; 0: as it needs")
    shared_mb: int = Field(default=1024, ge=64, description="shared memory of the container")
    ulimits: tuple[str, ...] = Field(
        default=("memlock=-1", "stack=67108864"), description="limits of the container, as docker writes them"
    )
    instances: int = Field(default=1, ge=1, le=64, description="copies of each model that run at once")
    queue_delay_us: int = Field(default=0, ge=0, le=1_000_000, description="how long the server waits to join requests")
    timeout_s: float = Field(default=10.0, gt=0, le=600, description="deadline of one batch")
    start_s: float = Field(default=60.0, gt=0, le=600, description="deadline of a server's start")
    shared_memory: bool = Field(default=True, description="hand large batches over in shared memory")


class InferenceSettings(_Part):
    """How windows are scored."""

    workers: int = Field(default=1, ge=1, le=64, description="threads that score windows")
    batch_windows: int = Field(default=256, ge=1, le=4096, description="windows sent to the engine at once")
    batch_age_ms: float = Field(default=0.0, ge=0, le=1000, description="how long a window may wait for others")
    triton: TritonSettings = TritonSettings()


class StorageSettings(_Part):
    """How telemetry is recorded."""

    reserve_mb: int = Field(default=512, ge=16, description="disk space that recording leaves free")
    bound_mb: int = Field(default=0, ge=0, description="size that the archive is kept below; 0: as the disk allows")
    values_days: float = Field(default=0.0, ge=0, description="age at which values become a summary a second; 0: never")
    seconds_days: float = Field(default=0.0, ge=0, description="age at which that becomes one a minute; 0: never")
    minutes_days: float = Field(default=0.0, ge=0, description="age at which that becomes one an hour; 0: never")
    hours_days: float = Field(default=0.0, ge=0, description="age at which that is deleted; 0: never")
    scores_days: float = Field(
        default=1.0, ge=0, description="age at which of every score its maximum a minute is left; 0: at once"
    )
    memory_mb: int = Field(default=512, ge=128, description="memory that the archive may use")


class SourceSettings(_Part):
    """What is known of telemetry beside what its sources say."""

    history_s: float = Field(
        default=3000.0, ge=0, le=86_400, description="telemetry shown at once when the window opens"
    )
    limits: str = Field(default="", description="file of limits and derived channels, TOML or CSV")


class WidgetsSettings(_Part):
    """How the window looks."""

    theme: Literal["system", "dark", "light"] = Field(default="system", description="dark, light, or the system's")


class Settings(_Part):
    """Every setting of the program; sub-models are named after the folders they reach."""

    inference: InferenceSettings = InferenceSettings()
    storage: StorageSettings = StorageSettings()
    telemetry: SourceSettings = SourceSettings()
    widgets: WidgetsSettings = WidgetsSettings()


def load(file: Path, overrides: Iterable[str] = ()) -> tuple[Settings, list[str]]:
    """The settings in force, and sentences about what was set aside.

    A broken file is renamed to ``settings.toml.broken`` and said, never overwritten; a wrong override raises
    SettingsError, because somebody is there to correct it.
    """
    notices: list[str] = []
    values: dict[str, Any] = {}
    try:
        values = read(file)
    except SettingsError as problem:
        notices.append(set_aside(file, str(problem)))
    for override in overrides:
        _apply(values, override)
    try:
        return Settings.model_validate(values), notices
    except ValidationError as problem:
        raise SettingsError(f"--set: {_sentence(problem)}.") from problem


def read(file: Path) -> dict[str, Any]:
    """What ``file`` sets, nothing where it is not there. Raises SettingsError, without a full stop."""
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
        Settings.model_validate(values)
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError) as problem:
        what = _sentence(problem) if isinstance(problem, ValidationError) else str(problem)
        raise SettingsError(f"Settings in {file} could not be used ({what})") from problem
    return values


def set_aside(file: Path, what: str) -> str:
    """Rename a broken file so that it is not overwritten; ``what`` happened, as the sentence that says it all."""
    broken = file.with_name(file.name + ".broken")
    number = 1
    while broken.exists():
        number += 1
        broken = file.with_name(f"{file.name}.broken-{number}")
    try:
        file.replace(broken)
    except OSError:
        return f"{what}; the defaults are in force."
    return f"{what}; the defaults are in force and the file is now {broken}."


def _apply(values: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise SettingsError(f"--set takes key=value, such as inference.workers=2, not '{override}'.")
    try:
        value = tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        value = text
    for part in parts[:-1]:
        inner = values.setdefault(part, {})
        if not isinstance(inner, dict):
            raise SettingsError(f"--set: '{part}' is a value, not a group of settings.")
        values = inner
    values[parts[-1]] = value


def _sentence(problem: ValidationError) -> str:
    first = problem.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = sorted(_names(Settings))
        return f"there is no setting '{where}'; there are {', '.join(known)}"
    return f"{where}: {first['msg'][0].lower()}{first['msg'][1:]}".rstrip(".")


def _names(part: type[BaseModel], before: str = "") -> Iterator[str]:
    """Every setting of ``part``, with the groups it lies in."""
    for name, field in part.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _names(inner, f"{before}{name}.")
        else:
            yield f"{before}{name}"
