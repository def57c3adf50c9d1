"""The house as CONTRIBUTING draws it: floors and rooms, names that stand once, modules of one idea."""

import collections
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "tinygrad_course"
MODULES = sorted(p for p in LIBRARY.rglob("*.py") if p.name not in {"__init__.py", "__main__.py"})
MOST = 400  # lines

#: Modules that are longer, and why they are one idea all the same.
LONGER: dict[str, str] = {
    "engine/stable_forms.py": "one table of what expressions amount to",
    "engine/recording.py": "one path that records, with what it asks of arguments and results",
    "engine/sweep.py": "one sweep for every order",
    "engine/tensor.py": "the methods of an array",
    "graph/node.py": "a node, the graph and what builds it",
    "training/network.py": "one class, with what it tells of itself",
}


def floors():
    """The table in CONTRIBUTING: the rooms of each floor of the library, the lowest first."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d) \| (.+?) \|", text, re.MULTILINE)
    found = collections.defaultdict(set)
    for floor, rooms in rows:
        found[int(floor)] |= {
            name.removesuffix(".py").strip("/") for name in re.findall(r"`([\w/.]+)`", rooms)
        }
    return dict(found)


def test_every_room_at_the_root_stands_in_the_table_and_no_other():
    there = {
        p.name.removesuffix(".py")
        for p in LIBRARY.iterdir()
        if p.suffix == ".py" or (p / "__init__.py").is_file()
    }
    told = set().union(*floors().values())
    assert told - {"models", "datasets"} == there - {"__init__"}


def test_the_floors_are_those_that_the_linter_checks():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = [set(re.findall(r"\w+", layer)) for layer in contracts[0]["layers"]]
    told = floors()
    assert layers[::-1] == [told[floor] for floor in sorted(told) if not told[floor] & {"models", "datasets"}]


def test_no_module_has_the_name_of_another():
    names = collections.Counter(p.stem for p in MODULES)
    packages = collections.Counter(p.parent.name for p in LIBRARY.rglob("__init__.py"))
    assert [name for name, count in (names + packages).items() if count > 1] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(LIBRARY)))
def test_a_module_is_one_idea(path):
    name = str(path.relative_to(LIBRARY))
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert (lines > MOST) == (name in LONGER), f"{lines} lines"
