"""Where progress is drawn: a terminal, a notebook, plain lines in a log, or nowhere."""

import html
import sys
from dataclasses import dataclass
from typing import Any, Protocol, TextIO

SHOW_CURSOR = "\x1b[?25h"


@dataclass(frozen=True)
class Picture:
    """One drawing: how much is done (0 ... 1), and two lines of words below the bar."""

    fraction: float
    status: str
    measures: str


class Display(Protocol):
    """A place to draw, which `redraws_per_second` says how often at most: 0 for lines only."""

    redraws_per_second: int

    def start(self) -> None:
        """Take the place over."""

    def draw(self, picture: Picture) -> None:
        """Replace the picture."""

    def line(self, text: str) -> None:
        """Add a line that stays, above the picture."""

    def stop(self) -> None:
        """Remove the picture and leave the place as it was; may be called at any time, twice."""


def choose_display(stream: TextIO, verbose: bool | None) -> Display:
    """The display that suits the place: see `Progress` for the meaning of `verbose`."""
    if verbose is False:
        return QuietDisplay()
    from rich.console import Console

    console = Console(file=stream, highlight=False)
    if console.is_jupyter:
        return NotebookDisplay()
    if not is_terminal(stream):
        return PlainDisplay(stream) if verbose else QuietDisplay()
    if console.is_dumb_terminal or not console.is_terminal:
        return PlainDisplay(stream)
    return TerminalDisplay(console, stream)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether people read this stream as it is written; a closed one nobody reads."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def encodable(text: str, stream: TextIO) -> str:
    """The text with a question mark for every character that the stream does not know."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


class QuietDisplay:
    """Shows nothing."""

    redraws_per_second = 0

    def start(self) -> None:
        """Nothing to take over."""

    def draw(self, picture: Picture) -> None:
        """Not drawn."""

    def line(self, text: str) -> None:
        """Not printed."""

    def stop(self) -> None:
        """Nothing to leave."""


class PlainDisplay:
    """Lines without any control characters, for log files and simple terminals."""

    redraws_per_second = 0

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def start(self) -> None:
        """Nothing to take over."""

    def draw(self, picture: Picture) -> None:
        """Not drawn: a log keeps lines only."""

    def line(self, text: str) -> None:
        """Print the line, in the characters that the stream knows."""
        self._stream.write(encodable(text, self._stream) + "\n")
        self._stream.flush()

    def stop(self) -> None:
        """Nothing to leave."""


class TerminalDisplay:
    """A bar at the bottom of the terminal, with lines scrolling above it, drawn by rich."""

    redraws_per_second = 20

    def __init__(self, console: Any, stream: TextIO) -> None:
        from rich.live import Live

        self._console = console
        self._stream = stream
        # What the user prints goes above the bar, but never from a redirected standard output
        # into the terminal.
        self._live = Live(
            console=console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=is_terminal(sys.stdout),
        )

    def start(self) -> None:
        """Begin to draw, with the cursor visible: a killed process cannot show it again."""
        self._live.start()
        self._console.show_cursor(True)

    def draw(self, picture: Picture) -> None:
        """Replace the picture: a bar as wide as the terminal, and lines cut to its width."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        bar = Table.grid(expand=True, padding=(0, 1, 0, 0))
        bar.add_column(ratio=1)
        bar.add_column(width=4, justify="right")
        bar.add_row(ProgressBar(total=1.0, completed=picture.fraction), f"{picture.fraction:.0%}")
        status, measures = (self._cut(text) for text in (picture.status, picture.measures))
        self._live.update(Group(bar, Text(status, style="cyan"), Text(measures)), refresh=True)

    def _cut(self, text: str) -> str:
        """Shorter than the terminal by the ^C that it echoes, which must not begin a new line."""
        room = self._console.width - 4
        text = encodable(text, self._stream)
        return text if len(text) <= room else text[: max(0, room - 3)] + "..."

    def line(self, text: str) -> None:
        """Print a line above the bar, exactly as it is."""
        self._console.print(encodable(text, self._stream), markup=False, highlight=False)

    def stop(self) -> None:
        """Take the bar away, and make sure of the cursor even if that fails."""
        try:
            self._live.stop()
        finally:
            self._stream.write(SHOW_CURSOR)
            self._stream.flush()


class NotebookDisplay:
    """One output below the cell, replaced as a whole; it needs IPython, which a notebook has."""

    redraws_per_second = 4  # each one is a message to the browser

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._handle: Any = None

    def start(self) -> None:
        """Reserve the place."""
        self._show("")

    def draw(self, picture: Picture) -> None:
        """Replace the picture."""
        words = html.escape(f"{picture.status}\n{picture.measures}")
        self._show(
            f'<progress max="1" value="{picture.fraction:.4f}" style="width:100%"></progress>'
            f"<pre>{words}</pre>"
        )

    def line(self, text: str) -> None:
        """Keep a line; it is shown with the next picture, or at the end."""
        self._lines.append(text)

    def stop(self) -> None:
        """Leave the lines only."""
        self._show("")

    def _show(self, picture: str) -> None:
        from IPython.display import HTML, display

        lines = html.escape("\n".join(self._lines))
        content = HTML(f"<pre>{lines}</pre>{picture}")
        if self._handle is None:
            self._handle = display(content, display_id=True)
        else:
            self._handle.update(content)
