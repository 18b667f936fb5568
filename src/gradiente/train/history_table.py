"""The rows of a history as a table, in text and in HTML."""

import html
from typing import Any

Row = dict[str, Any]

SHOWN_WHOLE = 14  # rows: a longer history shows its beginning, its best epoch and its end
BEGINNING, END = 3, 5


def text_table(rows: list[Row], columns: list[str], best: int | None, caption: str) -> str:
    """A caption and right-aligned columns; the best epoch carries a star."""
    if not rows:
        return caption
    cells = [["", *columns], *_cells(rows, columns, best)]
    widths = [max(len(line[position]) for line in cells) for position in range(len(cells[0]))]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]
    return "\n".join([caption, *lines])


def html_table(rows: list[Row], columns: list[str], best: int | None, caption: str) -> str:
    """The same table in HTML, in the colours of the page it stands on."""
    number = ' style="text-align:right;font-variant-numeric:tabular-nums"'
    head = "".join(f"<th{number}>{html.escape(name)}</th>" for name in columns)
    body = ""
    for mark, *line in _cells(rows, columns, best):
        tag = "th" if mark == "*" else "td"
        texts = [f"* {line[0]}" if mark == "*" else line[0], *line[1:]] if line else []
        body += "<tr>" + "".join(f"<{tag}{number}>{html.escape(text)}</{tag}>" for text in texts)
        body += "</tr>"
    return (
        f'<table><caption style="text-align:left">{html.escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _cells(rows: list[Row], columns: list[str], best: int | None) -> list[list[str]]:
    """The lines to show, each with its mark first."""
    lines = []
    previous = -1
    for position in _shown(rows, best):
        if position > previous + 1:
            lines.append(["", *("..." for _ in columns)])
        row = rows[position]
        mark = "*" if best is not None and row["epoch"] == best else ""
        lines.append([mark, *(format_number(row.get(name)) for name in columns)])
        previous = position
    return lines


def _shown(rows: list[Row], best: int | None) -> list[int]:
    if len(rows) <= SHOWN_WHOLE:
        return list(range(len(rows)))
    marked = {position for position, row in enumerate(rows) if row["epoch"] == best}
    ends = {*range(BEGINNING), *range(len(rows) - END, len(rows))}
    return sorted(marked | ends)


def format_number(value: Any) -> str:
    """A number in at most about six characters that matter, for people."""
    if value is None:
        return "-"
    if isinstance(value, list):
        return "[...]"
    return str(value) if isinstance(value, int) else f"{value:.4g}"
