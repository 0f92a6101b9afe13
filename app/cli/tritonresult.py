"""What the commands of ``perigee triton`` print with ``--json``, as types from which ``docs/schema`` is made."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from inference.triton.nvml import Graphics
from inference.triton.records import Record
from inference.triton.remote import RemoteState
from inference.triton.survey import ServedModel, ServerState


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class InstallResult(_Part):
    """What was brought, or was there: a private server's folder and version, or an image and its identifier."""

    kind: Literal["server", "image"]
    place: str
    version: str


class PlaceResult(_Part):
    """A server: ``address`` is that of its gRPC, ``http`` and ``metrics`` are ports beside it.

    ``whose`` is ``persistent``, ``session`` (of the living process ``owner_pid``) or ``orphan``; ``runs`` is its
    image's digest or its program.
    """

    instance: str
    kind: Literal["container", "process"]
    whose: Literal["persistent", "session", "orphan"]
    owner_pid: int | None
    address: str
    http: int
    metrics: int
    runs: str


class ServerResult(PlaceResult):
    """A server and how it does: ``silent`` runs and does not answer; ``gpu`` is null where that is not known."""

    state: Literal["running", "silent", "ended"]
    reason: str
    version: str
    uptime_s: float | None
    gpu: bool | None
    models: tuple[ServedModel, ...]


class RemoteResult(_Part):
    """A server that the settings name: its version and loaded models, or in ``reason`` why it is of no use."""

    address: str
    reason: str
    version: str
    models: tuple[str, ...]


class StatusResult(_Part):
    """Every server that was started here, oldest first, those of the settings, and the GPUs.

    ``absent_gpus`` are UUIDs that the settings name and this machine has not.
    """

    servers: list[ServerResult]
    remotes: list[RemoteResult]
    graphics: Graphics
    absent_gpus: tuple[str, ...]


class StartResult(_Part):
    """The persistent server. ``started`` is false where it ran already; ``refused`` is what could not be had.

    ``outdated`` are the models of which it holds another version than the repository.
    """

    started: bool
    refused: tuple[str, ...]
    outdated: tuple[str, ...]
    server: ServerResult


class StopResult(_Part):
    """What was ended, and what was left because a living session owns it."""

    ended: list[PlaceResult]
    left: list[PlaceResult]


def place(record: Record) -> PlaceResult:
    """Where a server is and whose."""
    return PlaceResult(
        instance=record.instance,
        kind=record.kind,
        whose=record.whose,
        owner_pid=record.owner.pid if record.whose == "session" else None,
        address=record.address,
        http=record.http,
        metrics=record.metrics,
        runs=record.runs,
    )


def remote(state: RemoteState) -> RemoteResult:
    """A server that runs elsewhere and how it does."""
    return RemoteResult(address=state.address, reason=state.reason, version=state.version, models=state.models)


def server(state: ServerState) -> ServerResult:
    """A server and how it does."""
    return ServerResult(
        **place(state.record).model_dump(),
        state=state.state,
        reason=state.reason,
        version=state.version,
        uptime_s=state.uptime_s,
        gpu=state.gpu,
        models=state.models,
    )
