"""A folder in telemanom's layout is read whole, or refused in a sentence that names the file and a cure."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.errors import EvaluationError
from app.evaluation.labels import read_labels, united
from app.evaluation.layout import LEAST_TRAIN, read_dataset, read_values
from tests.evaluation.conftest import cycle

if TYPE_CHECKING:
    from tests.evaluation.conftest import MakeFolder

TRAIN = cycle(LEAST_TRAIN, 0)


def npy(array: np.ndarray[Any, Any], **options: bool) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def header(text: str) -> bytes:
    body = text.encode().ljust(118) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(body).to_bytes(2, "little") + body


def test_a_folder_is_read_as_it_lies(make_folder: MakeFolder) -> None:
    folder = make_folder({"B-2": (TRAIN, cycle(50, 1)), "A-1": (TRAIN, cycle(2, 2))}, {"B-2": "[[40, 49], [3, 3]]"})
    dataset = read_dataset(folder)
    assert dataset.name == "mission"
    assert [(one.name, one.spans.tolist(), one.span) for one in dataset.recordings] == [
        ("A-1", [], None),
        ("B-2", [[3, 3], [40, 49]], None),
    ]
    assert np.array_equal(read_values(dataset.recordings[1].test), cycle(50, 1))


def test_values_scaled_by_whoever_published_them_have_a_declared_range(make_folder: MakeFolder) -> None:
    scaled = np.interp(TRAIN, (TRAIN.min(), TRAIN.max()), (-0.4, 1.0))
    folder = make_folder({"A-1": (scaled, scaled), "A-2": (scaled * 0.001, scaled)})
    assert [one.span for one in read_dataset(folder).recordings] == [(-1.0, 1.0)] * 2


@pytest.mark.parametrize("kind", ["f2", "f4", ">f8", "i1", "u8", "bool"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_numbers_of_every_kind_are_values(tmp_path: Path, kind: str, order: str) -> None:
    array = np.array([[1, 7], [0, 8], [1, 9]]).astype(kind)
    (tmp_path / "a.npy").write_bytes(npy(np.asarray(array, order="F" if order == "F" else "C")))
    values = read_values(tmp_path / "a.npy")
    assert (str(values.dtype), values.tolist()) == ("float64", [1.0, 0.0, 1.0])


class Harmful:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch harmed",)


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.npy", npy(np.zeros((3, 1))))
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (npy(np.array([[Harmful()]], dtype=object), allow_pickle=True), "Python objects"),
        (pickle.dumps(Harmful()), "not a whole .npy array"),
        (zipped(), "not a whole .npy array"),
        (b"", "not a whole .npy array"),
        (b"\x93NUMPY", "not a whole .npy array"),
        (npy(np.zeros((500, 2)))[:-1], "not a whole .npy array"),
        (header("{'descr': '<f8', 'fortran_order': False, 'shape': (10**18, 2)}"), "not a whole .npy array"),
        (header("{'descr': '<f8', 'fortran_order': False, 'shape': (9000000000000000000, 2), }"), "not a whole"),
        (header("{'descr': '<f8', 'fortran_order': False, 'shape': (-3, 2), }"), "not a whole .npy array"),
        (header("(" * 100), "not a whole .npy array"),
        (npy(np.zeros(5)), "has the shape (5,)"),
        (npy(np.zeros((5, 2, 2))), "has the shape (5, 2, 2)"),
        (npy(np.zeros((5, 0))), "has the shape (5, 0)"),
        (npy(np.zeros((0, 3))), "holds 0 samples"),
        (npy(np.zeros((3, 2), dtype=complex)), "holds complex128 and no plain numbers"),
        (npy(np.array([["a"], ["b"]])), "no plain numbers"),
        (npy(np.zeros((3, 1), dtype="M8[us]")), "no plain numbers"),
        (npy(np.array([[1.0, np.nan], [2.0, 0.0], [np.nan, 0.0]])), "holds nan in row 2 of column 0"),
        (npy(np.array([[np.inf]])), "holds inf in row 0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_array_of_values_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "a.npy"
    file.write_bytes(content)
    with pytest.raises(EvaluationError) as problem:
        read_values(file)
    assert said in str(problem.value)
    assert str(problem.value).startswith(str(file)) and str(problem.value).endswith(".")
    assert not (tmp_path / "harmed").exists()


@given(st.binary(max_size=300))
def test_bytes_of_any_kind_are_refused_in_a_sentence(content: bytes) -> None:
    file = Path(os.environ["HOME"]) / "a.npy"
    file.write_bytes(b"\x93NUMPY\x01\x00" + content)
    with pytest.raises(EvaluationError, match=r"a\.npy .*\.$"):
        read_values(file)


def test_missing_parts_are_named(make_folder: MakeFolder, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"There is no folder .*absent: give a folder"):
        read_dataset(tmp_path / "absent")
    (tmp_path / "a.csv").touch()
    with pytest.raises(EvaluationError, match=r"a\.csv is a file, .*: give one that holds train/"):
        read_dataset(tmp_path / "a.csv")
    folder = make_folder({"A-1": (TRAIN, TRAIN), "A-2": (TRAIN, TRAIN)})
    (folder / "labeled_anomalies.csv").rename(folder / "labels.csv")
    with pytest.raises(EvaluationError, match=r"There is no .*labeled_anomalies\.csv: write one"):
        read_dataset(folder)
    (folder / "test" / "A-2.npy").unlink()
    with pytest.raises(EvaluationError, match=r"There is .*train/A-2\.npy and no .*test/A-2\.npy: add it"):
        read_dataset(folder)
    for path in folder.glob("*/*.npy"):
        path.unlink()
    with pytest.raises(EvaluationError, match=r"train holds no \.npy file"):
        read_dataset(folder)
    (folder / "test").rmdir()
    with pytest.raises(EvaluationError, match=r"There is no folder .*test:"):
        read_dataset(folder)


def test_a_train_part_that_is_too_short_is_named(make_folder: MakeFolder) -> None:
    folder = make_folder({"A-1": (TRAIN, TRAIN), "A-2": (TRAIN[1:], TRAIN)})
    with pytest.raises(EvaluationError, match=r"train/A-2\.npy holds 299 samples, and .* takes 300: give"):
        read_dataset(folder)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("chan_id,spans\nA-1,[]\n", "has no column anomaly_sequences"),
        ("", "has no column chan_id"),
        ("chan_id,anomaly_sequences\nA-1\n", "line 2, has no list"),
        ("chan_id,anomaly_sequences\nA-1,\n", "line 2, has no list"),
        ('chan_id,anomaly_sequences\nA-1,"[[1, 2]"\n', "line 2, has no list"),
        ('chan_id,anomaly_sequences\nA-1,"[[1, 2, 3]]"\n', "line 2, has no list"),
        ('chan_id,anomaly_sequences\nA-1,"[[1.5, 2]]"\n', "line 2, has no list"),
        ('chan_id,anomaly_sequences\nA-1,"[[true, 2]]"\n', "line 2, has no list"),
        ('chan_id,anomaly_sequences\nA-1,"' + "[" * 100_000 + '"\n', "line 2, has no list"),
        ("chan_id,anomaly_sequences\nA-1,__import__('os').getcwd()\n", "line 2, has no list"),
        ('chan_id,anomaly_sequences\nA-1,[]\nA-1,"[[5, 10]]"\n', "line 3, labels 5 to 10, and .* samples 0 to 9"),
        ('chan_id,anomaly_sequences\nA-1,"[[-1, 3]]"\n', "labels -1 to 3"),
        ('chan_id,anomaly_sequences\nA-1,"[[4, 3]]"\n', "labels 4 to 3"),
        ('chan_id,anomaly_sequences\nA-1,"[[4, ' + "9" * 4000 + ']]"\n', "line 2, has no list"),
        ("chan_id,anomaly_sequences\nM-6,[]\n", "labels the channel 'M-6', of which there is no file"),
        ("chan_id,anomaly_sequences\n,[]\n", "labels the channel ''"),
        ('chan_id,anomaly_sequences\nA-1,"[]\n', "is no CSV file in UTF-8"),
        ("chan_id,anomaly_sequences\nA-1,\xff\n", "is no CSV file in UTF-8"),
        ('chan_id,anomaly_sequences\nA-1,"[' + "[1, 1], " * 10_000 + '[1, 1]]"\n', "more than 10,000 labels of A-1"),
    ],
    ids=lambda value: value[:40] if "," in value else "",
)
def test_labels_that_cannot_be_used_are_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "labeled_anomalies.csv"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(EvaluationError, match=said) as problem:
        read_labels(file, {"A-1": 10})
    assert str(problem.value).startswith(str(file)) and str(problem.value).endswith(".")


def test_rows_of_one_channel_are_united_and_other_columns_are_not_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "labeled_anomalies.csv"
    file.write_text(
        "\ufeffchan_id,spacecraft,anomaly_sequences,class,num_values\n"
        'P-2,SMAP,"[[53, 65], [10, 12]]",[point],1\nA-1,X,[],,\n\nP-2,SMAP,"[[50, 64], [13, 13]]",,,more\n',
        encoding="utf-8",
    )
    labels = read_labels(file, {"P-2": 66, "A-1": 3, "B-1": 3})
    assert {name: spans.tolist() for name, spans in labels.items()} == {
        "P-2": [[10, 12], [13, 13], [50, 65]],
        "A-1": [],
    }


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)).map(sorted).map(tuple)))
def test_united_spans_cover_the_same_samples_each_once(spans: list[tuple[int, int]]) -> None:
    out = united(spans).tolist()
    covered = [sample for start, end in out for sample in range(start, end + 1)]
    assert covered == sorted(covered) and len(set(covered)) == len(covered)
    assert set(covered) == {sample for start, end in spans for sample in range(start, end + 1)}
    assert all(any(start <= a and b <= end for start, end in out) for a, b in spans)
