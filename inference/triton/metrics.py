"""What a server of this workstation counts of itself: its GPUs and its models, from its Prometheus page.

A GPU that is not on that page is not used, whatever the container engine was asked for.
"""

from __future__ import annotations

import http.client
import math
import re
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from inference.errors import ServerGoneError
from inference.triton.server import HOST

PAGE_BYTES = 4 << 20
"""A page is a few kilobytes; what is longer is none."""
_LINE = re.compile(r'([A-Za-z_:][\w:]*)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?[ \t]+(\S+)')
_LABEL = re.compile(r'([A-Za-z_]\w*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")
_GPU = {
    "nv_gpu_utilization": "utilisation",
    "nv_gpu_memory_used_bytes": "memory_used",
    "nv_gpu_memory_total_bytes": "memory_total",
    "nv_gpu_power_usage": "power_w",
    "nv_gpu_power_limit": "power_limit_w",
}
_MODEL = {
    "nv_inference_request_success": "success",
    "nv_inference_request_failure": "failure",
    "nv_inference_queue_duration_us": "queue_us",
    "nv_inference_compute_infer_duration_us": "compute_us",
    "nv_inference_pending_request_count": "pending",
}


@dataclass(frozen=True, slots=True)
class GpuMetrics:
    """A GPU: ``utilisation`` from 0 to 1, memory in bytes, power in W; None where the server does not say.

    Triton asks the driver every two seconds, so right after a start the figures may still be 0.
    """

    uuid: str
    utilisation: float | None = None
    memory_used: float | None = None
    memory_total: float | None = None
    power_w: float | None = None
    power_limit_w: float | None = None


@dataclass(frozen=True, slots=True)
class ModelMetrics:
    """A model, all its versions together, since the server started.

    ``success`` and ``failure`` count requests, ``pending`` those that wait now; ``queue_us`` and ``compute_us`` are
    sums over all requests.
    """

    success: int = 0
    failure: int = 0
    queue_us: int = 0
    compute_us: int = 0
    pending: int = 0


@dataclass(frozen=True, slots=True)
class Metrics:
    """One reading: the GPUs by UUID, in order, and the models by name."""

    gpus: tuple[GpuMetrics, ...] = ()
    models: Mapping[str, ModelMetrics] = field(default_factory=dict)


def read_metrics(port: int, timeout: float) -> Metrics:
    """What the server counts whose metrics lie at ``port`` of 127.0.0.1. Raises ServerGoneError. Any thread."""
    # A proxy that the environment names is not for this machine's own addresses.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{HOST}:{port}/metrics", timeout=timeout) as answer:
            page = answer.read(PAGE_BYTES)
    except (OSError, http.client.HTTPException) as problem:
        raise ServerGoneError(f"The Triton at port {port} of this machine gives no metrics ({problem}).") from problem
    return parse_metrics(page.decode("utf-8", errors="replace"))


def parse_metrics(page: str) -> Metrics:
    """A page in Prometheus's text format. Pure; what is not known or not readable is left out."""
    gpus: dict[str, dict[str, float]] = defaultdict(dict)
    models: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for name, labels, value in _samples(page):
        if name in _GPU and "gpu_uuid" in labels:
            gpus[labels["gpu_uuid"]][_GPU[name]] = value
        elif name in _MODEL and "model" in labels:
            models[labels["model"]][_MODEL[name]] += int(value)
    return Metrics(
        tuple(GpuMetrics(uuid, **gpus[uuid]) for uuid in sorted(gpus)),
        {name: ModelMetrics(**figures) for name, figures in sorted(models.items())},
    )


def _samples(page: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Every finite sample of a page: its name, its labels, its value."""
    for line in page.split("\n"):
        found = _LINE.match(line)
        if found is None:
            continue
        name, labels, text = found.groups()
        try:
            value = float(text)
        except ValueError:
            continue
        if math.isfinite(value):
            yield name, {key: _plain(one) for key, one in _LABEL.findall(labels or "")}, value


def _plain(text: str) -> str:
    r"""A label's value without its escapes, which are ``\\``, ``\"`` and ``\n``."""
    return _ESCAPED.sub(lambda found: "\n" if found[1] == "n" else str(found[1]), text)
