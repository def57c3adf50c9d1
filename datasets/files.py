"""Where the course's data files are: looked for in one place, by one rule.

A file is looked for in the folder that the caller names. If none is named: in the folder that the environment
variable ``TINYGRAD_COURSE_DATA`` names, then in ``datasets/`` of this repository.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "FILES",
    "OTHER",
    "CourseFile",
    "DatasetError",
    "Folder",
    "expect",
    "find",
    "folders",
    "is_original",
]

ENVIRONMENT = "TINYGRAD_COURSE_DATA"
OTHER = " (not the course's own files: their checksums differ)"
Folder = str | os.PathLike[str] | None

_HOME = (
    "https://raw.githubusercontent.com/BaiduOSS/DeepLearningAndPaddleTutorial/"
    "d71136c105b78b57c5df1fe98e19e2fd8ee65045/jupyter/"
)


class DatasetError(ValueError):
    """A data file is not what its name says, or could not be fetched; the message names what is wrong."""


@dataclass(frozen=True)
class CourseFile:
    """One data file of the course.

    Parameters
    ----------
    name : str
        The file's name on disk.
    module : str
        The loader's module, ``python -m MODULE --download`` fetches the file.
    sha256 : str
        Checksum of the course's own file.
    home : str
        Folder of its public home, for the downloader.
    """

    name: str
    module: str
    sha256: str
    home: str


FILES = {
    file.name: file
    for file in (
        CourseFile(
            "train_catvnoncat.h5",
            "datasets.cats",
            "fbe56ab67c3ae28d564e3a644189117976d6b31af0a3ce9bb17dbf22908af242",
            f"{_HOME}3.logistic_regression/datasets",
        ),
        CourseFile(
            "test_catvnoncat.h5",
            "datasets.cats",
            "6a9d39ce52fa85953c5834695b8534a30ed8cfd54971fb2f080b5a24d002b951",
            f"{_HOME}3.logistic_regression/datasets",
        ),
        CourseFile(
            "data.mat",
            "datasets.football",
            "1218828095bf91d215622d00b2a5b8784c359e29d9d9c5734949b8e60c5bc231",
            f"{_HOME}10.optimization/numpy_optimization/Regularization/datasets",
        ),
    )
}


def folders(folder: Folder = None) -> list[Path]:
    """Return the folders that are looked in, in order.

    Examples
    --------
    >>> [path.name for path in folders("somewhere/mine")]
    ['mine']
    """
    if folder is not None:
        return [Path(folder).expanduser()]
    named = os.environ.get(ENVIRONMENT)
    places = [Path(named).expanduser()] if named else []
    return list(dict.fromkeys([*places, Path(__file__).resolve().parent]))


def find(name: str, folder: Folder = None) -> Path:
    """Return the path of a data file.

    Parameters
    ----------
    name : str
        A key of ``FILES``.
    folder : path, optional
        Look here alone.

    Raises
    ------
    FileNotFoundError
        If it is in none of the folders; the message says where it was looked for and how to get it.
    NotADirectoryError
        If `folder` is a file.
    """
    looked = folders(folder)
    for place in looked:
        if place.is_file():
            raise NotADirectoryError(f"{place} is a file; give the folder that holds {name}")
        if (place / name).is_file():
            return place / name
    where = ", nor in ".join(f"{place}{'' if place.is_dir() else ' (no such folder)'}" for place in looked)
    raise FileNotFoundError(
        f"{name} is not in {where}. `python -m {FILES[name].module} --download` fetches it; if you have it, "
        f"set {ENVIRONMENT} to its folder"
    )


def is_original(path: Path) -> bool:
    """Whether a file has the checksum of the course's own file of that name."""
    known = FILES.get(path.name)
    if known is None or not path.is_file():
        return False
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest() == known.sha256


def expect(condition: bool, path: Path, found: str, expected: str) -> None:
    """Raise unless a file's content is as expected.

    Raises
    ------
    DatasetError
        Naming the file, what was found in it and what was expected.

    Examples
    --------
    >>> expect(False, Path("data.mat"), "X is (3, 4)", "(m, 2)")
    Traceback (most recent call last):
    ...
    datasets.files.DatasetError: data.mat: X is (3, 4); expected (m, 2)
    """
    if not condition:
        raise DatasetError(f"{path}: {found}; expected {expected}")
