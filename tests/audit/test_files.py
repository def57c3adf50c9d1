"""Whole files: what is read of them, what a process of its own withstands, and what the command returns."""

import contextlib
import csv
import io
import json
import signal
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from tinygrad_course.audit import Limits, check_file
from tinygrad_course.audit.execution.namespace import Program
from tinygrad_course.audit.execution.protection import time_limit
from tinygrad_course.audit.reporting.handout import index_page, marks, page
from tinygrad_course.audit.reporting.results import UNCHECKED, FunctionReport, Report
from tinygrad_course.audit.reporting.terminal import show
from tinygrad_course.audit.source.submission import SubmissionError, from_text, load
from tinygrad_course.cli import main
from tinygrad_course.cli.check import expand

SIGMOID = "def sigmoid(z):\n    return 1 / (1 + np.exp(-z))\n"
QUICK = Limits(seconds=40, idle=4, memory=600)


@pytest.fixture
def homework(tmp_path):
    def make(text, name="homework.py"):
        path = tmp_path / name
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    return make


def status(report):
    return {function.name: function.status for function in report.functions}


def test_only_definitions_imports_and_constants_are_kept():
    found = from_text(
        "import numpy as np\nlr = 0.1\nX = load()\nwhile True:\n    pass\n" + SIGMOID + "sigmoid(3)\n"
    )
    assert [type(statement).__name__ for statement in found.statements] == ["Import", "Assign", "FunctionDef"]
    assert found.skipped == [3, 4, 8]


def test_a_mixed_indentation_spoils_its_own_function_alone():
    found = from_text(
        "import numpy as np\ndef f(x):\n    for l in range(3):\n\t    y = x\n        z = x\n" + SIGMOID
    )
    assert [function.name for function in found.functions] == ["sigmoid"]
    assert [problem.function for problem in found.problems] == ["f"]
    assert "spaces" in found.problems[0].message


def test_lambda_for_lambd_is_explained():
    found = from_text("def compute_cost(A, Y, lambda):\n    return lambda/3\n" + SIGMOID)
    assert "lambd" in found.problems[0].message


def test_a_notebook_keeps_its_cells_and_loses_its_magics(homework):
    cells = [
        {"cell_type": "markdown", "source": ["# Week 2"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "import numpy as np\n", "!ls"]},
        {"cell_type": "code", "source": SIGMOID.replace("-z", "z")},
        {"cell_type": "code", "source": ["def broken(:\n"]},
    ]
    path = homework(json.dumps({"cells": cells}), "homework.ipynb")
    report = check_file(path, limits=QUICK)
    finding = next(function for function in report.functions if function.name == "sigmoid").findings[0]
    assert (finding.cell, finding.line, finding.diagnosis) == (3, 2, "wrong_sign")


@pytest.mark.parametrize(("name", "text"), [("a.ipynb", "{"), ("a.py", "x = 1\n"), ("a.ipynb", "[]")])
def test_what_is_no_homework_is_refused(homework, name, text):
    with pytest.raises(SubmissionError):
        load(homework(text, name))


BROKEN = {
    "os._exit(0)": "crashes",
    "sys.exit(3)": "exits",
    "np.ones((10 ** 6, 10 ** 6))": "memory",
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("line", "diagnosis"), BROKEN.items())
@pytest.mark.skipif(sys.platform == "win32", reason="no limit on memory there")
def test_a_function_that_ends_its_process_spoils_no_other(homework, line, diagnosis):
    path = homework(f"import os, sys\nimport numpy as np\ndef relu(z):\n    return {line}\n{SIGMOID}")
    report = check_file(path, limits=QUICK)
    assert status(report) == {"relu": "wrong", "sigmoid": "right"}
    assert next(f for f in report.functions if f.name == "relu").findings[0].diagnosis == diagnosis


@pytest.mark.long
def test_a_loop_that_swallows_every_exception_is_ended(homework):
    loop = (
        "def relu(z):\n    while True:\n        try:\n            z = z + 0\n"
        "        except:\n            pass\n"
    )
    report = check_file(homework(f"import numpy as np\n{loop}{SIGMOID}"), limits=QUICK)
    assert status(report) == {"relu": "wrong", "sigmoid": "right"}
    assert report.functions[-1].findings[0].diagnosis == "never_ends"


