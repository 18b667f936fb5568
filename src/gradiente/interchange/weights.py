"""Weights of PyTorch, Keras and scikit-learn, put into a network of the same layers.

The network is built first: files of weights do not say what is computed with them, and code that
does is never run. Dense, convolution, embedding, batch and layer normalization are known. Images
have their channels last here, so that weights of PyTorch after flattening images do not fit.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gradiente.base.errors import BackendError, InvalidArgumentError, RunError
from gradiente.nn.activations import ACTIVATIONS
from gradiente.nn.convolution import Convolution
from gradiente.nn.dense import Dense
from gradiente.nn.embedding import Embedding
from gradiente.nn.module import Module
from gradiente.nn.normalization import BatchNorm, LayerNorm
from gradiente.nn.sequential import Sequential

Arrays = Mapping[str, np.ndarray]
Convert = Callable[[np.ndarray], np.ndarray]


def _same(array: np.ndarray) -> np.ndarray:
    return array


def _channels_last(kernel: np.ndarray) -> np.ndarray:
    """(filters, channels, *sizes) -> (*sizes, channels, filters)."""
    return np.moveaxis(kernel, (0, 1), (-1, -2))


AFFINE: dict[str, Convert] = {"weight": _same, "bias": _same}
PYTORCH: dict[type[Module], dict[str, Convert]] = {
    Dense: {"weight": np.transpose, "bias": _same},
    Convolution: {"weight": _channels_last, "bias": _same},
    Embedding: {"weight": _same},
    LayerNorm: AFFINE,
    BatchNorm: {**AFFINE, "running_mean": _same, "running_variance": _same},
}
"""What each layer takes, in the order in which Keras numbers it, and what becomes of PyTorch's."""
PYTORCH_NAMES = {"running_variance": "running_var"}
COUNTED = "num_batches_tracked"  # of PyTorch's batch normalization, which nothing here needs
KERAS: dict[type[Module], str] = {
    Dense: "dense",
    Convolution: r"conv[123]d",
    Embedding: "embedding",
    LayerNorm: "layer_normalization",
    BatchNorm: "batch_normalization",
}
SCIKIT_LEARN = {"identity": "linear", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}


def load_pytorch(
    network: Module, source: str | Path | Arrays, names: Mapping[str, str] | None = None
) -> Module:
    """Put a `state_dict` into a network of the same layers; returns the network.

        safetensors.torch.save_file(model.state_dict(), "model.safetensors")  # in PyTorch
        load_pytorch(nn.Sequential(nn.Dense(64), nn.relu, nn.Dense(3)), "model.safetensors")

    source: a safetensors file, or arrays by name. Pickled files are not read.
    names: the path here of a layer there, where they differ: `{"encoder.fc": "0"}`; layers at the
        same place in a Sequential, or in attributes of the same name, are found without.
    Raises `RunError` for a file that is none, or arrays that are missing or left over, and
    `InvalidArgumentError` for layers that are not known.
    """
    arrays = dict(_safetensors(Path(source)) if isinstance(source, str | Path) else source)
    arrays = {n: v for n, v in arrays.items() if n.rpartition(".")[2] != COUNTED}
    theirs = {here: there for there, here in (names or {}).items()}
    state: dict[str, np.ndarray] = {}
    for path, layer in _layers(network):
        for name in _wanted(layer):
            there = _joined(theirs.get(path, path), PYTORCH_NAMES.get(name, name))
            if there not in arrays:
                raise RunError(f"the weights have no `{there}` for `{_joined(path, name)}`.")
            convert = PYTORCH[type(layer)][name]
            state[_joined(path, name)] = convert(np.asarray(arrays.pop(there)))
    return _filled(network, state, list(arrays))


