"""The progress bar: what it says, how seldom it draws, and that the terminal survives it."""

import io
import os
import select
import signal
import subprocess
import sys
import time
import types

import pytest

from gradiente.train.progress import Progress, clock
from gradiente.train.progress_display import (
    NotebookDisplay,
    Picture,
    PlainDisplay,
    QuietDisplay,
    TerminalDisplay,
    choose_display,
)


class Recorder:
    """A display that remembers."""

    redraws_per_second = 20

    def __init__(self):
        self.pictures, self.lines, self.calls = [], [], []

    def start(self):
        self.calls.append("start")

    def draw(self, picture):
        self.pictures.append(picture)

    def line(self, text):
        self.lines.append(text)

    def stop(self):
        self.calls.append("stop")


class Clock:
    """A clock that goes on only when told."""

    def __init__(self, monkeypatch):
        self.now = 100.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def hands(monkeypatch):
    return Clock(monkeypatch)


def row(epoch, loss=0.5, **measures):
    return {"epoch": epoch, "seconds": 1.0, "learning_rate": 0.1, "loss": loss, **measures}


def test_it_says_how_far_how_fast_how_long_and_how_good(hands):
    display = Recorder()
    with Progress(display=display) as progress:
        progress.begin_epoch(1, 4, 10)
        hands.sleep(7.0)  # compiling
        progress.advance(1, 0.9, samples=100)
        for _ in range(9):
            hands.sleep(1.0)
            progress.advance(1, 0.75, samples=100)
        progress.end_epoch(row(1, 0.8, accuracy=0.6, validation_loss=0.7))
        progress.begin_epoch(2, 4, 10)
        hands.sleep(0.25)  # too short a time to measure the rate anew
        progress.advance(5, 0.512345, samples=100)
    picture = display.pictures[-1]
    assert picture.fraction == pytest.approx(1.5 / 4)
    # 14 tenths of an epoch took 9.25 seconds from the first batch on, and 25 are left.
    assert picture.status == "epoch 2/4  batch 5/10  100 samples/s  0:16 elapsed  0:17 left"
    assert picture.measures == (
        "loss 0.5123  best validation_loss 0.7 (epoch 1)  "
        "last epoch: loss 0.8  accuracy 0.6  validation_loss 0.7"
    )
    assert display.calls == ["start", "stop"]


def test_the_first_picture_claims_nothing(hands):
    display = Recorder()
    with Progress(display=display) as progress:
        progress.begin_epoch(1, 3, 10)
    assert display.pictures[0].status == "epoch 1/3  batch 0/10  0:00 elapsed"
    assert display.pictures[0].measures == ""
    assert display.lines == []


def test_a_resumed_fit_extrapolates_from_its_own_beginning(hands):
    display = Recorder()
    with Progress(display=display) as progress:
        progress.begin_epoch(9, 10, 2)
        progress.advance(1, 0.5, samples=8)
        hands.sleep(10.0)
        progress.advance(1, 0.5, samples=8)
    assert display.pictures[-1].fraction == pytest.approx(0.9)
    assert display.pictures[-1].status.endswith("0:10 elapsed  0:20 left")


def test_it_draws_at_most_twenty_times_a_second(hands):
    display = Recorder()
    with Progress(display=display) as progress:
        for epoch in range(1, 101):
            progress.begin_epoch(epoch, 100, 100)
            for _ in range(100):
                hands.sleep(0.0002)
                progress.advance(1, 0.5, samples=1)
            progress.end_epoch(row(epoch))
    assert 30 <= len(display.pictures) <= 41  # in two seconds


def test_telling_it_of_a_batch_costs_little():
    with Progress(display=Recorder()) as progress:
        progress.begin_epoch(1, 1, 100_000)
        best = min(_seconds_of_a_thousand(progress) for _ in range(20)) / 1000
    assert best < 5e-6


def _seconds_of_a_thousand(progress):
    start = time.perf_counter()
    for _ in range(1000):
        progress.advance(1, 0.5, samples=32)
    return time.perf_counter() - start