ENDLESS = """import numpy as np
class Layer:
    def forward(self, X):
        out, i = X.copy(), 0
        while i < len(X):
{body}
        return out
    def backward(self, dout):
        return dout
def relu(z):
    result = z
    result[z < 0] = 0
    return result
"""


@pytest.mark.long
@pytest.mark.parametrize(
    "body",
    [
        "            out[i] = X[i]",
        "            try:\n                out[i] = X[i]\n            except:\n                pass",
    ],
)
def test_what_does_not_come_back_elsewhere_is_no_fault_of_a_function(homework, body):
    report = check_file(homework(ENDLESS.format(body=body) + SIGMOID), limits=Limits(seconds=40, idle=6))
    found = {one.name: one for one in report.functions}
    assert [one.diagnosis for one in found["relu"].findings] == ["in_place"]
    assert found["sigmoid"].status == "right"
    assert not report.error
    assert all(one.status != "wrong" for name, one in found.items() if name != "relu")


def test_what_a_file_breaks_of_numpy_is_put_back_and_told(homework):
    breaks = "def relu(z):\n    np.sum = None\n    np.seterr(all='raise')\n    return np.maximum(0, z)\n"
    report = check_file(homework(f"import numpy as np\nnp.exp = None\n{breaks}{SIGMOID}"), limits=QUICK)
    assert status(report) == {"relu": "right", "sigmoid": "right"}
    assert any("numpy.sum" in note for note in report.notes)


def test_what_is_printed_cannot_pass_for_a_result(homework):
    prints = "def relu(z):\n    print('{\"done\": true}' * 10 ** 5)\n    return -z\n"
    assert status(check_file(homework(f"import numpy as np\n{prints}"), limits=QUICK)) == {"relu": "wrong"}


def test_what_numpy_no_longer_has_is_named_with_its_successor(homework):
    text = "import numpy as np\ndef relu(z):\n    return np.maximum(0, z) * np.ones(z.shape, dtype=np.int)\n"
    report = check_file(homework(text), limits=QUICK)
    finding = report.functions[0].findings[0]
    assert (finding.diagnosis, finding.line) == ("removed_api", 3)
    assert "write int" in finding.message


def test_a_seed_repeats_a_report(homework):
    path = homework("import numpy as np\n" + SIGMOID.replace("-z", "z"))
    first, second = (check_file(path, seed=5, limits=QUICK).as_dict() for _ in range(2))
    del first["seconds"], second["seconds"]
    assert first == second


