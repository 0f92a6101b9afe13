"""The GPU and its driver, and whether they suit the server's image."""

from __future__ import annotations

from functools import partial

from app.doctor.check import Finding, Look
from inference.triton.nvml import Gpu, absent, read_graphics
from inference.triton.options import IMAGE, TritonOptions

LEAST_DRIVER = 580
"""What CUDA 13 in Triton 26.09 asks for."""
LEAST_CAPABILITY = (7, 5)


def looks(options: TritonOptions) -> list[Look]:
    """The checks of this file."""
    found = [Look("NVIDIA driver", driver), Look("GPU for the image", partial(suits, options))]
    return [*found, Look("GPUs of the settings", partial(named, options.gpus))] if options.gpus else found


def named(uuids: tuple[str, ...]) -> Finding:
    """Whether the GPUs that the settings name are on this machine."""
    missing = absent(uuids)
    if not missing:
        return Finding(True, f"{', '.join(uuids)} of inference.triton.gpus: here")
    here = ", ".join(f"{one.uuid} ({one.name})" for one in read_graphics().gpus) or "no GPU"
    return Finding(
        False,
        f"{', '.join(missing)} of inference.triton.gpus: not on this machine, which has {here}",
        "Correct inference.triton.gpus, or leave it empty for every GPU",
    )


def driver() -> Finding:
    """Whether a driver answers and knows a GPU."""
    found = read_graphics()
    if found.reason:
        return Finding(
            False,
            found.reason,
            f"Where there is an NVIDIA GPU, install its driver, {LEAST_DRIVER} or newer; without one the CPU scores",
        )
    return Finding(True, f"{found.driver}, {', '.join(_named(one) for one in found.gpus)}")


def suits(options: TritonOptions) -> Finding:
    """Whether driver and GPUs are new enough for the image that Perigee is built for."""
    if options.image != IMAGE:
        return Finding(True, f"what {options.image} asks for is not known")
    found = read_graphics()
    if found.reason:
        return Finding(False, "without a driver it cannot be known", "Cure the NVIDIA driver first")
    return suitable(found.driver, [one for one in found.gpus if not options.gpus or one.uuid in options.gpus])


def suitable(version: str, gpus: list[Gpu]) -> Finding:
    """Whether a driver of this ``version`` and these GPUs are new enough. Pure."""
    major = version.partition(".")[0]
    if major.isdigit() and int(major) < LEAST_DRIVER:
        return Finding(
            False,
            f"driver {version} is too old for the image, which asks for {LEAST_DRIVER}",
            f"Update the NVIDIA driver to {LEAST_DRIVER} or newer, or name an older image in inference.triton.image",
        )
    old = [one for one in gpus if one.capability is not None and one.capability < LEAST_CAPABILITY]
    if old:
        least = ".".join(str(part) for part in LEAST_CAPABILITY)
        return Finding(
            False,
            f"the image asks for compute capability {least}, and there is {', '.join(_named(one) for one in old)}",
            "Name the UUIDs of newer GPUs in inference.triton.gpus, or score with --engine embedded",
        )
    return Finding(True, "driver and GPU are new enough")


def _named(one: Gpu) -> str:
    capability = "" if one.capability is None else f" (compute capability {one.capability[0]}.{one.capability[1]})"
    return f"{one.name}{capability}"
