"""Convolutional layers, in one dimension or more; channels are the last axis."""

from typing import Any

from gradiente.base.arguments import check_count
from gradiente.base.errors import InvalidArgumentError, ShapeError
from gradiente.base.source import current_source
from gradiente.initializers.constants import zeros
from gradiente.initializers.scaling import glorot_uniform
from gradiente.nn.dtypes import floating
from gradiente.nn.module import Initializer, Module
from gradiente.trace.convolution import per_axis
from gradiente.trace.functions import m

Sizes = int | tuple[int, ...]


def checked_sizes(name: str, given: Sizes) -> Sizes:
    """A size for all axes, or one for each, checked."""
    if isinstance(given, tuple | list):
        return tuple(check_count(name, n, at_least=1) for n in given)
    return check_count(name, given, at_least=1)


def axes_of(layer: Module, x: Any, sizes: Sizes) -> int:
    """How many axes lie between samples and channels; as many as there are sizes.

    Raises `ShapeError` for x with fewer axes, and where the numbers differ.
    """
    rank = len(x.shape) - 2
    if rank < 1 or (isinstance(sizes, tuple) and len(sizes) != rank):
        wanted = len(sizes) if isinstance(sizes, tuple) else "one or more"
        raise ShapeError(
            f"{layer!r} takes (samples, *lengths, channels) with {wanted} axes of lengths, not "
            f"{list(x.shape)}. Images without an axis of channels get one by x[..., None]."
            + current_source().explain()
        )
    return rank