@pytest.mark.parametrize(("epochs", "most"), [(3, 3), (20, 20), (1000, 21), (1003, 21)])
def test_few_epochs_leave_a_line_and_the_last_one_does(epochs, most):
    display = Recorder()
    with Progress(display=display) as progress:
        for epoch in range(1, epochs + 1):
            progress.begin_epoch(epoch, epochs, 1)
            progress.end_epoch(row(epoch, 1 / epoch))
    assert min(epochs, 18) <= len(display.lines) <= most
    assert display.lines[0].split()[:2] == ["epoch", f"1/{epochs}"] or epochs > 9
    assert f"{epochs}/{epochs}  loss" in display.lines[-1]
    assert display.lines[-1].endswith("*")


def test_the_best_epoch_has_a_star_and_is_named_at_the_end():
    display = Recorder()
    with Progress(display=display) as progress:
        for epoch, loss in [(1, 3.0), (2, float("nan")), (3, 1.0), (4, 2.0)]:
            progress.begin_epoch(epoch, 50, 1)
            progress.end_epoch(row(epoch, loss))
    stars = [line.split()[1] for line in display.lines if line.endswith("*")]
    assert stars == ["1/50", "3/50"]
    assert display.lines[-2].startswith("epoch  4/50  loss 2")
    assert display.lines[-1] == "best loss 1 (epoch 3)"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_the_display_is_stopped_whatever_happens(error):
    display = Recorder()
    with pytest.raises(error), Progress(display=display) as progress:
        progress.begin_epoch(1, 2, 3)
        raise error
    assert display.calls == ["start", "stop"]


def test_a_screen_that_fails_does_not_stop_the_training(hands):
    class Broken(Recorder):
        def draw(self, picture):
            super().draw(picture)
            raise BrokenPipeError

    display = Broken()
    with Progress(display=display) as progress:
        for epoch in (1, 2):
            progress.begin_epoch(epoch, 2, 3)
            hands.sleep(1.0)
            progress.advance(3, 0.5)
            progress.end_epoch(row(epoch))
    assert len(display.pictures) == 1
    assert display.lines == []
    assert display.calls == ["start", "stop"]


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "verbose", "expected"),
    [
        (Terminal, None, TerminalDisplay),
        (Terminal, True, TerminalDisplay),
        (Terminal, False, QuietDisplay),
        (io.StringIO, None, QuietDisplay),
        (io.StringIO, False, QuietDisplay),
        (io.StringIO, True, PlainDisplay),
    ],
)
def test_the_display_suits_the_place(monkeypatch, stream, verbose, expected):
    _plain_environment(monkeypatch)
    assert type(choose_display(stream(), verbose)) is expected


def _plain_environment(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)


def test_a_simple_terminal_gets_lines_and_a_closed_stream_nothing(monkeypatch):
    _plain_environment(monkeypatch)
    monkeypatch.setenv("TERM", "dumb")
    assert type(choose_display(Terminal(), None)) is PlainDisplay
    closed = io.StringIO()
    closed.close()
    assert type(choose_display(closed, None)) is QuietDisplay


def test_lines_in_a_log_have_no_control_characters():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    with Progress(display=PlainDisplay(stream)) as progress:
        progress.message("3 µs [bold]")
        progress.begin_epoch(1, 1, 1)
        progress.advance(1, 0.5)
        progress.end_epoch(row(1))
    assert stream.buffer.getvalue() == b"3 ?s [bold]\nepoch 1/1  loss 0.5  *\n"


def test_quiet_writes_nothing_at_all(capfd):
    with Progress(verbose=False) as progress:
        progress.begin_epoch(1, 1, 1)
        progress.advance(1, 0.5)
        progress.end_epoch(row(1))
        progress.message("hello")
    assert capfd.readouterr() == ("", "")


def test_a_notebook_gets_one_output_that_is_replaced(monkeypatch):
    shown = []

    class Handle:
        def update(self, content):
            shown.append(content)

    def display(content, display_id):
        shown.append(content)
        return Handle()

    module = types.ModuleType("IPython.display")
    module.HTML, module.display = str, display
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    shell = type("ZMQInteractiveShell", (), {})()
    monkeypatch.setattr("builtins.get_ipython", lambda: shell, raising=False)
    with Progress() as progress:
        assert isinstance(progress._display, NotebookDisplay)
        progress.message("<script>")
        progress.begin_epoch(1, 2, 4)
    assert shown[0] == "<pre></pre>"
    assert '<progress max="1" value="0.0000"' in shown[1]
    assert "<pre>&lt;script&gt;</pre>" in shown[1]
    assert shown[-1] == "<pre>&lt;script&gt;</pre>"


