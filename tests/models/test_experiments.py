"""The table of experiments: nothing published is left out, and what every run begins with is met."""

from dataclasses import dataclass

import numpy as np
import pytest

from datasets import cats, flower
from models import networks, shallow
from models.__main__ import main
from models.deep import summed_biases
from models.experiments import EXPERIMENTS, Experiment, experiment
from models.optimization import NotesAdam
from models.outcome import Options, Outcome
from models.published import published, records
from models.running import run_all, run_one
from tinygrad_course import value_and_grad
from tinygrad_course.optimizers import Adam
from tinygrad_course.training.initialization import initialize_parameters


@dataclass(frozen=True)
class Tiny(Options):
    """Two iterations of everything."""

    fast: bool = True
    shown: bool = False

    def iterations(self, full):
        return min(full, 2)


NEEDS = {"logistic_regression": (), "deep": (), "regularization": ("data.mat",)}
MARKED = [
    pytest.param(row.name, marks=pytest.mark.photographs(*NEEDS[row.name])) if row.name in NEEDS else row.name
    for row in EXPERIMENTS
]


def test_every_record_belongs_to_one_experiment():
    owners = {record.name: [] for record in records()}
    for row in EXPERIMENTS:
        for record in row.records:
            owners[record.name].append(row.name)
    assert {name: rows for name, rows in owners.items() if len(rows) != 1} == {}


@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", MARKED)
def test_the_first_costs_are_met(name, tmp_path):
    report = run_one(name, Tiny(), tmp_path)
    assert report.problem == ""
    verdicts = {
        f"{record}: {c.figure.quantity}": c.verdict for record, cs in report.comparisons.items() for c in cs
    }
    assert "missed" not in verdicts.values()
    for row in experiment(name).records:
        if "costs" in row.printed and " unit " not in row.name:
            assert verdicts[f"{row.name}: costs[0]"] in ("exact", "close"), row.name
    assert all(path.stat().st_size > 1000 for path in report.files)
    # Only whole files are left behind.
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == set(report.files)


def test_measured_names_are_published_names():
    for row in EXPERIMENTS:
        if row.name in ("unit_cases", "gradient_check", "initialization"):
            known = {record.name for record in row.records}
            assert set(row.run(Tiny()).measured) <= known


@pytest.mark.photographs
def test_summed_biases_are_what_the_first_release_computes():
    data = cats.load()
    parameters = initialize_parameters([12288, 7, 1], "small", 1)
    _, gradients = value_and_grad(lambda p: networks.cost(p, data.X_train, data.Y_train))(parameters)
    A2 = networks.forward(parameters, data.X_train)
    dZ2 = A2 - data.Y_train
    Z1 = parameters["W1"] @ data.X_train
    dZ1 = parameters["W2"].T @ dZ2 * (Z1 > 0)
    changed = summed_biases(gradients)
    np.testing.assert_allclose(changed["b1"], np.full((7, 1), dZ1.sum() / 209), rtol=1e-10)
    np.testing.assert_allclose(changed["b2"], np.full((1, 1), dZ2.sum() / 209), rtol=1e-10)
    np.testing.assert_array_equal(changed["W1"], gradients["W1"])


def test_the_notes_adam_is_right_at_no_step():
    parameters = {"W1": np.array([[1.0, -2.0]])}
    gradients = {"W1": np.array([[0.3, 0.1]])}
    rules = NotesAdam(0.01), Adam(0.01, epsilon_inside=True)
    states = [rule.init(parameters) for rule in rules]
    found = [parameters, parameters]
    for _ in range(3):
        for k, rule in enumerate(rules):
            found[k], states[k] = rule.update(found[k], gradients, states[k])
        assert not np.allclose(found[0]["W1"], found[1]["W1"], rtol=1e-4)


def test_curvature_is_the_growth_of_the_gradient():
    data = flower.load(1)
    parameters = initialize_parameters([2, 3, 1], "he", 0)
    names = list(parameters)

    def gradient(theta):
        nest, start = {}, 0
        for name in names:
            size = parameters[name].size
            nest[name] = theta[start : start + size].reshape(parameters[name].shape)
            start += size
        _, grads = value_and_grad(lambda p: networks.cost(p, data.X, data.Y, np.tanh))(nest)
        return np.concatenate([grads[name].ravel() for name in names])

    theta = np.concatenate([parameters[name].ravel() for name in names])
    step = 1e-5 * np.eye(theta.size)
    H = np.array([(gradient(theta + e) - gradient(theta - e)) / 2e-5 for e in step])
    largest = np.linalg.eigvalsh((H + H.T) / 2)[-1]
    assert shallow.curvature(parameters, data) == pytest.approx(largest, rel=1e-6)


