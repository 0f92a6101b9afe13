"""A repository is read entry by entry; what is broken is said and does not stop the rest."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from inference import EngineError, ModelConfig, parse_config, read_repository, render_config
from inference.catalogue import LARGEST_CONFIG, LARGEST_MODEL
from inference.contract import PARAMETERS


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
    assert "no parameter window, stride in config.pbtxt)" in _reason(repository)


@pytest.mark.parametrize("missing", PARAMETERS)
def test_every_parameter_is_required(repository: Path, missing: str) -> None:
    _change(repository / "vae_timeseries", **{missing: " "})
    assert f"(no parameter {missing} in config.pbtxt)" in _reason(repository)


def test_a_misspelt_parameter_is_answered_with_the_one_that_was_meant(repository: Path) -> None:
    _change(repository / "vae_timeseries", stride=None, stirde="8")
    assert 'no parameter stride in config.pbtxt, and "stirde" is none: did you mean stride?)' in _reason(repository)


def test_parameters_that_the_contract_does_not_know_are_let_be(repository: Path) -> None:
    _change(repository / "vae_timeseries", intra_op_thread_count="1", made_by="us")
    assert len(read_repository(repository).select()) == 2


@pytest.mark.parametrize(
    ("parameter", "value", "says"),
    [
        ("kind", "oracle", 'its kind "oracle" is none of'),
        ("window", "sixty-four", 'its window "sixty-four" is not a number of samples from 2 to 65,536'),
        ("window", "64.5", "is not a number of samples"),
        ("window", "-64", "is not a number of samples"),
        ("window", "\u0666\u0664", "is not a number of samples"),
        ("window", "1", "is not a number of samples"),
        ("window", "99999999999", "is not a number of samples"),
        ("window", "32", "is not one channel of 32 samples"),
        ("stride", "0", 'its stride "0" is not a number of samples from 1 to its window of 64'),
        ("stride", "65", "is not a number of samples"),
        ("stride", "eight", "is not a number of samples"),
        ("sample_period", "often", 'its sample_period "often" is neither native nor seconds from 0.001 to 86,400'),
        ("sample_period", "nan", "neither native nor seconds"),
        ("sample_period", "inf", "neither native nor seconds"),
        ("sample_period", "-5", "neither native nor seconds"),
        ("sample_period", "0", "neither native nor seconds"),
        ("sample_period", "1e9", "neither native nor seconds"),
        ("channels", "battery_voltage", "does not name satellite and channel, such as */eps/battery_voltage"),
        ("channels", "*/eps/battery/voltage", "does not name satellite and channel"),
        ("channels", "*/eps/bus voltage", "does not name satellite and channel"),
        ("channels", "*/eps/a,,*/eps/b", "does not name satellite and channel"),
        ("channels", "any,*/eps/a", "say any beside others"),
        ("channels", "*/eps/a, */eps/a", 'names the channel pattern "*/eps/a" twice'),
        ("channels", ",".join(f"*/eps/c{i}" for i in range(1025)), "takes 1,025 channels together"),
        ("channels", "*/eps/a,*/eps/b", "its input [64] is not 64 samples of 2 channels"),
        ("scaling", "stored", "which takes channel patterns and a sample_period in seconds"),
        ("scaling", "minmax", "is not one of commissioning"),
        ("sha256", "abc", 'its sha256 "abc" is not 64 hexadecimal digits'),
        ("sha256", "0" * 64, "has another sha256 than its config.pbtxt says"),
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


def test_a_file_that_is_too_large_is_not_read_to_find_that_out(repository: Path) -> None:
    with (repository / "vae_timeseries" / "1" / "model.onnx").open("r+b") as file:
        file.truncate(LARGEST_MODEL + 1)  # a hole, not a gigabyte
    assert "is larger than 1 GB" in _reason(repository)
    with (repository / "vae_timeseries" / "config.pbtxt").open("r+b") as file:
        file.truncate(LARGEST_CONFIG + 1)
    assert "too large to be a model configuration" in _reason(repository)


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


def test_a_folder_that_holds_no_model_at_all_is_no_repository(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"folder-{number}").mkdir()
    with pytest.raises(EngineError, match=r"is no model repository: none of its 3 folders has a config\.pbtxt; give"):
        read_repository(tmp_path)
