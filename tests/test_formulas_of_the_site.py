"""The site's formulas in a browser: tables of MathML, no LaTeX left, no page wider than the window."""

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1000,900",
    "--disable-background-networking",
)  # fmt: skip
MEASURE = """<script>addEventListener("load", () => {
  const math = [...document.querySelectorAll("math")];
  document.body.dataset.told = JSON.stringify({
    over: document.documentElement.scrollWidth - document.documentElement.clientWidth, math: math.length,
    rows: [...document.querySelectorAll("mtable")].map(t => t.querySelectorAll(":scope > mtr").length),
    raw: math.map(m => m.textContent).filter(t => /[\\\\&]|begin|end\\{/.test(t)),
    flat: math.filter(m => m.getBoundingClientRect().height < 5).length,
  });
});</script>"""


@pytest.fixture(scope="module")
def hook():
    pytest.importorskip("latex2mathml")
    spec = importlib.util.spec_from_file_location("mathml", ROOT / "docs" / "mathml.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_rows_and_cells_are_taken_apart(hook):
    matrix = r"\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}"
    latex = rf"\begin{{aligned}} a &= b \\[6pt] c &= {matrix} && d \end{{aligned}}"
    found = hook.mathml(latex, block=True)
    assert found.count("<mtr>") == 2 + 2
    assert found.count("<mtable") == 2
    assert not re.search(r"\\|&(?!#|\w+;)", found)
    assert hook.mathml("x", block=False).startswith("<math")


def pages():
    return [p for p in sorted((ROOT / "docs").glob("*.md")) if "$" in p.read_text(encoding="utf-8")]


@pytest.mark.long
@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on the PATH")
@pytest.mark.parametrize("page", pages(), ids=lambda p: p.stem)
def test_pages_show_mathematics_and_fit(hook, page, tmp_path):
    import html
    import json

    markdown = pytest.importorskip("markdown")
    pytest.importorskip("pymdownx")
    text = page.read_text(encoding="utf-8")
    names = ["tables", "attr_list", "toc", "pymdownx.arithmatex", "pymdownx.superfences"]
    body = markdown.markdown(
        text, extensions=names, extension_configs={"pymdownx.arithmatex": {"generic": True}}
    )
    shown = hook.on_page_content(body)
    style = "<style>body { max-width: 61rem } pre, table { display: block; overflow-x: auto }</style>"
    target = tmp_path / "page.html"
    target.write_text(f'<!doctype html><meta charset="utf-8">{style}<body>{shown}{MEASURE}', encoding="utf-8")
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path / 'browser'}", "--dump-dom", target.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    told = json.loads(html.unescape(re.search(r'data-told="([^"]*)"', dom)[1]))
    assert told["raw"] == []
    assert told["over"] <= 0
    assert told["flat"] == 0
    assert "arithmatex" not in shown
    blocks = re.findall(r"\\begin\{aligned\}(.*?)\\end\{aligned\}", text, re.DOTALL)
    expected = []
    for block in blocks:
        matrices = re.findall(r"\\begin\{bmatrix\}(.*?)\\end", block, re.DOTALL)
        expected += [len(hook.cells(block)), *(m.count(r"\\") + 1 for m in matrices)]
    assert told["rows"] == expected
