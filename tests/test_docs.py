"""The documentation's code, run as it stands there, and what is generated in it."""

import importlib.metadata
import importlib.util
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image

from models.experiments import EXPERIMENTS
from tests.documented import blocks, kept, run

DOCS = Path(__file__).resolve().parent.parent / "docs"
GENERATED = {"derivations", "published", "table_of_rules"}
PAGES = sorted(
    p for p in DOCS.glob("*.md") if p.stem not in GENERATED and "```python" in p.read_text(encoding="utf-8")
)


def read_by_files(folder):
    """Write what the page about files reads: a model of Keras's, one of PyTorch's, data of one's own."""
    torch = pytest.importorskip("torch")
    shutil.copy(DOCS.parent / "tests/exchange/data/functional.keras", folder / "model.keras")
    network = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.ReLU(), torch.nn.Linear(4, 3))
    torch.save(network.state_dict(), folder / "model.pt")
    scipy.io.savemat(folder / "mine.mat", {"X": np.ones((2, 5)), "y": np.arange(5) % 2})
    (folder / "flowers.csv").write_text("width,length,kind\n1,2.5,iris\n3,0.5,aster\n", encoding="utf-8")
    for name in ("cat", "dog"):
        (folder / "pets" / name).mkdir(parents=True)
        Image.new("RGB", (90, 40)).save(folder / "pets" / name / "1.jpg")


@pytest.mark.sampled(6)
@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_the_code_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if page.stem == "files":
        read_by_files(tmp_path)
    names = {}
    for number, block in enumerate(blocks(page), start=1):
        promises = run(block, page, number, names)
        assert [(p, printed) for p, printed in promises if not kept(p, printed)] == []


def test_the_published_table_has_every_figure_and_none_is_missed():
    """All figures of published.json; what each came to is the business of the tests of `models`."""
    page = (DOCS / "published.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.*?) \| (\d+) \|(.*)\|$", page, re.MULTILINE)
    covered = {record.name: record for row in EXPERIMENTS for record in row.records}
    wanted = sum(len(record.compare({})) for record in covered.values())
    assert int(rows[-1][1]) == wanted == sum(int(count) for _, count, _ in rows[:-1])
    for name, count, cells in rows:
        exact, close, not_met, missed, not_measured = (int(c.strip() or 0) for c in cells.split("|"))
        assert exact + close + not_met == int(count), name
        assert missed == not_measured == 0
    for name, record in covered.items():
        assert f"**{name}** ({record.source})" in page or not record.compare({})
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    assert f"{wanted:,} published figures" in " ".join(readme.split())


def test_every_page_stands_in_the_navigation():
    text = (DOCS.parent / "mkdocs.yml").read_text(encoding="utf-8")
    notebooks = [p.relative_to(DOCS.parent) for p in (DOCS.parent / "notebooks").rglob("[0-9]*.ipynb")]
    wanted = {p.name for p in DOCS.glob("*.md")} | {p.with_suffix(".md").as_posix() for p in notebooks}
    assert wanted == set(re.findall(r": (\S+\.md)$", text, re.MULTILINE))


def peers_table(peer):
    """The rows of the table that begins with a peer's name and version: (its names, ours)."""
    text = (DOCS / "peers.md").read_text(encoding="utf-8").split(f"| {peer} ")[1].split("\n\n")[0]
    version, *rows = (
        line.strip("| ").split(" | ") for line in text.splitlines() if not line.startswith("|--")
    )
    return version[0], [[re.findall(r"`([\w.]+)`", cell) for cell in row] for row in rows]


def there_is(name, *places):
    """Whether a dotted name is found in one of some modules."""
    for place in places:
        found = importlib.import_module(place)
        for part in name.split("."):
            try:
                found = getattr(found, part)
            except AttributeError:
                try:
                    found = importlib.import_module(f"{found.__name__}.{part}")
                except (ImportError, AttributeError):
                    break
        else:
            return True
    return False


@pytest.mark.parametrize("peer", ["MyGrad", "autograd"])
def test_the_names_in_the_table_of_peers_exist(peer):
    _, rows = peers_table(peer)
    ours = {name.removeprefix("np.").removeprefix("math.") for _, mine in rows for name in mine} - {
        "table_of_rules.md"
    }
    places = ["functions", "autodiff", "training.initialization", "training"]
    places = ["tinygrad_course", *(f"tinygrad_course.{p}" for p in places), "numpy", "builtins"]
    assert [name for name in sorted(ours) if not there_is(name, *places, "math")] == []


@pytest.mark.parametrize(
    ("peer", "places", "complete"),
    [
        (
            "MyGrad",
            [
                "mygrad",
                "mygrad.computational_graph",
                *(f"mygrad.nnet.{p}" for p in ("losses", "initializers")),
            ],
            [
                "mygrad.nnet.layers",
                "mygrad.nnet.activations",
                "mygrad.nnet.losses",
                "mygrad.nnet.initializers",
            ],
        ),
        ("autograd", ["autograd", "autograd.scipy.stats", "autograd.scipy.linalg"], ["autograd"]),
    ],
)
def test_a_peers_names_exist_and_none_is_left_out(peer, places, complete):
    pytest.importorskip(peer.lower())
    version, rows = peers_table(peer)
    installed = importlib.metadata.version(peer.lower())
    if not installed.startswith(version):
        pytest.skip(f"the table is of {peer} {version}, and {installed} is installed")
    theirs = {name for names, *_ in rows for name in names}
    assert [name for name in sorted(theirs) if not there_is(name, *places, "mygrad.nnet")] == []
    for place in complete:
        module = importlib.import_module(place)
        own = getattr(module, "__all__", None) or [
            n for n, x in vars(module).items() if getattr(x, "__module__", "").startswith("autograd.d")
        ]
        assert [n for n in own if n not in {name.split(".")[-1] for name in theirs}] == []


def test_the_table_of_rules_is_up_to_date():
    spec = importlib.util.spec_from_file_location("table_of_rules", DOCS / "table_of_rules.py")
    table = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(table)
    written = table.TARGET.read_text(encoding="utf-8")
    if table.versions() not in written:
        pytest.skip(f"the table was written for other versions than {table.versions()}")
    assert written == table.page(), "run python docs/table_of_rules.py"
