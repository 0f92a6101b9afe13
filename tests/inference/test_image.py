"""An image comes from an archive or a registry, or a sentence says why not. The container engine is a real one."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from inference import EngineError
from inference.triton import image
from inference.triton.image import digest_of, fetch_image
from inference.triton.options import TritonOptions
from inference.triton.tool import Tool, open_tool

NEVER = threading.Event()
DEADLINE_S = 30.0


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def tiny_layer() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("tiny"))
    return packed.getvalue()


@dataclass
class Registry:
    """A registry with one image, ``tiny:1``, of one layer, which it sends once ``open`` is set."""

    open: threading.Event = field(default_factory=threading.Event)
    asked: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    def __post_init__(self) -> None:
        layer = tiny_layer()
        config = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers"}}
        config["rootfs"]["diff_ids"] = [digest(layer)]  # type: ignore[index]
        self.layer, self.config = gzip.compress(layer, mtime=0), json.dumps(config).encode()
        kinds = ("container.image.v1+json", "image.rootfs.diff.tar.gzip")
        described = [
            {"mediaType": f"application/vnd.docker.{kind}", "size": len(data), "digest": digest(data)}
            for kind, data in zip(kinds, (self.config, self.layer), strict=True)
        ]
        self.kind = "application/vnd.docker.distribution.manifest.v2+json"
        manifest = {"schemaVersion": 2, "mediaType": self.kind, "config": described[0], "layers": described[1:]}
        self.manifest = json.dumps(manifest).encode()

    def answer(self, path: str) -> tuple[str, bytes] | None:
        what, data = path.rpartition("/")[::2]
        if what.endswith("/manifests") and data in ("1", digest(self.manifest)):
            return self.kind, self.manifest
        if data == digest(self.config):
            return "application/octet-stream", self.config
        if data == digest(self.layer):
            self.asked.set()
            self.open.wait(DEADLINE_S)
            return "application/octet-stream", self.layer
        return ("text/plain", b"") if path == "/v2/" else None


@pytest.fixture
def registry() -> Iterator[Registry]:
    made = Registry()

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found = made.answer(self.path)
            kind, data = found or ("application/json", b'{"errors": [{"code": "MANIFEST_UNKNOWN"}]}')
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Docker-Content-Digest", digest(data))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(data)

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        made.port = server.server_port
        yield made
        made.open.set()
        server.shutdown()
        thread.join()


def docker(*arguments: str, given: bytes = b"") -> str:
    done = subprocess.run(["docker", *arguments], input=given, check=True, capture_output=True)
    return done.stdout.decode().strip()


@pytest.fixture
def options(tmp_path: Path, docker_host: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[TritonOptions]:
    monkeypatch.setenv("DOCKER_HOST", docker_host)
    monkeypatch.setattr(image, "IMAGE_ROOM_MB", 1)
    before = set(docker("images", "--quiet").split())
    yield TritonOptions(tmp_path / "state", image="tiny:1")
    left = set(docker("images", "--quiet").split()) - before
    if left:
        docker("rmi", "--force", *left)


@pytest.fixture
def tool(options: TritonOptions) -> Tool:
    return open_tool(options)


@pytest.fixture
def archive(options: TritonOptions, tmp_path: Path) -> tuple[Path, str]:
    """A file that holds ``tiny:1``, which is not here any more, and its identifier."""
    made = docker("import", "-", "tiny:1", given=tiny_layer())
    path = tmp_path / "tiny.tar"
    docker("save", "--output", str(path), "tiny:1")
    docker("rmi", "tiny:1")
    return path, made


def test_an_image_comes_from_an_archive_once(tool: Tool, options: TritonOptions, archive: tuple[Path, str]) -> None:
    path, identifier = archive
    options = replace(options, archive=str(path))
    said: list[str] = []
    with pytest.raises(EngineError, match="tiny:1 is not on this machine"):
        digest_of(tool, options)
    assert fetch_image(tool, options, said.append, NEVER) == identifier
    assert said == ["Loaded image: tiny:1"]
    assert fetch_image(tool, replace(options, archive="/nowhere"), said.append, NEVER) == identifier
    assert len(said) == 1
    assert digest_of(tool, replace(options, image=identifier)) == identifier


@pytest.mark.parametrize("name", ["tiny:2", f"tiny@sha256:{'0' * 64}"])
def test_an_archive_that_holds_another_image_is_said_with_what_it_holds(
    tool: Tool, options: TritonOptions, archive: tuple[Path, str], name: str
) -> None:
    options = replace(options, archive=str(archive[0]), image=name)
    with pytest.raises(EngineError, match=rf"does not hold {name} \(Loaded image: tiny:1\): name in"):
        fetch_image(tool, options, lambda text: None, NEVER)


def test_an_archive_that_is_none_is_said(tool: Tool, options: TritonOptions, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"There is no image archive /nowhere: correct inference\.triton\.archive"):
        fetch_image(tool, replace(options, archive="/nowhere"), lambda text: None, NEVER)
    (tmp_path / "text.tar").write_text("no archive at all", encoding="utf-8")
    with pytest.raises(EngineError, match=r"could not be fetched \(.*\): see that .*text\.tar is whole"):
        fetch_image(tool, replace(options, archive=str(tmp_path / "text.tar")), lambda text: None, NEVER)


def test_a_disk_that_is_too_small_is_said_before_anything_is_fetched(
    tool: Tool, options: TritonOptions, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image, "IMAGE_ROOM_MB", 10**9)
    with pytest.raises(EngineError, match=r"needs 1,000,000,000 MB on /.*, which has [\d,]+: make room"):
        fetch_image(tool, replace(options, image=f"127.0.0.1:{registry.port}/tiny:1"), lambda text: None, NEVER)
    assert not registry.asked.is_set()


@pytest.mark.parametrize("by", ["name", "digest"])
def test_an_image_is_pulled_by_its_name_or_its_digest_and_is_the_same(
    tool: Tool, options: TritonOptions, registry: Registry, by: str
) -> None:
    registry.open.set()
    place = f"127.0.0.1:{registry.port}/tiny"
    pinned = replace(options, image=f"{place}@{digest(registry.manifest)}")
    given = pinned if by == "digest" else replace(options, image=f"{place}:1")
    said: list[str] = []
    assert fetch_image(tool, given, said.append, NEVER) == digest(registry.config)
    assert any("Pull complete" in line for line in said)
    assert digest_of(tool, pinned) == digest(registry.config)


def test_an_image_that_the_registry_does_not_have_is_said(
    tool: Tool, options: TritonOptions, registry: Registry
) -> None:
    with pytest.raises(EngineError, match=r"could not be fetched \(manifest unknown\): check the network"):
        fetch_image(tool, replace(options, image=f"127.0.0.1:{registry.port}/tiny:9"), lambda text: None, NEVER)


def test_fetching_is_cancelled_though_the_registry_says_nothing_more(
    tool: Tool, options: TritonOptions, registry: Registry
) -> None:
    stop = threading.Event()

    def cancel() -> None:
        registry.asked.wait(DEADLINE_S)
        stop.set()

    threading.Thread(target=cancel).start()
    with pytest.raises(EngineError, match="cancelled"):
        fetch_image(tool, replace(options, image=f"127.0.0.1:{registry.port}/tiny:1"), lambda text: None, stop)
    assert stop.is_set()
