"""What the driver tells of GPUs. Where there is none, a stand-in answers as pynvml does, with refusals among it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pynvml
import pytest

from inference.triton.nvml import absent, read_graphics

KERNEL = b"""6,1,1,-;eth0: link up
3,2,2,-;NVRM: Xid (PCI:0000:65:00): 79, pid=1, GPU has fallen off the bus.
 SUBSYSTEM=pci
"""


class Driver:
    """A GPU that is hot, has no ECC, and does not tell its power limit."""

    NVMLError = pynvml.NVMLError
    NVML_VOLATILE_ECC = pynvml.NVML_VOLATILE_ECC
    NVML_MEMORY_ERROR_TYPE_CORRECTED = pynvml.NVML_MEMORY_ERROR_TYPE_CORRECTED
    NVML_MEMORY_ERROR_TYPE_UNCORRECTED = pynvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED
    NVML_TEMPERATURE_GPU = pynvml.NVML_TEMPERATURE_GPU
    open = 0
    answers: dict[str, Any] = {  # noqa: RUF012
        "nvmlDeviceGetCount": 1,
        "nvmlDeviceGetHandleByIndex": "handle",
        "nvmlSystemGetDriverVersion": "580.82.07",
        "nvmlDeviceGetName": "NVIDIA H100",
        "nvmlDeviceGetUUID": "GPU-1",
        "nvmlDeviceGetCudaComputeCapability": (9, 0),
        "nvmlDeviceGetMemoryInfo": SimpleNamespace(used=3 << 30, total=80 << 30),
        "nvmlDeviceGetUtilizationRates": SimpleNamespace(gpu=42),
        "nvmlDeviceGetPowerUsage": 123_456,
        "nvmlDeviceGetTemperature": 88,
        "nvmlDeviceGetCurrentClocksThrottleReasons": pynvml.nvmlClocksThrottleReasonGpuIdle
        | pynvml.nvmlClocksThrottleReasonSwPowerCap
        | pynvml.nvmlClocksThrottleReasonHwThermalSlowdown,
    }

    def nvmlInit(self) -> None:
        self.open += 1

    def nvmlShutdown(self) -> None:
        self.open -= 1

    def __getattr__(self, name: str) -> Any:
        assert hasattr(pynvml, name), f"pynvml has no {name}"

        def answer(*given: Any) -> Any:
            if name not in self.answers:
                raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
            return self.answers[name]

        return answer


def test_a_gpu_tells_what_it_can_and_the_rest_is_none(tmp_path: Path) -> None:
    log = tmp_path / "kmsg"
    log.write_bytes(KERNEL)
    driver = Driver()
    found = read_graphics(driver, log)
    (gpu,) = found.gpus
    assert (found.driver, found.reason, driver.open) == ("580.82.07", "", 0)
    assert found.xids == ("Xid (PCI:0000:65:00): 79, pid=1, GPU has fallen off the bus.",)
    assert (gpu.name, gpu.uuid, gpu.capability) == ("NVIDIA H100", "GPU-1", (9, 0))
    assert (gpu.memory_used, gpu.memory_total, gpu.utilisation) == (3 << 30, 80 << 30, 0.42)
    assert (gpu.power_w, gpu.power_limit_w, gpu.temperature_c) == (123.456, None, 88)
    assert gpu.throttled == ("power cap", "heat (hardware)")
    assert (gpu.ecc_corrected, gpu.ecc_uncorrected) == (None, None)


def test_a_kernel_log_that_cannot_be_read_is_not_an_empty_one(tmp_path: Path) -> None:
    assert read_graphics(Driver(), tmp_path / "none").xids is None


class Divided(Driver):
    """The same GPU with one MIG device in the second of two places."""

    answers = Driver.answers | {"nvmlDeviceGetMaxMigDeviceCount": 2}

    def nvmlDeviceGetMigDeviceHandleByIndex(self, gpu: Any, place: int) -> str:
        if place == 0:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return "device"

    def nvmlDeviceGetUUID(self, handle: Any) -> str:
        return "MIG-2" if handle == "device" else "GPU-1"


def test_gpus_and_mig_devices_that_are_named_and_not_here_are_known() -> None:
    named = ("GPU-1", "GPU-9", "MIG-2")
    driver, divided = Driver(), Divided()
    assert absent(named, driver) == ("GPU-9", "MIG-2")
    assert absent(named, divided) == ("GPU-9",)
    assert absent((), driver) == () and driver.open == divided.open == 0


def test_a_machine_without_a_driver_is_a_reason(tmp_path: Path) -> None:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        found = read_graphics()
        assert found.gpus == () and "no NVIDIA driver answers" in found.reason
        assert absent(("GPU-1",)) == ("GPU-1",)
    else:
        pynvml.nvmlShutdown()
        pytest.skip("this machine has an NVIDIA driver")
