"""The history: plain rows, columns, the best epoch, a strict file, a table and a figure."""

import json
import math

import numpy as np
import pytest

from gradiente.base.errors import (
    InvalidArgumentError,
    RunError,
    TypeMismatchError,
    UnknownNameError,
)
from gradiente.train.history import History


def example(epochs: int = 5) -> History:
    """Training improves all the way, validation until the third epoch."""
    history = History()
    for epoch in range(1, epochs + 1):
        history.append(
            {
                "epoch": epoch,
                "seconds": np.float32(0.5),
                "learning_rate": 1e-3,
                "loss": np.float64(1 / epoch),
                "accuracy": 1 - 1 / epoch,
                "validation_loss": (epoch - 3) ** 2 + 0.5,
                "validation_accuracy": 0.9 - (epoch - 3) ** 2 / 100,
                "validation_confusion_matrix": np.eye(2) * epoch,
            }
        )
    return history


def test_it_is_indexed_like_a_list_and_by_column():
    history = example()
    assert len(history) == 5
    assert [row["epoch"] for row in history] == [1, 2, 3, 4, 5]
    assert history[-1]["epoch"] == 5
    assert history[1:3] == history.rows[1:3]
    assert history["loss"] == [1 / epoch for epoch in range(1, 6)]
    assert history.columns[:3] == ["epoch", "seconds", "learning_rate"]


def test_rows_hold_plain_python_values():
    row = example()[0]
    assert type(row["seconds"]) is float
    assert type(row["loss"]) is float
    assert row["validation_confusion_matrix"] == [[1.0, 0.0], [0.0, 1.0]]
    assert type(History([{"epoch": np.int64(3)}])[0]["epoch"]) is int


def test_a_column_has_none_where_a_row_has_no_value():
    history = History([{"epoch": 1, "loss": 1.0}, {"epoch": 2, "loss": 0.5, "accuracy": 0.7}])
    assert history["accuracy"] == [None, 0.7]
    with pytest.raises(UnknownNameError, match="no column `f1`; it has epoch, loss, accuracy"):
        history["f1"]


@pytest.mark.parametrize(
    ("row", "error", "text"),
    [
        ({"loss": 1.0}, InvalidArgumentError, 'a row needs "epoch"'),
        ({"epoch": -1}, InvalidArgumentError, "not -1"),
        ({"epoch": 1.0}, InvalidArgumentError, "not 1.0"),
        ({"epoch": True}, InvalidArgumentError, "not True"),
        ({"epoch": 5}, InvalidArgumentError, "epoch 5 cannot follow epoch 5"),
        ({"epoch": 6, "loss": "low"}, TypeMismatchError, "`loss` in a row"),
        ({"epoch": 6, "loss": True}, TypeMismatchError, "not True"),
        ({"epoch": 6, "matrix": [[1.0, "x"]]}, TypeMismatchError, "not 'x'"),
        ({"epoch": 6, "stopped": 1.0}, InvalidArgumentError, "set `history.stopped`"),
    ],
)
def test_a_row_that_is_none_is_refused(row, error, text):
    history = example()
    with pytest.raises(error, match=text):
        history.append(row)
    assert len(history) == 5


def test_best_follows_the_direction_of_the_measure():
    history = example()
    assert history.best()["epoch"] == 3
    assert history.best("loss")["epoch"] == 5
    assert history.best("validation_accuracy")["epoch"] == 3
    assert history.best("accuracy", greater_is_better=False)["epoch"] == 1
    assert History([{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}]).best()["epoch"] == 2


def test_best_passes_over_what_is_no_number_and_takes_the_first_of_equals():
    losses = [math.nan, 2.0, None, 1.0, 1.0, -math.inf]
    history = History({"epoch": epoch, "loss": loss} for epoch, loss in enumerate(losses))
    assert history.best()["epoch"] == 3


