"""The whole course of training, with a handful of steps: it publishes models that the engine serves."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference import EngineError, open_engine, parse_config, read_repository, render_config

torch = pytest.importorskip("torch", reason="training needs the convert extra (torch is not installed)")
pytest.importorskip("onnxscript", reason="exporting needs the convert extra (onnxscript is not installed)")

from torch import Tensor  # noqa: E402 - only where torch is installed

from training.__main__ import main, nominal_sources  # noqa: E402 - only where torch is installed
from training.course import Course, gather, train  # noqa: E402
from training.export import Published, publish  # noqa: E402
from training.fit import fit, set_up, vae_loss  # noqa: E402
from training.models import PatchTransformer, Vae, score_of  # noqa: E402

TINY = Course(seed=3, plain=6, plain_windows=16, source_windows=8, vae_steps=6, transformer_steps=3)


@pytest.fixture(scope="module", autouse=True)
def _torch_as_it_was() -> Iterator[None]:
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(strict)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Published], list[str]]:
    out, said = tmp_path_factory.mktemp("trained"), list[str]()
    return out, train(TINY, [], out, said.append), said


def test_training_publishes_both_models_in_tritons_layout(
    trained: tuple[Path, list[Published], list[str]],
) -> None:
    out, published, said = trained
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()) == [
        f"{name}/{file}"
        for name in ("transformer_timeseries", "vae_timeseries")
        for file in ("1/model.onnx", "1/model.py", "config.pbtxt")
    ]
    for one in published:
        data = (one.folder / "1" / "model.onnx").read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (one.size, one.sha256)
        assert one.parity_max_abs < 1e-4
    assert any("parity with torch" in line for line in said)


def test_what_was_trained_is_served_and_gives_torchs_own_scores(
    trained: tuple[Path, list[Published], list[str]],
) -> None:
    out, _, _ = trained
    cards = read_repository(out).select()
    engine = open_engine("embedded", cards)
    for card in cards:
        windows = np.random.default_rng(0).normal(size=(5, card.spec.window)).astype(np.float32) * 3
        answer = engine.infer(card.name, windows, ("reconstruction", "score"))
        expected = score_of(torch.from_numpy(windows), torch.from_numpy(answer["reconstruction"]))
        np.testing.assert_allclose(answer["score"], expected.numpy(), atol=1e-5)
    engine.close()


def test_the_configs_name_the_seed_the_steps_and_the_data(trained: tuple[Path, list[Published], list[str]]) -> None:
    config = parse_config((trained[0] / "vae_timeseries" / "config.pbtxt").read_text())
    assert (config.parameters["seed"], config.parameters["steps"]) == ("3", "6")
    assert config.parameters["trained_on"] == "6 plain patterns"
    assert parse_config(render_config(config)) == config


def test_the_same_seed_gives_the_same_files_and_another_seed_other_data(
    trained: tuple[Path, list[Published], list[str]], tmp_path: Path
) -> None:
    _, first, _ = trained
    again = train(TINY, [], tmp_path / "again", lambda text: None)
    assert (
        gather(TINY, [], lambda text: None)[0].tobytes()
        != gather(replace(TINY, seed=4), [], lambda text: None)[0].tobytes()
    )
    assert [one.sha256 for one in again] == [one.sha256 for one in first]


def test_the_clock_stops_a_fit_and_says_so() -> None:
    said: list[str] = []
    data = np.zeros((300, 64), dtype=np.float32)
    assert fit(Vae(), vae_loss, data, 1000, set_up(0), time.monotonic(), said.append) == 1
    assert said == ["Vae: stopped by the clock after 1 of 1,000 steps"]


def test_a_loss_falls_while_it_is_learnt() -> None:
    windows, _ = gather(TINY, [], lambda text: None)
    newest = torch.from_numpy(np.ascontiguousarray(windows[:, -64:]))
    generator = set_up(0)
    model = Vae()
    with torch.no_grad():
        before = vae_loss(model, newest, generator).item()
    fit(model, vae_loss, newest.numpy(), 60, generator, time.monotonic() + 60, lambda text: None)
    with torch.no_grad():
        assert vae_loss(model, newest, generator).item() < 0.8 * before


def test_an_export_that_differs_from_torch_is_not_published_and_the_old_model_stays(
    trained: tuple[Path, list[Published], list[str]], tmp_path: Path
) -> None:
    class Sampling(Vae):
        """Adds another number at every run, as a VAE that samples while it serves does."""

        def forward(self, window: Tensor) -> tuple[Tensor, Tensor]:
            reconstruction, score = super().forward(window)
            return reconstruction, score + torch.rand_like(score)

    shutil.copytree(trained[0] / "vae_timeseries", tmp_path / "vae_timeseries")
    before = (tmp_path / "vae_timeseries" / "1" / "model.onnx").read_bytes()
    with pytest.raises(EngineError, match="differs from the trained network"):
        publish("vae_timeseries", Sampling(), tmp_path, {})
    assert (tmp_path / "vae_timeseries" / "1" / "model.onnx").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["vae_timeseries"]


def test_the_networks_are_of_the_size_that_was_measured() -> None:
    assert sum(one.numel() for one in Vae().parameters()) == 108_400
    assert sum(one.numel() for one in PatchTransformer().parameters()) == 18_216


def test_a_forecast_never_looks_at_what_it_forecasts() -> None:
    model = PatchTransformer()
    window = torch.randn(4, 136)
    changed = window.clone()
    changed[:, -8:] = 9.0
    with torch.no_grad():
        assert torch.equal(model(window)[0], model(changed)[0])


def test_a_source_that_is_not_installed_is_simply_not_learnt_from() -> None:
    assert nominal_sources("no_such_module:open") == []


def test_the_command_says_in_a_sentence_that_it_cannot_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    arguments = ["--out", str(tmp_path / "file"), "--patterns-only", "--vae-steps", "1", "--transformer-steps", "1"]
    assert main([*arguments, "--minutes", "0.2"]) == 2
    assert "give another folder with --out" in capsys.readouterr().err
