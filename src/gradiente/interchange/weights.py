"""Weights of PyTorch, Keras and scikit-learn, put into a network of the same layers.

The network is built first: files of weights do not say what is computed with them, and code that
does is never run. The layers that are known stand in `pytorch_layers.PYTORCH` and
`keras_layers.KERAS`. Images have their channels last here, so that weights of PyTorch after
flattening images do not fit.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gradiente.base.errors import (
    BackendError,
    GradienteError,
    InvalidArgumentError,
    RunError,
)
from gradiente.interchange.keras_layers import KERAS, name_of
from gradiente.interchange.pytorch_layers import PYTORCH, RENAMED
from gradiente.interchange.source import Named, Source
from gradiente.nn.activations import ACTIVATIONS
from gradiente.nn.dense import Dense
from gradiente.nn.module import Module
from gradiente.nn.sequential import Sequential

Arrays = Mapping[str, np.ndarray]


COUNTED = "num_batches_tracked"  # of PyTorch's batch normalization, which nothing here needs
SCIKIT_LEARN = {"identity": "linear", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}


def load_pytorch(
    network: Module, source: str | Path | Arrays, names: Mapping[str, str] | None = None
) -> Module:
    """Put a `state_dict` into a network of the same layers; returns the network.

        safetensors.torch.save_file(model.state_dict(), "model.safetensors")  # in PyTorch
        load_pytorch(nn.Sequential(nn.Dense(64), nn.relu, nn.Dense(3)), "model.safetensors")

    source: a safetensors file, or arrays by name. Pickled files are not read.
    names: the path here of a layer there, where they differ: `{"encoder.fc": "0"}`, also of one
        with others inside; layers at the same place in a Sequential, or in attributes of the same
        name, are found without, and so are the parts of recurrent layers and transformers.
    Raises `RunError` for a file that is none, or arrays that are missing, left over or of other
    shapes, and `InvalidArgumentError` for layers that are not known.
    """
    arrays = dict(_safetensors(Path(source)) if isinstance(source, str | Path) else source)
    arrays = {n: v for n, v in arrays.items() if n.rpartition(".")[2] != COUNTED}
    paths = _their_paths(network, names or {})
    state: dict[str, np.ndarray] = {}
    for path, layer in _layers(network, PYTORCH):
        given = Source(arrays, paths(path), path)
        state |= _converted(PYTORCH[type(layer)], layer, given)
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
    arrays = {n: v for n, v in arrays.items() if "vars/" in n and not n.startswith("optimizer")}
    groups: dict[str, list[str]] = {}
    state: dict[str, np.ndarray] = {}
    for path, layer in _layers(network, KERAS):
        kind = name_of(layer)
        numbered = groups.setdefault(kind, _numbered(arrays, kind))
        if not numbered:
            raise RunError(f"the weights have no layer for `{path}` ({type(layer).__name__}).")
        given = Source(arrays, numbered.pop(0), path, separator="/")
        state |= _converted(KERAS[type(layer)][1], layer, given)
    return _filled(network, state, list(arrays))


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


def _layers(network: Module, known: Mapping[type[Module], Any]) -> list[tuple[str, Module]]:
    """The layers that have weights, by path; what is inside of a known one belongs to it."""
    found: list[tuple[str, Module]] = []
    owners = {path.rpartition(".")[0] for path in network.state()}
    for path, module in network.modules().items():
        if any(_is_inside(path, other) for other, _ in found):
            continue
        if type(module) in known:
            found.append((path, module))
        elif path in owners:
            raise InvalidArgumentError(
                f"`{path}` is a {type(module).__name__}, whose weights have no known counterpart."
            )
    return found


def _is_inside(path: str, other: str) -> bool:
    return path != other and (not other or path.startswith(f"{other}."))


def _their_paths(network: Module, names: Mapping[str, str]) -> Callable[[str], str]:
    """What a path in the network is in PyTorch."""
    modules, given = network.modules(), {here: there for there, here in names.items()}

    def there(path: str) -> str:
        if path in given or not path:
            return given.get(path, path)
        parts = path.split(".")
        for cut in range(len(parts) - 1, -1, -1):
            outer, inner = ".".join(parts[:cut]), ".".join(parts[cut:])
            renamed = RENAMED.get(type(modules.get(outer)), {})  # type: ignore[arg-type]
            if inner in renamed:
                return _joined(there(outer), renamed[inner])
        return _joined(there(".".join(parts[:-1])), parts[-1])

    return there


def _converted(
    convert: Callable[[Any, Source], Named], layer: Module, given: Source
) -> dict[str, np.ndarray]:
    """The arrays of a layer by their paths in the network."""
    try:
        return {_joined(given.here, name): array for name, array in convert(layer, given)}
    except GradienteError:
        raise
    except (ValueError, IndexError) as error:
        raise RunError(
            f"the weights of `{given.there}` do not have the shapes of `{given.here}`, {layer!r}: "
            f"{error}."
        ) from None


def _filled(network: Module, state: dict[str, np.ndarray], left: list[str]) -> Module:
    if left:
        raise RunError(f"no layer of the network takes {', '.join(left)}.")
    network.load_state(state)
    return network


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _numbered(arrays: Arrays, pattern: str) -> list[str]:
    """The groups of layers of one kind, `dense`, `dense_1`, ..., in order."""
    form = re.compile(rf"((?:.*/)?{pattern}(?:_(\d+))?)/(?:[a-z_]+/)*vars/\d+")
    found = {match[1]: int(match[2] or 0) for match in map(form.fullmatch, arrays) if match}
    return sorted(found, key=lambda group: found[group])


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
