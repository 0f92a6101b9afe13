"""What ``perigee triton`` prints for a reader rather than for a program."""

from __future__ import annotations

from app.cli.tritonresult import PlaceResult, RemoteResult, ServerResult, StatusResult
from inference.triton.nvml import Gpu
from inference.triton.survey import ServedModel
from telemetry.clock import SECOND
from widgets.text import duration

_WHOSE = {"persistent": "persistent", "orphan": "left by a program that is gone"}
_GPU = {True: "with a GPU", False: "without a GPU", None: "of a GPU it says nothing"}
_GIB = 1 << 30


def of_status(status: StatusResult) -> list[str]:
    """The servers, then the GPUs."""
    lines = [line for one in status.servers for line in of_server(one)] or ["No Triton runs that was started here."]
    lines += [_remote(one) for one in status.remotes]
    lines += [f"{one} is named in the settings, and not on this machine." for one in status.absent_gpus]
    found = status.graphics
    if found.reason:
        return [*lines, f"No GPU is known: {found.reason}."]
    lines += [f"{_gpu(one)}, {one.uuid}" for one in found.gpus]
    lines.append(f"NVIDIA driver {found.driver}")
    if found.xids is None:
        lines.append("Whether GPUs failed (Xid) is in the kernel's log, which this user may not read.")
    return lines + [f"The kernel says: {one}" for one in found.xids or ()]


def _remote(one: RemoteResult) -> str:
    name = f"Triton at {one.address} (named in the settings)"
    if one.reason:
        return f"{name}: of no use, {one.reason.rstrip('.')}"
    return f"{name}: version {one.version}, {', '.join(one.models) or 'no model'} loaded"


def of_server(one: ServerResult) -> list[str]:
    """A server in a line, its models below."""
    if one.state != "running":
        return [f"{of_place(one)}: {one.state}, {one.reason.rstrip('.')}"]
    facts = [f"version {one.version}", _GPU[one.gpu]]
    if one.uptime_s is not None:
        facts.append(f"up {duration(int(one.uptime_s * SECOND))}")
    return [f"{of_place(one)}: {', '.join(facts)}", *(f"  {_model(model)}" for model in one.models)]


def of_place(one: PlaceResult) -> str:
    """Which server it is."""
    whose = _WHOSE.get(one.whose, f"of the session with process id {one.owner_pid}")
    return f"Triton at {one.address} ({one.kind}, {whose})"


def _model(one: ServedModel) -> str:
    name = f"{one.name} {one.version}"
    if one.state != "ready":
        return f"{name}: unavailable ({one.reason})"
    facts = [
        f"{one.windows:,} windows in {one.calls:,} calls",
        f"{one.queue_us / 1000:.2f} ms queued and {one.compute_us / 1000:.2f} ms computed a call",
    ]
    facts += [f"{one.failed:,} failed"] if one.failed else []
    facts += [] if one.pending is None else [f"{one.pending:,} waiting"]
    facts += [] if one.windows_per_s is None else [f"{one.windows_per_s:,.0f} windows/s now"]
    return f"{name}: {', '.join(facts)}"


def _gpu(one: Gpu) -> str:
    facts = []
    if one.memory_used is not None and one.memory_total is not None:
        facts.append(f"{one.memory_used / _GIB:.1f} of {one.memory_total / _GIB:.1f} GiB used")
    if one.utilisation is not None:
        facts.append(f"{one.utilisation:.0%} busy")
    if one.power_w is not None:
        facts.append(f"{one.power_w:.0f} W" + (f" of {one.power_limit_w:.0f}" if one.power_limit_w else ""))
    if one.temperature_c is not None:
        facts.append(f"{one.temperature_c} °C")
    if one.throttled:
        facts.append(f"slowed down by {', '.join(one.throttled)}")
    if one.ecc_corrected is not None and one.ecc_uncorrected is not None:
        facts.append(f"{one.ecc_corrected:,} memory errors corrected, {one.ecc_uncorrected:,} not")
    return f"{one.name}: {', '.join(facts) or 'it tells nothing'}"
