"""``perigee doctor``: what is broken is found and named with a cure, and what hangs is not waited for."""

from __future__ import annotations

import json
import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app import paths
from app.cli.commands import run
from app.doctor import containers, graphics
from app.doctor.check import Finding, Look, findings
from inference.triton.nvml import Gpu
from inference.triton.options import TritonOptions
from inference.triton.server import free_ports

GPU = Gpu("NVIDIA T4", "GPU-1", (7, 5), None, None, None, None, None, None, None, None, None)
DOCKER = """#!/bin/sh
case $1 in
    version) echo 28.1;;
    info) echo '{"DockerRootDir": "/", "Runtimes": {"nvidia": {}}, "SecurityOptions": ["name=rootless"]}';;
    image) echo sha256:abc;;
esac
"""


def _examined(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, dict[str, Any]]]:
    code = run(["doctor", "--json", *words])
    return code, {one["name"]: one for one in json.loads(capsys.readouterr().out)["checks"]}


def test_a_machine_on_which_the_tests_pass_has_all_that_is_needed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], private_server: Path
) -> None:
    monkeypatch.setenv("PERIGEE_TRITON", str(private_server))
    code, checks = _examined(capsys, "--set", "inference.triton.container=off")
    assert code == 0
    assert {name for name, one in checks.items() if one["needed"]} == {
        "settings", "archive folder", "disk", "ports", "embedded engine", "models",
    }  # fmt: skip
    assert all(one["ok"] for one in checks.values() if one["needed"])
    assert [name for name, one in checks.items() if not one["ok"] and not one["cure"]] == []
    assert str(private_server) in checks["tritonserver"]["detail"]
    assert "vae_timeseries 1" in checks["models"]["detail"]


def test_a_tritonserver_that_is_named_in_vain_is_to_be_corrected_where_it_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PERIGEE_TRITON")
    named = ("--set", "inference.triton.container=off", "--set", "inference.triton.server=/nonexist")
    found = _examined(capsys, *named)[1]["tritonserver"]
    assert not found["ok"] and found["cure"] == "Correct inference.triton.server"
    assert found["detail"] == "There is no tritonserver at /nonexist"


def test_settings_that_are_broken_are_found_and_left_where_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    file = paths.settings_file()
    file.parent.mkdir(parents=True)
    file.write_text("[inference]\nworker = 3\n", encoding="utf-8")
    code, checks = _examined(capsys)
    assert code == 3
    assert not checks["settings"]["ok"] and "inference.worker" in checks["settings"]["detail"]
    assert file.read_text(encoding="utf-8") == "[inference]\nworker = 3\n"
    assert run(["doctor"]) == 3
    assert "\nBROKEN  settings: Settings in " in "\n" + capsys.readouterr().out


