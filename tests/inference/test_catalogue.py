"""A repository is read entry by entry; what is broken is said and does not stop the rest."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from inference import EngineError, ModelConfig, TensorSpec, parse_config, read_repository, render_config


def _change(folder: Path, **parameters: str | None) -> None:
    file = folder / "config.pbtxt"
    config = parse_config(file.read_text())
    given = {**config.parameters, **parameters}
    kept = {key: value for key, value in given.items() if value is not None}
    file.write_text(render_config(replace(config, parameters=kept)))


def _reason(repository: Path, name: str = "vae_timeseries") -> str:
    catalogue = read_repository(repository)
    assert [card.name for card in catalogue.cards] == ["transformer_timeseries"]
    reason = catalogue.broken[name]
    assert catalogue.problems == (reason,)
    assert reason.endswith(".") and "\n" not in reason and name in reason
    return reason


def test_the_shipped_models_say_what_they_are(shipped: Path) -> None:
    transformer, vae = read_repository(shipped).select()
    assert (vae.name, vae.version, vae.spec.window, vae.spec.stride) == ("vae_timeseries", "1", 64, 8)
    assert (transformer.spec.window, transformer.input_shape) == (136, (136,))
    for card in (transformer, vae):
        assert card.spec.kind == "reconstruction" and card.spec.sample_period is None
        assert card.spec.channels == ("any",) and card.spec.scaling == "commissioning"
        assert card.output_names == ("reconstruction", "score") and card.input_name == "window"


def test_the_highest_version_is_taken_by_number(repository: Path) -> None:
    for version in ("2", "10", "latest"):
        shutil.copytree(repository / "vae_timeseries" / "1", repository / "vae_timeseries" / version)
    card = read_repository(repository).select(["vae_timeseries"])[0]
    assert card.version == card.spec.version == "10"


def test_another_file_than_was_published_is_broken(repository: Path) -> None:
    path = repository / "vae_timeseries" / "1" / "model.onnx"
    path.write_bytes(path.read_bytes() + b"x")
    assert "has another sha256 than its config.pbtxt says" in _reason(repository)


def test_a_missing_model_file_is_broken(repository: Path) -> None:
    (repository / "vae_timeseries" / "1" / "model.onnx").unlink()
    assert "has no model.onnx in version 1" in _reason(repository)


def test_a_model_without_a_version_is_broken(repository: Path) -> None:
    shutil.rmtree(repository / "vae_timeseries" / "1")
    assert "has no version folder" in _reason(repository)


def test_a_folder_without_a_config_is_broken(repository: Path) -> None:
    (repository / "vae_timeseries" / "config.pbtxt").unlink()
    assert "has no config.pbtxt" in _reason(repository)


@pytest.mark.parametrize("text", [b"name: [", b"\xff\xfe\x00", b"frobnicate: 3"])
def test_a_config_that_cannot_be_read_is_broken(repository: Path, text: bytes) -> None:
    (repository / "vae_timeseries" / "config.pbtxt").write_bytes(text)
    assert "config.pbtxt" in _reason(repository)


def test_a_foreign_config_is_refused_with_what_it_does_not_say(repository: Path) -> None:
    _change(repository / "vae_timeseries", window=None, stride=None, sequence_length="64")
    assert "no parameter window, stride in config.pbtxt" in _reason(repository)


@pytest.mark.parametrize(
    ("parameter", "value", "says"),
    [
        ("kind", "oracle", 'its kind "oracle" is none of'),
        ("window", "sixty-four", "are not sample counts"),
        ("window", "32", "is not one channel of 32 samples"),
        ("window", "99999999999", "are not sample counts"),
        ("stride", "0", "are not sample counts"),
        ("stride", "65", "are not sample counts"),
        ("sample_period", "often", "neither native nor a number of seconds"),
        ("sample_period", "nan", "neither native nor a number of seconds"),
        ("channels", "*/eps/battery_voltage", 'only "any" is scored yet'),
        ("scaling", "minmax", "is not one of commissioning"),
    ],
)
def test_a_contract_that_cannot_be_kept_is_refused(repository: Path, parameter: str, value: str, says: str) -> None:
    _change(repository / "vae_timeseries", **{parameter: value})
    assert says in _reason(repository)


@pytest.mark.parametrize("name", ["../1/model.onnx", "/etc/passwd"])
def test_a_model_outside_its_version_folder_is_refused(repository: Path, name: str) -> None:
    file = repository / "vae_timeseries" / "config.pbtxt"
    file.write_text(render_config(replace(parse_config(file.read_text()), default_model_filename=name)))
    assert "lies in its version folder" in _reason(repository)


def test_a_sample_period_in_seconds_is_read(repository: Path) -> None:
    _change(repository / "vae_timeseries", sample_period="0.5")
    assert read_repository(repository).select(["vae_timeseries"])[0].spec.sample_period == 500_000


def test_a_model_under_another_name_than_its_folder_is_refused(repository: Path) -> None:
    (repository / "vae_timeseries").rename(repository / "mine")
    assert 'names the model "vae_timeseries"' in _reason(repository, "mine")


def test_a_model_of_other_tensors_is_refused(repository: Path) -> None:
    file = repository / "vae_timeseries" / "config.pbtxt"
    config = parse_config(file.read_text())
    file.write_text(render_config(replace(config, outputs=config.outputs[:1])))
    assert "no output called score" in _reason(repository)
    file.write_text(render_config(replace(config, inputs=config.inputs * 2)))
    assert "it has 2 inputs" in _reason(repository)


def test_a_window_of_one_channel_may_have_more_than_one_dimension(repository: Path) -> None:
    file = repository / "vae_timeseries" / "config.pbtxt"
    config = parse_config(file.read_text())
    file.write_text(render_config(replace(config, inputs=(TensorSpec("window", (1, 64)),))))
    assert read_repository(repository).select(["vae_timeseries"])[0].input_shape == (1, 64)


def test_models_are_selected_by_name_each_once(shipped: Path) -> None:
    catalogue = read_repository(shipped)
    chosen = catalogue.select(["vae_timeseries", "vae_timeseries"])
    assert [card.name for card in chosen] == ["vae_timeseries"]
    assert len(catalogue.select()) == 2


def test_a_name_that_is_not_there_is_answered_with_what_is(shipped: Path) -> None:
    with pytest.raises(EngineError, match="there is transformer_timeseries, vae_timeseries"):
        read_repository(shipped).select(["vae"])


def test_a_broken_model_that_was_named_is_an_error(repository: Path) -> None:
    (repository / "vae_timeseries" / "config.pbtxt").unlink()
    with pytest.raises(EngineError, match=r"has no config"):
        read_repository(repository).select(["vae_timeseries"])


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.write_text("a file")])
def test_a_repository_that_is_no_folder_is_one_sentence(tmp_path: Path, make: object) -> None:
    assert callable(make)
    make(tmp_path / "models")
    with pytest.raises(EngineError, match="give a folder with --repository"):
        read_repository(tmp_path / "models")


def test_an_empty_repository_has_no_models_and_no_problems(tmp_path: Path) -> None:
    catalogue = read_repository(tmp_path)
    assert catalogue.select() == () and catalogue.problems == ()


def test_a_platform_of_old_configs_is_its_backend() -> None:
    config = parse_config('name: "x" platform: "onnxruntime_onnx" max_batch_size: 8')
    assert config == ModelConfig("x", "onnxruntime", 8, (), ())
