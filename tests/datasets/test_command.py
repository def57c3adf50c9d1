"""The command line: ``python -m datasets`` and its modules."""

import os
import subprocess
import sys

import pytest

from datasets import __main__ as listing
from datasets import cats
from datasets.command import main


def test_the_list_shows_what_is_there_and_what_is_not(nowhere, monkeypatch, capsys):
    monkeypatch.setattr("datasets.files.__file__", str(nowhere / "files.py"))
    assert listing.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [
        "cats", "football", "flower", "circles", "moons", "blobs", "quantiles", "no_structure", "digits",
    ]  # fmt: skip
    assert "absent: train_catvnoncat.h5 is not in" in lines[0]
    assert "absent: data.mat is not in" in lines[1]
    assert lines[2].split("   ")[-1].strip() == "drawn by formula, seed 1"
    assert "X_train (2, 300)      100 test" in lines[3]


def test_the_list_finds_files(cat_folder, capsys):
    assert listing.main(["--folder", str(cat_folder)]) == 0
    line = capsys.readouterr().out.splitlines()[0]
    assert "X_train (48, 6)" in line
    assert str(cat_folder) in line


def test_a_damaged_file_is_listed_as_such(cat_folder, capsys):
    (cat_folder / "test_catvnoncat.h5").write_bytes(b"")
    assert listing.main(["--folder", str(cat_folder)]) == 0
    assert "cut short at 0 bytes" in capsys.readouterr().out.splitlines()[0]


def test_fetching_everything(small_files, tmp_path, capsys):
    assert listing.main(["--download", "--folder", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert out.count("checksum right") == 3


def test_a_failed_fetch_is_one_line_and_a_status(small_files, server, tmp_path, capsys):
    arguments = ["--download", "--folder", str(tmp_path), "--mirror", f"{server.address}/nowhere"]
    assert listing.main(arguments) == 1
    err = capsys.readouterr().err.splitlines()
    assert err[-1].startswith("error: train_catvnoncat.h5 could not be fetched: ")
    assert not list(tmp_path.iterdir())


def test_one_module(cat_folder, capsys):
    names = ["train_catvnoncat.h5", "test_catvnoncat.h5"]
    assert main("datasets.cats", cats.load, names, ["--folder", str(cat_folder)]) == 0
    assert "cats: 6 training and 4 test examples of 48 features" in capsys.readouterr().out


def test_ctrl_c(capsys):
    def load(folder):
        raise KeyboardInterrupt

    assert main("datasets.cats", load, [], []) == 130
    assert "no file was left half written" in capsys.readouterr().err


@pytest.mark.parametrize("module", ["datasets", "datasets.cats", "datasets.football"])
def test_the_programs_start(module, tmp_path):
    environment = os.environ | {"TINYGRAD_COURSE_DATA": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", module, "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: python -m {module} ")
    assert "--download" in done.stdout
