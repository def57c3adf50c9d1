"""The benchmarks: everybody computes the same, the check would notice, the commands run. Nothing is timed."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import (
    fresh,
    growing,
    growth,
    imports,
    measuring,
    nodes,
    outside,
    pages,
    rows,
    table,
    targets,
    worker,
)  # fmt: skip
from benchmarks.contestants import CONTESTANTS, FAMILIES
from benchmarks.environment import installed
from benchmarks.outside_programs import PROGRAMS
from benchmarks.workloads import ROWS
from tinygrad_course import value_and_grad

ROOT = Path(__file__).resolve().parent.parent
COMPILED = {"machine", "loop"}  # seconds to make, each


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def _a_cache_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYGRAD_COURSE_CACHE", str(tmp_path))


@pytest.mark.sampled(6)
@pytest.mark.parametrize("row", ROWS)
def test_ours_agree_with_the_course_in_every_row(row):
    bench = worker.Bench("ours", row, [c for c in CONTESTANTS if c not in COMPILED], small=True)
    assert {"numpy", "raw", "compiled"} <= set(bench.only)
    for name in bench.only:
        judged = bench.prepare(name)
        assert judged.problem == ""
        assert judged.difference <= 1
        assert bench.sample(name) > 0


@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_from_outside_are_right_and_alike_in_all_engines(name):
    cost, parameters, data = PROGRAMS[name](np.random.default_rng(1))
    calls = outside.steps((cost, parameters, data))
    calls.pop("JAX jit", None)
    first = calls[outside.OURS[0]]()
    for call in calls.values():
        assert outside.apart(call(), first) <= 1
    rng, h = np.random.default_rng(2), 1e-7
    wide = {k: np.asarray(v, float) for k, v in parameters.items()}
    way = {k: rng.normal(size=v.shape) for k, v in wide.items()}
    J = [cost(np, {k: v + s * h * way[k] for k, v in wide.items()}, *data) for s in (1, -1)]
    slope = sum(np.sum(g * way[k]) for k, g in value_and_grad(lambda p: cost(np, p, *data))(wide)[1].items())
    assert np.isclose(slope, (J[0] - J[1]) / (2 * h), rtol=1e-5, atol=1e-8 * (1 + abs(J[0])))


@pytest.mark.long
@pytest.mark.parametrize(
    ("row", "names"),
    [
        ("W1", ["machine", "loop"]),
        ("W3s", ["machine"]),
        ("W4", ["loop"]),
        ("W6", ["machine"]),
        ("W7", ["machine"]),
    ],
)
def test_machine_code_agrees_with_the_course(row, names):
    bench = worker.Bench("ours", row, names, small=True)
    assert bench.only == names
    for name in names:
        assert bench.prepare(name).problem == ""


@pytest.mark.long
@pytest.mark.parametrize("family", [f for f in FAMILIES if f in installed()])
def test_an_installed_peer_agrees_in_every_row(family, tmp_path):
    file = tmp_path / "measured.json"
    done = command(
        "--small", "--rounds", "1", "--only", family, "--json", str(file), "--plot", str(tmp_path / "p.png")
    )
    assert done.returncode == 0, done.stdout + done.stderr
    measured = json.loads(file.read_text())["rows"]
    took_part = {name for row in measured.values() for name in row} - {"numpy"}
    assert {CONTESTANTS[name].family for name in took_part} == {family}
    assert set(measured) == set(ROWS)


@pytest.mark.long
def test_the_command_prints_writes_and_draws(tmp_path):
    done = command(
        "--rounds", "1", "--rows", "W6", "--only", "raw,micrograd", "--clock", "processor",
        "--json", str(tmp_path / "m.json"), "--plot", str(tmp_path / "m.png"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "recorder, raw formula" in done.stdout
    assert "threads 1" in done.stdout
    assert ("not installed, so not here: micrograd" in done.stdout) == ("micrograd" not in installed())
    about = json.loads((tmp_path / "m.json").read_text())["about"]
    assert about["threads"] == "1"
    assert about["numpy"] == np.__version__
    assert (tmp_path / "m.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "arguments",
    [
        ["--rows", "W99"],
        ["--rounds", "0"],
        ["--only", "theano"],
        ["--clock", "processor", "--threads", "all"],
        ["--write", "--rows", "W6"],
        ["--write", "--small"],
    ],
)
def test_what_it_cannot_do_is_refused_by_name(arguments):
    done = command(*arguments)
    assert done.returncode != 0
    assert arguments[1] in done.stderr


# ------------------------------------------------------------------ the check would notice


@pytest.mark.sampled(4)
@pytest.mark.parametrize("row", ["W1", "W3s", "W4", "W7"])
@pytest.mark.parametrize("name", ["gradient", "cost"])
def test_a_wrong_result_is_out(row, name):
    bench = worker.Bench("ours", row, ["numpy", "tuned"], small=True)
    right = bench.makers["tuned"]()

    def spoiled(state):
        found = dict(right.read(state))
        if name == "cost":
            return found | {"J": found["J"] * 1.01}
        key = "dx" if "dx" in found else "W1"
        begin = bench.work.begin.get(key, 0.0)
        return found | {key: begin + (found[key] - begin) * 1.05}  # the update alone is 5 % off

    bench.makers["tuned"] = lambda: dataclasses.replace(right, read=spoiled)
    assert "differs from the course's NumPy" in bench.prepare("tuned").problem
    assert "tuned" not in bench.runners


def test_a_missing_name_another_shape_and_no_number_are_not_equal():
    one = {"W1": np.ones((2, 2))}
    assert worker.difference(one, one, {}, "float64") == 0
    assert worker.difference({"W1": np.full((2, 2), np.nan)}, one, {}, "float64") == np.inf
    with pytest.raises(ValueError, match="returned"):
        worker.difference({}, one, {}, "float64")
    with pytest.raises(ValueError, match=r"\(2,\)"):
        worker.difference({"W1": np.ones(2)}, one, {}, "float64")


def test_a_contestant_that_fails_is_reported_and_the_rest_go_on():
    bench = worker.Bench("ours", "W6", ["numpy", "raw"], small=True)

    def broken():
        raise OSError("no such peer")

    bench.makers["raw"] = broken
    assert "no such peer" in bench.prepare("raw").problem
    assert bench.prepare("numpy").problem == ""


# ------------------------------------------------------------------ ratios, targets, tables


def measured(row="W1", **seconds):
    judged = {name: worker.Judged(name) for name in seconds}
    return measuring.Measured(row, judged, seconds)


def test_ratios_are_taken_within_the_rounds():
    noisy = measured(numpy=[1.0, 10.0, 2.0], raw=[0.5, 5.0, 1.0])
    assert noisy.quartiles("raw") == (0.5, 0.5, 0.5)


def test_targets_are_judged_on_the_median_and_against_jax_in_the_same_rounds():
    result = measured(
        numpy=[1.0] * 3, functions=[0.9, 0.95, 9.0], raw=[1.3] * 3, loop=[0.08, 0.08, 0.2], jax=[0.1] * 3
    )
    result.judged["loop"].first, result.judged["jax"].first = 3.0, 2.0
    verdicts = {
        (v.contestant, v.target.of, v.target.rivals): (v.met, round(v.limit, 9))
        for v in targets.judge(result)
    }
    assert verdicts == {
        ("functions", "ratio", ()): (True, 1.0),
        ("raw", "ratio", ()): (False, 1.2),
        ("loop", "ratio", ()): (True, 0.09),
        ("loop", "ratio", targets.JAX): (True, 0.1),
        ("loop", "s", ("jax",)): (False, 2.0),
    }


def test_microseconds_are_judged_as_microseconds():
    slow = measured("W6", numpy=[1e-7] * 3, raw=[2.1e-6] * 3)
    fast = measured("W6", numpy=[1e-7] * 3, raw=[1.9e-6] * 3)
    assert [v.met for result in (slow, fast) for v in targets.judge(result)] == [False, True]


def test_a_first_call_is_judged_in_seconds():
    result = measured("W3", numpy=[1.0], machine=[0.3])
    result.judged["machine"].first = 6.0
    assert {v.target.of: v.met for v in targets.judge(result)} == {"ratio": True, "s": False}


def test_the_table_of_steps_has_a_cell_for_everyone():
    W1 = measured(numpy=[1.0], products=[0.1], raw=[0.5], torch=[2.0])
    cells = table.step_cells([W1, measured("W2", numpy=[1.0], torch=[1.5])])
    assert {len(row) for row in cells} == {3}
    assert [row[0] for row in cells[2:]] == ["(the products alone)", "recorder, raw formula", "PyTorch"]
    assert cells[3] == ["recorder, raw formula", "**0.50**", ""]
    assert cells[4] == ["PyTorch", "2.00", "**1.50**"]


def test_what_was_measured_takes_the_place_of_what_stands_on_a_page(tmp_path):
    page = tmp_path / "page.md"
    above, below = "a\n\n| | W1 |\n|---|--:|\n", "\n| | W2 |\n|---|---|\n| kept | 3 |\n"
    page.write_text(f"{above}| old | 1 |\n| older | 2 |\n{below}")
    pages.put(["", "W1"], [["new", "0.5"]], "page.md", root=tmp_path)
    assert page.read_text() == f"{above}| new | 0.5 |\n{below}"
    with pytest.raises(LookupError, match=r"page\.md has 0 tables with the heading"):
        pages.put(["", "W3"], [], "page.md", root=tmp_path)


def test_the_pages_have_the_tables_that_are_written():
    everyone = [measured(row, numpy=[1.0]) for row in ROWS]
    for heading, names in [
        (table.step_cells(everyone)[0], pages.STEPS),
        (table.TARGETS_HEADING, ["docs/benchmarks.md"]),
        (growth.HEADING, ["docs/benchmarks.md"]),
        (nodes.HEADING, ["docs/benchmarks.md"]),
        (imports.HEADING, ["docs/benchmarks.md"]),
        (fresh.HEADING, ["docs/compile.md"]),
    ]:
        for name in names:
            found = [
                line for line in (ROOT / name).read_text().splitlines() if pages.cells(line) == list(heading)
            ]
            assert len(found) == 1, (name, heading)


def test_the_products_alone_are_no_contestant():
    bench = worker.Bench("ours", "W3", ["products"], small=True)
    assert bench.prepare("products").problem == ""
    assert bench.sample("products") > 0
    assert not any("products" in target.contestants for target in targets.TARGETS)


def test_rows_and_contestants_are_chosen_by_name():
    assert rows.chosen("W6,W1") == ["W6", "W1"]
    assert rows.taking_part("jax,raw") == ["raw", "jax", "jax_loop"]
    assert rows.taking_part(None) == list(CONTESTANTS)


@pytest.mark.long
def test_functions_are_those_of_the_peers():
    for library in ("torch", "jax"):
        pytest.importorskip(library)
    done = command("functions")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all agree" in done.stdout


# ------------------------------------------------------------------ how cost grows


def test_an_exponent_is_that_of_the_larger_half():
    sizes = [1, 10, 100, 1000]
    assert growth.exponent(sizes, [7.0, 7.0, 14.0, 140.0]) == 1.0
    assert growth.exponent(sizes, [1.0, 1.0, 1.0, 100.0]) == 2.0
    assert np.isnan(growth.exponent([1], [1.0]))


@pytest.mark.parametrize("axis", growing.AXES)
def test_every_axis_works_at_its_smallest(axis):
    found = growing.measure(dataclasses.replace(growing.AXES[axis], again=False), growing.AXES[axis].sizes[0])
    assert found["seconds"] > 0
    assert found["peak"] >= 0


@pytest.mark.long
def test_the_cost_of_a_node_is_printed(tmp_path):
    done = command("nodes", "--small", "--rounds", "1", "--json", str(tmp_path / "n.json"))
    assert done.returncode == 0, done.stderr
    chain = json.loads((tmp_path / "n.json").read_text())["nodes"]["long chain"]
    assert chain["bytes held"] > 0


@pytest.mark.long
def test_first_calls_and_memory_in_a_fresh_process(tmp_path):
    done = command(
        "fresh", "--small", "--rows", "W6", "--only", "raw,compiled", "--json", str(tmp_path / "f.json")
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "f.json").read_text())["fresh"]["W6"]
    assert set(found) == {"raw", "compiled"}
    assert all(m["first"] > 0 and m["again"] > 0 and m["peak"] >= 0 for m in found.values())
