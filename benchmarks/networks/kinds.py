"""All kinds of network, and the way from their records back to them."""

from typing import Any

from benchmarks.networks.convolutional import Convolutional
from benchmarks.networks.network import Network
from benchmarks.networks.perceptron import Perceptron
from benchmarks.networks.recurrent import Recurrent
from benchmarks.networks.residual import Residual
from benchmarks.networks.transformer import Transformer

KINDS: dict[str, Any] = {
    kind.kind: kind for kind in (Perceptron, Convolutional, Residual, Transformer, Recurrent)
}


def from_record(record: dict[str, Any]) -> Network:
    """The network of a record made by `dataclasses.asdict`, which may come from JSON."""
    sizes = {
        name: tuple(size) if isinstance(size, list) else size
        for name, size in record.items()
        if name not in ("kind", "regression")
    }
    network: Network = KINDS[record["kind"]](**sizes)
    return network
