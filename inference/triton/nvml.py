"""The GPUs of this machine as NVIDIA's driver sees them: the door to pynvml. None of it is needed to score.

What a GPU or a driver does not tell is None. The driver counts no Xids for those who come late, so they are read from
the kernel's log, where this user may.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KERNEL_LOG = Path("/dev/kmsg")
_RECORD_BYTES = 8192
"""The kernel hands out one record a read, and none is longer."""
_XID = re.compile(rb"NVRM: (Xid [^\n]+)")
_SLOWED = {
    0x04: "power cap",
    0x08: "hardware slowdown",
    0x20: "heat (driver)",
    0x40: "heat (hardware)",
    0x80: "power brake",
}
"""Why clocks are lower than they could be, as bits; those that an operator or idleness asks for are left out."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU: memory in bytes, ``utilisation`` from 0 to 1, power in W, temperature in degrees Celsius.

    ``throttled`` says why it is slowed down now, empty where it is not; ECC errors are those since the driver was
    loaded.
    """

    name: str
    uuid: str
    capability: tuple[int, int] | None
    memory_used: int | None
    memory_total: int | None
    utilisation: float | None
    power_w: float | None
    power_limit_w: float | None
    temperature_c: int | None
    throttled: tuple[str, ...] | None
    ecc_corrected: int | None
    ecc_uncorrected: int | None


@dataclass(frozen=True, slots=True)
class Graphics:
    """The driver's version and its GPUs, or in ``reason`` why there is nothing to be said, as the middle of a sentence.

    ``xids`` are the kernel's lines on errors of GPUs since the machine started, oldest first; None where this user may
    not read them.
    """

    driver: str
    gpus: tuple[Gpu, ...]
    reason: str
    xids: tuple[str, ...] | None


def read_graphics(library: Any = None, kernel_log: Path = KERNEL_LOG) -> Graphics:
    """What there is now. Never raises; any thread. ``library`` stands in for the pynvml package."""
    try:
        nvml = library or importlib.import_module("pynvml")
    except ImportError as problem:
        return Graphics("", (), f"nvidia-ml-py cannot be loaded ({problem})", None)
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as problem:
        return Graphics("", (), f"no NVIDIA driver answers ({problem})", None)
    try:
        handles = [nvml.nvmlDeviceGetHandleByIndex(number) for number in range(nvml.nvmlDeviceGetCount())]
        gpus = tuple(_gpu(nvml, handle) for handle in handles)
        return Graphics(nvml.nvmlSystemGetDriverVersion(), gpus, "" if gpus else "no GPU is there", _xids(kernel_log))
    except nvml.NVMLError as problem:
        return Graphics("", (), f"the NVIDIA driver failed ({problem})", _xids(kernel_log))
    finally:
        with contextlib.suppress(nvml.NVMLError):
            nvml.nvmlShutdown()


def absent(named: Sequence[str], library: Any = None) -> tuple[str, ...]:
    """Those UUIDs, or beginnings of them, of which this machine has neither a GPU nor a MIG device. Never raises."""
    here = _uuids(library) if named else ()
    return tuple(one for one in named if not any(uuid.startswith(one) for uuid in here))


def _uuids(library: Any) -> tuple[str, ...]:
    try:
        nvml = library or importlib.import_module("pynvml")
    except ImportError:
        return ()
    found: list[str] = []
    with contextlib.suppress(nvml.NVMLError):
        nvml.nvmlInit()
        try:
            for number in range(nvml.nvmlDeviceGetCount()):
                gpu = nvml.nvmlDeviceGetHandleByIndex(number)
                found.append(nvml.nvmlDeviceGetUUID(gpu))
                found += _mig(nvml, gpu)
        finally:
            nvml.nvmlShutdown()
    return tuple(found)


def _mig(nvml: Any, gpu: Any) -> Iterator[str]:
    """The UUIDs of a GPU's MIG devices."""
    try:
        places = nvml.nvmlDeviceGetMaxMigDeviceCount(gpu)
    except nvml.NVMLError:
        return  # it cannot be divided
    for place in range(places):
        with contextlib.suppress(nvml.NVMLError):  # nothing is in this place
            yield nvml.nvmlDeviceGetUUID(nvml.nvmlDeviceGetMigDeviceHandleByIndex(gpu, place))


def _gpu(nvml: Any, handle: Any) -> Gpu:
    def ask(question: Callable[..., Any], *given: Any) -> Any:
        try:
            return question(handle, *given)
        except nvml.NVMLError:
            return None  # not every GPU tells everything

    memory = ask(nvml.nvmlDeviceGetMemoryInfo)
    busy = ask(nvml.nvmlDeviceGetUtilizationRates)
    power, limit = ask(nvml.nvmlDeviceGetPowerUsage), ask(nvml.nvmlDeviceGetEnforcedPowerLimit)
    slowed = ask(nvml.nvmlDeviceGetCurrentClocksThrottleReasons)
    corrected, uncorrected = (
        ask(nvml.nvmlDeviceGetTotalEccErrors, kind, nvml.NVML_VOLATILE_ECC)
        for kind in (nvml.NVML_MEMORY_ERROR_TYPE_CORRECTED, nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED)
    )
    return Gpu(
        name=ask(nvml.nvmlDeviceGetName) or "",
        uuid=ask(nvml.nvmlDeviceGetUUID) or "",
        capability=ask(nvml.nvmlDeviceGetCudaComputeCapability),
        memory_used=None if memory is None else memory.used,
        memory_total=None if memory is None else memory.total,
        utilisation=None if busy is None else busy.gpu / 100,
        power_w=None if power is None else power / 1000,
        power_limit_w=None if limit is None else limit / 1000,
        temperature_c=ask(nvml.nvmlDeviceGetTemperature, nvml.NVML_TEMPERATURE_GPU),
        throttled=None if slowed is None else tuple(why for bit, why in _SLOWED.items() if slowed & bit),
        ecc_corrected=corrected,
        ecc_uncorrected=uncorrected,
    )


def _xids(kernel_log: Path) -> tuple[str, ...] | None:
    """The Xids that the kernel has written down, None where its log cannot be read."""
    try:
        log = os.open(kernel_log, os.O_RDONLY | os.O_NONBLOCK)
    except (OSError, AttributeError):
        return None
    found = []
    try:
        while True:
            try:
                record = os.read(log, _RECORD_BYTES)
            except BrokenPipeError:
                continue  # that record was overwritten meanwhile; the next read is of the oldest
            if not record:
                break
            found += [line.decode("utf-8", errors="replace") for line in _XID.findall(record)]
    except BlockingIOError:
        pass  # that was the newest
    except OSError:
        return None
    finally:
        os.close(log)
    return tuple(found)
