"""A picture of the results: bars of the time per step relative to ours, on a logarithmic scale."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from benchmarks.libraries import OURS
from benchmarks.report import duration, times
from benchmarks.results import Comparison, Timing

WIDTH = 760
LABELS = 130  # left of the bars
VALUES = 150  # right of them
ROW = 22
BAR = 14
HEAD = 34  # above the bars of a workload
TOP = 58
BOTTOM = 22
TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

# Colours for light pages, and for dark ones where the reader's system is set so.
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 15px }
  .workload { font-weight: 600 }
  .faint { fill: #59636e; font-size: 12px }
  .grid { stroke: #d1d9e0; stroke-width: 1 }
  .one { stroke: #1a7f37; stroke-width: 2 }
  .slower { fill: #8c959f }
  .faster { fill: #cf222e }
  .ours { fill: #1a7f37; font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .faint { fill: #9198a1 }
    .grid { stroke: #3d444d }
    .one { stroke: #3fb950 }
    .slower { fill: #6e7681 }
    .faster { fill: #f85149 }
    .ours { fill: #3fb950 }
  }
"""


@dataclass(frozen=True)
class Scale:
    """Where a ratio is on the page."""

    least: float
    most: float

    def __call__(self, ratio: float) -> float:
        span = math.log(self.most / self.least)
        return LABELS + (WIDTH - LABELS - VALUES) * math.log(ratio / self.least) / span


def draw(comparisons: Sequence[Comparison]) -> str:
    """The SVG of all workloads in which we took part."""
    drawn = [comparison for comparison in comparisons if comparison.ours]
    scale = _scale(drawn)
    height = TOP + sum(HEAD + ROW * len(c.timings) for c in drawn) + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>Time per training step relative to {OURS}</title>",
        f"<style>{STYLE}</style>",
        _text(16, 24, f"Time per training step relative to {OURS}", "title"),
        _text(16, 42, "logarithmic; a bar to the right: slower, to the left: faster", "faint"),
        *(
            _text(scale(tick), height - 6, f"{tick:g}×", "faint", anchor="middle")
            for tick in _ticks(scale)
        ),
    ]
    y = TOP
    for comparison in drawn:
        parts += _workload(comparison, scale, y)
        y += HEAD + ROW * len(comparison.timings)
    return "\n".join([*parts, "</svg>", ""])


def _scale(comparisons: Sequence[Comparison]) -> Scale:
    """From tick to tick, so that all bars are on the page."""
    ratios = [ratio for c in comparisons for t in c.timings if (ratio := c.ratio(t))]
    below = [tick for tick in TICKS if tick <= min(ratios, default=1)]
    above = [tick for tick in TICKS if tick >= max(ratios, default=1)]
    least, most = below[-1] if below else min(ratios), above[0] if above else max(ratios)
    return Scale(min(least, 0.5), max(most, 2))


def _ticks(scale: Scale) -> list[float]:
    return [tick for tick in TICKS if scale.least <= tick <= scale.most]


def _workload(comparison: Comparison, scale: Scale, y: float) -> list[str]:
    """The title, lines at the ticks, and a bar for each library."""
    top, bottom = y + HEAD - 4, y + HEAD + ROW * len(comparison.timings) - 4
    parts = [_text(16, y + 20, comparison.workload.title, "workload")]
    for tick in _ticks(scale):
        parts.append(_line(scale(tick), top, bottom, "one" if tick == 1 else "grid"))
    for place, timing in enumerate(sorted(comparison.timings, key=lambda timing: timing.median)):
        parts += _bar(comparison, timing, scale, y + HEAD + ROW * place)
    return parts


def _bar(comparison: Comparison, timing: Timing, scale: Scale, y: float) -> list[str]:
    """The name, the bar from the line of ours, the ratio and the time."""
    ratio = comparison.ratio(timing) or 1.0
    ends = sorted((scale(1), scale(ratio)))
    mine = timing.library == OURS
    kind = "ours" if mine else "slower" if ratio >= 1 else "faster"
    value = f"{'' if mine else times(ratio) + ' · '}{duration(timing.median)}"
    shape = "" if mine else _bar_shape(ends[0], y, ends[1] - ends[0], kind)
    label = "ours" if mine else ""
    return [
        _text(LABELS - 8, y + 13, timing.library, label, anchor="end"),
        shape,
        _text(ends[1] + 6, y + 13, value, label or "faint"),
    ]


def _bar_shape(x: float, y: float, width: float, kind: str) -> str:
    top = y + (ROW - BAR) / 2 - 2
    place = f'x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" height="{BAR}"'
    return f'<rect class="{kind}" {place} rx="2"/>'


def _line(x: float, top: float, bottom: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{top:.1f}" y2="{bottom:.1f}"/>'


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{escape(words)}</text>'
