"""The estimators inside scikit-learn's meta-estimators, and with the tables people have."""

import numpy as np
import pandas
import polars
import pytest
import sklearn
from scipy import sparse
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import BaggingRegressor, StackingClassifier
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, cross_val_score
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import gradiente as gd

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def cancer():
    return load_breast_cancer(return_X_y=True)


@pytest.fixture
def classifier():
    return gd.NetworkClassifier(
        hidden_layer_sizes=(8,), learning_rate_init=0.01, max_iter=60, random_state=0
    )


@pytest.fixture
def regressor():
    return gd.NetworkRegressor(
        hidden_layer_sizes=(8,), learning_rate_init=0.01, max_iter=60, random_state=0
    )


def test_in_a_pipeline_in_a_grid_search(classifier, cancer):
    pipeline = make_pipeline(StandardScaler(), classifier)
    grid = {"networkclassifier__alpha": [1e-4, 1.0], "networkclassifier__activation": ["tanh"]}
    search = GridSearchCV(pipeline, grid, cv=3).fit(*cancer)
    assert search.best_score_ > 0.95
    assert search.predict_proba(cancer[0]).shape == (569, 2)


def test_in_a_randomized_search_over_lists_of_activations(classifier, cancer):
    choices = {"activation": [["relu"], ["gelu"], "tanh"], "dropout": [0.0, 0.1]}
    search = RandomizedSearchCV(classifier, choices, n_iter=2, cv=2, random_state=0)
    assert search.fit(*cancer).best_score_ > 0.9


def test_in_a_cross_validation_in_processes(classifier, cancer):
    assert cross_val_score(classifier, *cancer, cv=3, n_jobs=2).mean() > 0.95


def test_its_probabilities_are_calibrated(classifier, cancer):
    calibrated = CalibratedClassifierCV(classifier, cv=2).fit(*cancer)
    assert calibrated.score(*cancer) > 0.95


def test_in_a_stack(classifier, cancer):
    stack = StackingClassifier([("network", classifier), ("linear", LogisticRegression())], cv=2)
    assert make_pipeline(StandardScaler(), stack).fit(*cancer).score(*cancer) > 0.95


def test_in_a_bag_and_with_a_transformed_target(regressor):
    x, y = load_diabetes(return_X_y=True)
    assert BaggingRegressor(regressor, n_estimators=2, random_state=0).fit(x, y).score(x, y) > 0.3
    logarithm = TransformedTargetRegressor(regressor, func=np.log, inverse_func=np.exp)
    assert logarithm.fit(x, y).score(x, y) > 0.3


def test_one_for_each_of_several_columns_of_classes(classifier, cancer):
    x, y = cancer
    both = np.column_stack([y, (x[:, 0] > 14).astype(int) + (x[:, 0] > 18)])
    assert MultiOutputClassifier(classifier).fit(x, both).predict(x).shape == both.shape


def test_the_importance_of_features(regressor):
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 4))
    fitted = regressor.set_params(max_iter=200).fit(x, 3 * x[:, 2])
    importance = permutation_importance(fitted, x, 3 * x[:, 2], n_repeats=2, random_state=0)
    assert importance.importances_mean.argmax() == 2


@pytest.mark.parametrize("frame", [pandas.DataFrame, polars.DataFrame])
def test_tables_give_what_arrays_give_and_names_are_checked(frame, classifier, cancer):
    x, y = cancer[0][:, :4], cancer[1]
    names = ["radius", "texture", "perimeter", "area"]
    table = frame(dict(zip(names, x.T, strict=True)))
    fitted = classifier.fit(table, y)
    assert fitted.feature_names_in_.tolist() == names
    expected = gd.NetworkClassifier(**fitted.get_params()).fit(x, y)
    np.testing.assert_array_equal(fitted.predict_proba(table), expected.predict_proba(x))
    with pytest.raises(ValueError, match="feature names"):
        fitted.predict(table[names[::-1]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        fitted.predict(x)


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_after_transformers_that_give_tables(kind, classifier):
    table = pandas.DataFrame({"place": ["a", "b", "c"] * 20, "size": np.arange(60.0)})
    wide = ColumnTransformer(
        [("place", OneHotEncoder(sparse_output=False), ["place"])],
        remainder=StandardScaler(),
        verbose_feature_names_out=False,
    ).set_output(transform=kind)
    pipeline = make_pipeline(wide, classifier).fit(table, table["place"])
    assert "place_a" in classifier.feature_names_in_
    assert set(pipeline.predict(table)) == {"a", "b", "c"}
    assert pipeline.score(table, table["place"]) > 0.9


@pytest.mark.parametrize("make", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array])
def test_sparse_inputs_give_what_dense_ones_give(make, classifier, cancer):
    x, y = np.where(cancer[0] > 20, cancer[0], 0), cancer[1]
    fitted = gd.NetworkClassifier(**classifier.get_params()).fit(make(x), y)
    dense = classifier.fit(x, y)
    np.testing.assert_array_equal(fitted.predict_proba(make(x)), dense.predict_proba(x))


def test_text_and_booleans_are_classes(classifier, cancer):
    x, y = cancer
    assert classifier.fit(x, np.where(y, "benign", "malignant")).predict(x).dtype.kind in "UO"
    assert classifier.fit(x, y.astype(bool)).predict(x).dtype == bool


def test_weights_are_routed(classifier, cancer):
    x, y = cancer
    with sklearn.config_context(enable_metadata_routing=True):
        routed = classifier.set_fit_request(sample_weight=True).set_score_request(
            sample_weight=True
        )
        search = GridSearchCV(routed, {"alpha": [1e-4]}, cv=2)
        weight = np.where(y, 0.1, 1.0)
        search.fit(x, y, sample_weight=weight)
    expected = gd.NetworkClassifier(**classifier.get_params()).fit(x, y, sample_weight=weight)
    np.testing.assert_array_equal(search.predict_proba(x), expected.predict_proba(x))