def test_a_model_that_is_damaged_and_one_that_is_none_are_told_apart(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "models"
    shutil.copytree(paths.SEED_REPOSITORY, folder)
    (folder / "notes").mkdir()
    code, checks = _examined(capsys, "--repository", str(folder))
    assert (code, checks["models"]["ok"]) == (0, True)
    assert "set aside: The model notes has no config.pbtxt" in checks["models"]["detail"] and checks["models"]["cure"]
    (folder / "vae_timeseries" / "1" / "model.onnx").write_bytes(b"")
    code, checks = _examined(capsys, "--repository", str(folder))
    assert (code, checks["models"]["ok"]) == (3, False)
    assert "vae_timeseries" in checks["models"]["detail"]


def test_a_folder_that_cannot_be_written_is_found(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    code, checks = _examined(capsys)
    assert code == 3
    assert not checks["archive folder"]["ok"] and "--archive" in checks["archive folder"]["cure"]


def test_a_disk_with_only_its_reserve_left_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    code, checks = _examined(capsys, "--set", "storage.reserve_mb=1000000000")
    assert (code, checks["disk"]["ok"]) == (3, False)


def _docker(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> TritonOptions:
    """A program called docker, and no other container engine."""
    (folder / "docker").write_text(script, encoding="utf-8")
    (folder / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return TritonOptions(state=folder)


def _of_containers(options: TritonOptions) -> dict[str, Finding]:
    looks = containers.looks(options)
    return {look.name: found for look, found in zip(looks, findings(looks), strict=True)}


def test_a_container_engine_that_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "ANSWER_S", 0.5)
    options = _docker(tmp_path, monkeypatch, "#!/bin/sh\nexec /bin/sleep 60\n")
    began = time.monotonic()
    found = _of_containers(options)
    assert time.monotonic() - began < 10
    assert "docker gave no answer within 0.5 s" in found["container engine"].detail
    assert [name for name, one in found.items() if one.ok] == ["container rights"]


def test_a_container_engine_that_answers_is_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = _of_containers(_docker(tmp_path, monkeypatch, DOCKER))
    assert found["container engine"] == Finding(True, "docker 28.1 answers")
    assert found["GPU in containers"].detail.startswith("through the runtime nvidia")
    assert found["container image"].detail.endswith("26.09-py3 is here, sha256:abc")
    assert found["room for the image"].ok and found["container rights"].ok


def test_an_image_that_is_to_come_from_an_archive_wants_that_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = DOCKER.replace("image) echo sha256:abc;;", "image) exit 1;;")
    options = replace(_docker(tmp_path, monkeypatch, none), archive=str(tmp_path / "image.tar"))
    found = _of_containers(options)["container image"]
    assert not found.ok and found.detail.endswith(f"nor is its archive {tmp_path / 'image.tar'}")
    assert found.cure == "Correct inference.triton.archive"
    (tmp_path / "image.tar").write_bytes(b"")
    found = _of_containers(options)["container image"]
    assert not found.ok and found.cure == f"Load it from {tmp_path / 'image.tar'}: perigee triton install --image"


def test_servers_certificates_and_gpus_that_the_settings_name_are_looked_at(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], private_server: Path, tmp_path: Path
) -> None:
    monkeypatch.setenv("PERIGEE_TRITON", str(private_server))
    (port,) = free_ports(1)
    words = ["--set", "inference.triton.container=off", "--set", f"inference.triton.tls_ca={tmp_path / 'none.pem'}"]
    words += ["--set", 'inference.triton.gpus=["GPU-none"]']
    code, checks = _examined(capsys, *words)
    assert code == 0
    assert (checks["certificates"]["ok"], checks["GPUs of the settings"]["ok"]) == (False, False)
    assert "GPU-none of inference.triton.gpus: not on this machine" in checks["GPUs of the settings"]["detail"]
    words += ["--set", f'inference.triton.urls=["127.0.0.1:{port}"]']
    code, checks = _examined(capsys, *words)
    (named,) = (one for name, one in checks.items() if name == f"Triton at 127.0.0.1:{port}")
    assert code == 0 and not named["ok"] and "none.pem cannot be read" in named["detail"]
    assert run(["triton", "status", *words[:2], *words[4:]]) == 0
    said = capsys.readouterr().out
    assert f"Triton at 127.0.0.1:{port} (named in the settings): of no use, The Triton at" in said
    assert "GPU-none is named in the settings, and not on this machine." in said


def test_containers_that_are_switched_off_are_nothing_that_lacks(tmp_path: Path) -> None:
    assert _of_containers(TritonOptions(state=tmp_path, container="off")) == {
        "container engine": Finding(True, "switched off in the settings")
    }


@pytest.mark.parametrize(
    ("info", "hook", "specs", "ways"),
    [
        ({"Runtimes": None}, False, False, []),
        ({"Runtimes": {"runc": {}}}, True, False, ["the toolkit's hook"]),
        ({"Runtimes": {"nvidia": {}}}, False, True, ["the runtime nvidia", "CDI"]),
        ({"DiscoveredDevices": [{"Source": "cdi", "ID": "nvidia.com/gpu=0"}]}, False, False, ["CDI"]),
    ],
)
def test_each_way_to_give_a_container_a_gpu_is_known(
    info: dict[str, Any], hook: bool, specs: bool, ways: list[str]
) -> None:
    assert containers.gpu_ways(info, hook, specs) == ways


@pytest.mark.parametrize(
    ("root", "group", "rootless", "said"),
    [
        (False, True, False, "can become root"),
        (False, False, False, "can become root"),
        (True, True, False, "runs as root"),
        (False, False, True, "no more rights than this user"),
    ],
)
def test_what_the_right_to_start_containers_risks_is_said_and_is_no_failure(
    root: bool, group: bool, rootless: bool, said: str
) -> None:
    found = containers.risk(root, group, rootless)
    assert found.ok and said in found.detail
    assert ("a risk" in found.detail) == bool(found.cure)


def test_old_drivers_and_old_gpus_are_refused_for_the_image() -> None:
    assert graphics.suitable("580.82.07", [GPU]).ok
    old = graphics.suitable("575.51.03", [GPU])
    assert not old.ok and "575.51.03 is too old" in old.detail and "580" in old.cure
    pascal = graphics.suitable("580.82.07", [GPU, replace(GPU, name="NVIDIA P100", capability=(6, 0))])
    assert not pascal.ok and "NVIDIA P100 (compute capability 6.0)" in pascal.detail and "T4" not in pascal.detail


@pytest.mark.logs("the check of broken failed")
def test_a_check_that_hangs_or_fails_leaves_the_others_their_word() -> None:
    never = threading.Event()
    fine = Finding(True, "it is there")

    def hang() -> Finding:
        never.wait(60)
        return fine

    def fail() -> Finding:
        raise RuntimeError("no such thing")

    found = findings([Look("hanging", hang), Look("broken", fail), Look("fine", lambda: fine)], deadline=0.5)
    never.set()
    assert [one.ok for one in found] == [False, False, True]
    assert "no answer within 0.5 s" in found[0].detail and "no such thing" in found[1].detail
    assert all(one.cure for one in found[:2])