class Convolution(Module):
    """y[n, i, o] = Σₖ Σ_c x[n, i s + k d - p, c] weight[k, c, o] + bias[o]

    filters: how many outputs. kernel_size, strides s, dilations d: one number for all axes, or a
    tuple with one for each. padding: "valid", "same", a number, or a list of numbers or pairs
    (before, after); "same" gives ⌈length / stride⌉ places, the odd zero after, as Keras; where it
    is symmetric it is PyTorch's. groups: each group of filters sees one group of the channels.
    method: "direct" for the sums as they stand, see `gradiente.convolution`.
    x: (n, *lengths, channels) -> y: (n, *places, filters), in any number of dimensions;
    weight: (*kernel_size, channels / groups, filters); bias: (filters,)
    LeCun et al., "Gradient-based learning applied to document recognition", 1998.

    The weight starts Glorot uniform, the bias at zero. Raises `InvalidArgumentError` for sizes
    below 1, and `ShapeError` for x of other axes or channels.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: Any = "valid",
        dilations: Sizes = 1,
        groups: int = 1,
        use_bias: bool = True,
        weight_initializer: Initializer = glorot_uniform,
        bias_initializer: Initializer = zeros,
        method: str = "auto",
    ):
        self.filters = check_count("filters", filters, at_least=1)
        self.kernel_size = checked_sizes("kernel_size", kernel_size)
        self.strides = checked_sizes("strides", strides)
        self.padding = padding
        self.dilations = checked_sizes("dilations", dilations)
        self.groups = check_count("groups", groups, at_least=1)
        if self.filters % self.groups:
            raise InvalidArgumentError(
                f"{filters} filters cannot be divided into {groups} groups of one size."
            )
        self.use_bias = use_bias
        self.method = method
        self.weight_initializer = weight_initializer
        self.bias_initializer = bias_initializer
        self.weight: Any = None
        self.bias: Any = None

    def __call__(self, x: Any) -> Any:
        x = floating(x, axes=1)
        sizes = per_axis("kernel_size", self.kernel_size, axes_of(self, x, self.kernel_size))
        channels = x.shape[-1]
        if channels % self.groups:
            raise ShapeError(
                f"{self!r} divides channels into {self.groups} groups; {channels} of shape "
                f"{list(x.shape)} cannot be." + current_source().explain()
            )
        shape = (*sizes, channels // self.groups, self.filters)
        weight = self.parameter("weight", shape, self.weight_initializer, x.dtype)
        return self._biased(self._convolved(x, weight), x.dtype)

    def _convolved(self, x: Any, weight: Any) -> Any:
        sizes = (self.strides, self.padding, self.dilations, self.groups)
        return m.convolution(x, weight, *sizes, method=self.method)

    def _biased(self, y: Any, dtype: Any) -> Any:
        if not self.use_bias:
            return y
        return y + self.parameter("bias", (self.filters,), self.bias_initializer, dtype)

    def __repr__(self) -> str:
        options = {
            "strides": (self.strides, 1),
            "padding": (self.padding, "valid"),
            "dilations": (self.dilations, 1),
            "groups": (self.groups, 1),
            "use_bias": (self.use_bias, True),
            "method": (self.method, "auto"),
        }
        changed = [f", {name}={v!r}" for name, (v, default) in options.items() if v != default]
        return f"{type(self).__name__}({self.filters}, {self.kernel_size!r}{''.join(changed)})"


class TransposedConvolution(Convolution):
    """The gradient of a convolution by its input, as a layer: x spread out, then convolved.

        y[n, j, o] = Σ_c x[n, i, c] weight[k, c, o] + bias[o]   summed over j = i s + k d - p

    Along each axis length = (places - 1) s + (k - 1) d + 1 - padding; with padding="same", s times
    as many places. Arguments as in `Convolution`.
    x: (n, *places, channels) -> y: (n, *lengths, filters);
    weight: (*kernel_size, channels / groups, filters); bias: (filters,)
    Zeiler et al., "Deconvolutional networks", CVPR 2010.
    """

    def _convolved(self, x: Any, weight: Any) -> Any:
        return m.transposed_convolution(
            x, weight, self.strides, self.padding, self.dilations, self.groups
        )


class DepthwiseConvolution(Module):
    """Each channel alone: y[n, i, c r + j] = Σₖ x[n, i s + k d - p, c] weight[k, 0, c r + j]

    multiplier r: how many outputs each channel has; the other arguments as in `Convolution`.
    x: (n, *lengths, channels) -> y: (n, *places, channels · r)
    Howard et al., "MobileNets", 2017.
    """

    def __init__(
        self,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: Any = "valid",
        dilations: Sizes = 1,
        multiplier: int = 1,
        use_bias: bool = True,
        weight_initializer: Initializer = glorot_uniform,
        bias_initializer: Initializer = zeros,
    ):
        self.kernel_size = checked_sizes("kernel_size", kernel_size)
        self.strides = checked_sizes("strides", strides)
        self.padding = padding
        self.dilations = checked_sizes("dilations", dilations)
        self.multiplier = check_count("multiplier", multiplier, at_least=1)
        self.use_bias = use_bias
        self.weight_initializer = weight_initializer
        self.bias_initializer = bias_initializer
        self.weight: Any = None
        self.bias: Any = None

    def __call__(self, x: Any) -> Any:
        x = floating(x, axes=1)
        sizes = per_axis("kernel_size", self.kernel_size, axes_of(self, x, self.kernel_size))
        channels = x.shape[-1]
        filters = channels * self.multiplier
        weight = self.parameter("weight", (*sizes, 1, filters), self.weight_initializer, x.dtype)
        y = m.convolution(x, weight, self.strides, self.padding, self.dilations, channels)
        if not self.use_bias:
            return y
        return y + self.parameter("bias", (filters,), self.bias_initializer, x.dtype)

    def __repr__(self) -> str:
        return f"DepthwiseConvolution({self.kernel_size!r})"


class SeparableConvolution(Module):
    """y = pointwise(depthwise(x)): each channel alone, then a kernel of size 1 that mixes them.

    filters: how many outputs; the other arguments as in `DepthwiseConvolution`. The parts are the
    attributes `depthwise`, without a bias, and `pointwise`.
    x: (n, *lengths, channels) -> y: (n, *places, filters)
    Chollet, "Xception: deep learning with depthwise separable convolutions", CVPR 2017.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: Any = "valid",
        dilations: Sizes = 1,
        multiplier: int = 1,
        use_bias: bool = True,
    ):
        self.depthwise = DepthwiseConvolution(
            kernel_size, strides, padding, dilations, multiplier, use_bias=False
        )
        self.pointwise = Convolution(filters, 1, use_bias=use_bias)

    def __call__(self, x: Any) -> Any:
        return self.pointwise(self.depthwise(x))

    def __repr__(self) -> str:
        return f"SeparableConvolution({self.pointwise.filters}, {self.depthwise.kernel_size!r})"
