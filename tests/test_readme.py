"""The README's code, run as it stands there."""

import re
from pathlib import Path

import pytest

README = Path(__file__).resolve().parent.parent / "README.md"


def test_every_block_runs_and_prints_what_its_comments_say(capsys):
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    names = {}
    for block in blocks:
        exec(compile(block, str(README), "exec"), names)  # noqa: S102  (the project's own text)
        printed = capsys.readouterr().out
        for promised in re.findall(r"print\(.*\)  # (.*)", block):
            if not promised.startswith("the "):
                assert promised in printed


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#:]+)\)", README.read_text(encoding="utf-8")))
def test_every_link_leads_somewhere(target):
    assert (README.parent / target).exists()