def test_best_refuses_to_guess():
    history = History([{"epoch": 1, "loss": math.nan, "validation_gain": 1.0, "matrix": [[1.0]]}])
    with pytest.raises(InvalidArgumentError, match="greater_is_better=True or False"):
        history.best("validation_gain")
    assert history.best("validation_gain", greater_is_better=True)["epoch"] == 1
    with pytest.raises(InvalidArgumentError, match="no epoch has a finite number as its `loss`"):
        history.best()
    with pytest.raises(InvalidArgumentError, match="no epoch has a finite number"):
        history.best("matrix", greater_is_better=True)
    with pytest.raises(UnknownNameError, match="it has no rows"):
        History().best()


@pytest.mark.parametrize("stopped", [None, "no improvement for 5 epochs"])
@pytest.mark.parametrize("epochs", [0, 1, 5])
def test_a_file_gives_back_the_same_history(tmp_path, epochs, stopped):
    history = example(epochs)
    history.stopped = stopped
    path = tmp_path / "history.jsonl"
    history.to_jsonl(path)
    assert History.from_jsonl(path) == history
    assert [each.name for each in tmp_path.iterdir()] == ["history.jsonl"]


def test_a_file_is_one_strict_json_object_per_epoch(tmp_path):
    values = [math.nan, math.inf, -math.inf, 0.1 + 0.2, 5e-324, 1, None]
    history = History({"epoch": epoch, "loss": value} for epoch, value in enumerate(values))
    history.append({"epoch": 9, "loss": [[math.nan, 1.0]]})
    path = tmp_path / "history.jsonl"
    history.to_jsonl(path)
    lines = path.read_text().splitlines()
    assert len(lines) == 8
    assert "NaN" not in [json.loads(line, parse_constant=str)["loss"] for line in lines[3:7]]
    assert [json.loads(line)["loss"] for line in lines[:3]] == ["NaN", "Infinity", "-Infinity"]
    again = History.from_jsonl(path)
    assert math.isnan(again[0]["loss"])
    assert math.isnan(again[-1]["loss"][0][0])
    assert again["loss"][1:7] == values[1:]


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "history.jsonl"
    example(2).to_jsonl(path)

    def full_disk(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(RunError, match=r"cannot be written to .*: No space left on device"):
        example(5).to_jsonl(path)
    assert len(History.from_jsonl(path)) == 2
    assert [each.name for each in tmp_path.iterdir()] == ["history.jsonl"]
    with pytest.raises(RunError, match="cannot be written to"):
        example().to_jsonl(tmp_path / "missing" / "history.jsonl")


GOOD = '{"epoch": 1, "loss": 0.5}\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty, or its last line is cut off"),
        ("\n", "line 1"),
        ("{}\n", "line 1: it has no epoch"),
        (GOOD + '{"epoch": 2, "loss": 0.4', "its last line is cut off"),
        (GOOD + '{"epoch": 2, "loss": 0.4}', "its last line is cut off"),
        (GOOD + '{"epoch": 2, "lo\n', "line 2"),
        (GOOD + "\n" + GOOD, "line 2"),
        (GOOD + GOOD, "line 2: epoch 1 is out of order"),
        ('{"epoch": 1, "loss": NaN}\n', "line 1: NaN is no JSON"),
        ('{"epoch": 1, "loss": Infinity}\n', "Infinity is no JSON"),
        ('{"epoch": 1, "loss": 1e999}\n', "1e999 is too large"),
        ('{"epoch": 1, "loss": 1, "loss": 2}\n', "a name occurs twice"),
        ('{"epoch": 1, "loss": "low"}\n', "`loss` must be a number, not 'low'"),
        ('{"epoch": 1, "loss": true}\n', "`loss` must be a number, not True"),
        ('{"epoch": 1, "loss": {"a": 1}}\n', "`loss` must be a number"),
        ('{"epoch": 1.5}\n', "`epoch` must be an integer"),
        ('{"epoch": true}\n', "`epoch` must be an integer"),
        ('{"epoch": -1}\n', "out of order"),
        ('{"loss": 1.0}\n', "`epoch` must be an integer"),
        ("[1, 2]\n", "a line must be an object"),
        ("null\n", "a line must be an object"),
        ('{"epoch": 1, "stopped": 3}\n', "`stopped` must be a text"),
        ('{"epoch": 1, "stopped": "early"}\n{"epoch": 2}\n', "line 1: `stopped` must be a number"),
        (GOOD + '{"stopped": "early"}\n', "line 2: `epoch` must be an integer"),
        ('{"epoch": 1, "x": ' + "[" * 100_000 + "\n", "line 1"),
        ('{"epoch": 1, "x": ' + "9" * 5000 + "}\n", "line 1"),
    ],
)
def test_a_damaged_file_is_refused_with_its_line(tmp_path, text, message):
    path = tmp_path / "history.jsonl"
    path.write_text(text)
    with pytest.raises(RunError) as caught:
        History.from_jsonl(path)
    assert "history.jsonl is damaged" in str(caught.value)
    assert message in str(caught.value)


