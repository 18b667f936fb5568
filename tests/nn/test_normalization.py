"""Normalization against PyTorch, and what the layers say to wrong arguments."""

import numpy as np
import pytest

import gradiente as gd
from gradiente import nn
from gradiente.base.errors import InvalidArgumentError, ShapeError, TypeMismatchError
from gradiente.gradient.derivatives import grad

RANDOM = np.random.default_rng(5)
TIGHT = {"rtol": 1e-10, "atol": 1e-12}


def training(layer, x):
    with nn.running(nn.Context(training=True, key=gd.random.key(0))):
        return layer(x)


def compare(layer, theirs, x, images=False, weights=("weight", "bias")):
    """Value and gradients by input and parameters; images: channels are moved for PyTorch."""
    torch = pytest.importorskip("torch")
    layer.initialize(x)
    for name in weights:
        setattr(layer, name, RANDOM.uniform(0.5, 1.5, size=getattr(layer, name).shape))
        with torch.no_grad():
            getattr(theirs.double(), name).copy_(torch.tensor(getattr(layer, name)))
    cotangent = RANDOM.normal(size=x.shape)
    variable = torch.tensor(x, requires_grad=True)
    y = theirs(variable.movedim(-1, 1)).movedim(1, -1) if images else theirs(variable)
    (y * torch.tensor(cotangent)).sum().backward()
    np.testing.assert_allclose(layer(x), y.detach().numpy(), **TIGHT)
    ours, towards_input = grad(lambda layer, x: np.sum(layer(x) * cotangent), argnums=(0, 1))(
        layer, x
    )
    np.testing.assert_allclose(towards_input, variable.grad.numpy(), **TIGHT)
    for name in weights:
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name).grad, **TIGHT)


@pytest.mark.parametrize("shape", [(3, 6), (3, 4, 6), (3, 4, 5, 6), (2, 3, 4, 2, 6)])
@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_group_norm(shape, groups):
    torch = pytest.importorskip("torch")
    if shape == (3, 6) and groups == 6:
        return  # a group of one number has no variance; PyTorch refuses
    x = 3 + 2 * RANDOM.normal(size=shape)
    compare(nn.GroupNorm(groups), torch.nn.GroupNorm(groups, 6), x, images=True)
    bare = torch.nn.GroupNorm(groups, 6, eps=0.1, affine=False)
    compare(nn.GroupNorm(groups, epsilon=0.1, affine=False), bare, x, images=True, weights=())


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_instance_norm(ndim):
    torch = pytest.importorskip("torch")
    x = 3 + 2 * RANDOM.normal(size=(*(3, 4, 5, 2)[: ndim + 1], 6))
    kind = getattr(torch.nn, f"InstanceNorm{ndim}d")
    compare(nn.InstanceNorm(), kind(6), x, images=True, weights=())
    compare(nn.InstanceNorm(affine=True), kind(6, affine=True), x, images=True)


def test_rms_norm():
    torch = pytest.importorskip("torch")
    x = 3 + 2 * RANDOM.normal(size=(3, 4, 5))
    compare(nn.RMSNorm(), torch.nn.RMSNorm(5), x, weights=("weight",))
    compare(nn.RMSNorm(epsilon=0.5), torch.nn.RMSNorm(5, eps=0.5), x, weights=("weight",))
    compare(nn.RMSNorm(axes=2), torch.nn.RMSNorm((4, 5)), x, weights=("weight",))
    bare = torch.nn.RMSNorm(5, elementwise_affine=False)
    compare(nn.RMSNorm(affine=False), bare, x, weights=())


def test_rms_norm_takes_the_epsilon_of_float32():
    torch = pytest.importorskip("torch")
    x = (1e-4 * RANDOM.normal(size=(3, 5))).astype(np.float32)
    expected = torch.nn.RMSNorm(5)(torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(nn.RMSNorm()(x), expected, rtol=1e-5)


def test_layer_norm_over_several_axes_and_without_parameters():
    torch = pytest.importorskip("torch")
    x = 3 + 2 * RANDOM.normal(size=(3, 4, 5))
    compare(nn.LayerNorm(axes=2), torch.nn.LayerNorm((4, 5)), x)
    compare(
        nn.LayerNorm(affine=False), torch.nn.LayerNorm(5, elementwise_affine=False), x, weights=()
    )
    assert nn.LayerNorm(axes=2).initialize(x).weight.shape == (4, 5)
    assert nn.LayerNorm(affine=False).initialize(x).state() == {}


def test_batch_norm_without_parameters():
    torch = pytest.importorskip("torch")
    x = 3 + 2 * RANDOM.normal(size=(9, 5))
    layer, theirs = nn.BatchNorm(affine=False), torch.nn.BatchNorm1d(5, affine=False).double()
    np.testing.assert_allclose(training(layer, x), theirs(torch.tensor(x)).numpy(), **TIGHT)
    assert list(layer.state()) == ["running_mean", "running_variance"]
    compare(layer, theirs.eval(), x, weights=())


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 12])
@pytest.mark.parametrize("shape", [(3, 4, 6), (2, 3, 4, 6)])
def test_local_response_norm(size, shape):
    torch = pytest.importorskip("torch")
    x = RANDOM.normal(size=shape)
    settings = {"alpha": 0.7, "beta": 0.6, "k": 1.5}
    theirs = torch.nn.LocalResponseNorm(size, **settings)
    compare(nn.LocalResponseNorm(size, **settings), theirs, x, images=True, weights=())
    theirs = torch.nn.LocalResponseNorm(size)
    compare(nn.LocalResponseNorm(size), theirs, x, images=True, weights=())


