"""scikit-learn's callback protocol."""

import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV

import gradiente as gd

callback = pytest.importorskip("sklearn.callback")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Recorder:
    """A callback that writes down what it is told, and may stop the fit."""

    def __init__(self, stop_after=None):
        self.events = []
        self.scores = []
        self.stop_after = stop_after

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.events.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
        self.events.append(f"end {context.task_name}")
        self.scores.append(fitted_estimator.score(X, y))
        return self.stop_after is not None and len(self.scores) >= self.stop_after


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


def test_every_epoch_is_a_task_with_an_estimator_of_that_moment(iris):
    recorder = Recorder()
    classifier = gd.NetworkClassifier(max_iter=4, learning_rate_init=0.05, random_state=0)
    classifier.set_callbacks(recorder).fit(*iris)
    epochs = ["begin epoch", "end epoch"] * 4
    assert recorder.events == ["setup", "begin fit", *epochs, "end fit", "teardown"]
    short = gd.NetworkClassifier(max_iter=2, learning_rate_init=0.05, random_state=0).fit(*iris)
    assert recorder.scores[1] == short.score(*iris)
    assert recorder.scores[-1] == classifier.score(*iris)


def test_a_callback_stops_the_fit(iris):
    classifier = gd.NetworkClassifier(max_iter=50).set_callbacks(Recorder(stop_after=3)).fit(*iris)
    assert classifier.n_iter_ == 3


def test_callbacks_are_torn_down_after_an_error(iris):
    def fail(trainer, row):
        raise RuntimeError("broken")

    recorder = Recorder()
    classifier = gd.NetworkClassifier(callbacks=[fail]).set_callbacks(recorder)
    with pytest.raises(RuntimeError, match="broken"):
        classifier.fit(*iris)
    assert recorder.events[-1] == "teardown"


def test_the_scores_of_a_search_are_monitored_epoch_by_epoch(iris):
    monitor = callback.ScoringMonitor(scoring="accuracy")
    classifier = gd.NetworkClassifier(max_iter=3, random_state=0).set_callbacks(monitor)
    GridSearchCV(classifier, {"alpha": [1e-4, 1.0]}, cv=2, refit=False).fit(*iris)
    rows = monitor.get_logs().data
    epochs = [row for row in rows if row["task_name"] == "epoch"]
    assert len(epochs) == 2 * 2 * 3
    assert all(0.1 < row["accuracy"] <= 1.0 for row in epochs)


def test_the_progress_bar_of_scikit_learn_is_shown(iris, capsys):
    bar = callback.ProgressBar()
    gd.NetworkClassifier(max_iter=3).set_callbacks(bar).fit(*iris)
    assert "NetworkClassifier" in capsys.readouterr().out


def test_without_callbacks_nothing_is_told(iris):
    classifier = gd.NetworkClassifier(max_iter=2).set_callbacks(Recorder()).set_callbacks()
    assert not hasattr(classifier.fit(*iris), "_callback_fit_ctx")
