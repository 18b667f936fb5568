"""The layout is what it says: import order, no cycles or hidden imports, small documented files."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = "gradiente"
FOLDER = Path(__file__).parents[2] / "src" / PACKAGE

# The route of a computation. A module imports from its own folder and from those before it.
# Initializers stand before the layers, whose parameters start with them.
ROUTE = """
    base ops graph trace batching gradient rewrite backends
    initializers nn losses optimizers schedules metrics regularizers constraints
    data train insight interchange report estimators studio cli
"""
LAYERS = ROUTE.split()

# The route inside a folder that has folders itself; its own modules come last.
INNER_ROUTES = {
    "backends.native": ["machine", "language", "mathematics", "memory", "kernels", "threads"]
}

# What a module may load when it is imported, besides the standard library and this package.
LIGHT = {"numpy"}
LIGHT_IN = {"cli": {"typer"}, "estimators": {"sklearn"}}

LONGEST_FUNCTION = 60
LONGEST_FILE = 500
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def read(folder: Path) -> dict[str, str]:
    """The source of every module of a folder by dotted name; packages end in `.__init__`."""
    return {
        ".".join((PACKAGE, *path.relative_to(folder).with_suffix("").parts)): path.read_text()
        for path in sorted(folder.rglob("*.py"))
    }


class Project:
    """The parsed modules, and what the rules ask of them."""

    def __init__(self, sources: dict[str, str]):
        self.sources = sources
        self.trees = {name: ast.parse(source) for name, source in sources.items()}

    def module(self, dotted: str) -> str | None:
        """The module a dotted name means: itself, or a package's `__init__`."""
        return next((n for n in (dotted, f"{dotted}.__init__") if n in self.trees), None)

    def edges(self, name: str) -> Iterator[tuple[int, str, str]]:
        """(line, module imported from, name taken from it) for every import of the package.

        A text that is the name of a module counts as an import of it: `import_module` takes such.
        """
        for node in ast.walk(self.trees[name]):
            target = self.module(text(node))
            if target is not None and "." in text(node):
                yield node.lineno, target, ""
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name.split(".")[0] == PACKAGE:
                        yield node.lineno, self.module(alias.name) or alias.name, ""
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE:
                for alias in node.names:
                    inner = self.module(f"{node.module}.{alias.name}")
                    outer = self.module(node.module) or node.module
                    yield node.lineno, inner or outer, "" if inner else alias.name


def text(node: ast.AST) -> str:
    """The text that a node of the syntax is, or nothing."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def layer(module: str) -> str:
    """The folder of a module; empty for the package's own `__init__`."""
    parts = module.split(".")
    return parts[1] if len(parts) > 2 else ""


def unknown_folders(project: Project) -> list[str]:
    """Modules outside the listed folders."""
    allowed = {*LAYERS, ""}
    names = [name for name in project.trees if layer(name) not in allowed]
    stray = [n for n in project.trees if layer(n) == "" and n != f"{PACKAGE}.__init__"]
    return names + stray


def imports_from_below(project: Project) -> list[str]:
    """Imports from a folder that comes later in the route."""
    return [
        f"{name}:{line} imports {target}"
        for name in project.trees
        for line, target, _ in project.edges(name)
        if layer(name) and LAYERS.index(layer(target)) > LAYERS.index(layer(name))
    ]


def inner_imports_from_below(project: Project) -> list[str]:
    """Imports from a folder inside a folder that comes later in its route."""
    return [
        f"{name}:{line} imports {target}"
        for folder, route in INNER_ROUTES.items()
        for name in project.trees
        for line, target, _ in project.edges(name)
        if (own := inner_place(name, folder, route)) is not None
        and (other := inner_place(target, folder, route)) is not None
        and other > own
    ]


def inner_place(module: str, folder: str, route: list[str]) -> int | None:
    """The place of a module in the route inside a folder; None if it is not in there."""
    prefix = f"{PACKAGE}.{folder}."
    if not module.startswith(prefix):
        return None
    first, _, rest = module.removeprefix(prefix).partition(".")
    return route.index(first) if rest else len(route)


def cycles(project: Project) -> list[str]:
    """Modules that import each other, directly or through others; one path for each circle."""
    graph = {n: sorted({target for _, target, _ in project.edges(n)}) for n in project.trees}
    done: set[str] = set()
    found: list[str] = []

    def visit(name: str, path: list[str]) -> None:
        if name in path:
            found.append(" -> ".join([*path[path.index(name) :], name]))
        elif name not in done:
            for target in graph.get(name, []):
                visit(target, [*path, name])
            done.add(name)

    for name in graph:
        visit(name, [])
    return found


def borrowed_names(tree: ast.Module | None) -> set[str]:
    """Names a module has from elsewhere, and neither defines nor offers in its `__all__`."""
    if tree is None:
        return set()
    imported = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    defined = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    } | {node.name for node in tree.body if isinstance(node, (*FUNCTIONS, ast.ClassDef))}
    return imported - defined - offered(tree)


