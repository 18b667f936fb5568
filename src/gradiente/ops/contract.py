"""The matrix product, with batch dimensions: what a neural network spends its time on."""

from typing import Any

import numpy as np

from gradiente.base.errors import ShapeError
from gradiente.base.types import ArrayType
from gradiente.ops.operation import broadcast_shapes, example, operation, promote


@operation(
    example((3, 4), (4, 2)),
    example((5, 3, 4), (4, 2)),
    example((2, 1, 3, 4), (5, 4, 2)),
    example((3, 0), (0, 2)),
)
def matmul(a: Any, b: Any) -> Any:
    """C = A B                               Ā = C̄ Bᵀ      B̄ = Aᵀ C̄"""
    return np.matmul(a, b)


@matmul.type
def _(a: ArrayType, b: ArrayType) -> ArrayType:
    if a.shape[-1] != b.shape[-2]:
        raise ShapeError(
            f"a matrix product needs the last axis of the first ({a.shape[-1]}) to equal the last "
            f"but one of the second ({b.shape[-2]}); got {list(a.shape)} @ {list(b.shape)}."
        )
    try:
        batch = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        raise ShapeError(
            f"the leading axes of {list(a.shape)} @ {list(b.shape)} do not broadcast together."
        ) from None
    return ArrayType((*batch, a.shape[-2], b.shape[-1]), promote(a, b))


@matmul.local_gradient
def _(m: Any, g: Any, c: Any, a: Any, b: Any) -> tuple[Any, ...]:
    return (
        m.sum_to(m.matmul(g, m.matrix_transpose(b)), a.shape),
        m.sum_to(m.matmul(m.matrix_transpose(a), g), b.shape),
    )
