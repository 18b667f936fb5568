"""A penalty for weight vectors that are not at right angles."""

import numpy as np

from gradiente.base.arguments import check_choice, check_number
from gradiente.base.batch import accumulation_dtype
from gradiente.base.errors import ShapeError
from gradiente.base.source import current_source
from gradiente.regularizers.regularizer import Array, Regularizer, declare

SMALLEST_SQUARE = 1e-12  # as in Keras: a vector of zeros has no direction


@declare
def Orthogonal(factor: float = 0.01, mode: str = "rows") -> Regularizer:
    """The mean absolute cosine between any two vectors, times half the factor.

        R = λ / 2 · Σ_{i≠j} |vᵢ · vⱼ| / (n (n − 1) / 2)          vᵢ = wᵢ / ‖wᵢ‖

    λ factor; n vectors wᵢ: the "rows" of the weight, one for each input, or its "columns", one for
    each unit. All axes but the last count as inputs. A single vector has no penalty. Default and
    form are those of Keras's OrthogonalRegularizer. Raises `InvalidArgumentError` for a negative
    factor, `ShapeError` for an array of a single axis.

    A. Brock et al., "Neural photo editing with introspective adversarial networks", ICLR 2017,
    in the form of Keras.
    """
    factor = check_number("factor", factor, at_least=0)
    mode = check_choice("mode", mode, ("rows", "columns"))

    def function(w: Array) -> Array:
        if len(w.shape) < 2:
            raise ShapeError(
                f"the regularizer Orthogonal compares rows or columns of a matrix, but was given "
                f"an array of shape {tuple(w.shape)}: use a pattern such as '*.weight'."
                + current_source().explain()
            )
        wide = w.astype(accumulation_dtype(w.dtype)).reshape((-1, w.shape[-1]))
        vectors = wide if mode == "rows" else np.transpose(wide)
        square = np.sum(vectors * vectors, axis=1, keepdims=True)
        directions = vectors / np.sqrt(np.maximum(square, SMALLEST_SQUARE))
        number = vectors.shape[0]
        apart = (1.0 - np.eye(number)).astype(wide.dtype)
        cosines = np.abs(directions @ np.transpose(directions)) * apart
        return (0.5 * factor / max(number * (number - 1) / 2, 1.0)) * np.sum(cosines)

    return Regularizer("Orthogonal", function, {"factor": factor, "mode": mode})