def offered(tree: ast.Module) -> set[str]:
    """The names in the `__all__` of a module."""
    return {
        name
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        for name in ast.literal_eval(node.value)
    }


def second_hand_imports(project: Project) -> list[str]:
    """Names taken from an `__init__`, or from a module that only borrows them from another one."""
    found = []
    for name in project.trees:
        for line, target, taken in project.edges(name):
            borrowed = taken in borrowed_names(project.trees.get(target))
            # `import gradiente.nn` in the package's own `__init__` names a public folder
            folder = name == f"{PACKAGE}.__init__" and not taken
            if borrowed or (target.endswith("__init__") and not folder):
                found.append(
                    f"{name}:{line} takes `{taken}` from {target}, which does not define it"
                )
    return found


def inner_statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Everything inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, FUNCTIONS):
            yield from (inner for inner in ast.walk(node) if inner is not node)


def typing_statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Everything under `if TYPE_CHECKING:`, which is never executed."""
    for node in tree.body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from (inner for inner in ast.walk(node) if inner is not node)


def hidden_imports(project: Project) -> list[str]:
    """Imports of this package inside a function, by a name put together, or relative ones."""
    found = []
    for name, tree in project.trees.items():
        inner = set(inner_statements(tree))
        for node in ast.walk(tree):
            partial = text(node).startswith(f"{PACKAGE}.") and project.module(text(node)) is None
            if partial and imports_by_name(tree):
                found.append(f"{name}:{node.lineno} puts the name of a module together")
            if isinstance(node, ast.ImportFrom) and node.level:
                found.append(f"{name}:{node.lineno} is relative")
            if node in inner and PACKAGE in imported_roots(node):
                found.append(f"{name}:{node.lineno} imports inside a function")
    return found


def imports_by_name(tree: ast.Module) -> bool:
    """Whether a module imports others by their names as texts."""
    words = {getattr(n, "attr", getattr(n, "id", getattr(n, "name", ""))) for n in ast.walk(tree)}
    return bool(words & {"import_module", "__import__"})


def imported_roots(node: ast.AST) -> set[str]:
    """The first words of what an import statement imports."""
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom) and not node.level:
        return {(node.module or "").split(".")[0]}
    return set()


def heavy_imports(project: Project) -> list[str]:
    """Third-party packages loaded on import; inside a function they are loaded on use."""
    found = []
    for name, tree in project.trees.items():
        allowed = {PACKAGE, *sys.stdlib_module_names, *LIGHT, *LIGHT_IN.get(layer(name), ())}
        inner = {*inner_statements(tree), *typing_statements(tree)}
        for node in ast.walk(tree):
            surplus = imported_roots(node) - allowed
            if surplus and node not in inner:
                found.append(f"{name}:{node.lineno} loads {', '.join(surplus)} on import")
    return found


def busy_inits(project: Project) -> list[str]:
    """`__init__` files that do more than document and re-export."""
    found = []
    for name, tree in project.trees.items():
        for node in tree.body if name.endswith("__init__") else []:
            exports = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
            lookup = isinstance(node, ast.FunctionDef) and node.name in ("__getattr__", "__dir__")
            text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            if not (exports or lookup or text or imported_roots(node)):
                found.append(f"{name}:{node.lineno} belongs into a module of its own")
    return found


def missing_docstrings(project: Project) -> list[str]:
    """Modules that do not say what they are for, in a sentence."""
    found = []
    for name, tree in project.trees.items():
        first = (ast.get_docstring(tree) or "").split("\n\n")[0].strip()
        if not first or first[-1] not in ".:":
            found.append(f"{name} has no docstring that begins with a sentence")
    return found


def long_functions(project: Project) -> list[str]:
    """Functions longer than the limit, docstring included."""
    return [
        f"{name}:{node.lineno} `{node.name}` has {node.end_lineno - node.lineno + 1} lines"
        for name, tree in project.trees.items()
        for node in ast.walk(tree)
        if isinstance(node, FUNCTIONS) and node.end_lineno - node.lineno >= LONGEST_FUNCTION
    ]


def long_files(project: Project) -> list[str]:
    """Files longer than the limit."""
    lengths = {name: len(source.splitlines()) for name, source in project.sources.items()}
    return [f"{name} has {n} lines" for name, n in lengths.items() if n > LONGEST_FILE]


RULES = (
    unknown_folders,
    imports_from_below,
    inner_imports_from_below,
    cycles,
    second_hand_imports,
    hidden_imports,
    heavy_imports,
    busy_inits,
    missing_docstrings,
    long_functions,
    long_files,
)


@pytest.fixture(scope="module")
def library() -> Project:
    project = Project(read(FOLDER))
    assert f"{PACKAGE}.base.errors" in project.trees
    return project


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_library_keeps_the_rule(rule, library):
    found = rule(library)
    assert not found, f"{rule.__doc__}\n" + "\n".join(found)


GOOD = {
    "gradiente.__init__": '"""The package."""\nfrom gradiente.nn.dense import Dense\n',
    "gradiente.base.__init__": '"""Base."""\n',
    "gradiente.base.errors": '"""Errors."""\nimport math\nimport numpy as np\nOops = ValueError\n',
    "gradiente.nn.__init__": '"""Layers."""\nfrom gradiente.nn.dense import Dense\n',
    "gradiente.nn.dense": (
        '"""Dense."""\nfrom gradiente.base import errors\nfrom gradiente.base.errors import Oops\n'
        "def Dense():\n    import torch\n    return torch, errors, Oops\n"
    ),
}
LONG = "def f():\n" + "    x = 1\n" * 60
BAD = [
    (unknown_folders, "gradiente.misc.helpers", '"""Helpers."""\n'),
    (unknown_folders, "gradiente.helpers", '"""Helpers."""\n'),
    (imports_from_below, "gradiente.base.late", "from gradiente.nn.dense import Dense\n"),
    (imports_from_below, "gradiente.base.late", "import gradiente.nn.dense\n"),
    (imports_from_below, "gradiente.base.late", "def f():\n    from gradiente.nn import dense\n"),
    (
        imports_from_below,
        "gradiente.base.late",
        'import importlib\nNAMES = {"d": "gradiente.nn.dense"}\n'
        "def f(d):\n    return importlib.import_module(NAMES[d])\n",
    ),
    (
        hidden_imports,
        "gradiente.base.late",
        "from importlib import import_module\ndef f(d):\n"
        '    return import_module(f"gradiente.nn.{d}")\n',
    ),
    (
        hidden_imports,
        "gradiente.base.late",
        'def f():\n    return __import__("gradiente." + "nn")\n',
    ),
    (
        inner_imports_from_below,
        "gradiente.backends.native.memory.late",
        "from gradiente.backends.native.kernels import product\n",
    ),
    (
        inner_imports_from_below,
        "gradiente.backends.native.kernels.late",
        "import gradiente.backends.native.run\n",
    ),
    (cycles, "gradiente.base.errors", "from gradiente.nn import dense\n"),
    (second_hand_imports, "gradiente.nn.other", "from gradiente.nn import Dense\n"),
    (second_hand_imports, "gradiente.nn.other", "from gradiente import Dense\n"),
    (second_hand_imports, "gradiente.nn.other", "import gradiente\n"),
    (second_hand_imports, "gradiente.nn.other", "from gradiente.nn.dense import Oops\n"),
    (second_hand_imports, "gradiente.nn.other", "import gradiente.nn\n"),
    (hidden_imports, "gradiente.nn.other", "def f():\n    import gradiente.base.errors\n"),
    (hidden_imports, "gradiente.nn.other", "from .dense import Dense\n"),
    (heavy_imports, "gradiente.nn.other", "import torch\n"),
    (
        heavy_imports,
        "gradiente.nn.other",
        "try:\n    from plotly import graph_objects\nfinally: 0\n",
    ),
    (heavy_imports, "gradiente.nn.other", "class A:\n    import pandas\n"),
    (heavy_imports, "gradiente.nn.other", "import typer\n"),
    (busy_inits, "gradiente.nn.__init__", '"""Layers."""\nx = 1\n'),
    (missing_docstrings, "gradiente.nn.other", "import math\n"),
    (missing_docstrings, "gradiente.nn.other", '"""helpers"""\n'),
    (long_functions, "gradiente.nn.other", LONG),
    (long_functions, "gradiente.nn.other", "class A:\n    " + LONG.replace("\n", "\n    ")),
    (long_files, "gradiente.nn.other", "x = 1\n" * 501),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_good_project_passes(rule):
    at_the_limit = {
        "gradiente.nn.all": (
            '"""All."""\nfrom gradiente.nn.dense import Dense\n__all__ = ["Dense"]\n'
        ),
        "gradiente.nn.user": '"""A user."""\nfrom gradiente.nn.all import Dense\n',
        "gradiente.cli.main": '"""Commands."""\nimport typer\n',
        "gradiente.nn.longest": '"""Long."""\n'
        + LONG.removesuffix("    x = 1\n")
        + "x = 1\n" * 439,
    }
    assert rule(Project(GOOD | at_the_limit)) == []


@pytest.mark.parametrize(("rule", "name", "source"), BAD)
def test_a_planted_fault_is_found(rule, name, source):
    assert any(
        name.removesuffix(".__init__") in fault for fault in rule(Project(GOOD | {name: source}))
    )


def test_every_rule_has_a_planted_fault():
    assert {rule for rule, _, _ in BAD} == set(RULES)
