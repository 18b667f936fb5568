"""Pooling: windows, or everything, made into one number for each channel."""

from typing import Any

import numpy as np

from gradiente.base.arguments import check_number
from gradiente.nn.convolution import Sizes, axes_of, checked_sizes
from gradiente.nn.dtypes import floating
from gradiente.nn.module import Module
from gradiente.trace.convolution import per_axis
from gradiente.trace.functions import m


class _Pool(Module):
    """What pooling over windows has in common."""

    def __init__(self, sizes: Sizes, strides: Sizes | None = None, padding: Any = "valid"):
        self.sizes = checked_sizes("sizes", sizes)
        self.strides = None if strides is None else checked_sizes("strides", strides)
        self.padding = padding

    def __call__(self, x: Any) -> Any:
        x = floating(x, axes=1)
        axes_of(self, x, self.sizes)
        return self._pooled(x)

    def _pooled(self, x: Any) -> Any:
        raise NotImplementedError

    def __repr__(self) -> str:
        strides = "" if self.strides is None else f", strides={self.strides!r}"
        padding = "" if self.padding == "valid" else f", padding={self.padding!r}"
        return f"{type(self).__name__}({self.sizes!r}{strides}{padding})"


class MaxPool(_Pool):
    """y = max x over each window. Elements that tie share the gradient.

    sizes, strides: one number for all axes, or a tuple with one for each; windows lie side by side
    by default. padding: as in `Convolution`; it never wins.
    x: (n, *lengths, channels) -> y: (n, *places, channels)

    Weng, Ahuja & Huang, "Cresceptron: a self-organizing neural network which grows adaptively",
    IJCNN 1992.
    """

    def _pooled(self, x: Any) -> Any:
        return m.max_pool(x, self.sizes, self.strides, self.padding)


class AveragePool(_Pool):
    """y = mean x over each window, of the elements that are there: padding does not count.

    Arguments and shapes as in `MaxPool`. (PyTorch counts padding by default, Keras does not.)

    LeCun et al., "Handwritten digit recognition with a back-propagation network", NeurIPS 1989.
    """

    def _pooled(self, x: Any) -> Any:
        return m.average_pool(x, self.sizes, self.strides, self.padding)


class LPPool(_Pool):
    """y = (Σ |x|ᵖ)^(1/p) over each window.

    power p: 1 gives sums of absolute values, 2 lengths. Arguments and shapes as in `MaxPool`.
    Gulcehre et al., "Learned-norm pooling for deep feedforward and recurrent networks", 2014.
    """

    def __init__(
        self, power: float, sizes: Sizes, strides: Sizes | None = None, padding: Any = "valid"
    ):
        super().__init__(sizes, strides, padding)
        self.power = check_number("power", power, above=0)

    def _pooled(self, x: Any) -> Any:
        strides = self.sizes if self.strides is None else self.strides
        seen = m.sliding_windows(x, self.sizes, strides, self.padding)
        rank = x.ndim - 2
        total = np.sum(np.abs(seen) ** self.power, axis=tuple(range(rank + 1, 2 * rank + 1)))
        empty = total == 0  # where the root has no slope
        return np.where(empty, 0.0, np.where(empty, 1.0, total) ** (1.0 / self.power))

    def __repr__(self) -> str:
        return super().__repr__().replace("(", f"({self.power:g}, ", 1)


class GlobalMaxPool(Module):
    """y = max x of each channel: (n, *lengths, channels) -> (n, channels)

    Oquab et al., "Is object localization for free?", CVPR 2015.
    """

    def __call__(self, x: Any) -> Any:
        x = floating(x, axes=1)
        return np.max(x, axis=tuple(range(1, 1 + axes_of(self, x, 1))))

    def __repr__(self) -> str:
        return "GlobalMaxPool()"


class GlobalAveragePool(Module):
    """y = mean x of each channel: (n, *lengths, channels) -> (n, channels)

    Lin, Chen & Yan, "Network in network", ICLR 2014.
    """

    def __call__(self, x: Any) -> Any:
        x = floating(x, axes=1)
        return np.mean(x, axis=tuple(range(1, 1 + axes_of(self, x, 1))))

    def __repr__(self) -> str:
        return "GlobalAveragePool()"


class _AdaptivePool(Module):
    """What pooling to given lengths has in common."""

    def __init__(self, places: Sizes):
        self.places = checked_sizes("places", places)

    def __call__(self, x: Any) -> Any:
        """Axis by axis: the windows of one axis do not depend on the others."""
        x = floating(x, axes=1)
        rank = axes_of(self, x, self.places)
        for axis, places in enumerate(per_axis("places", self.places, rank), 1):
            length = x.shape[axis]
            limits = [
                (place * length // places, -(-(place + 1) * length // places))
                for place in range(places)
            ]
            before = (slice(None),) * axis
            parts = [self._over(x[(*before, slice(*limit))], axis) for limit in limits]
            x = np.concatenate(parts, axis=axis)
        return x

    def _over(self, x: Any, axis: int) -> Any:
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.places!r})"


class AdaptiveAveragePool(_AdaptivePool):
    """yᵢ = mean x from ⌊i n / k⌋ to ⌈(i + 1) n / k⌉, for k places on an axis of length n.

    places k: one number for all axes, or a tuple with one for each, as PyTorch.
    x: (n, *lengths, channels) -> y: (n, *places, channels)

    He et al., "Spatial pyramid pooling in deep convolutional networks for visual recognition",
    ECCV 2014.
    """

    def _over(self, x: Any, axis: int) -> Any:
        return np.mean(x, axis=axis, keepdims=True)


class AdaptiveMaxPool(_AdaptivePool):
    """yᵢ = max x over the windows of `AdaptiveAveragePool`, with the same arguments.

    He et al., "Spatial pyramid pooling in deep convolutional networks for visual recognition",
    ECCV 2014.
    """

    def _over(self, x: Any, axis: int) -> Any:
        return np.max(x, axis=axis, keepdims=True)
