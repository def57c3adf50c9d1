"""Where data files are looked for, and in what order."""

from pathlib import Path

import pytest

import datasets.files
from datasets.files import FILES, find, folders, is_original


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Three folders: one to name, one in the environment, and one in place of ``datasets/``."""
    named, environment, package = (tmp_path / name for name in ("named", "environment", "package"))
    for place in (named, environment, package):
        place.mkdir()
    monkeypatch.setenv("TINYGRAD_COURSE_DATA", str(environment))
    monkeypatch.setattr(datasets.files, "__file__", str(package / "files.py"))
    return named, environment, package


def put(place: Path) -> Path:
    path = place / "data.mat"
    path.write_bytes(b"anything")
    return path


def test_the_order_of_the_places(places):
    named, environment, package = places
    last = put(package)
    assert find("data.mat") == last
    middle = put(environment)
    assert find("data.mat") == middle
    first = put(named)
    assert find("data.mat", named) == first
    assert find("data.mat", str(named)) == first


def test_a_named_folder_is_the_only_one_looked_in(places):
    named, environment, _ = places
    put(environment)
    with pytest.raises(FileNotFoundError) as caught:
        find("data.mat", named)
    assert str(environment) not in str(caught.value)


def test_without_the_environment(places, monkeypatch):
    monkeypatch.delenv("TINYGRAD_COURSE_DATA")
    assert folders() == [places[2]]
    monkeypatch.setenv("TINYGRAD_COURSE_DATA", "")
    assert folders() == [places[2]]


def test_the_package_folder_is_that_of_the_sources(monkeypatch):
    monkeypatch.delenv("TINYGRAD_COURSE_DATA", raising=False)
    assert (folders()[0] / "cats.py").is_file()


@pytest.mark.parametrize("name", FILES)
def test_the_message_of_a_missing_file(places, monkeypatch, name):
    monkeypatch.setenv("TINYGRAD_COURSE_DATA", "/no/such/folder")
    with pytest.raises(FileNotFoundError) as caught:
        find(name)
    message = str(caught.value)
    assert f"{name} is not in /no/such/folder (no such folder), nor in {places[2]}." in message
    assert f"python -m {FILES[name].module} --download" in message
    assert "set TINYGRAD_COURSE_DATA to its folder" in message


def test_a_file_given_for_a_folder(places):
    path = put(places[0])
    with pytest.raises(
        NotADirectoryError, match=r"data\.mat is a file; give the folder that holds data\.mat"
    ):
        find("data.mat", path)


def test_only_the_right_checksum_is_original(tmp_path):
    assert not is_original(tmp_path / "data.mat")
    assert not is_original(put(tmp_path))
    (tmp_path / "mine.mat").write_bytes(b"")
    assert not is_original(tmp_path / "mine.mat")


@pytest.mark.photographs(*FILES)
@pytest.mark.parametrize("name", FILES)
def test_the_real_files_are_original(photographs, name):
    assert is_original(photographs / name)
