"""Pages of the site that are not files of `docs`: the README and others, the command line."""

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT))  # mkdocs loads this file by its path, from anywhere
from scripts.documentation.docstrings import escaped  # noqa: E402

PAGES = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
}
SOURCE = re.compile(r"<!-- source of ([\w.]+) -->")
NOTE = re.compile(r"(?<=[ \n])\[(\d)\](?= )")  # of a benchmark, which is no link


def on_files(files: Any, config: Any) -> Any:
    """Add the pages made of files outside `docs`; called by mkdocs once."""
    from mkdocs.structure.files import File

    for page, source in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=linked(text)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """A page with lists of the program in place of their marks; called by mkdocs for each page."""
    markdown = SOURCE.sub(lambda found: source(found[1]), markdown)
    for mark, lines in GENERATED.items():
        if f"<!-- {mark} -->" in markdown:
            markdown = markdown.replace(f"<!-- {mark} -->", "\n".join(lines()))
    return NOTE.sub(r"\\[\1\\]", markdown)


def linked(text: str) -> str:
    """The text of a file of the root, whose links are those of the site."""
    return re.sub(r"\]\(docs/", "](", text)


def commands() -> Iterator[str]:
    """What the command line says of each of its commands, as Markdown."""
    from typer.main import get_command

    from gradiente.cli.main import app

    group: Any = get_command(app)
    for name, command in group.commands.items():
        yield f"## gradiente {name}\n\n{command.help}\n"
        yield "| argument | meaning |\n| --- | --- |"
        for parameter in command.params:
            yield row(parameter)
        yield ""


def row(parameter: Any) -> str:
    """A parameter as a row: its names, and what it is for."""
    is_option = parameter.param_type_name == "option"
    names = [*parameter.opts, *parameter.secondary_opts] if is_option else [parameter.metavar]
    meaning = " ".join((parameter.help or "").split()).replace("|", "\\|")
    return f"| {', '.join(f'`{name}`' for name in names)} | {meaning} |"


def functions() -> Iterator[str]:
    """The functions at the top of the package: elementwise ones by name, others in a table."""
    from gradiente.trace.functions import FUNCTIONS

    names = [f"`gd.{name}`" for name in FUNCTIONS if _is_elementwise(FUNCTIONS[name])]
    yield f"Elementwise, with the meaning they have in NumPy: {', '.join(names)}.\n"
    yield "| function | what it gives |\n| --- | --- |"
    for name, function in FUNCTIONS.items():
        if not _is_elementwise(function):
            first = (function.__doc__ or "").partition("\n")[0]
            yield f"| `gd.{name}` | {escaped(first)} |"


def _is_elementwise(function: Callable[..., Any]) -> bool:
    return ", elementwise, on arrays" in (function.__doc__ or "")


def source(path: str) -> str:
    """The source of a function of the library, by its path, as a block of code."""
    module, _, name = path.rpartition(".")
    return f"```python\n{inspect.getsource(getattr(import_module(module), name))}```"


def derivatives() -> Iterator[str]:
    """The rows of the table of elementwise operations that have a derivative, as they stand."""
    from gradiente.ops import elementwise

    text = inspect.getsource(elementwise).partition("# fmt: off")[2].partition("# fmt: on")[0]
    lines = text.partition("\n# comparisons")[0].splitlines()
    yield "```python"
    yield from (line for line in lines if not line.startswith("# ruff"))
    yield "```"


GENERATED = {"commands": commands, "functions": functions, "rows of derivatives": derivatives}
"""What stands in place of a mark of this name."""
