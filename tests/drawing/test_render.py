"""Files from pictures: every format, each renderer, and what is said when there is none."""

import builtins
import locale
import os
import re
import shutil
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tinygrad_course import Tensor, graph
from tinygrad_course.drawing import NoRenderer, render

STARTS = {".png": b"\x89PNG\r\n", ".svg": b"<?xml", ".pdf": b"%PDF-", ".dot": b"digraph", ".PNG": b"\x89PNG"}


@pytest.fixture
def picture():
    J = 3 * Tensor(5.0, name="a")
    J.backward()
    return graph(J.named("J"))


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A PATH without any program."""
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))
    return empty


def without(monkeypatch, error):
    """Let the import of pygraphviz fail."""
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "pygraphviz":
            raise error
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)


@pytest.fixture
def without_pygraphviz(monkeypatch):
    without(monkeypatch, ModuleNotFoundError("No module named 'pygraphviz'"))


def program(directory, body):
    """Put a `dot` on the PATH that is a Python program of ours."""
    path = directory / "dot"
    path.write_text(f"#!{sys.executable}\nimport sys\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize("suffix", STARTS)
def test_the_suffix_chooses_the_format(picture, bare, tmp_path, suffix):
    target = tmp_path / f"J{suffix}"
    assert picture.render(target) == target
    assert target.read_bytes().startswith(STARTS[suffix])
    assert sorted(tmp_path.iterdir()) == sorted([bare, target])


def test_other_suffixes_are_refused_before_anything_is_written(picture, tmp_path):
    for name in ("J.bmp", "J", "J.png.zip"):
        with pytest.raises(ValueError, match=r"\.png, \.svg, \.pdf, \.dot and \.html are known"):
            picture.render(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_the_scale_is_the_density_of_pixels(picture, tmp_path):
    def width(path):
        return int.from_bytes(path.read_bytes()[16:20], "big")

    one, two = (width(picture.render(tmp_path / f"{s}.png", scale=s)) for s in (1, 2))
    assert abs(two - 2 * one) <= 2
    for scale in (0, -1, float("nan"), 1000):
        with pytest.raises(ValueError, match="a scale is a factor"):
            picture.render(tmp_path / "J.png", scale=scale)


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for `dot` is a script")
def test_the_program_on_the_path_is_used_first(picture, bare, tmp_path):
    program(bare, "text = sys.stdin.buffer.read()\nprint(sys.argv[1:])\nsys.stdout.buffer.write(text)")
    written = picture.render(tmp_path / "J.pdf").read_text(encoding="utf-8")
    assert "-Tpdf" in written
    assert picture.to_dot().strip() in written


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for `dot` is a script")
def test_the_librarys_graphviz_helps_out_when_the_program_fails(picture, bare, tmp_path):
    program(bare, "sys.exit('dot: no fonts')")
    assert picture.render(tmp_path / "J.png").read_bytes().startswith(STARTS[".png"])


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for `dot` is a script")
def test_both_failures_are_told(picture, bare, tmp_path, without_pygraphviz):
    program(bare, "sys.exit('dot: no fonts')")
    with pytest.raises(NoRenderer, match=r"`dot` failed \(dot: no fonts\); there is no package pygraphviz"):
        picture.render(tmp_path / "J.png")


def test_a_pygraphviz_that_cannot_be_loaded_is_not_to_be_installed_again(
    picture, bare, tmp_path, monkeypatch
):
    without(monkeypatch, ImportError("libgobject-2.0.so.0: cannot open shared object file"))
    with pytest.raises(NoRenderer, match=r"cannot be loaded \(libgobject") as error:
        picture.render(tmp_path / "J.png")
    assert "pip install" not in str(error.value)


def test_without_any_renderer_the_text_is_saved(picture, bare, tmp_path, without_pygraphviz):
    with pytest.raises(NoRenderer) as error:
        picture.render(tmp_path / "J.png")
    told = str(error.value)
    assert "no program `dot` on the PATH" in told
    assert f"{tmp_path / 'J.png'} was not drawn; its text is saved in {tmp_path / 'J.dot'}" in told
    assert told.count(render.command()) == 1
    assert (tmp_path / "J.dot").read_text(encoding="utf-8") == picture.to_dot()
    assert not (tmp_path / "J.png").exists()
    with pytest.raises(NoRenderer, match="Pictures need Graphviz"):
        picture._repr_svg_()


@pytest.mark.parametrize(
    ("system", "machine", "libc", "expected"),
    [
        ("Linux", "x86_64", "glibc", "pip install"),
        ("Linux", "riscv64", "glibc", "conda install"),
        ("Linux", "x86_64", "", "conda install"),
        ("Darwin", "arm64", "", "pip install"),
        ("Darwin", "ppc", "", "brew install graphviz"),
        ("Windows", "AMD64", "", "pip install"),
        ("Windows", "ARM64", "", "winget install"),
    ],
)
def test_the_command_fits_the_platform(monkeypatch, bare, system, machine, libc, expected):
    monkeypatch.setattr(render.platform, "system", lambda: system)
    monkeypatch.setattr(render.platform, "machine", lambda: machine)
    monkeypatch.setattr(render.platform, "libc_ver", lambda: (libc, ""))
    assert expected in render.command()
    assert "\n" not in render.command()


def test_an_old_picture_survives_a_failed_write(picture, tmp_path, monkeypatch):
    target = tmp_path / "J.dot"
    picture.render(target)
    before = target.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tinygrad_course.files.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        picture.render(target, title="another")
    assert target.read_bytes() == before
    assert list(tmp_path.iterdir()) == [target]


def test_a_missing_directory_is_named(picture, tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no directory"):
        picture.render(tmp_path / "nowhere" / "J.svg")


def test_a_path_is_only_a_path(picture, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = "J; touch gone $(touch gone) `touch gone` -o.svg"
    picture.render(name)
    assert [p.name for p in Path().iterdir()] == [name]


def test_warnings_of_graphviz_are_kept_from_the_terminal(capfd):
    with render._alone():
        os.write(2, b'Fontconfig warning: "05.conf", line 6: an element\nWarning: line 1\n')
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "afterwards\n"


def test_threads_that_draw_leave_standard_error_alone(picture, bare, tmp_path, capfd):
    before = os.fstat(2)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda k: picture.render(tmp_path / f"{k}.svg"), range(12)))
    assert os.path.samestat(os.fstat(2), before)
    os.write(2, b"still here\n")
    assert capfd.readouterr().err == "still here\n"
    assert len({(tmp_path / f"{k}.svg").read_bytes() for k in range(12)}) == 1


COMMA = 'LC_NUMERIC\ndecimal_point ","\nthousands_sep ""\ngrouping -1\nEND LC_NUMERIC\n'


@pytest.fixture
def decimal_comma(tmp_path, monkeypatch):
    """A locale with a decimal comma: the system's, or one that is made here."""
    before = locale.setlocale(locale.LC_NUMERIC)
    names = ["de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "ru_RU.UTF-8", "German_Germany.1252"]
    if shutil.which("localedef"):  # it warns that all else is missing, and makes it all the same
        (tmp_path / "comma").write_text(COMMA)
        made = ["localedef", "-c", "-i", str(tmp_path / "comma"), str(tmp_path / "comma_XX")]
        subprocess.run(made, capture_output=True, check=False)
        monkeypatch.setenv("LOCPATH", str(tmp_path))
        names.append("comma_XX")
    for name in names:
        try:
            locale.setlocale(locale.LC_NUMERIC, name)
        except locale.Error:
            continue
        assert locale.localeconv()["decimal_point"] == ","
        yield name
        locale.setlocale(locale.LC_NUMERIC, before)
        return
    pytest.skip("there is no locale with a decimal comma, and no localedef to make one")


def test_a_decimal_comma_changes_nothing(decimal_comma, picture, bare, tmp_path):
    there = picture.render(tmp_path / "K.svg").read_bytes()
    assert locale.setlocale(locale.LC_NUMERIC) == decimal_comma
    locale.setlocale(locale.LC_NUMERIC, "C")
    assert picture.render(tmp_path / "J.svg").read_bytes() == there


@pytest.mark.parametrize("operations", [3, 16, 60])
def test_a_notebook_shows_a_wide_picture_in_its_column(operations):
    J = Tensor(0.5, name="a")
    for _ in range(operations):
        J = np.tanh(J)
    width, height, natural, tall = map(
        float,
        re.search(
            r'<svg width="(\d+)pt" height="(\d+)pt"\s+viewBox="0.00 0.00 ([\d.]+) ([\d.]+)"',
            graph(J)._repr_svg_(),
        ).groups(),
    )
    assert width == pytest.approx(min(natural, max(700, 0.4 * natural)), abs=1)
    assert width / height == pytest.approx(natural / tall, rel=0.02)
