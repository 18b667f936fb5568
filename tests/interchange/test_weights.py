"""Weights of other libraries give what they gave there."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from gradiente import nn
from gradiente.base.errors import GradienteError, InvalidArgumentError, RunError
from gradiente.interchange.weights import from_scikit_learn, load_keras, load_pytorch

RANDOM = np.random.default_rng(61)
X = RANDOM.normal(size=(6, 8, 7, 3)).astype(np.float32)


def network():
    return nn.Sequential(
        nn.Convolution(4, 3, padding=1, groups=1),
        nn.BatchNorm(epsilon=1e-5),
        nn.relu,
        nn.GlobalAveragePool(),
        nn.Dense(5),
        nn.LayerNorm(epsilon=1e-5),
        nn.Dense(2, use_bias=False),
    )


def arrays():
    """A state dict of PyTorch for it."""
    shapes = {
        "0.weight": (4, 3, 3, 3),
        "0.bias": (4,),
        "1.weight": (4,),
        "1.bias": (4,),
        "1.running_mean": (4,),
        "1.running_var": (4,),
        "4.weight": (5, 4),
        "4.bias": (5,),
        "5.weight": (5,),
        "5.bias": (5,),
        "6.weight": (2, 5),
    }
    made = {
        name: RANDOM.uniform(0.2, 1, shape).astype(np.float32) for name, shape in shapes.items()
    }
    return {**made, "1.num_batches_tracked": np.array(7)}


def test_pytorch_gives_the_same_outputs(tmp_path):
    torch = pytest.importorskip("torch")
    given = arrays()
    peer = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, padding=1),
        torch.nn.BatchNorm2d(4),
        torch.nn.ReLU(),
        torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()),
        torch.nn.Linear(4, 5),
        torch.nn.LayerNorm(5),
        torch.nn.Linear(5, 2, bias=False),
    ).eval()
    peer.load_state_dict({name: torch.tensor(value) for name, value in given.items()})
    with torch.no_grad():
        expected = peer(torch.tensor(np.moveaxis(X, -1, 1).copy())).numpy()
    save_file({n: v.detach().numpy() for n, v in peer.state_dict().items()}, tmp_path / "model")
    loaded = load_pytorch(network(), tmp_path / "model")
    np.testing.assert_allclose(loaded(X), expected, rtol=1e-5, atol=1e-6)
    used = network().initialize(X)
    np.testing.assert_array_equal(load_pytorch(used, given)(X), loaded(X))


def test_layers_of_other_names():
    given = {"fc.weight": np.ones((2, 3), np.float32), "fc.bias": np.ones(2, np.float32)}
    net = load_pytorch(nn.Sequential(nn.Dense(2)), given, names={"fc": "0"})
    np.testing.assert_array_equal(net(np.ones((1, 3), np.float32)), [[4.0, 4.0]])


def test_an_embedding():
    table = RANDOM.normal(size=(7, 2)).astype(np.float32)
    net = load_pytorch(nn.Embedding(7, 2), {"weight": table})
    np.testing.assert_array_equal(net(np.array([3, 1])), table[[3, 1]])


@pytest.mark.parametrize("missing", ["0.weight", "4.bias", "1.running_var"])
def test_missing_arrays_are_named(missing):
    given = arrays()
    del given[missing]
    with pytest.raises(RunError, match=f"the weights have no `{missing}`"):
        load_pytorch(network(), given)


def test_arrays_left_over_and_of_other_shapes_and_unknown_layers(tmp_path):
    with pytest.raises(RunError, match=r"no layer of the network takes 6\.bias"):
        load_pytorch(network(), {**arrays(), "6.bias": np.ones(2, np.float32)})
    with pytest.raises(GradienteError, match=r"0\.weight"):
        wrong = {**arrays(), "0.weight": np.ones((4, 3, 2, 2), np.float32)}
        load_pytorch(network().initialize(X), wrong)
    unknown = nn.Sequential(nn.Swish()).initialize(X[0])
    with pytest.raises(InvalidArgumentError, match="whose weights have no known counterpart"):
        load_pytorch(unknown, {})
    (tmp_path / "pickle").write_bytes(b"\x80\x04\x95pickle")
    with pytest.raises(RunError, match="is not a safetensors file"):
        load_pytorch(network(), tmp_path / "pickle")
    with pytest.raises(RunError, match="cannot be read"):
        load_pytorch(network(), tmp_path / "none")


def keras_arrays():
    """The paths of a Keras file for the same network."""
    given = arrays()
    kernel = np.moveaxis(given["0.weight"], (0, 1), (-1, -2))
    return {
        "layers/conv2d/vars/0": kernel,
        "layers/conv2d/vars/1": given["0.bias"],
        "layers/batch_normalization/vars/0": given["1.weight"],
        "layers/batch_normalization/vars/1": given["1.bias"],
        "layers/batch_normalization/vars/2": given["1.running_mean"],
        "layers/batch_normalization/vars/3": given["1.running_var"],
        "layers/dense_10/vars/0": given["6.weight"].T,
        "layers/dense_9/vars/0": given["4.weight"].T,
        "layers/dense_9/vars/1": given["4.bias"],
        "layers/layer_normalization/vars/0": given["5.weight"],
        "layers/layer_normalization/vars/1": given["5.bias"],
        "optimizer/vars/0": np.array(3),
    }, given


def test_keras_in_the_order_of_the_numbers():
    theirs, given = keras_arrays()
    expected = load_pytorch(network(), given)(X)
    np.testing.assert_array_equal(load_keras(network(), theirs)(X), expected)
    with pytest.raises(RunError, match="no layer of the network takes layers/dense_11"):
        load_keras(network(), {**theirs, "layers/dense_11/vars/0": np.ones((2, 2))})
    del theirs["layers/dense_9/vars/1"]
    with pytest.raises(RunError, match=r"no `layers/dense_9/vars/1` for `4`"):
        load_keras(network(), theirs)
    with pytest.raises(RunError, match=r"no layer for `0` \(Convolution\)"):
        load_keras(network(), {})


def test_keras_files(tmp_path):
    h5py = pytest.importorskip("h5py")
    theirs, given = keras_arrays()
    with h5py.File(tmp_path / "model.weights.h5", "w") as file:
        for name, value in theirs.items():
            file[name] = value
    loaded = load_keras(network(), tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(loaded(X), load_pytorch(network(), given)(X))
    (tmp_path / "other").write_bytes(b"no HDF5")
    with pytest.raises(RunError, match="cannot be read as weights of Keras"):
        load_keras(network(), tmp_path / "other")


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("classes", [0, 2, 3])
def test_scikit_learn(classes, activation):
    neural = pytest.importorskip("sklearn.neural_network")
    x = RANDOM.normal(size=(40, 3))
    y = x @ [1.0, 2.0, 3.0] if classes == 0 else np.arange(40) % classes
    kind = neural.MLPClassifier if classes else neural.MLPRegressor
    model = kind(hidden_layer_sizes=(5, 4), solver="lbfgs", max_iter=5000, random_state=0, tol=1)
    model.set_params(activation=activation)
    outputs = from_scikit_learn(model.fit(x, y))(x)
    if classes == 0:
        np.testing.assert_allclose(outputs[:, 0], model.predict(x), rtol=1e-10)
    elif classes == 2:
        np.testing.assert_allclose(1 / (1 + np.exp(-outputs[:, 0])), model.predict_proba(x)[:, 1])
    else:
        exps = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        np.testing.assert_allclose(exps / exps.sum(axis=1, keepdims=True), model.predict_proba(x))


def test_only_fitted_ones():
    neural = pytest.importorskip("sklearn.neural_network")
    with pytest.raises(InvalidArgumentError, match="is no fitted MLP"):
        from_scikit_learn(neural.MLPClassifier())
