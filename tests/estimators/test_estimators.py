"""What the estimators do in the kinds of tasks there are, against scikit-learn's own networks."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris, make_multilabel_classification
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor

import gradiente as gd
from gradiente.base.errors import DataError, InvalidArgumentError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PEERS = [(gd.NetworkClassifier, MLPClassifier), (gd.NetworkRegressor, MLPRegressor)]


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.mark.parametrize(("ours", "theirs"), PEERS)
def test_every_parameter_of_the_peer_is_here_with_its_default(ours, theirs):
    own = ours().get_params()
    expected = theirs().get_params()
    assert {name: own[name] for name in expected} == expected


@pytest.mark.parametrize(("ours", "theirs"), PEERS)
def test_every_fitted_attribute_of_the_peer_is_here(ours, theirs, iris):
    settings = {"early_stopping": True, "max_iter": 12, "random_state": 0}
    expected = theirs(**settings).fit(*iris)
    names = [name for name in vars(expected) if name.endswith("_") and name[0] != "_"]
    fitted = ours(**settings).fit(*iris)
    assert [name for name in names if not hasattr(fitted, name)] == []
    for name in ("n_iter_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert type(getattr(fitted, name)) is type(getattr(expected, name)), name
    assert fitted.out_activation_ == expected.out_activation_
    assert fitted.n_outputs_ == expected.n_outputs_
    shapes = [w.shape for w in fitted.coefs_], [b.shape for b in fitted.intercepts_]
    assert shapes == ([(4, 100), (100, fitted.n_outputs_)], [(100,), (fitted.n_outputs_,)])


def given_weights(ours, theirs):
    """Let the peer predict with our weights."""
    theirs.coefs_, theirs.intercepts_ = ours.coefs_, ours.intercepts_
    return theirs


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("classes", [2, 3])
def test_the_same_weights_give_the_same_probabilities(activation, classes, iris):
    x, y = (part[iris[1] < classes] for part in iris)
    settings = {"activation": activation, "max_iter": 3, "hidden_layer_sizes": (7, 5)}
    ours = gd.NetworkClassifier(**settings, standardize=False, random_state=0).fit(x, y)
    theirs = given_weights(ours, MLPClassifier(**settings).fit(x, y))
    np.testing.assert_allclose(ours.predict_proba(x), theirs.predict_proba(x), rtol=1e-10)
    logarithms = ours.predict_log_proba(x), theirs.predict_log_proba(x)
    np.testing.assert_allclose(*logarithms, rtol=1e-10, atol=1e-13)
    np.testing.assert_array_equal(ours.predict(x), theirs.predict(x))


@pytest.mark.parametrize(
    "settings",
    [
        {"solver": "adam", "alpha": 0.3, "epsilon": 1e-14},
        {"solver": "sgd", "alpha": 0.3, "learning_rate_init": 0.05},
        {"solver": "sgd", "nesterovs_momentum": False, "learning_rate_init": 0.05},
        {
            "solver": "sgd",
            "learning_rate": "invscaling",
            "learning_rate_init": 0.5,
            "momentum": 0.0,
        },
        {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.05},
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_training_is_that_of_the_peer(settings, weighted, iris):
    """From the same weights the same epochs of full batches lead to the same weights."""
    x, y = iris
    weight = np.random.default_rng(0).uniform(0.5, 2.0, len(x)) if weighted else None
    common = {"activation": "tanh", "hidden_layer_sizes": (6,), "max_iter": 1, "warm_start": True}
    ours = gd.NetworkClassifier(**common, **settings, standardize=False, random_state=0)
    ours.set_params(learning_rate_init=1e-30).fit(x, y)
    theirs = MLPClassifier(**common, **settings, random_state=0).fit(x, y)
    theirs.coefs_, theirs.intercepts_ = ours.coefs_, ours.intercepts_
    epochs = {"max_iter": 10, "n_iter_no_change": 20}
    theirs.set_params(**epochs).fit(x, y, sample_weight=weight)
    ours.set_params(**epochs, learning_rate_init=theirs.learning_rate_init)
    ours.fit(x, y, sample_weight=weight)
    np.testing.assert_allclose(ours.loss_curve_[-10:], theirs.loss_curve_[-10:], rtol=1e-5)
    for own, expected in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(own, expected, atol=1e-5)


@pytest.mark.parametrize(("ours", "theirs"), PEERS)
def test_lbfgs_finds_a_minimum_as_low(ours, theirs, iris):
    x, y = iris
    x = x - x.mean(axis=0)
    settings = {"solver": "lbfgs", "hidden_layer_sizes": (), "max_iter": 500, "alpha": 1.0}
    own = ours(**settings, standardize=False, tol=1e-6).fit(x, y)
    expected = theirs(**settings, tol=1e-6).fit(x, y)
    np.testing.assert_allclose(own.best_loss_, expected.loss_, rtol=1e-5)
    assert own.n_iter_ < 500


def test_lbfgs_keeps_to_its_number_of_evaluations(iris):
    few = gd.NetworkClassifier(solver="lbfgs", max_fun=3).fit(*iris)
    assert few.n_iter_ <= 3


def test_labels_are_predicted_each_by_itself():
    x, y = make_multilabel_classification(300, n_classes=4, random_state=0)
    parts = train_test_split(x, y, random_state=0)
    scores = [
        kind(random_state=0, max_iter=100).fit(parts[0], parts[2]).score(parts[1], parts[3])
        for kind in (gd.NetworkClassifier, MLPClassifier)
    ]
    assert scores[0] > scores[1] - 0.05
    fitted = gd.NetworkClassifier(max_iter=5).fit(x, y)
    assert fitted.predict_proba(x).shape == fitted.predict(x).shape == y.shape
    assert fitted.out_activation_ == "logistic"


def test_several_targets_are_predicted_in_their_own_units():
    x, y = load_diabetes(return_X_y=True)
    both = np.column_stack([y, 1e-3 * x[:, 2]])
    fitted = gd.NetworkRegressor(random_state=0).fit(x, both)
    predicted = fitted.predict(x)
    assert predicted.shape == both.shape
    assert np.corrcoef(predicted[:, 0], y)[0, 1] > 0.6
    assert np.corrcoef(predicted[:, 1], x[:, 2])[0, 1] > 0.9
    assert abs(predicted[:, 1].mean() - both[:, 1].mean()) < 1e-4


def test_counts_are_positive_with_the_loss_of_poisson():
    random = np.random.default_rng(0)
    x = random.normal(size=(400, 3))
    y = random.poisson(np.exp(x[:, 0]))
    fitted = gd.NetworkRegressor(loss="poisson", max_iter=100, random_state=0).fit(x, y)
    assert fitted.out_activation_ == "exp"
    predicted = fitted.predict(x)
    assert predicted.min() > 0
    assert np.corrcoef(np.log(predicted), x[:, 0])[0, 1] > 0.9
    with pytest.raises(DataError, match="negative"):
        fitted.fit(x, y - 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_network_has_the_type_of_the_inputs(dtype, iris):
    x, y = iris
    fitted = gd.NetworkClassifier(max_iter=2).fit(x.astype(dtype), y)
    assert {array.dtype for array in fitted.network_.parameters().values()} == {np.dtype(dtype)}
    assert fitted.predict_proba(x.astype(dtype)).dtype == dtype


def test_predictions_do_not_depend_on_the_other_samples(iris):
    x, y = np.tile(iris[0], (4, 1)), np.tile(iris[1], 4)
    fitted = gd.NetworkClassifier(max_iter=5, random_state=0).fit(x, y)
    together = fitted.predict_proba(x)
    for size in (1, 3, 16, 17, 255, 256, 257, 599):
        np.testing.assert_array_equal(fitted.predict_proba(x[:size]), together[:size])
        np.testing.assert_array_equal(fitted.predict_proba(x[-size:]), together[-size:])


@pytest.mark.parametrize("weights", [[0, 1, 2], [3, 0, 5]])
def test_a_weight_is_a_number_of_samples(weights, iris):
    x, y = (part[::3] for part in iris)
    weight = np.resize(weights, len(y))
    settings = {"random_state": 0, "max_iter": 50}
    weighted = gd.NetworkClassifier(**settings).fit(x, y, sample_weight=weight)
    repeated = gd.NetworkClassifier(**settings).fit(x.repeat(weight, 0), y.repeat(weight))
    np.testing.assert_allclose(
        weighted.predict_proba(x), repeated.predict_proba(x), rtol=1e-7, atol=1e-10
    )


def test_a_pickle_holds_parameters_and_no_machine_code(iris):
    x, y = iris
    fitted = gd.NetworkClassifier(max_iter=5, random_state=0, dropout=0.1).fit(x, y)
    fitted.predict(x)
    text = pickle.dumps(fitted)
    assert len(text) < 3 * 8 * fitted.network_.count + 10_000
    for word in (b"CompiledFunction", b"CompiledSteps", b"Predictor", b"Trainer", b"llvm"):
        assert word not in text
    again = pickle.loads(text)
    np.testing.assert_array_equal(again.predict_proba(x), fitted.predict_proba(x))
    again.set_params(warm_start=True).fit(x, y)
    assert again.loss_ < fitted.loss_


def test_the_same_seed_gives_the_same_bits(iris):
    first, again = (gd.NetworkClassifier(random_state=3, max_iter=5).fit(*iris) for _ in range(2))
    np.testing.assert_array_equal(first.predict_proba(iris[0]), again.predict_proba(iris[0]))
    other = clone(first).set_params(random_state=4).fit(*iris)
    assert not np.array_equal(first.predict_proba(iris[0]), other.predict_proba(iris[0]))


def test_it_learns_without_scaling_by_the_user():
    x, y = load_diabetes(return_X_y=True)
    scores = cross_val_score(gd.NetworkRegressor(random_state=0), 1000 * x + 5, y)
    assert scores.mean() > 0.4


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"alpha": -1}, "alpha"),
        ({"solver": "newton"}, "'adam'"),
        ({"learning_rate": "slow"}, "'adaptive'"),
        ({"hidden_layer_sizes": (3, 0)}, "hidden_layer_sizes"),
        ({"activation": ["relu", "tanh"]}, "2 entries for 1 hidden layers"),
        ({"activation": 3}, "activation"),
        ({"network": 3}, "nn.Module"),
        ({"n_iter_no_change": 0}, "n_iter_no_change"),
        ({"batch_size": "large"}, "batch_size"),
        ({"loss": 3}, "loss"),
    ],
)
def test_parameters_that_make_no_sense_are_named(settings, words, iris):
    with pytest.raises(InvalidArgumentError, match=words):
        gd.NetworkClassifier(**settings).fit(*iris)


def test_one_class_cannot_be_learned(iris):
    with pytest.raises(DataError, match="one class only, 0"):
        gd.NetworkClassifier().fit(iris[0], np.zeros(150, int))


def test_too_few_samples_to_hold_out_are_refused(iris):
    with pytest.raises(DataError, match="validation set is too small"):
        gd.NetworkClassifier(early_stopping=True).fit(iris[0][45:55], iris[1][45:55])