def test_unit_norm():
    torch = pytest.importorskip("torch")
    x = RANDOM.normal(size=(3, 4))
    theirs = torch.nn.functional.normalize(torch.tensor(x), dim=-1).numpy()
    np.testing.assert_allclose(nn.UnitNorm()(x), theirs, **TIGHT)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_unit_norm_of_zero_is_zero_with_a_finite_gradient(dtype):
    layer = nn.UnitNorm()
    x = np.zeros((2, 3), dtype)
    np.testing.assert_array_equal(layer(x), x)
    gradient = gd.compile(gd.grad(lambda x: np.sum(layer(x))))(x)
    assert np.isfinite(gradient).all()
    with pytest.raises(InvalidArgumentError, match="`epsilon` is 1e-20"):
        nn.UnitNorm(epsilon=1e-20)


# -- reparametrizations --------------------------------------------------------------------------


def spectral_pair(x, iterations=1):
    """A layer of ours and of PyTorch with the same weight and the same two vectors."""
    torch = pytest.importorskip("torch")
    ours = nn.SpectralNorm(nn.Dense(4), iterations=iterations).initialize(x)
    linear = torch.nn.Linear(x.shape[-1], 4).double()
    with torch.no_grad():
        linear.weight.copy_(torch.tensor(ours.layer.weight.T))
        linear.bias.copy_(torch.tensor(ours.layer.bias))
    theirs = torch.nn.utils.parametrizations.spectral_norm(linear, n_power_iterations=iterations)
    with torch.no_grad():
        theirs.parametrizations.weight[0]._u.copy_(torch.tensor(ours.right))
        theirs.parametrizations.weight[0]._v.copy_(torch.tensor(ours.left))
    return ours, theirs


@pytest.mark.parametrize("iterations", [1, 3])
def test_spectral_norm_against_torch(iterations):
    torch = pytest.importorskip("torch")
    x = RANDOM.normal(size=(5, 3))
    ours, theirs = spectral_pair(x, iterations)
    ours.left = np.ones(3) / np.sqrt(3)  # far from a singular vector
    with torch.no_grad():
        theirs.parametrizations.weight[0]._v.copy_(torch.tensor(ours.left))
    cotangent = RANDOM.normal(size=(5, 4))
    y = theirs(torch.tensor(x))
    (y * torch.tensor(cotangent)).sum().backward()
    gradient = grad(lambda layer: np.sum(training(layer, x) * cotangent))(ours).layer.weight
    np.testing.assert_allclose(training(ours, x), y.detach().numpy(), **TIGHT)
    vectors = theirs.parametrizations.weight[0]
    np.testing.assert_allclose(ours.right, vectors._u.numpy(), **TIGHT)
    np.testing.assert_allclose(ours.left, vectors._v.numpy(), **TIGHT)
    expected = theirs.parametrizations.weight.original.grad.numpy().T
    np.testing.assert_allclose(gradient, expected, **TIGHT)
    np.testing.assert_allclose(ours(x), theirs.eval()(torch.tensor(x)).detach().numpy(), **TIGHT)


def test_spectral_norm_brings_the_largest_singular_value_to_one():
    x = RANDOM.normal(size=(5, 30))
    layer = nn.SpectralNorm(nn.Dense(20)).initialize(x)
    layer.layer.weight *= 9
    for _ in range(200):
        training(layer, x)
    weight = layer(np.eye(30)) - layer.layer.bias
    assert abs(np.linalg.norm(weight, 2) - 1) < 1e-3
    assert np.linalg.norm(layer.layer.weight, 2) > 5  # the trained weight stays as it is


