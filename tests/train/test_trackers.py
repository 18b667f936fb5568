"""TensorBoard and MLflow: what was written is read back by the tools themselves."""

import os
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from gradiente import losses, metrics, nn, optimizers
from gradiente.base.errors import BackendError
from gradiente.train import LambdaCallback, MLflow, TensorBoard, Trainer
from gradiente.train.trackers import numbers_of_row

RANDOM = np.random.default_rng(8)
X = RANDOM.normal(size=(40, 3)).astype(np.float32)
Y = np.argmax(X, axis=1)
FIT = {"batch_size": 16, "validation": (X, Y), "verbose": False}


def made():
    network = nn.Sequential(nn.Dense(4), nn.tanh, nn.Dense(3))
    return Trainer(
        network,
        losses.cross_entropy,
        optimizers.Adam(0.1),
        metrics=[metrics.accuracy, metrics.confusion_matrix(3)],
    )


def test_event_files_are_those_of_tensorboard(tmp_path):
    pytest.importorskip("tensorboardX")
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    trainer, log = made(), TensorBoard(tmp_path / "logs", histograms=2)
    trainer.fit(X, Y, epochs=3, callbacks=[log], **FIT)
    trainer.fit(X, Y, epochs=1, callbacks=[log], **FIT)
    events = reader.EventAccumulator(str(tmp_path / "logs"))
    events.Reload()
    tags = events.Tags()
    assert {"loss", "validation_loss", "accuracy", "learning_rate"} <= set(tags["scalars"])
    assert "epoch" not in tags["scalars"]
    scalars = events.Scalars("validation_loss")
    assert [event.step for event in scalars] == [1, 2, 3, 4]
    expected = np.array(trainer.history["validation_loss"], np.float32)
    np.testing.assert_array_equal([event.value for event in scalars], expected)
    assert set(tags["histograms"]) == set(trainer.weights())
    last = events.Histograms("0.weight")[-1]
    assert last.step == 4
    assert last.histogram_value.num == trainer.network[0].weight.size
    np.testing.assert_allclose(last.histogram_value.sum, trainer.network[0].weight.sum(), rtol=1e-5)


def test_a_closed_writer_has_all_events_after_an_error(tmp_path):
    pytest.importorskip("tensorboardX")
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")

    def fails(trainer, row):
        raise KeyError("x")

    with pytest.raises(KeyError):
        made().fit(X, Y, epochs=3, callbacks=[fails, TensorBoard(tmp_path)], **FIT)
    events = reader.EventAccumulator(str(tmp_path))
    events.Reload()
    assert [event.step for event in events.Scalars("loss")] == [1]


