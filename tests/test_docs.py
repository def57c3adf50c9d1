"""The documentation's code, run as it stands there, and what is generated in it."""

import importlib.util
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parent.parent / "docs"
GENERATED = {"derivations", "table_of_rules"}
PAGES = sorted(
    p for p in DOCS.glob("*.md") if p.stem not in GENERATED and "```python" in p.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_the_code_of_a_page_runs(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, str(page), "exec"), names)  # noqa: S102  (the project's own text)
        printed = " ".join(capsys.readouterr().out.split())
        for promised in re.findall(r"print\(.*\)  # (.*)", block):
            assert promised in printed


def test_the_table_of_rules_is_up_to_date():
    spec = importlib.util.spec_from_file_location("table_of_rules", DOCS / "table_of_rules.py")
    table = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(table)
    written = table.TARGET.read_text(encoding="utf-8")
    if table.versions() not in written:
        pytest.skip(f"the table was written for other versions than {table.versions()}")
    assert written == table.page(), "run python docs/table_of_rules.py"
