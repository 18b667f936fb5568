"""What the documentation says holds: its Python runs, its tables are those of the code."""

import linecache
import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest

from gradiente import nn
from gradiente.base.settings import SETTINGS
from gradiente.cli.main import main
from gradiente.rewrite.pipeline import IMPROVEMENTS

DOCS = Path(__file__).parents[1] / "docs"
PAGES = [
    pytest.param(page, id=page.relative_to(DOCS).with_suffix("").as_posix())
    for page in sorted(DOCS.rglob("*.md"))
    if page.parent.name != "api"
]

# A program, or commands, and what they print where that stands directly below.
BLOCK = re.compile(r"```(python|sh)\n(.*?)```(?:\n\n```text\n(.*?)```)?", flags=re.DOTALL)
PACKAGES = (
    "gd nn losses optimizers schedules initializers metrics regularizers constraints data train"
)
NAME = re.compile(rf"(?<![\w./])({PACKAGES.replace(' ', '|')})\.([A-Za-z]\w*)")
PART = re.compile(r"(\.\.\.|\s+|-?\d+\.\d+(?:e[-+]\d+)?)")
NUMBER = r"(-?\d+\.\d+(?:e[-+]\d+)?)"
TOLERANCE = (
    0.1  # relative and absolute, of numbers with a point: training rounds otherwise elsewhere
)


def prints(text: str, printed: str) -> bool:
    """Whether this was printed, but for `...`, white space, and a little in the numbers."""
    parts = PART.split(text.strip())
    ways = [".*?" if part == "..." else r"\s+" if part.isspace() else NUMBER for part in parts]
    pattern = "".join(
        way if number % 2 else re.escape(part)
        for number, (part, way) in enumerate(zip(parts, ways, strict=True))
    )
    found = re.fullmatch(pattern, printed.strip(), flags=re.DOTALL)
    stated = [float(number) for number in re.findall(NUMBER, text)]
    return found is not None and [float(each) for each in found.groups()] == pytest.approx(
        stated, rel=TOLERANCE, abs=TOLERANCE
    )


def run_command(line: str) -> None:
    """A line of the shell, if it is a command of ours; others are for the reader."""
    if line.startswith("gradiente "):
        assert main(shlex.split(line)[1:]) == 0


def table_after(page: str, header: str) -> dict[str, str]:
    """The rows of the table with this header: first cell to second."""
    text = (DOCS / page).read_text(encoding="utf-8")
    rows = text.split(header, 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    cells = ([cell.strip() for cell in row.strip("|").split("|")] for row in rows)
    return dict(cells)


def test_every_setting_is_in_the_table():
    table = table_after("native.md", "| name | meaning |")
    assert table == {name: setting.meaning for name, setting in SETTINGS.items()}


def test_every_improvement_is_in_the_table():
    assert table_after("native.md", "| name | with it |") == IMPROVEMENTS


@pytest.mark.usefixtures("every_improvement")
@pytest.mark.parametrize("page", PAGES)
def test_the_python_of_a_page_runs_in_order(page, tmp_path, monkeypatch, capsys):
    """Each block, in the names of those before it; the text below a block is what it prints."""
    monkeypatch.chdir(tmp_path)
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    program = "\n".join(block for language, block, _ in blocks if language == "python")
    file, line = f"{page.stem}.py", 0
    linecache.cache[file] = (len(program), None, program.splitlines(keepends=True), file)
    names, everything = {"__name__": page.stem}, ""
    for language, block, text in blocks:
        if language == "python":
            exec(compile("\n" * line + block, file, "exec"), names)
            line += block.count("\n") + 1
        else:
            for command in block.splitlines():
                run_command(command)
        printed = capsys.readouterr().out
        assert not text or prints(text, printed), f"{block}prints:\n{printed}not:\n{text}"
        everything += printed
    if page.stem == "native":
        assert "define void @matmul_tanh" in everything


@pytest.mark.parametrize("page", PAGES)
def test_the_files_a_page_names_exist(page):
    package = DOCS.parent / "src" / "gradiente"
    named = re.findall(r"`((?:backends|rewrite)/[\w/.]+)`", page.read_text(encoding="utf-8"))
    for name in named:
        assert (package / name).exists(), name


def test_every_layer_and_activation_has_its_gradient_derived():
    pages = "".join(page.read_text(encoding="utf-8") for page in (DOCS / "concepts").glob("*.md"))
    named = set(re.findall(r"\w+", pages))
    assert not {*nn.LAYERS, *nn.ACTIVATIONS} - named


@pytest.mark.parametrize("page", PAGES)
def test_the_names_a_page_uses_exist(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    if page.stem == "comparison":  # whose first columns have the names of others
        text = re.sub(r"^\| [^|]*\|", "|", text, flags=re.MULTILINE)
    for code in re.findall(r"`([^`]+)`", text):
        for package, name in NAME.findall(code):
            module = import_module("gradiente" if package == "gd" else f"gradiente.{package}")
            assert hasattr(module, name), code


def test_what_is_printed_is_compared():
    assert prints("loss 0.501  after ... epochs", "loss  0.5\nafter 3 long epochs\n")
    assert not prints("loss 0.5", "loss 0.8")
    assert not prints("loss 0.5", "lost 0.5")
