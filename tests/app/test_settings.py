"""Settings: a broken file is set aside, a wrong override is a sentence."""

from pathlib import Path

import pytest

from app.expected import EXPECTED
from app.paths import FolderError, data_folder, server_folder
from app.settings import Settings, SettingsError, load
from inference.triton.options import TritonOptions


def test_overrides_win_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("[inference]\nworkers = 3\nbatch_windows = 64\n")
    settings, notices = load(file, ["inference.workers=2"])
    assert (settings.inference.workers, settings.inference.batch_windows, notices) == (2, 64, [])


@pytest.mark.parametrize("content", ["[inference", "[inference]\nworkers = 'many'\n", "[nonsense]\na = 1\n"])
def test_a_broken_file_is_set_aside_and_said(tmp_path: Path, content: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(content)
    settings, notices = load(file)
    assert settings.inference.workers == 1
    assert len(notices) == 1 and "defaults are in force" in notices[0]
    assert (tmp_path / "settings.toml.broken").read_text() == content and not file.exists()


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("inference.workers", "key=value"),
        ("inference.nope=1", "there is no setting"),
        ("inference.workers=0", "greater"),
    ],
)
def test_a_wrong_override_is_a_sentence(tmp_path: Path, override: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        load(tmp_path / "none.toml", [override])


def test_the_image_by_default_is_that_of_the_launcher() -> None:
    assert Settings().inference.triton.image == TritonOptions(Path()).image


@pytest.mark.parametrize(
    "wrong",
    [
        "urls=['abc']",
        "urls=['me:secret@host:8001']",
        "urls=['http://host:8001']",
        "urls=['::1:8001']",
        "urls=['host:70000']",
        "image='--help'",
        "image=''",
    ],
)
def test_an_address_or_an_image_that_cannot_be_one_is_refused(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(SettingsError, match=r"^--set: inference\.triton\.(urls|image)") as refused:
        load(tmp_path / "none.toml", [f"inference.triton.{wrong}"])
    assert "secret" not in str(refused.value)
    if wrong.startswith("urls"):
        assert "give HOST:PORT, or [HOST]:PORT for IPv6" in str(refused.value)
    load(tmp_path / "none.toml", ["inference.triton.urls=['[::1]:8001', 'gpu-1.example:8001']"])


def test_a_data_folder_that_cannot_be_made_is_said_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    with pytest.raises(FolderError, match=r"cannot be made \(Not a directory\): make room"):
        data_folder()
    assert FolderError in EXPECTED
    assert server_folder() == tmp_path / "file" / "perigee" / "triton"
