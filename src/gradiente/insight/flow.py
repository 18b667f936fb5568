"""What looks wrong in the flow of the gradient, in sentences, and what to try."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite

from gradiente.train.history_flow import FlowRow

# Between the error signals of the output layer and of any other one; healthy networks stay within
# a factor of about ten.
VANISHED, EXPLODED = 1e-3, 1e3
# Shares of units and values; a half is far above what training leaves behind by itself.
MANY_DEAD, MANY_SATURATED = 0.5, 0.5
# Of the weights, in one update; about a thousandth is usual.
LARGE_UPDATE = 0.1


@dataclass(frozen=True)
class Finding:
    """Something that looks wrong: "vanishing", "exploding", "dead", "saturated" or "update".

    layer: its path; epoch: since when, without a break, it has been so. text: what, and what to do.
    """

    kind: str
    layer: str
    epoch: int
    text: str


def findings(flow: Iterable[FlowRow]) -> list[Finding]:
    """What looks wrong in the latest epoch that was looked at; empty for a healthy network.

    flow: that of a history. Each kind is told once, of the layer where it is worst.
    """
    epochs: dict[int, list[FlowRow]] = {}
    for row in flow:
        epochs.setdefault(row["epoch"], []).append(row)
    if not epochs:
        return []
    ordered = sorted(epochs)
    found = []
    for look in (_exploding, _vanishing, _dead, _saturated, _large_update):
        now = look(epochs[ordered[-1]])
        if now is not None:
            since = ordered[-1]
            for epoch in reversed(ordered):
                if look(epochs[epoch]) is None:
                    break
                since = epoch
            row, kind, text = now
            found.append(Finding(kind, row["layer"], since, f"{text} (Since epoch {since}.)"))
    return found


def label(row: FlowRow) -> str:
    """What to call a layer: its path and what it is."""
    return f"{row['layer']} {row['kind']}".strip()


Found = tuple[FlowRow, str, str] | None


def _exploding(rows: list[FlowRow]) -> Found:
    broken = [row for row in rows if not all(isfinite(row[name] or 0) for name in _NORMS)]
    remedies = (
        "Try clip_norm=1.0, a learning rate ten times smaller, smaller starting weights "
        "(initializers.glorot_uniform), or normalization between the layers."
    )
    if broken:
        return (
            broken[-1],
            "exploding",
            f"The gradient explodes: in layer `{label(broken[-1])}` numbers are infinite or not "
            f"numbers. {remedies}",
        )
    signal = _signal(rows)
    if signal is None:
        return None
    out, others = signal
    worst = max(others, key=lambda row: row["error"])
    if worst["error"] <= EXPLODED * out["error"]:
        return None
    return (
        worst,
        "exploding",
        f"The gradient explodes: the error signal grows from {out['error']:.2g} at the output "
        f"layer `{label(out)}` to {worst['error']:.2g} at `{label(worst)}`. {remedies}",
    )


_NORMS = ("gradient", "activation", "error", "update")


def _signal(rows: list[FlowRow]) -> tuple[FlowRow, list[FlowRow]] | None:
    """The output layer and those before it, where their error signals are known."""
    known = [row for row in rows if row["error"] is not None and isfinite(row["error"])]
    if len(known) < 2 or known[-1]["error"] == 0:
        return None
    return known[-1], known[:-1]


def _vanishing(rows: list[FlowRow]) -> Found:
    signal = _signal(rows)
    if signal is None:
        return None
    out, others = signal
    worst = min(others, key=lambda row: row["error"])
    if worst["error"] >= VANISHED * out["error"]:
        return None
    return (
        worst,
        "vanishing",
        f"The gradient vanishes: the error signal shrinks from {out['error']:.2g} at the output "
        f"layer `{label(out)}` to {worst['error']:.2g} at `{label(worst)}`, which hardly learns. "
        "Try nn.relu or nn.silu in place of nn.sigmoid and nn.tanh, the initializer he_normal, "
        "nn.BatchNorm or nn.LayerNorm between the layers, or nn.Residual around them.",
    )


def _dead(rows: list[FlowRow]) -> Found:
    known = [row for row in rows if row["dead"] is not None]
    worst = max(known, key=lambda row: row["dead"], default=None)
    if worst is None or worst["dead"] <= MANY_DEAD:
        return None
    return (
        worst,
        "dead",
        f"{worst['dead']:.0%} of the units of layer `{label(worst)}` are dead: no sample of a "
        "batch lets a gradient through them. Try a smaller learning rate, nn.leaky_relu or nn.silu "
        "in place of nn.relu, the initializer he_normal, or inputs scaled to mean 0 and variance "
        "1; a network that is larger than it needs to be has dead units too.",
    )


def _saturated(rows: list[FlowRow]) -> Found:
    # The output layer is left out: there, certainty is what is wanted.
    known = [row for row in rows[:-1] if row["saturated"] is not None]
    worst = max(known, key=lambda row: row["saturated"], default=None)
    if worst is None or worst["saturated"] <= MANY_SATURATED:
        return None
    return (
        worst,
        "saturated",
        f"{worst['saturated']:.0%} of the values behind layer `{label(worst)}` are saturated: they "
        "lie on the flat ends of the activation, where its slope is nearly zero. Try inputs scaled "
        "to mean 0 and variance 1, smaller starting weights, a smaller learning rate, nn.LayerNorm "
        "before the activation, or nn.relu in its place.",
    )


def _large_update(rows: list[FlowRow]) -> Found:
    known = [row for row in rows if row["update"] is not None and isfinite(row["update"])]
    worst = max(known, key=lambda row: row["update"], default=None)
    if worst is None or worst["update"] <= LARGE_UPDATE:
        return None
    return (
        worst,
        "update",
        f"One update changes the weights of layer `{label(worst)}` by {worst['update']:.0%} of "
        "their size; about 0.1% is usual. Try a learning rate ten times smaller, or warm it up.",
    )
