"""Results become arrays again where nothing around them is being traced."""

from typing import Any

import numpy as np

from gradiente.base.trees import Tree, flatten, unflatten
from gradiente.graph.evaluate import evaluate
from gradiente.graph.node import Node
from gradiente.trace.functions import Tensor
from gradiente.trace.surroundings import independent


def finished(tree: Tree) -> Tree:
    """Tensors that no surrounding trace takes part in replaced by their arrays."""
    leaves, structure = flatten(tree)
    known = independent(leaf.node for leaf in leaves if isinstance(leaf, Tensor))
    evaluate(known)
    return unflatten(
        structure,
        [_own(x.node) if isinstance(x, Tensor) and x.node in known else x for x in leaves],
    )


def _own(node: Node) -> Any:
    """An array of its own (never a view of an input), numbers as NumPy scalars."""
    value = np.asarray(node.value)
    return value.copy() if value.ndim else value[()]
