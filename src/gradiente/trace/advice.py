"""What to write instead of functions and methods that cannot be traced."""

ADVICE = {
    "np.dot": "Write `a @ b`.",
    "np.linalg.inv": "Solve for what you need with a few steps of the network, or outside it.",
    "np.linalg.det": "It has no traced form; compute it outside the traced function.",
    "np.cumprod": "For positive x write `np.exp(np.cumsum(np.log(x)))`.",
    "np.nansum": "Write `np.sum(np.where(np.isnan(x), 0.0, x))`.",
    "np.nanmean": "Write `np.sum(np.where(np.isnan(x), 0.0, x)) / np.sum(~np.isnan(x))`.",
    "np.nan_to_num": "Write `np.where(np.isfinite(x), x, 0.0)`.",
    "np.nonzero": "Its shape depends on values; use a mask and `gd.where(mask, a, b)`.",
    "np.argwhere": "Its shape depends on values; use a mask and `gd.where(mask, a, b)`.",
    "np.unique": "Its shape depends on values; compute it outside the traced function.",
    "np.array": "Join traced values with `np.stack([...])` or `np.concatenate([...])`.",
    "np.median": "Sort and take the middle: `gd.sort(x)[..., n // 2]`.",
    "np.quantile": "Sort and interpolate: `gd.sort(x)`.",
    "np.linalg.norm": "Write `np.sqrt(np.sum(x * x, axis=...))`.",
    "np.random": "Use `gd.random.normal(key, shape)`: its numbers are a function of the key.",
    "np.put": "Write `gd.scatter_add(x, indices, values)`.",
    "np.isin": "Write `np.any(x[..., None] == values, axis=-1)`.",
    "np.allclose": "Compare values outside the traced function.",
    "np.isclose": "Write `np.abs(a - b) <= tolerance`.",
    "np.float_power": "Write `np.power(x.astype(np.float64), p)`.",
    "np.divmod": "Write `a // b` and `a % b`.",
    "np.fmod": "Write `x - np.trunc(x / y) * y`.",
    "np.cbrt": "Write `np.sign(x) * np.abs(x) ** (1 / 3)`.",
    "np.cross": "Write the three components with slices and `np.stack`.",
    "np.diff": "Write `x[1:] - x[:-1]`.",
    "np.interp": "Use `gd.where` between the pieces.",
    "np.convolve": "Use a sum of shifted slices.",
    "np.heaviside": "Write `np.where(x > 0, 1.0, 0.0)`.",
    "np.sinc": "Write `np.sin(np.pi * x) / (np.pi * x)` away from 0.",
    "detach": "Write `gd.stop_gradient(x)`.",
    "numpy": "Inside a traced function there is no array yet; return x to get one.",
    "item": "Write `float(gd.stop_gradient(x))` under `grad`.",
    "tolist": "Inside a traced function there is no list yet; return x to get an array.",
    "backward": "Gradients come from `gd.grad(f)(x)`, not from the value.",
    "grad": "Gradients come from `gd.grad(f)(x)`, not from the value.",
    "view": "Write `x.reshape(...)`, or `x.astype(...)` for another data type.",
    "unsqueeze": "Write `np.expand_dims(x, axis)` or `x[..., None]`.",
    "permute": "Write `np.transpose(x, axes)`.",
    "fill": "Write `np.full_like(x, value)`.",
    "sort": "Write `gd.sort(x)`; a traced value cannot be sorted in place.",
}


def advice_for(name: str) -> str:
    """The sentence for a name, or an empty string."""
    return ADVICE.get(name, "")