def test_a_file_that_is_missing_or_no_text_is_refused(tmp_path):
    with pytest.raises(RunError, match="there is no history at"):
        History.from_jsonl(tmp_path / "none.jsonl")
    with pytest.raises(RunError, match="cannot be read"):
        History.from_jsonl(tmp_path)
    (tmp_path / "binary").write_bytes(b"\x89PNG\xff\n")
    with pytest.raises(RunError, match="not UTF-8"):
        History.from_jsonl(tmp_path / "binary")


def test_it_prints_as_a_table():
    history = example()
    history.stopped = "all epochs done"
    lines = repr(history).splitlines()
    assert lines[0] == "History of 5 epochs; stopped: all epochs done (* best validation_loss)"
    assert lines[1].split() == history.columns
    assert len(lines) == 7
    assert lines[4].split()[:6] == ["*", "3", "0.5", "0.001", "0.3333", "0.6667"]
    assert sum("*" in line for line in lines[1:]) == 1
    assert repr(History()) == "History of 0 epochs"
    assert repr(History([{"epoch": 1, "loss": None}])).splitlines()[-1].split() == ["1", "-"]


def test_a_long_history_prints_its_ends_and_its_best_epoch():
    losses = [abs(epoch - 50) + 1.0 for epoch in range(100)]
    history = History({"epoch": epoch, "loss": loss} for epoch, loss in enumerate(losses))
    shown = [line.split()[-2] for line in repr(history).splitlines()[2:]]
    assert shown == ["0", "1", "2", "...", "50", "...", "95", "96", "97", "98", "99"]


def test_its_html_is_escaped_and_marks_the_best_epoch():
    history = example()
    history.stopped = "<script>"
    text = history._repr_html_()
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert text.count("* 3") == 1
    assert text.count("<tr>") == 6
    assert text.count("<tr>") == text.count("</tr>")


def test_the_figure_shows_every_measure_for_training_and_validation():
    figure = example().plot()
    names = [(trace.name, trace.y[0]) for trace in figure.data]
    assert names == [
        ("training", 1.0),
        ("validation", 4.5),
        ("training", 0.0),
        ("validation", 0.86),
    ]
    titles = [axis.title.text for axis in figure.select_yaxes()]
    assert titles == ["loss", "accuracy"]
    assert [axis.title.text for axis in figure.select_xaxes()][-1] == "epoch"
    assert [trace.showlegend for trace in figure.data] == [True, True, False, False]
    assert figure.layout.annotations[0].text == "best validation loss: epoch 3"
    assert {shape.x0 for shape in figure.layout.shapes} == {3}
    assert list(figure.data[1].marker.size) == [4, 4, 13, 4, 4]


def test_the_figure_shows_the_columns_asked_for():
    figure = example().plot(["accuracy", "learning_rate", "validation_accuracy"])
    assert [axis.title.text for axis in figure.select_yaxes()] == ["accuracy", "learning_rate"]
    with pytest.raises(UnknownNameError, match="no numbers in `f1`; it has loss, accuracy"):
        example().plot(["f1"])
    with pytest.raises(UnknownNameError, match="no numbers in `confusion_matrix`"):
        example().plot(["confusion_matrix"])


def test_a_figure_of_one_epoch_or_without_a_best_one():
    assert len(example(1).plot().data) == 4
    figure = History([{"epoch": 1, "loss": math.nan}]).plot()
    assert len(figure.layout.shapes) == 0
    with pytest.raises(InvalidArgumentError, match="no epochs with numbers to plot yet"):
        History().plot()
