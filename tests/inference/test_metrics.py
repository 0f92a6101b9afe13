"""What a server counts of itself is read from its page, whatever else is on it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.errors import ServerGoneError
from inference.triton.metrics import GpuMetrics, Metrics, ModelMetrics, parse_metrics, read_metrics
from inference.triton.server import free_ports

PAGE = """\
# HELP nv_inference_request_success Number of successful inference requests, all batch sizes
# TYPE nv_inference_request_success counter
nv_inference_request_success{model="vae_timeseries",version="1"} 2
nv_inference_request_success{model="vae_timeseries",version="2"} 40
nv_inference_request_failure{model="vae_timeseries",reason="OTHER",version="1"} 1
nv_inference_request_failure{model="vae_timeseries",reason="BACKEND",version="1"} 3
nv_inference_queue_duration_us{model="vae_timeseries",version="1"} 99
nv_inference_compute_infer_duration_us{model="vae_timeseries",version="1"} 2.2936e+04
nv_inference_pending_request_count{model="vae_timeseries",version="1"} 5
nv_inference_request_success{model="other",version="1"} 7 1764000000000
# HELP nv_gpu_utilization GPU utilization rate [0.0 - 1.0)
# TYPE nv_gpu_utilization gauge
nv_gpu_utilization{gpu_uuid="GPU-b"} 0.25
nv_gpu_utilization{gpu_uuid="GPU-a"} 0.000000
nv_gpu_memory_total_bytes{gpu_uuid="GPU-b"} 85520809984.000000
nv_gpu_memory_used_bytes{gpu_uuid="GPU-b"} 1048576.000000
nv_gpu_power_usage{gpu_uuid="GPU-b"} 71.5
nv_gpu_power_limit{gpu_uuid="GPU-b"} 700
nv_gpu_power_limit{gpu_uuid="GPU-a"} NaN
nv_pinned_memory_pool_total_bytes 268435456
nv_cpu_utilization 1
not a sample at all
"""


def test_a_page_tells_of_its_gpus_and_its_models() -> None:
    assert parse_metrics(PAGE) == Metrics(
        gpus=(
            GpuMetrics("GPU-a", utilisation=0.0),
            GpuMetrics("GPU-b", 0.25, 1048576.0, 85520809984.0, 71.5, 700.0),
        ),
        models={
            "other": ModelMetrics(success=7),
            "vae_timeseries": ModelMetrics(success=42, failure=4, queue_us=99, compute_us=22936, pending=5),
        },
    )


def test_a_server_without_a_gpu_names_none() -> None:
    without = "\n".join(line for line in PAGE.splitlines() if "gpu_uuid" not in line)
    assert parse_metrics(without).gpus == ()


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1),
        st.tuples(st.integers(0, 2**50), st.integers(0, 2**50)),
    )
)
def test_any_name_and_any_count_come_back_as_they_were(models: dict[str, tuple[int, int]]) -> None:
    def escaped(text: str) -> str:
        return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

    page = "".join(
        f'nv_inference_request_success{{version="1",model="{escaped(name)}"}} {success}\n'
        f'nv_inference_queue_duration_us{{model="{escaped(name)}"}} {queue}\n'
        for name, (success, queue) in models.items()
    )
    read = {name: (one.success, one.queue_us) for name, one in parse_metrics(page).models.items()}
    assert read == models


@given(st.text())
def test_what_is_no_page_is_left_out_without_an_error(text: str) -> None:
    parse_metrics(text)
    parse_metrics(f"nv_gpu_utilization{{{text}}} {text}")


@pytest.fixture
def page_port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A port that serves the page, on a machine that is told to use a proxy."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_ports(1)[0]}")

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/metrics" else 404)
            self.end_headers()
            self.wfile.write(PAGE.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_the_page_is_fetched_past_any_proxy(page_port: int) -> None:
    assert read_metrics(page_port, 5.0) == parse_metrics(PAGE)


def test_a_port_that_nobody_answers_at_is_said() -> None:
    with pytest.raises(ServerGoneError, match="gives no metrics"):
        read_metrics(free_ports(1)[0], 5.0)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(ServerGoneError, match="timed out"):
        read_metrics(silent.getsockname()[1], 0.05)
