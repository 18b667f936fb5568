"""The command `gradiente report`."""

from pathlib import Path


def test_a_report_in_the_run(command, own_run):
    result = command("report", own_run)
    assert result.status == 0 and "report.html" in result.out
    page = (own_run / "report.html").read_text(encoding="utf-8")
    assert "<h1>Classification of species</h1>" in page and "the test rows" in page
    assert "always Adelie" in page and "bill_length_mm" in page and "Better than" in page
    assert "<th>patience</th>" in page
    again = command("train", "penguins", "--epochs", "1", "--output", own_run)
    assert again.status == 0  # a run with a report is still a run, which may be replaced
    assert not (own_run / "report.html").exists()


def test_on_other_data(command, penguins_run, tmp_path):
    result = command("report", penguins_run, "penguins", "--out", tmp_path / "other.html")
    assert result.status == 0
    page = (tmp_path / "other.html").read_text(encoding="utf-8")
    assert "the rows of penguins" in page and "344 samples" in page


def test_bad_input(refused, penguins_run):
    assert "there is no run folder nowhere" in refused("report", "nowhere")
    assert "there is no file nowhere.csv" in refused("report", penguins_run, "nowhere.csv")
    assert "cannot be written" in refused("report", penguins_run, "--out", "nowhere/report.html")


def test_only_options_that_say_something_are_shown(command, penguins_run):
    assert command("report", penguins_run, "--out", "page.html").status == 0
    page = Path("page.html").read_text(encoding="utf-8")
    assert "learning rate</th>" in page
    assert "mixup" not in page.split('<section id="configuration">')[1]
