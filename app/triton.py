"""How the operator's settings say where a Triton comes from."""

from __future__ import annotations

import os
from pathlib import Path

from app.paths import runtime_folder, server_folder
from app.settings import TritonSettings
from inference.triton.nvml import absent
from inference.triton.options import Endpoint, TritonOptions

VARIABLE = "PERIGEE_TRITON"
"""``off`` keeps every Triton out of this process; a folder is that of the tritonserver to use."""
CHECKOUT = Path(__file__).resolve().parent.parent / ".triton"
"""Where ``make setup`` puts a tritonserver."""


def private_server() -> Path:
    """Where ``perigee triton install`` puts a tritonserver."""
    return server_folder()


def notes(options: TritonOptions | None) -> list[str]:
    """Sentences about what the settings name and this machine has not."""
    missing = absent(options.gpus) if options is not None else ()
    if not missing:
        return []
    return [
        f"This machine has no GPU {', '.join(missing)}, which inference.triton.gpus names: correct it there; "
        "'perigee triton status' lists those that are here."
    ]


def triton_options(settings: TritonSettings) -> TritonOptions | None:
    """Everything that finding, starting and using a Triton depends on; None where it is switched off."""
    word = os.environ.get(VARIABLE, "")
    if word == "off":
        return None
    headers = tuple((name, secret.get_secret_value()) for name, secret in settings.headers.items())
    return TritonOptions(
        state=runtime_folder() / "triton",
        endpoints=tuple(Endpoint(url, settings.tls, settings.tls_ca, headers) for url in settings.urls),
        tls=settings.tls,
        ca=settings.tls_ca,
        headers=headers,
        server=word or settings.server,
        server_from=f"{VARIABLE} in the environment" if word else "inference.triton.server",
        places=(private_server(), CHECKOUT),
        container=settings.container,
        image=settings.image,
        archive=settings.archive,
        gpus=settings.gpus,
        memory_mb=settings.memory_mb,
        shared_mb=settings.shared_mb,
        ulimits=settings.ulimits,
        instances=settings.instances,
        queue_delay_us=settings.queue_delay_us,
        timeout_s=settings.timeout_s,
        start_s=settings.start_s,
        shared_memory=settings.shared_memory,
    )