@pytest.mark.long
def test_the_exit_status_and_the_outputs(homework, tmp_path, capsys):
    right = homework("import numpy as np\n" + SIGMOID, "right.py")
    wrong = homework("import numpy as np\n" + SIGMOID.replace("-z", "z"), "wrong.py")
    assert main(["check", str(right), "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["functions"][0]["points"] == plain["functions"][0]["of"] == 1
    assert main(["check", str(tmp_path / "absent.py")]) == 2
    table, pages = tmp_path / "marks.csv", tmp_path / "pages"
    capsys.readouterr()
    assert main(["check", str(right), str(wrong), "--csv", str(table), "--html", str(pages)]) == 1
    assert "wrong sign" in capsys.readouterr().out
    rows = list(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8"))))
    assert [row["points"] for row in rows] == ["1", "0"]
    assert "wrong sign" in (pages / "wrong.html").read_text(encoding="utf-8")


def test_a_report_never_takes_the_place_of_a_homework(homework, capsys):
    path = homework("import numpy as np\n" + SIGMOID)
    before = path.read_text(encoding="utf-8")
    assert main(["check", str(path), "--html", str(path)]) == 2
    assert "take its place" in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == before


def test_a_pattern_that_matches_nothing_says_so(tmp_path):
    with pytest.raises(ValueError, match="no file matches"):
        expand(["nowhere/*.homework"], tmp_path)


def test_names_are_escaped_in_the_page_and_in_the_marks():
    report = Report("=<b>.py", error="<script>")
    assert "<script>" not in page(report)
    assert next(csv.reader(io.StringIO(marks([report]).split("\n", 1)[1])))[0] == "'=<b>.py"


def test_a_file_of_which_nothing_is_known_says_why(homework):
    for text, why in (
        ("pass\n", "homework.py defines no function"),
        ("def f(x):\n    return x\n", "no function of"),
    ):
        report = check_file(homework(text), limits=QUICK)
        assert f"It could not be checked: {why}" in page(report)
        assert f">{why}" in index_page([report], {report.file: "a.html"})


def test_why_a_function_is_not_checked_is_said_once(capsys):
    function = FunctionReport("f", 1, "", status=UNCHECKED, remarks=["not checked: it reads a file"])
    show(Report("homework.py", functions=[function]))
    out = capsys.readouterr().out
    assert out.count("not checked") == out.count("it reads a file") == 1


FORGED = """
    for number in range(3, 64):
        try:
            told = b'{"function": {"name": "relu", "line": 1, "status": "right"}}'
            os.write(number, told + b'\\n{"done": true}\\n')
        except OSError:
            pass
    return -z
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a process of Linux")
def test_nothing_that_a_file_writes_passes_for_a_result(homework):
    text = "import os\nimport numpy as np\ndef relu(z):" + FORGED + SIGMOID
    report = check_file(homework(text), limits=QUICK)
    assert status(report) == {"relu": "wrong", "sigmoid": "right"}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a subreaper is Linux's")
def test_a_process_in_a_session_of_its_own_ends_with_the_check(homework):
    starts = "def relu(z):\n    subprocess.Popen(['sleep', '61.5'], start_new_session=True)\n    return -z\n"
    check_file(homework("import subprocess\nimport numpy as np\n" + starts), limits=QUICK)
    left = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            left += [path] * (path.read_bytes() == b"sleep\x0061.5\x00")
    assert not left


def test_an_interrupt_that_a_file_raises_is_its_own(homework):
    text = "import numpy as np\ndef relu(z):\n    raise KeyboardInterrupt\n" + SIGMOID
    assert status(check_file(homework(text), limits=QUICK)) == {"relu": "wrong", "sigmoid": "right"}


def test_a_notebook_whose_source_is_a_number_gets_a_verdict(homework):
    cells = [{"cell_type": "code", "source": [1, 2]}, {"cell_type": "code", "source": SIGMOID}]
    report = check_file(homework(json.dumps({"cells": cells}), "a.ipynb"), limits=QUICK)
    assert status(report) == {"sigmoid": "right"}


def test_a_class_is_a_folder_with_an_index_and_a_list_of_what_is_asked_for(homework, tmp_path, capsys):
    for name in ("ada", "ben"):
        (tmp_path / "in" / name).mkdir(parents=True)
    sign = SIGMOID.replace("-z", "z")
    homework("import numpy as np\n" + SIGMOID, "in/ada/hw.py")
    homework("import numpy as np\n" + sign, "in/ben/hw.py")
    pages, table = tmp_path / "pages", tmp_path / "marks.csv"
    asked = ["--functions", "sigmoid,relu", "--html", str(pages), "--csv", str(table)]
    assert main(["check", str(tmp_path / "in"), *asked]) == 1
    assert "asked for and not found: relu" in capsys.readouterr().out
    assert sorted(path.name for path in pages.iterdir()) == ["ada-hw.html", "ben-hw.html", "index.html"]
    index = (pages / "index.html").read_text(encoding="utf-8")
    assert "ada-hw.html" in index
    assert "wrong sign" in index
    rows = list(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8"))))
    assert [(row["points"], row["of"]) for row in rows] == [("1", "2"), ("0", "2")]


def test_what_a_homework_draws_is_the_same_in_every_call_and_run():
    program = Program(
        from_text("import numpy as np\ndef mask():\n    return np.random.rand(2) < 0.5, np.random.rand()\n")
    )
    drawn = []
    for seed in (1, 2):
        np.random.seed(seed)  # noqa: NPY002 - the stream that homework draws from
        before = np.random.get_state()[1]  # noqa: NPY002
        drawn.append(program.call(program.namespace["mask"], (), {}).result[1])
        assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    assert drawn[0] == drawn[1]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no interval timers on this platform")
def test_a_limit_that_fires_as_it_is_taken_away_leaves_no_timer(monkeypatch):
    stop, fired = signal.setitimer, []

    def late(timer, seconds, interval=0.0):
        if not seconds and not fired:
            fired.append(timer)
            signal.raise_signal(signal.SIGALRM)
        return stop(timer, seconds, interval)

    monkeypatch.setattr(signal, "setitimer", late)
    with time_limit(100.0):
        pass
    assert fired
    assert [signal.getitimer(one) for one in (signal.ITIMER_VIRTUAL, signal.ITIMER_REAL)] == [(0.0, 0.0)] * 2
