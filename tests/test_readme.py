"""The READMEs: their code and commands, run as they stand there, and one the translation of the other."""

import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.documented import blocks, kept, run

ROOT = Path(__file__).resolve().parent.parent
README, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"
# Commands that are tried here; the others make environments, or take minutes and have tests of their own.
TRIED = ("tinygrad-course", "pytest")


def commands(readme):
    """The commands with the comments behind them, which say what is printed."""
    lines = [line for block in blocks(readme, "sh") for line in block.splitlines()]
    return [(words.strip(), comment.strip()) for words, _, comment in (line.partition("#") for line in lines)]


def test_every_block_runs_and_prints_what_its_comments_say(tmp_path, monkeypatch):
    """The translation's blocks are the same, see below."""
    monkeypatch.chdir(tmp_path)
    assert blocks(README)
    names = {}
    for number, block in enumerate(blocks(README), start=1):
        promises = run(block, README, number, names)
        assert [(p, printed) for p, printed in promises if not kept(p, printed)] == []


@pytest.mark.long
@pytest.mark.parametrize(
    ("words", "promised"),
    [c for page in (README, ROOT / "docs" / "index.md") for c in commands(page) if c[0].startswith(TRIED)],
)
def test_every_command_prints_what_its_comment_says(words, promised, tmp_path):
    shutil.copytree(ROOT / "docs" / "examples", tmp_path / "docs" / "examples")
    program, *arguments = shlex.split(words)
    module = {"tinygrad-course": "tinygrad_course"}.get(program, program)
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1, done.stderr  # each of them finds a mistake
    assert promised
    assert promised in done.stdout


def test_every_other_command_names_what_there_is():
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for words, _ in commands(README):
        if words.startswith("make"):
            assert words.split()[1] in targets
        for module in re.findall(r"python -m (\S+)", words):
            assert find_spec(module) is not None
    for extra in re.findall(r'"\.\[(.*?)\]"', README.read_text(encoding="utf-8")):
        assert f"\n{extra.split(',')[0]} = [" in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("readme", [README, CHINESE], ids=lambda p: p.name)
def test_every_link_leads_somewhere(readme):
    targets = re.findall(r"\]\(([^)#:]+)\)", readme.read_text(encoding="utf-8"))
    assert targets
    assert [target for target in targets if not (readme.parent / target).exists()] == []


def test_the_translation_has_the_same_code_commands_pictures_and_parts():
    english, chinese = (p.read_text(encoding="utf-8") for p in (README, CHINESE))
    assert blocks(CHINESE) == blocks(README)
    assert [c for c, _ in commands(CHINESE)] == [c for c, _ in commands(README)]
    assert re.findall(r"^!\[.*\]\((.*)\)", chinese, re.MULTILINE) == re.findall(
        r"^!\[.*\]\((.*)\)", english, re.MULTILINE
    )
    assert len(re.findall("^## ", chinese, re.MULTILINE)) == len(re.findall("^## ", english, re.MULTILINE))
    assert all(word in chinese for word in ("前向传播", "反向传播", "成本函数", "计算图"))
