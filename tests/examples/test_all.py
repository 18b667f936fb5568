"""Of every example: it says how to call it, it is tested, and the README tells its result."""

import ast
import re
from pathlib import Path

import pytest

from tests.examples.loading import EXAMPLES, FOLDER, run

TESTS = Path(__file__).parent
README = (FOLDER.parent / "README.md").read_text(encoding="utf-8")


def docstring(name: str) -> str:
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    return ast.get_docstring(tree, clean=False) or ""


WITH_DATA = [name for name in EXAMPLES if "FOLDER holds" in docstring(name)]


@pytest.mark.parametrize("name", EXAMPLES)
def test_its_first_lines_say_how_to_call_it(name):
    assert f"python examples/{name}.py" in docstring(name)


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_is_tested(name):
    others = (path for path in TESTS.glob("test_*.py") if path != Path(__file__))
    assert any(f'"{name}"' in path.read_text(encoding="utf-8") for path in others)


def test_the_table_of_the_readme_has_every_example():
    assert sorted(re.findall(r"^\| `examples/(\w+)\.py`", README, flags=re.MULTILINE)) == EXAMPLES


@pytest.mark.parametrize("name", WITH_DATA)
def test_without_its_data_it_says_how_to_call_it(name):
    with pytest.raises(SystemExit) as stopped:
        run(name)
    assert stopped.value.code == docstring(name)
