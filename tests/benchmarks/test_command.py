"""The command line: help, arguments, and what is written."""

import json

import pytest
from typer.testing import CliRunner

from benchmarks import command
from benchmarks.command import app, what_to_repeat
from benchmarks.libraries import LIBRARIES
from benchmarks.networks.perceptron import Perceptron
from benchmarks.results import Comparison, Timing
from benchmarks.workloads import WORKLOADS

MEASURED = ["W1", "--libraries", "gradiente"]


@pytest.fixture
def invoke(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments):
        # Wide enough that no message is broken up.
        return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "300", "NO_COLOR": "1"})

    return invoke


@pytest.fixture
def measured(monkeypatch):
    """Nothing is measured; (workloads, libraries, plan) are kept."""
    calls = []

    def compare(workload, libraries, plan, say):
        calls.append((workload, libraries, plan))
        return Comparison(workload, (Timing("gradiente", (1e-5,), 0.0),))

    monkeypatch.setattr(command, "compare", compare)
    monkeypatch.setattr(command, "start_up", lambda libraries, repeats, say: ())
    return calls


def test_help_teaches(invoke):
    shown = invoke("--help")
    assert shown.exit_code == 0
    for words in (
        "W1",
        "W7",
        "networks",
        "shapes",
        "all",
        "startup",
        "--libraries",
        "--repeats",
        "--write-docs",
        "30,64",
    ):
        assert words in shown.output


def test_arguments_reach_the_measurement(invoke, measured):
    arguments = "--batch 64 --seed 1 --layers 30,8,2 --dtype float64 --batches 5 --repeats 3"
    result = invoke(*MEASURED, *arguments.split(), "--output", "mine/run.json")
    assert result.exit_code == 0, result.output
    [(workload, libraries, plan)] = measured
    assert (workload.name, workload.network, workload.batch) == ("W1", Perceptron((30, 8, 2)), 64)
    assert (workload.dtype, workload.seed, workload.batches) == ("float64", 1, 5)
    assert libraries == ["gradiente"] and plan.repeats == 3
    assert "W1: MLP 30-8-2, batch 64, float64, Adam, seed 1" in result.output


def test_groups_are_their_workloads(invoke, measured):
    assert invoke("shapes", "ragged", "--libraries", "gradiente").exit_code == 0
    assert [workload.name for workload, _, _ in measured] == [
        *("ragged", "batch1", "batch7", "batch4096", "deep", "output1", "double")
    ]


def test_the_networks_can_be_changed_too(invoke, measured):
    result = invoke("networks", "--libraries", "gradiente", "--batch", "2")
    assert result.exit_code == 0, result.output
    assert [(workload.name, workload.batch) for workload, _, _ in measured] == [
        (name, 2) for name in ("W4", "W5", "W6", "W7")
    ]
    assert "W5: ResNet-20 32×32×3, channels 16-32-64, batch 2, float32, AdamW" in result.output


def test_by_default_the_main_workloads_and_the_start_up(invoke, measured):
    assert invoke("--libraries", "gradiente").exit_code == 0
    assert [workload for workload, _, _ in measured] == [WORKLOADS[n] for n in ("W1", "W2", "W3")]


def test_json_and_chart_are_written_and_read_again(invoke, measured, tmp_path):
    assert invoke(*MEASURED, "--output", "run.json").exit_code == 0
    assert json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))["comparisons"]
    assert (tmp_path / "run.svg").read_text(encoding="utf-8").startswith("<svg")
    again = invoke("--read", "run.json")
    assert again.exit_code == 0 and "W1: MLP" in again.output
    assert len(measured) == 1


def test_losses_that_differ_are_a_failure(invoke, monkeypatch):
    def compare(workload, libraries, plan, say):
        return Comparison(workload, (Timing("gradiente", (1e-5,), 0.5),))

    monkeypatch.setattr(command, "compare", compare)
    assert invoke(*MEASURED).exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["W9"], "there is no W9; there are W1, W2"),
        (["W1", "--libraries", "caffe"], "there is no caffe; there are gradiente, torch"),
        ([*MEASURED, "--layers", "30"], "two sizes or more, such as 30,64,64,2, not 30"),
        (["W4", "--layers", "3,4"], "of W4 has no such list of layers"),
        ([*MEASURED, "--layers", "a,b"], "two sizes or more"),
        ([*MEASURED, "--dtype", "int8"], "float32 or float64, not int8"),
        (["--read", "nowhere.json"], "nowhere.json"),
    ],
)
def test_wrong_arguments_are_explained(invoke, measured, arguments, message):
    result = invoke(*arguments)
    assert result.exit_code == 2 and message in result.output
    assert not measured


def test_what_is_not_installed_is_said(invoke, monkeypatch):
    monkeypatch.setattr(type(LIBRARIES["torch"]), "installed", False)
    assert "torch is not installed" in invoke("W1", "--libraries", "torch").output


def test_documents_are_checked_before_and_written_after(invoke, measured, monkeypatch):
    done = []
    monkeypatch.setattr(command.documents, "check", lambda: done.append(len(measured)))
    monkeypatch.setattr(command.documents, "write", lambda results: [f"{len(measured)}.md"])
    assert "written: 1.md" in invoke(*MEASURED, "--write-docs").output
    assert done == [0]


def test_documents_without_markers_are_noticed_before_measuring(invoke, measured, monkeypatch):
    def check():
        raise command.documents.NoMarkersError("README.md has no lines")

    monkeypatch.setattr(command.documents, "check", check)
    result = invoke(*MEASURED, "--write-docs")
    assert result.exit_code == 2 and "README.md has no lines" in result.output
    assert not measured


def test_the_command_to_repeat_names_no_files():
    files = ["--output", "a/b.json", "--output=c.json", "--write-docs"]
    assert (
        what_to_repeat(["W1", *files, "--batch", "64", "W2"])
        == "python -m benchmarks W1 --batch 64 W2"
    )
    assert what_to_repeat(["--output"]) == "python -m benchmarks"


def test_nobody_looks_at_the_gradient_only_if_that_is_asked_for(invoke, measured):
    invoke("W2")
    invoke("W2", "--libraries", "gradiente,gradiente.noflow")
    assert "gradiente.noflow" not in measured[0][1]
    assert measured[1][1] == ["gradiente", "gradiente.noflow"]
