"""Publishing: the next version whole, beside the older ones, or nothing at all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.spec import Place
from inference import EngineError, ModelConfig, TensorSpec, parse_config, read_model, read_repository, render_config
from inference.contract import stored, window_spec
from inference.publish import publish_version

PLACES = (Place(27.9, 0.25, 0.125, 0.1, 1_000_000), Place(-3e-7, 1e-9, 2.5, 0.0, 10_000_000))
ROOT = Path(__file__).resolve().parents[2]


def config(data: bytes, places: tuple[Place, ...] = PLACES, **changed: str) -> ModelConfig:
    """A model of two channels whose file is ``data``."""
    parameters = {
        "kind": "reconstruction",
        "window": "64",
        "stride": "8",
        "sample_period": "2.5",
        "channels": "*/eps/a,SAT-001/thermal/t",
        "scaling": "stored",
        "sha256": sha256(data).hexdigest(),
        **stored(places),
        **changed,
    }
    inputs = (TensorSpec("window", (64, 2)),)
    outputs = (TensorSpec("reconstruction", (64, 2)), TensorSpec("score", (2,)))
    return ModelConfig("pair", "onnxruntime", 256, inputs, outputs, parameters)


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@given(
    places=st.lists(
        st.builds(
            Place,
            st.floats(-1e12, 1e12),
            st.floats(1e-12, 1e12),
            st.floats(0, 1e6),
            st.floats(0, 1e6),
            st.integers(1, 10**12),
        ),
        min_size=2,
        max_size=2,
    ).map(tuple)
)
@settings(deadline=None)
def test_what_a_version_stores_of_its_channels_is_read_back_equal(places: tuple[Place, ...]) -> None:
    spec = window_spec(parse_config(render_config(config(b"", places))), "pair", "1")
    assert (spec.places, spec.channels) == (places, ("*/eps/a", "SAT-001/thermal/t"))
    assert (spec.sample_period, spec.window, spec.stride, spec.scaling) == (2_500_000, 64, 8, "stored")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"location": "1"}, "is not one number for each of 2 channels"),
        ({"scale": "1,nan"}, "is not one number for each of 2 channels"),
        ({"scale": "1,0"}, "a scale or a step of its channels is not above 0"),
        ({"channels": "*/a,*/b,*/c"}, "is not one number for each of 3 channels"),
        ({"sample_period": "native"}, "a sample_period in seconds"),
        ({"scaling": "commissioning"}, "not one number"),
    ],
)
def test_a_contract_of_several_channels_that_cannot_be_kept_is_refused(changed: dict[str, str], says: str) -> None:
    with pytest.raises(EngineError, match=says):
        window_spec(config(b"", PLACES, **changed), "pair", "1")


def test_a_model_that_gives_one_score_for_several_channels_is_refused() -> None:
    one = (TensorSpec("score", (1,), reshape=()),)
    with pytest.raises(EngineError, match="and one number for each"):
        window_spec(replace(config(b""), outputs=one), "pair", "1")


def test_each_version_lies_beside_the_older_ones_and_keeps_what_it_says(tmp_path: Path) -> None:
    first = publish_version(tmp_path, config(b"one"), b"one")
    before = files(tmp_path / "pair" / "1")
    louder = (replace(PLACES[0], usual=9.0), PLACES[1])
    second = publish_version(tmp_path, config(b"two", louder), b"two")
    assert (first.version, second.version) == ("1", "2")
    assert read_repository(tmp_path).select(["pair"])[0].spec.places == louder
    assert files(tmp_path / "pair" / "1") == before, "a published version is never edited"
    assert not [path for path in tmp_path.iterdir() if path.name != "pair"]
    shutil.rmtree(tmp_path / "pair" / "2")
    back = read_model(tmp_path / "pair")
    assert (back.version, back.spec.places) == ("1", PLACES), "removing a version goes back to the one before"


def test_a_version_beside_one_that_shipped_leaves_it_usable(tmp_path: Path) -> None:
    shipped = ROOT / "model_repository" / "vae_timeseries"
    shutil.copytree(shipped, tmp_path / "vae_timeseries")
    text = (shipped / "config.pbtxt").read_text()
    data = (shipped / "1" / "model.onnx").read_bytes()
    publish_version(tmp_path, parse_config(text), data)
    assert read_model(tmp_path / "vae_timeseries").version == "2"
    shutil.rmtree(tmp_path / "vae_timeseries" / "2")
    (tmp_path / "vae_timeseries" / "config.pbtxt").write_text(render_config(replace(parse_config(text), parameters={})))
    assert read_model(tmp_path / "vae_timeseries").version == "1"


def test_what_could_not_be_used_is_not_published(tmp_path: Path) -> None:
    publish_version(tmp_path, config(b"one"), b"one")
    before = files(tmp_path)
    with pytest.raises(EngineError, match="another sha256"):
        publish_version(tmp_path, config(b"two"), b"not two")
    assert files(tmp_path) == before


_KILLED = """
import os, signal, sys
from pathlib import Path
from tests_publish import config
from inference.publish import publish_version

def publish(repository, at):
    pid = os.fork()
    if pid:
        return os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL
    calls = 0
    def audit(event, args):
        nonlocal calls
        if event.startswith(("os.", "open", "shutil.")) and args and str(repository) in str(args[0]):
            calls += 1
            if calls == at:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(audit)
    publish_version(repository, config(b"two"), b"two")
    os._exit(0)

at, killed = 0, True
while killed:
    at += 1
    repository = Path(sys.argv[1]) / f"{at:03d}"
    publish_version(repository, config(b"one"), b"one")
    killed = publish(repository, at)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked, as on Unix")
def test_a_publication_that_is_killed_anywhere_leaves_the_old_version_or_the_new_one(tmp_path: Path) -> None:
    shutil.copyfile(__file__, tmp_path / "tests_publish.py")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(tmp_path)))}
    root = tmp_path / "repositories"
    subprocess.run([sys.executable, "-c", _KILLED, str(root)], env=environment, check=True)
    seen = []
    for repository in sorted(root.iterdir()):
        catalogue = read_repository(repository)
        (card,) = catalogue.select(["pair"])
        assert card.path.read_bytes() == {"1": b"one", "2": b"two"}[card.version] and not catalogue.broken
        seen.append(card.version)
        assert publish_version(repository, config(b"three"), b"three").version == str(int(card.version) + 1)
        assert [path.name for path in repository.iterdir()] == ["pair"], "what was left behind goes with the next"
    assert len(seen) > 10 and seen == sorted(seen) and set(seen) == {"1", "2"}