@pytest.mark.parametrize("m", [1, 4])
def test_dropout_masks_are_the_courses(m):
    first, second = networks.fixed_masks((20, 3), m, 0.86, seed=1)
    random = np.random.RandomState(1)
    np.testing.assert_array_equal(first, random.rand(20, m) < 0.86)
    np.testing.assert_array_equal(second, random.rand(3, m) < 0.86)


class TestCommand:
    def test_lists_the_experiments(self, capsys):
        assert main(["--list"]) == 0
        assert len(capsys.readouterr().out.splitlines()) == len(EXPERIMENTS)

    def test_one_experiment_prints_every_figure(self, tmp_path, capsys):
        assert main(["gradient_check", "--out", str(tmp_path)]) == 0
        printed = capsys.readouterr().out
        assert "2.91933588329e-10" in printed
        assert "5 figures: 4 exact, 1 close" in printed
        assert (tmp_path / "gradient_check" / "graph.png").exists()

    @pytest.mark.long
    def test_two_at_a_time(self, tmp_path, capsys):
        arguments = ["gradient_check", "vectorization", "--fast", "--no-plots", "--jobs", "2"]
        assert main([*arguments, "--out", str(tmp_path / "out")]) == 0
        printed = capsys.readouterr().out
        assert printed.index("2.1 Gradient checking") < printed.index("1.2 Loops and vectors")
        assert not (tmp_path / "out").exists()

    def test_a_wrong_name_is_one_line(self, capsys):
        assert main(["flowers"]) == 2
        error = capsys.readouterr().err
        assert "there is no experiment 'flowers'; did you mean flower? There are: " in error
        assert error.count("\n") == 1

    def test_no_jobs(self, capsys):
        assert main(["flower", "deep", "--jobs", "0"]) == 2
        assert "--jobs is 0" in capsys.readouterr().err

    def test_missing_data_is_told_and_fails(self, tmp_path, monkeypatch, capsys):
        monkeypatch.setenv("TINYGRAD_COURSE_DATA", str(tmp_path))
        monkeypatch.setattr("datasets.files.folders", lambda folder=None: [tmp_path])
        assert main(["deep", "--no-plots"]) == 1
        printed = capsys.readouterr().out
        assert "could not be run: train_catvnoncat.h5 is not in" in printed

    def test_a_missed_figure_fails_and_is_shown(self, monkeypatch, capsys):
        wrong = Outcome({"2.2 gradient descent": {"costs": {0: 0.690737}, "accuracy": 0.8}}, ["done"])
        row = Experiment("optimization", "Made up", lambda options: wrong, ("2.2 ",))
        monkeypatch.setattr("models.running.experiment", lambda name: row)
        assert main(["optimization", "--no-plots"]) == 1
        printed = capsys.readouterr().out
        assert "missed (5 digits agree)" in printed
        assert "0.690736" in printed
        assert "0.690737" in printed


def test_reports_come_in_the_order_of_the_names():
    names = ["gradient_check", "vectorization"]
    reports = list(run_all(names, Tiny(), None, jobs=1))
    assert [report.name for report in reports] == names
    assert reports[0].files == []


@pytest.mark.parametrize("name", ["1.3 flower seed 1, stability", "2.1 gradient check, cancellation"])
def test_records_that_explain_have_no_figures(name):
    assert published(name).figures == ()


def test_what_cannot_be_drawn_is_measured_all_the_same(tmp_path, monkeypatch):
    def broken(path):
        raise RuntimeError("Pictures need Graphviz")

    row = experiment("gradient_check")

    def run(options):
        outcome = row.run(options)
        outcome.graph = lambda: type("Graph", (), {"render": staticmethod(broken)})
        return outcome

    monkeypatch.setattr(
        "models.running.experiment", lambda name: Experiment("gradient_check", "", run, row.covers)
    )
    report = run_one("gradient_check", Tiny(), tmp_path)
    assert report.problem == "not drawn: Pictures need Graphviz"
    assert {c.verdict for found in report.comparisons.values() for c in found} == {"exact", "close"}