@pytest.mark.filterwarnings("default")  # what mlflow itself imports is not ours to judge
def test_a_run_in_the_file_store_of_mlflow(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE", raising=False)
    trainer = made()
    log = MLflow("walks", run="first", folder=tmp_path / "runs", parameters={"data": "x"})
    trainer.fit(X, Y, epochs=2, callbacks=[log], **FIT)
    trainer.fit(X, Y, epochs=1, callbacks=[log], **FIT)
    assert "MLFLOW_ALLOW_FILE_STORE" not in os.environ
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    client = mlflow.MlflowClient(tracking_uri=(tmp_path / "runs").as_uri())
    experiment = client.get_experiment_by_name("walks").experiment_id
    (run,) = client.search_runs([experiment])
    assert run.info.run_name == "first" and run.info.status == "FINISHED"
    assert run.data.params["data"] == "x"
    assert run.data.params["optimizer"] == repr(trainer.optimizer)
    assert run.data.tags["stopped"] == "all epochs done"
    values = client.get_metric_history(run.info.run_id, "validation_loss")
    assert [value.step for value in values] == [1, 2, 3]
    assert [value.value for value in values] == trainer.history["validation_loss"]


class Stop(Exception):
    pass


def stop_after(epoch, path):
    """A callback that saves the trainer in the middle of the epoch after this one, and stops."""

    def save(trainer, batch):
        if trainer.position.epoch == epoch + 1:
            trainer.save(path)

    def stop(trainer, row):
        if row["epoch"] == epoch + 1:
            raise Stop  # as if killed: what was written of this epoch is there

    return LambdaCallback(on_batch_end=save, on_epoch_end=stop)


def interrupted_and_resumed(log, path):
    """A training of three epochs that is interrupted and begins the second one again."""
    with pytest.raises(Stop):
        made().fit(X, Y, epochs=3, callbacks=[log(), stop_after(1, path)], **FIT)
    trainer = Trainer.load(path, metrics=made()._learner.recipe.metrics)
    assert len(trainer.history) == 1
    trainer.fit(X, Y, epochs=2, callbacks=[log()], **FIT)
    return trainer


def test_an_interrupted_training_goes_on_in_the_same_event_files(tmp_path):
    pytest.importorskip("tensorboardX")
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    trainer = interrupted_and_resumed(lambda: TensorBoard(tmp_path / "logs"), tmp_path / "file")
    events = reader.EventAccumulator(str(tmp_path / "logs"))
    events.Reload()
    assert [event.step for event in events.Scalars("loss")] == [1, 2, 3]
    np.testing.assert_allclose(
        [event.value for event in events.Scalars("loss")], trainer.history["loss"], rtol=1e-6
    )


def test_an_interrupted_training_goes_on_in_the_same_run_of_mlflow(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "mlflow", SimpleNamespace(MlflowClient=Client))
    logs = []

    def log():
        logs.append(MLflow("walks", folder=tmp_path))
        return logs[-1]

    interrupted_and_resumed(log, tmp_path / "file")
    assert logs[0].run_id == logs[1].run_id == "r"
    assert logs[1]._client.run is None and logs[1]._client.status == "RUNNING"
    assert logs[1]._client.ended == [("r", "FINISHED")]


class Client:
    """The part of MLflow's client that the callback speaks to."""

    def __init__(self, tracking_uri):
        self.uri, self.metrics, self.ended = tracking_uri, [], []
        self.run = self.status = None

    def get_experiment_by_name(self, name):
        return None

    def create_experiment(self, name):
        return f"number of {name}"

    def create_run(self, number, run_name):
        self.run = (number, run_name)
        return SimpleNamespace(info=SimpleNamespace(run_id="r"))

    def update_run(self, run, status):
        assert run == "r"
        self.status = status

    def log_param(self, run, name, value):
        assert run == "r" and isinstance(value, str)

    def log_metric(self, run, name, value, step):
        self.metrics.append((name, step))

    def set_tag(self, run, name, value):
        pass

    def set_terminated(self, run, status):
        self.ended.append((run, status))


def test_a_training_that_fails_is_marked_in_mlflow(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "mlflow", SimpleNamespace(MlflowClient=Client))

    def fails(trainer, row):
        raise KeyError("x")

    log = MLflow("walks", folder=tmp_path)
    with pytest.raises(KeyError):
        made().fit(X, Y, epochs=3, callbacks=[log, fails], **FIT)
    assert log._client.run == ("number of walks", None)
    assert log._client.uri == tmp_path.as_uri()
    assert ("accuracy", 1) in log._client.metrics
    assert not any("confusion" in name for name, _ in log._client.metrics)
    assert log._client.ended == [("r", "FAILED")]


@pytest.mark.parametrize(
    ("library", "callback", "extra"),
    [("tensorboardX", lambda: TensorBoard("x"), "tensorboard"), ("mlflow", MLflow, "mlflow")],
)
def test_a_library_that_is_missing(library, callback, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(BackendError, match=rf"{library} is not installed: .*gradiente\[{extra}\]"):
        callback()


def test_what_can_be_drawn():
    row = {"epoch": 3, "loss": 1, "rate": None, "bad": float("nan"), "matrix": [[1]]}
    assert numbers_of_row(row) == {"loss": 1.0}