def load_keras(network: Module, source: str | Path | Arrays) -> Module:
    """Put the weights of a Keras 3 model into a network of the same layers; returns the network.

        load_keras(nn.Sequential(nn.Dense(64), nn.relu, nn.Dense(3)), "model.weights.h5")

    source: a `.weights.h5` file, for which h5py must be installed, or arrays by their path in it,
        `layers/dense_1/vars/0`. Layers of one kind are taken in the order of their numbers, which
        is that in which Keras made them.
    Raises as `load_pytorch`, and `BackendError` without h5py.
    """
    arrays = dict(_h5(Path(source)) if isinstance(source, str | Path) else source)
    state: dict[str, np.ndarray] = {}
    used: set[str] = set()
    for kind, pattern in KERAS.items():
        groups = _numbered(arrays, pattern)
        for path, layer in _layers(network):
            if type(layer) is not kind:
                continue
            if not groups:
                raise RunError(f"the weights have no layer for `{path}` ({kind.__name__}).")
            group = groups.pop(0)
            for number, name in enumerate(_wanted(layer)):
                there = f"{group}/vars/{number}"
                if there not in arrays:
                    raise RunError(f"the weights have no `{there}` for `{_joined(path, name)}`.")
                state[_joined(path, name)] = np.asarray(arrays[there])
                used.add(there)
    left = [name for name in arrays if "/vars/" in name and name not in used]
    return _filled(network, state, [name for name in left if not name.startswith("optimizer")])


def from_scikit_learn(estimator: Any) -> Sequential:
    """The network of a fitted `MLPClassifier` or `MLPRegressor`, with its weights.

    Its outputs are those before the last activation: logits of a classifier, one of them where
    there are two classes, so that `losses.cross_entropy` or a binary one goes on training.
    Raises `InvalidArgumentError` for anything else.
    """
    if not hasattr(estimator, "coefs_") or estimator.activation not in SCIKIT_LEARN:
        raise InvalidArgumentError(f"{estimator!r} is no fitted MLP of scikit-learn.")
    activation = ACTIVATIONS[SCIKIT_LEARN[estimator.activation]]
    layers: list[Any] = []
    state: dict[str, np.ndarray] = {}
    for weight, bias in zip(estimator.coefs_, estimator.intercepts_, strict=True):
        layers += [activation] if layers else []
        state |= {f"{len(layers)}.weight": weight, f"{len(layers)}.bias": bias}
        layers.append(Dense(weight.shape[1]))
    network = Sequential(*layers)
    network.load_state(state)
    return network


def _layers(network: Module) -> list[tuple[str, Module]]:
    """The layers that have weights, by path."""
    found = []
    owners = {path.rpartition(".")[0] for path in network.state()}
    for path, module in network.modules().items():
        if type(module) in PYTORCH:
            found.append((path, module))
        elif path in owners:
            raise InvalidArgumentError(
                f"`{path}` is a {type(module).__name__}, whose weights have no known counterpart."
            )
    return found


def _wanted(layer: Module) -> list[str]:
    """The arrays a layer has, without those it was told to do without."""
    without = set() if getattr(layer, "use_bias", True) else {"bias"}
    without |= set() if getattr(layer, "affine", True) else {"weight", "bias"}
    return [name for name in PYTORCH[type(layer)] if name not in without]


def _filled(network: Module, state: dict[str, np.ndarray], left: list[str]) -> Module:
    if left:
        raise RunError(f"no layer of the network takes {', '.join(left)}.")
    network.load_state(state)
    return network


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _numbered(arrays: Arrays, pattern: str) -> list[str]:
    """The groups of layers of one kind, `dense`, `dense_1`, ..., in order."""
    form = re.compile(rf"((?:.*/)?{pattern}(?:_(\d+))?)/vars/\d+")
    found = {match[1]: int(match[2] or 0) for match in map(form.fullmatch, arrays) if match}
    return sorted((g for g in found if not g.startswith("optimizer")), key=lambda g: found[g])


def _safetensors(path: Path) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return load(path.read_bytes())
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (SafetensorError, ValueError, LookupError, TypeError) as error:
        raise RunError(f"{path} is not a safetensors file of numbers: {error}.") from None


def _h5(path: Path) -> dict[str, np.ndarray]:
    try:
        import h5py
    except ImportError:
        raise BackendError("files of Keras need h5py: pip install h5py.") from None
    arrays: dict[str, np.ndarray] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name] = np.asarray(item)

    try:
        with h5py.File(path, "r") as file:
            file.visititems(visit)  # which follows no links to other files
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise RunError(f"{path} cannot be read as weights of Keras: {error}.") from error
    return arrays