def test_weight_norm_against_torch():
    torch = pytest.importorskip("torch")
    x = RANDOM.normal(size=(5, 3))
    ours = nn.WeightNorm(nn.Dense(4)).initialize(x)
    np.testing.assert_allclose(ours(x), ours.layer(x), rtol=1e-12)  # at first nothing changes
    ours.scale = RANDOM.uniform(1, 2, size=4)
    linear = torch.nn.Linear(3, 4).double()
    theirs = torch.nn.utils.parametrizations.weight_norm(linear)
    with torch.no_grad():
        theirs.bias.zero_()
        theirs.parametrizations.weight.original0.copy_(torch.tensor(ours.scale[:, None]))
        theirs.parametrizations.weight.original1.copy_(torch.tensor(ours.layer.weight.T))
    cotangent = RANDOM.normal(size=(5, 4))
    y = theirs(torch.tensor(x))
    (y * torch.tensor(cotangent)).sum().backward()
    np.testing.assert_allclose(ours(x), y.detach().numpy(), **TIGHT)
    gradients = grad(lambda layer: np.sum(layer(x) * cotangent))(ours)
    expected = theirs.parametrizations.weight
    np.testing.assert_allclose(gradients.scale, expected.original0.grad[:, 0], **TIGHT)
    np.testing.assert_allclose(gradients.layer.weight, expected.original1.grad.numpy().T, **TIGHT)


def test_a_wrapped_layer_is_normalised_by_its_wrapper_only():
    x = RANDOM.normal(size=(5, 3))
    dense = nn.Dense(4)
    layer = nn.WeightNorm(dense).initialize(x)
    layer.scale = layer.scale * 2
    np.testing.assert_allclose(layer(x), 2 * dense(x), rtol=1e-6)


def test_wrappers_say_what_they_need():
    with pytest.raises(TypeMismatchError, match="WeightNorm wraps a layer with a weight"):
        nn.WeightNorm(nn.relu)
    with pytest.raises(InvalidArgumentError, match=r"LayerNorm does not ask for .* `kernel`"):
        nn.WeightNorm(nn.LayerNorm(), "kernel")(RANDOM.normal(size=(2, 3)))
    with pytest.raises(ShapeError, match=r"needs a matrix; `bias` has shape \(4,\)"):
        nn.SpectralNorm(nn.Dense(4), "bias")(RANDOM.normal(size=(2, 3)))
    with pytest.raises(InvalidArgumentError, match="`iterations` is 0"):
        nn.SpectralNorm(nn.Dense(4), iterations=0)


def test_a_network_with_wrapped_layers_trains_and_keeps_its_vectors(tmp_path):
    from gradiente import losses, optimizers

    x, y = RANDOM.normal(size=(64, 3)).astype(np.float32), RANDOM.normal(size=(64, 1))

    def network():
        return nn.Sequential(
            nn.SpectralNorm(nn.Dense(8)), nn.GroupNorm(2), nn.tanh, nn.WeightNorm(nn.Dense(1))
        )

    options = {"loss": losses.mse, "optimizer": optimizers.SGD(0.1)}
    trainer = gd.Trainer(network(), **options)
    trainer.fit(x, y.astype(np.float32), epochs=2, batch_size=16, verbose=False)
    state = trainer.network.state()
    assert "0.left" in state and "3.scale" in state
    trainer.save(tmp_path / "run")
    again = gd.Trainer.load(tmp_path / "run", network(), **options)
    for path, value in again.network.state().items():
        np.testing.assert_array_equal(value, state[path])


def test_errors_of_normalization_name_the_layer():
    with pytest.raises(ShapeError, match=r"GroupNorm\(4\) cannot divide 6 channels"):
        nn.GroupNorm(4)(np.zeros((2, 6)))
    with pytest.raises(ShapeError, match="at least 3 axes"):
        nn.InstanceNorm()(np.zeros((2, 6)))
    with pytest.raises(ShapeError, match="at least 2 axes"):
        nn.LayerNorm(axes=2)(np.zeros(6))
    with pytest.raises(InvalidArgumentError, match="`groups` is 0"):
        nn.GroupNorm(0)
    with pytest.raises(InvalidArgumentError, match="`k` is 0"):
        nn.LocalResponseNorm(3, k=0)


def test_repr_of_normalization():
    assert repr(nn.GroupNorm(2, affine=False)) == "GroupNorm(2, affine=False)"
    assert repr(nn.InstanceNorm(affine=True)) == "InstanceNorm(affine=True)"
    assert repr(nn.RMSNorm(epsilon=1e-6, axes=2)) == "RMSNorm(epsilon=1e-06, axes=2)"
    assert repr(nn.LocalResponseNorm(3, k=2.0)) == "LocalResponseNorm(3, k=2)"
    assert repr(nn.UnitNorm()) == "UnitNorm()"
    assert repr(nn.WeightNorm(nn.Dense(3))) == "WeightNorm(Dense(3))"
    assert (
        repr(nn.SpectralNorm(nn.Dense(3), iterations=2)) == "SpectralNorm(Dense(3), iterations=2)"
    )
    assert repr(nn.BatchNorm(affine=False)) == "BatchNorm(affine=False)"
