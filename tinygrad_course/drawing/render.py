"""Files from DOT text, by whichever Graphviz there is: the `dot` program, or the one inside pygraphviz."""

import locale
import os
import platform
import re
import shutil
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tinygrad_course.files import write

#: What a suffix asks Graphviz for; DOT is our own text.
FORMATS = {".png": "png", ".svg": "svg", ".pdf": "pdf", ".dot": "dot", ".gv": "dot"}
#: Dots per inch of a PNG at scale 1.
RESOLUTION = 144


class NoRenderer(RuntimeError):  # noqa: N818  (it says what is the matter)
    """There is no Graphviz on this computer, or none that could draw this."""


class _NotLoaded(NoRenderer):
    """pygraphviz is installed, so that installing it is no help."""


def file_format(path: Path) -> str:
    """Return the format that a file's suffix asks for; raise ValueError if it asks for none that is known."""
    try:
        return FORMATS[path.suffix.lower()]
    except KeyError:
        raise ValueError(
            f"{path}: the suffix says what to draw; .png, .svg, .pdf, .dot and .html are known, .gif moves; "
            f"{path.suffix or 'no suffix'} is not"
        ) from None


def to_file(text: str, path: Path, scale: float = 1.0) -> Path:
    """Draw DOT text into a file by its suffix; where there is no renderer, save it beside and say so."""
    form = file_format(path)
    if form == "dot":
        return write(path, text.encode())
    try:
        content = picture(text, form, scale)
    except NoRenderer as error:
        saved = write(path.with_suffix(".dot"), text.encode())
        raise NoRenderer(f"{error}\n{path} was not drawn; its text is saved in {saved}") from None
    return write(path, content)


def picture(text: str, form: str, scale: float = 1.0) -> bytes:
    """Return DOT text as ``png``, ``svg`` or ``pdf``; raise NoRenderer if there is none, or it failed."""
    if not 0 < scale <= 20:
        raise ValueError(f"scale={scale}: a scale is a factor such as 2, greater than 0 and at most 20")
    if form == "png":
        text = re.sub(r"\{\n", f"{{\n  graph [dpi={RESOLUTION * scale:g}];\n", text, count=1)
    failures, loadable = [], True
    for renderer in (_by_program, _by_library):
        try:
            return renderer(text, form)
        except NoRenderer as error:
            failures.append(str(error))
            loadable = loadable and not isinstance(error, _NotLoaded)
    brings = command() if loadable else _of_the_system()
    raise NoRenderer(f"Pictures need Graphviz: {'; '.join(failures)}. This brings it:\n  {brings}")


def _by_program(text: str, form: str) -> bytes:
    if shutil.which("dot") is None:
        raise NoRenderer("there is no program `dot` on the PATH")
    import graphviz

    try:
        return bytes(graphviz.Source(text).pipe(format=form, quiet=True))
    except (graphviz.ExecutableNotFound, graphviz.CalledProcessError, OSError) as error:
        told = getattr(error, "stderr", None) or str(error)
        told = told.decode(errors="replace") if isinstance(told, bytes) else told
        raise NoRenderer(f"the program `dot` failed ({told.strip()[:300]})") from None


def _by_library(text: str, form: str) -> bytes:
    try:
        import pygraphviz
    except ModuleNotFoundError as error:
        raise NoRenderer(f"there is no package pygraphviz ({error})") from None
    except ImportError as error:  # its wheels need GLib, which a bare Linux lacks
        raise _NotLoaded(f"the package pygraphviz cannot be loaded ({error})") from None
    with _alone(), warnings.catch_warnings(action="ignore"):
        graph = pygraphviz.AGraph(string=text)
        try:
            return bytes(graph.draw(format=form, prog="dot"))
        except (ValueError, OSError) as error:
            raise NoRenderer(f"pygraphviz failed ({error})") from None
        finally:
            graph.close()


#: The process has one standard error and one locale, and Graphviz's library is not made for two threads.
_ONE_AT_A_TIME = threading.Lock()


@contextmanager
def _alone() -> Iterator[None]:
    """Let one thread at a time draw, with decimal points, and keep Graphviz's warnings from the terminal.

    The library warns on the process's standard error: of elements in the system's font configuration that the
    Fontconfig inside its wheels does not know, of labels that were hard to place. In a locale with decimal
    commas it would read the 0.25 of a margin as 0.
    """
    with _ONE_AT_A_TIME, tempfile.TemporaryFile() as told:
        try:
            terminal = os.dup(2)
        except OSError:  # there is no standard error
            terminal = -1
        numbers = locale.setlocale(locale.LC_NUMERIC)
        locale.setlocale(locale.LC_NUMERIC, "C")
        if terminal >= 0:
            os.dup2(told.fileno(), 2)
        try:
            yield
        finally:
            locale.setlocale(locale.LC_NUMERIC, numbers)
            if terminal >= 0:
                os.dup2(terminal, 2)
                os.close(terminal)


def command() -> str:
    """Return the one command that brings a renderer to this platform."""
    machine = platform.machine().lower()
    wheels = {
        "Linux": platform.libc_ver()[0] == "glibc" and machine in {"x86_64", "aarch64"},
        "Darwin": machine in {"x86_64", "arm64"},
        "Windows": machine == "amd64",
    }
    if wheels.get(platform.system()):
        return 'python -m pip install "tinygrad-course[png]"'
    return _of_the_system()


def _of_the_system() -> str:
    ways = {
        "apt-get": "sudo apt-get install graphviz", "dnf": "sudo dnf install graphviz",
        "apk": "sudo apk add graphviz", "pacman": "sudo pacman -S graphviz",
    }  # fmt: skip
    here = next((words for program, words in ways.items() if shutil.which(program)), "")
    return {
        "Darwin": "brew install graphviz",
        "Windows": "winget install --exact --id Graphviz.Graphviz",
    }.get(platform.system(), here or "conda install --channel conda-forge graphviz")
