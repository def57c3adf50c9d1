"""The package is what pyproject.toml says: its contents, its version, its lower bounds, its light import."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import tinygrad_course

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS_OF_USERS = ("png", "course", "derive", "fast", "dask", "exchange")


def build(target: str, directory: Path, source: Path = ROOT) -> Path:
    """Build `target` ("wheel" or "sdist") from `source` into `directory`, with the installed backend."""
    environment = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(directory)]
    subprocess.run(command, cwd=source, env=environment, check=True, capture_output=True, timeout=120)
    (built,) = directory.iterdir()
    return built


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def unpacked(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extraction_filter = getattr(
            tarfile, "data_filter", None
        )  # the first versions of 3.11 lack it
        archive.extractall(directory)  # noqa: S202  (built here, just before)
    (root,) = directory.iterdir()
    return root


@pytest.fixture(scope="module")
def wheel(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"), unpacked)


@pytest.mark.long
def test_the_wheel_carries_the_library_alone(wheel: Path, unpacked: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    info = f"tinygrad_course-{PROJECT['version']}.dist-info"
    assert {name.split("/")[0] for name in names} == {"tinygrad_course", info}
    modules = {path.relative_to(unpacked).as_posix() for path in (unpacked / "tinygrad_course").rglob("*.py")}
    assert "tinygrad_course/__init__.py" in modules
    more = {"tinygrad_course/__init__.pyi", "tinygrad_course/py.typed", f"{info}/licenses/LICENSE"}
    assert modules | more <= set(names)


@pytest.mark.long
def test_the_wheel_requires_what_pyproject_says(wheel: Path) -> None:
    info = f"tinygrad_course-{PROJECT['version']}.dist-info"
    archive = zipfile.ZipFile(wheel)
    metadata = Parser().parsestr(archive.read(f"{info}/METADATA").decode())
    base = {entry for entry in metadata.get_all("Requires-Dist", []) if "extra ==" not in entry}
    assert base == set(PROJECT["dependencies"])
    assert metadata["Requires-Python"] == PROJECT["requires-python"]
    assert metadata["License-Expression"] == "MIT"
    assert "tinygrad-course = tinygrad_course.cli:main" in archive.read(f"{info}/entry_points.txt").decode()


@pytest.mark.long
def test_the_sdist_carries_what_a_developer_needs(unpacked: Path) -> None:
    needed = (
        ".ci/run",
        "CHANGELOG.md",
        "CITATION.cff",
        "CONTRIBUTING.md",
        "LICENSE",
        "Makefile",
        "README.md",
        "conftest.py",
        "datasets/__init__.py",
        "models/__init__.py",
        "tests/test_packaging.py",
    )
    assert [name for name in needed if not (unpacked / name).is_file()] == []


@pytest.mark.long
def test_neither_carries_data_or_an_environment(unpacked: Path) -> None:
    unwanted = [
        p
        for p in unpacked.rglob("*")
        if (p.suffix in {".h5", ".hdf5", ".mat", ".pyc"} or p.name == ".venv")
        and p.parent not in {unpacked / "tests" / of / "data" for of in ("datasets", "exchange")}
    ]
    assert unwanted == []


@pytest.mark.long
def test_the_build_is_reproducible(wheel: Path, sdist: Path, unpacked: Path, tmp_path: Path) -> None:
    """At another time, and from another folder."""
    elsewhere = shutil.copytree(unpacked, tmp_path / "elsewhere", ignore=shutil.ignore_patterns("PKG-INFO"))
    for path in elsewhere.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    for first, target in ((wheel, "wheel"), (sdist, "sdist")):
        again = build(target, tmp_path / target, elsewhere)
        assert again.name == first.name
        assert again.read_bytes() == first.read_bytes()


def test_every_place_states_the_same_version() -> None:
    version = PROJECT["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert importlib.metadata.version("tinygrad-course") == version
    assert tinygrad_course.__version__ == version
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.*)$", citation, re.MULTILINE) == [version]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\S+)", changelog, re.MULTILINE)[0] == version


def test_the_tested_lower_bounds_are_the_stated_ones() -> None:
    extras = PROJECT["optional-dependencies"]
    stated = [*PROJECT["dependencies"], *(entry for name in EXTRAS_OF_USERS for entry in extras[name])]
    bounds = {re.sub(r"\[.*?\]", "", entry).replace(">=", "==") for entry in stated}
    lines = (ROOT / ".ci" / "oldest.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line for line in lines if not line.startswith("#")}
    assert bounds <= pinned
    assert {line.split("==")[0] for line in pinned - bounds} <= {"pyparsing", "pytest"}


def test_all_is_every_extra_of_users() -> None:
    assert PROJECT["optional-dependencies"]["all"] == [f"tinygrad-course[{','.join(EXTRAS_OF_USERS)}]"]


def test_the_import_brings_no_extra_and_no_network() -> None:
    program = "import sys, tinygrad_course; print(*sorted(m for m in sys.modules if '.' not in m))"
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    loaded = set(done.stdout.split())
    heavy = {
        "matplotlib",
        "sklearn",
        "PIL",
        "pooch",
        "requests",
        "rich",
        "sympy",
        "llvmlite",
        "dask",
        "pygraphviz",
    }
    assert "tinygrad_course" in loaded
    assert loaded & heavy == set()