def _terminal_display(monkeypatch):
    _plain_environment(monkeypatch)
    stream = Terminal()
    display = choose_display(stream, None)
    display._console.width = 60
    return display, stream


def test_what_the_user_prints_into_a_file_stays_out_of_the_terminal(monkeypatch, capsys):
    display, stream = _terminal_display(monkeypatch)
    display.start()
    print("for the file")
    display.stop()
    assert capsys.readouterr().out == "for the file\n"
    assert "for the file" not in stream.getvalue()


def test_the_cursor_comes_back_even_if_stopping_fails(monkeypatch):
    display, stream = _terminal_display(monkeypatch)

    def fail():
        raise KeyboardInterrupt

    monkeypatch.setattr(display._live, "stop", fail)
    display.start()
    stream.truncate(0)
    with pytest.raises(KeyboardInterrupt):
        display.stop()
    assert stream.getvalue().endswith("\x1b[?25h")


def test_words_leave_room_for_the_echo_of_an_interrupt(monkeypatch):
    display, stream = _terminal_display(monkeypatch)
    display.start()
    display.draw(Picture(0.5, "s" * 100, "m" * 100))
    display.stop()
    assert "s" * 53 + "..." in stream.getvalue()
    assert "s" * 54 not in stream.getvalue()
    assert "m" * 53 + "..." in stream.getvalue()
    assert " 50%" in stream.getvalue()


FIT = """
import sys, time
from gradiente.train.progress import Progress
with Progress() as progress:
    for epoch in range(1, 4):
        progress.begin_epoch(epoch, 3, 2)
        for batch in range(2):
            progress.advance(1, 0.25, samples=10)
            time.sleep(0.06)
        progress.end_epoch({"epoch": epoch, "loss": 0.5})
    print("a line of the user")
    if sys.argv[1] == "hang":
        progress.message("ready")
        time.sleep(60)
"""


def _in_a_terminal(argument, interrupt=False):
    """Run a fit in a pseudo-terminal; everything it wrote, as text, and its exit status."""
    import pty

    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "PYTHONUTF8": "1", "COLUMNS": "90"}
    child = subprocess.Popen(
        [sys.executable, "-c", FIT, argument],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={name: environment[name] for name in environment if name not in ("NO_COLOR", "CI")},
    )
    os.close(follower)
    written = b""
    while True:
        if not select.select([leader], [], [], 30)[0]:
            child.kill()
            raise AssertionError(f"the fit hangs after writing {written!r}")
        try:
            piece = os.read(leader, 65536)
        except OSError:  # how Linux says that the other side is closed
            break
        if not piece:
            break
        written += piece
        if interrupt and b"ready" in written:
            interrupt = False
            child.send_signal(signal.SIGINT)
    os.close(leader)
    return written.decode(), child.wait()


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are a Unix thing")
@pytest.mark.parametrize("argument", ["end", "hang"])
def test_a_real_terminal_is_left_whole(argument):
    text, status = _in_a_terminal(argument, interrupt=argument == "hang")
    assert (status == 0) == (argument == "end")
    assert "batch 2/2" in text
    assert "epoch 3/3  loss 0.5" in text
    assert "a line of the user" in text
    assert ("KeyboardInterrupt" in text) == (argument == "hang")
    shown, hidden = text.rfind("\x1b[?25h"), text.rfind("\x1b[?25l")
    assert shown > hidden
    assert text.index("\x1b[?25h") < text.index("batch")  # nor hidden while it runs
    assert text.rfind("batch") < shown  # nothing is drawn once the terminal is given back


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0:00"), (0.4, "0:00"), (59.6, "1:00"), (754, "12:34"), (12345, "3:25:45")],
)
def test_durations_are_worded(seconds, text):
    assert clock(seconds) == text
