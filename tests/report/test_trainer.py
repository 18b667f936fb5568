"""The report of a trainer: what stands in the file, and that it needs nothing else."""

import re

import numpy as np
import pytest

from gradiente import losses, nn
from gradiente.base.errors import DataError, InvalidArgumentError, RunError
from gradiente.train.trainer import Trainer


def body(path):
    """The page without plotly itself."""
    text = path.read_text(encoding="utf-8")
    head, rest = text.split("</style>")
    return head + rest[rest.index("</head>") :]


def test_classification(tmp_path, classified):
    names = ["low", "<b>mid</b>", "high & dry"]
    path = tmp_path / "report.html"
    options = {"title": "Three <i>classes</i>", "class_names": names}
    written = classified.trainer.report(path, classified.x, classified.y, **options)
    assert written == path
    page = body(path)
    assert "<h1>Three &lt;i&gt;classes&lt;/i&gt;</h1>" in page and "<b>mid" not in page
    assert "Better than the baseline: accuracy 0." in page
    for title in ("confusion matrix", "ROC curves", "precision and recall", "calibration"):
        assert title in page
    for title in ("norm of the gradient", "share of dead units", "permutation importance"):
        assert title in page
    assert "Nothing looks wrong" in page and "feature 0" in page and "6 epochs" in page
    assert "Adam(learning_rate=0.01" in page and "<th>NumPy</th>" in page


def test_regression(tmp_path, fitted):
    names = {"feature_names": ["a", "b", "c", "d"]}
    page = body(fitted.trainer.report(tmp_path / "r.html", fitted.x, fitted.y, **names))
    assert "RMSE" in page and "R²" in page and "always " in page
    assert "residuals" in page and "predicted and right" in page and "ROC" not in page


def test_nothing_is_loaded_from_elsewhere(tmp_path, classified):
    page = body(classified.trainer.report(tmp_path / "report.html", classified.x, classified.y))
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!data:)""", page)
    assert "@import" not in page and "url(" not in page


def test_without_data_and_without_training(tmp_path):
    trainer = Trainer(nn.Sequential(nn.Dense(2)), losses.mse)
    page = body(trainer.report(tmp_path / "report.html"))
    assert "not trained yet" in page and "No unseen data were given" in page
    assert "There are no epochs yet" in page and "It was not measured" in page


def test_what_looks_wrong_is_said(tmp_path):
    x = np.random.default_rng(0).normal(size=(64, 3))
    network = nn.Sequential(nn.Dense(8), nn.relu, nn.Dense(1)).initialize(x)
    network[0].bias[:] = -100.0
    trainer = Trainer(network, losses.mse)
    trainer.fit(x, x[:, :1], epochs=1, flow=1, verbose=False)
    page = body(trainer.report(tmp_path / "report.html"))
    assert "100% of the units of layer `0 Dense` are dead" in page
    assert "Nothing looks wrong" not in page


def test_other_tasks_have_a_report_too(tmp_path):
    x = np.random.default_rng(0).normal(size=(32, 5, 2))
    trainer = Trainer(nn.Sequential(nn.Dense(3)), losses.cross_entropy)
    y = np.zeros((32, 5), int)
    trainer.fit(x, y, epochs=1, verbose=False)
    page = body(trainer.report(tmp_path / "report.html", x, y))
    assert "this network predicts something else" in page and "inputs that are one table" in page


def test_the_training_goes_on_as_if_nothing_had_been(tmp_path, fitted):
    before = fitted.trainer.weights()
    fitted.trainer.report(tmp_path / "report.html", fitted.x, fitted.y)
    for path, value in fitted.trainer.weights().items():
        np.testing.assert_array_equal(value, before[path])


def test_what_does_not_fit(tmp_path, fitted, classified):
    path = tmp_path / "report.html"
    with pytest.raises(InvalidArgumentError, match="both of them"):
        fitted.trainer.report(path, fitted.x)
    with pytest.raises(InvalidArgumentError, match="has 2 names"):
        fitted.trainer.report(path, fitted.x, fitted.y, feature_names=["a", "b"])
    with pytest.raises(DataError, match="3 outputs, but there are 2 classes"):
        classified.trainer.report(path, classified.x, classified.y, class_names=["a", "b"])
    with pytest.raises(RunError, match="cannot be written"):
        fitted.trainer.report(tmp_path / "nowhere" / "report.html")
    assert not path.exists()
