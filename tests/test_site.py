"""The documentation site builds without a warning, has every public name, needs no network."""

import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
REFERENCE = sorted((ROOT / "docs" / "api").glob("*.md"))
# The packages whose pages tell of some of their modules instead.
OF_MODULES = {"insight", "interchange", "report", "command_line"}

FETCHED = re.compile(
    r'<(?:script|img|iframe)[^>]* src="(?:https?:)?//[^"]*|<link[^>]* href="(?:https?:)?//[^"]*'
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site."""
    for name in ("mkdocs", "material", "mkdocstrings", "latex2mathml"):
        pytest.importorskip(name, reason='the site needs pip install -e ".[docs]"')
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [
            sys.executable,
            "-P",
            "-m",
            "mkdocs",
            "build",
            "--strict",
            "--quiet",
            "--site-dir",
            folder,
        ],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_the_site_is_built_and_fetches_nothing(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 25
    for page in pages:
        assert not FETCHED.findall(page.read_text(encoding="utf-8")), page


@pytest.mark.parametrize("page", REFERENCE, ids=lambda page: page.stem)
def test_the_reference_has_every_public_name(site, page):
    if page.stem in OF_MODULES:
        return
    name = "gradiente" if page.stem == "gradiente" else f"gradiente.{page.stem}"
    text = (site / "api" / f"{page.stem}.html").read_text(encoding="utf-8")
    elsewhere = {"random", "NetworkClassifier", "NetworkRegressor", "__version__"}
    public = set(import_module(name).__all__) - (elsewhere if name == "gradiente" else set())
    ways = ("{0}.{1}", "{0}.{1}.{1}")  # a function may have the name of its module
    missing = {
        each for each in public if not any(f'id="{w.format(name, each)}"' in text for w in ways)
    }
    assert not missing


def test_formulas_are_drawn(site):
    for page in site.rglob("*.html"):
        assert "arithmatex" not in page.read_text(encoding="utf-8"), page
