"""The servers that the settings name, asked as a session would ask them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from app.doctor.check import Finding, Look
from inference.triton.options import Endpoint, TritonOptions
from inference.triton.remote import remote_state


def looks(options: TritonOptions) -> list[Look]:
    """A check for each of them; where there is none, of the certificates for those that a command line may name."""
    if options.ca and not options.endpoints:
        return [Look("certificates", partial(certificates, options.ca))]
    return [Look(f"Triton at {one.address}", partial(answers, one)) for one in options.endpoints]


def certificates(file: str) -> Finding:
    """Whether the certificates that servers are checked against can be read."""
    try:
        Path(file).read_bytes()
    except OSError as problem:
        return Finding(False, f"{file} cannot be read ({problem.strerror})", "Correct inference.triton.tls_ca")
    return Finding(True, f"{file} can be read")


def answers(where: Endpoint) -> Finding:
    """Whether a session could use it."""
    found = remote_state(where)
    if found.reason:
        return Finding(
            False,
            found.reason.rstrip("."),
            "Start it, or correct urls, tls, tls_ca and headers of inference.triton; a session scores without it",
        )
    return Finding(True, f"version {found.version} answers, {', '.join(found.models) or 'no model'} loaded")
