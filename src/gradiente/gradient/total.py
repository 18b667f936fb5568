"""The sum of the gradients of a value over all its uses; slices are put together, not added up.

A value that is cut into slices gets from each slice a gradient that is zero elsewhere. Their sum
is all of them side by side: nothing needs to be added.
"""

from collections.abc import Sequence

from gradiente.ops.shape import pad
from gradiente.trace.functions import Tensor, m


def total(contributions: Sequence[Tensor]) -> Tensor:
    """Σ contributions, in the order given."""
    slices = [tensor for tensor in contributions if _is_slice(tensor)]
    joined = _side_by_side(slices) if len(slices) > 1 else None
    rest = [tensor for tensor in contributions if joined is None or not _is_slice(tensor)]
    return _sum([joined, *rest] if joined is not None else rest)


def _sum(tensors: Sequence[Tensor]) -> Tensor:
    result, *others = tensors
    for tensor in others:
        result = result + tensor
    return result


def _is_slice(tensor: Tensor) -> bool:
    """True for the gradient of a slice: some values, and zeros around them along one axis."""
    node = tensor.node
    return node.operation is pad and not any(node.params["gaps"]) and len(_cut_axes(tensor)) == 1


def _cut_axes(tensor: Tensor) -> list[int]:
    ends = zip(tensor.node.params["before"], tensor.node.params["after"], strict=True)
    return [axis for axis, around in enumerate(ends) if any(around)]


def _side_by_side(slices: Sequence[Tensor]) -> Tensor | None:
    """All slices in one array; `None` if they overlap or are cut along several axes."""
    axes = {axis for tensor in slices for axis in _cut_axes(tensor)}
    if len(axes) > 1:
        return None
    (axis,) = axes
    places: dict[tuple[int, int], list[Tensor]] = {}
    for tensor in slices:
        start, inside = tensor.node.params["before"][axis], Tensor(tensor.node.inputs[0])
        places.setdefault((start, start + inside.shape[axis]), []).append(inside)
    pieces, end = [], 0
    for (start, stop), parts in sorted(places.items(), key=lambda item: item[0]):
        if start < end:
            return None
        pieces += [*_zeros(slices[0], axis, start - end), _sum(parts)]
        end = stop
    pieces += _zeros(slices[0], axis, slices[0].shape[axis] - end)
    return m.concatenate(pieces, axis=axis)


def _zeros(like: Tensor, axis: int, length: int) -> list[Tensor]:
    """The gradient of what is in no slice."""
    shape = (*like.shape[:axis], length, *like.shape[axis + 1 :])
    return [m.broadcast_to(m.cast(0.0, like.dtype), shape)] if length else []
