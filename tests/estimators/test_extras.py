"""What scikit-learn's networks do not have: losses, layers, modules, validation, callbacks."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV

import gradiente as gd
from gradiente import losses, nn, optimizers, schedules
from gradiente.base.errors import DataError, NonFiniteError
from gradiente.nn.dense import Dense
from gradiente.nn.normalization import BatchNorm
from gradiente.nn.regularization import Dropout

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def cancer():
    return load_breast_cancer(return_X_y=True)


@pytest.fixture(scope="module")
def diabetes():
    return load_diabetes(return_X_y=True)


def quick(**settings):
    return gd.NetworkClassifier(**{"max_iter": 60, "random_state": 0, **settings})


def test_class_weights_are_weights_of_samples(iris):
    x, y = iris
    own = quick(class_weight={0: 1, 1: 5, 2: 1}).fit(x, y)
    expected = quick().fit(x, y, sample_weight=np.where(y == 1, 5, 1))
    np.testing.assert_array_equal(own.predict_proba(x), expected.predict_proba(x))
    rare = np.concatenate([np.flatnonzero(y != 1), np.flatnonzero(y == 1)[:5]])
    balanced, plain = (
        quick(class_weight=each).fit(x[rare], y[rare]) for each in ("balanced", None)
    )
    assert balanced.predict_proba(x)[:, 1].mean() > plain.predict_proba(x)[:, 1].mean()


@pytest.mark.parametrize(
    "loss", ["multi_margin", "categorical_focal_cross_entropy", losses.generalized_cross_entropy]
)
def test_any_loss_of_classes(loss, iris):
    assert quick(loss=loss, max_iter=200).fit(*iris).score(*iris) > 0.9


@pytest.mark.parametrize(
    ("loss", "outputs"),
    [("binary_focal_cross_entropy", 1), ("squared_hinge", 1), ("cross_entropy", 2)],
)
def test_any_loss_of_two_classes(loss, outputs, cancer):
    fitted = quick(loss=loss).fit(*cancer)
    assert fitted.n_outputs_ == outputs
    assert fitted.predict_proba(cancer[0]).shape == (569, 2)
    assert fitted.score(*cancer) > 0.9


def own_loss(prediction, target):
    return np.mean(np.abs(prediction - target) ** 1.5)


@pytest.mark.parametrize("loss", ["huber", "log_cosh", losses.mae, own_loss])
def test_any_loss_of_numbers(loss, diabetes):
    x, y = diabetes
    fitted = gd.NetworkRegressor(loss=loss, random_state=0).fit(x, y / y.std())
    assert fitted.score(x, y / y.std()) > 0.3


def test_a_quantile_is_below_its_share_of_targets(diabetes):
    x, y = diabetes

    def upper(prediction, target):
        return np.mean(np.maximum(0.9 * (target - prediction), 0.1 * (prediction - target)))

    fitted = gd.NetworkRegressor(loss=upper, random_state=0, max_iter=300).fit(x, y / 100)
    assert 0.8 < np.mean(y / 100 < fitted.predict(x)) < 0.97


def test_each_hidden_layer_has_its_activation_and_dropout():
    fitted = quick(
        hidden_layer_sizes=(5, 4),
        activation=["gelu", np.tanh],
        dropout=[0.2, 0.0],
        batch_norm=True,
        max_iter=2,
    ).fit(*load_iris(return_X_y=True))
    layers = fitted.network_.layers
    kinds = [Dense, BatchNorm, None, Dropout, Dense, BatchNorm, None, Dense]
    assert [type(x) if k else None for x, k in zip(layers, kinds, strict=True)] == kinds
    assert layers[2] is nn.gelu and layers[6] is np.tanh
    assert layers[3].rate == 0.2


@pytest.mark.parametrize(
    "network",
    [
        nn.Sequential(nn.Dense(9), nn.relu, nn.Dense(3)),
        lambda inputs, outputs: nn.Sequential(nn.Dense(2 * inputs), nn.silu, nn.Dense(outputs)),
    ],
)
def test_any_module_is_the_network(network, iris):
    estimator = quick(network=network, learning_rate_init=0.03)
    first = clone(estimator).fit(*iris)
    again = estimator.fit(*iris)
    assert again.score(*iris) > 0.9
    np.testing.assert_array_equal(first.predict_proba(iris[0]), again.predict_proba(iris[0]))
    if isinstance(network, nn.Module):
        assert not network.parameters()  # it was copied


def test_a_network_of_other_outputs_is_refused(iris):
    with pytest.raises(DataError, match=r"must return an array \(samples, 3\)"):
        quick(network=nn.Sequential(nn.Dense(5)), max_iter=2).fit(*iris)


def test_optimizers_and_schedules_are_parameters(iris):
    by_schedule = quick(learning_rate=schedules.cosine(0.05, 60)).fit(*iris)
    assert by_schedule.history_[-1]["learning_rate"] < 0.01
    own = quick(solver=optimizers.AdamW(0.05)).fit(*iris)
    search = GridSearchCV(quick(), {"solver": ["adam", optimizers.AdamW(0.05)]}, cv=2).fit(*iris)
    assert min(by_schedule.score(*iris), own.score(*iris), search.best_score_) > 0.9


def test_an_adaptive_rate_falls_before_the_end(iris):
    fitted = quick(
        solver="sgd", learning_rate="adaptive", tol=0.5, max_iter=500, n_iter_no_change=3
    )
    rates = [row["learning_rate"] for row in fitted.fit(*iris).history_]
    assert rates[-1] <= 1e-6 < rates[0] == 1e-3
    assert fitted.converged_ and fitted.n_iter_ < 100


def test_own_validation_data_decide(cancer):
    x, y = cancer
    settings = {"early_stopping": True, "max_iter": 300, "n_iter_no_change": 5}
    fitted = quick(**settings).fit(x[:400], y[:400], validation_data=(x[400:], y[400:]))
    assert fitted.n_iter_ == len(fitted.validation_scores_) < 300
    assert fitted.score(x[400:], y[400:]) == fitted.best_validation_score_
    assert "has not improved" in fitted.converged_
    assert "validation_loss" in fitted.history_[-1]
    watched = quick(max_iter=3).fit(x[:400], y[:400], validation_data=(x[400:], y[400:]))
    assert len(watched.validation_scores_) == 3


def test_weights_count_in_the_validation(cancer):
    x, y = cancer
    weight = np.where(y[400:] == 1, 1.0, 0.0)
    fitted = quick(early_stopping=True, max_iter=30)
    fitted.fit(x[:400], y[:400], validation_data=(x[400:], y[400:], weight))
    recall = np.mean(fitted.predict(x[400:])[y[400:] == 1] == 1)
    assert fitted.best_validation_score_ == pytest.approx(recall)


def test_parts_are_fitted_with_early_stopping(cancer):
    x, y = cancer
    settings = {"early_stopping": True, "n_iter_no_change": 3, "learning_rate_init": 0.01}
    fitted = quick(**settings).partial_fit(x, y, classes=[0, 1])
    while fitted.converged_ is None:
        fitted.partial_fit(x, y)
        assert len(fitted.loss_curve_) < 200
    assert len(fitted.loss_curve_) == len(fitted.validation_scores_) == fitted.n_iter_ > 4
    held_out = quick(**settings).fit(x, y).best_validation_score_
    assert fitted.best_validation_score_ == max(fitted.validation_scores_)
    assert abs(held_out - fitted.best_validation_score_) < 0.1


def test_epochs_are_counted_on_after_a_pickle(iris):
    fitted = pickle.loads(pickle.dumps(quick().partial_fit(*iris, classes=[0, 1, 2])))
    assert fitted.partial_fit(*iris).n_iter_ == len(fitted.loss_curve_) == 2


def test_partial_fits_are_epochs_of_one_fit(cancer):
    x, y = cancer
    in_parts = quick(shuffle=True, max_iter=5)
    for _ in range(5):
        in_parts.partial_fit(x, y, classes=[0, 1])
    at_once = quick(max_iter=5).fit(x, y)
    np.testing.assert_array_equal(in_parts.predict_proba(x), at_once.predict_proba(x))
    with pytest.raises(DataError, match="not the same"):
        in_parts.partial_fit(x, y, classes=[0, 1, 2])
    with pytest.raises(DataError, match="not known: \\[5\\]"):
        in_parts.partial_fit(x, np.where(y == 1, 5, y))
    with pytest.raises(DataError, match="first call"):
        quick().partial_fit(x, y)


def test_a_warm_start_goes_on(cancer):
    warm = quick(warm_start=True, max_iter=10).fit(*cancer)
    losses_before = list(warm.loss_curve_)
    warm.fit(*cancer)
    assert warm.n_iter_ == 10
    assert warm.loss_curve_[:10] == losses_before
    assert warm.loss_curve_[10] < losses_before[0]
    cold = clone(warm).set_params(warm_start=False).fit(*cancer)
    assert cold.loss_curve_ == losses_before


def test_callbacks_see_every_epoch_and_may_stop(iris):
    seen = []

    def watch(trainer, row):
        seen.append(row["epoch"])
        if row["epoch"] == 7:
            trainer.stop("enough")

    fitted = quick(callbacks=[watch]).fit(*iris)
    assert seen == list(range(1, 8))
    assert fitted.n_iter_ == 7


def test_progress_is_printed_when_asked_for(iris, capsys):
    quick(max_iter=3).fit(*iris)
    assert capsys.readouterr().out == ""
    quick(max_iter=3, verbose=True).fit(*iris)
    captured = capsys.readouterr()
    assert "loss" in captured.out + captured.err


def test_a_loss_that_explodes_is_an_error(diabetes):
    exploding = gd.NetworkRegressor(solver="sgd", learning_rate_init=1e6, early_stopping=True)
    with pytest.raises(NonFiniteError):
        exploding.fit(*diabetes)
