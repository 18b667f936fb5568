"""The report in a browser: light, dark, on a phone and on paper, with no network."""

import shutil

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="Playwright for Python is not installed"
    )
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip(f"no browser is installed: none of {', '.join(BROWSERS)} was found")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory, classified, fitted):
    folder = tmp_path_factory.mktemp("reports")
    return {
        name: each.trainer.report(folder / f"{name}.html", each.x, each.y)
        for name, each in (("classes", classified), ("numbers", fitted))
    }


def opened(browser, file, width=1100, scheme="light"):
    """The page, and what went wrong or was asked for from elsewhere while it was opened."""
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True
    )
    page, wrong = context.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text))
    page.on("request", lambda request: wrong.append(request.url))
    page.goto(file.as_uri())
    page.wait_for_function("document.querySelectorAll('.main-svg').length > 0")
    allowed = (file.as_uri(), "data:", "blob:")
    return page, [text for text in wrong if not text.startswith(allowed)]


def fits(page):
    """The figures that are wider than their place, and whether the page is wider than the screen"""
    return page.evaluate(
        """() => [
            [...document.querySelectorAll('.js-plotly-plot')].filter(plot =>
                plot.querySelector('.main-svg').getBoundingClientRect().width
                > plot.parentElement.getBoundingClientRect().width + 1).length,
            document.documentElement.scrollWidth > window.innerWidth]"""
    )


def covered_by_legends(page):
    """The titles and the curves of results that a legend lies on."""
    return page.evaluate(
        """() => [...document.querySelectorAll('#result .js-plotly-plot')].flatMap(plot => {
            const legend = plot.querySelector('.legend');
            if (legend === null) return [];
            const a = legend.getBoundingClientRect();
            return [...plot.querySelectorAll('.gtitle, .xtitle, .cartesianlayer .plot')]
                .map(other => [other.getBoundingClientRect(), other.getAttribute('class')])
                .filter(([b]) => Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4)
                .map(([, name]) => name);
        })"""
    )


@pytest.mark.parametrize("name", ["classes", "numbers"])
@pytest.mark.parametrize(
    ("width", "scheme"), [(1100, "light"), (1100, "dark"), (390, "light"), (390, "dark")]
)
def test_it_is_drawn_and_fits(browser, files, name, width, scheme):
    page, wrong = opened(browser, files[name], width, scheme)
    assert wrong == []
    figures = page.locator(".js-plotly-plot")
    assert figures.count() == (12 if name == "classes" else 11)
    assert page.locator(".js-plotly-plot .main-svg").count() >= figures.count()
    page.wait_for_timeout(300)
    assert fits(page) == [0, False]
    assert covered_by_legends(page) == []
    background, text = page.evaluate(
        "() => ['backgroundColor', 'color'].map(name => getComputedStyle(document.body)[name])"
    )
    brightness = [sum(map(int, each[4:-1].split(","))) for each in (background, text)]
    assert (brightness[0] > brightness[1]) == (scheme == "light")
    assert abs(brightness[0] - brightness[1]) > 500
    page.context.close()


def test_it_says_what_a_browser_shows_as_text(browser, files):
    page, _ = opened(browser, files["classes"])
    text = page.inner_text("body")
    for heading in ("Result on unseen data", "Learning curves", "Gradient flow", "Network"):
        assert heading in text
    page.context.close()


def test_layers_stand_from_output_to_input(browser, files):
    page, _ = opened(browser, files["classes"])
    labels = page.locator("#flow .js-plotly-plot").first.locator(".ytick text")
    each = [labels.nth(n) for n in range(labels.count())]
    places = {label.text_content(): label.bounding_box()["y"] for label in each}
    assert sorted(places, key=places.get) == ["4 Dense", "2 Dense", "0 Dense"]
    page.context.close()


def test_it_can_be_printed(browser, files):
    page, wrong = opened(browser, files["classes"])
    paper = page.pdf(format="A4")
    assert paper.startswith(b"%PDF") and len(paper) > 20_000 and wrong == []
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.context.close()
