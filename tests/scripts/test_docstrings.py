"""How an equation and a source are found in a docstring."""

import pytest

from scripts.docstrings import read


def documented(text):
    def entry():
        pass

    entry.__doc__ = text
    return read(entry)


def test_the_equation_in_the_first_paragraph():
    entry = documented("y = x W + b: all with all.\n\n    units: how many.\n    ")
    assert entry.description == "y = x W + b: all with all."
    assert entry.equations == ()
    assert entry.has_equation


def test_the_equation_beside_the_first_paragraph():
    entry = documented("A fall.          η(t) = η₀ γᵗ\n\n    γ factor.\n    ")
    assert (entry.description, entry.equations) == ("A fall.", ("η(t) = η₀ γᵗ",))
    assert documented("w ~ U[−a, a),   a = 1").description == "w ~ U[−a, a), a = 1"


def test_indented_equations_but_no_examples():
    entry = documented(
        """Steps.

            sgd(0.1, momentum=0.9)

            v ← μ v + g          μ momentum
            Δθ = −η v

        The end.
        """
    )
    assert entry.equations == ("v ← μ v + g          μ momentum", "Δθ = −η v")
    assert not documented("Steps.\n\n        sgd(0.1, momentum=0.9)\n    ").has_equation
    assert not documented("Where x <= 3 and y == 4.").has_equation


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("y = x. Nair & Hinton, ICML 2010.", "Nair & Hinton, ICML 2010"),
        (
            'y = x.\n\nD. P. Kingma, J. Ba, "Adam: a\nmethod", 2015; S. J. Reddi et al., 2018 (a).',
            'D. P. Kingma, J. Ba, "Adam: a method", 2015; S. J. Reddi et al., 2018 (a)',
        ),
        ('y = x.\n\nx: (n,) -> y: (n,)\nLin & Yan, "In", 2014.', 'Lin & Yan, "In", 2014'),
        ("y = x.\n\nHuber, Location, 1964. `torch.nn.HuberLoss`.", "Huber, Location, 1964"),
        (
            "y = x.\n\nBishop, JMLR 15 (2014), section 10. Raises nothing.",
            "Bishop, JMLR 15 (2014), section 10",
        ),
        ("y = x. Source: none.", "none"),
        ("y = x.\n\nSo et al., 2021.\n\nSource: a lecture. More.", "a lecture"),
        ("y = x.\n\nFrom 1 to 3000, in 2048 steps, or 2000 of them.", ""),
        ("y = x.", ""),
        (None, ""),
    ],
)
def test_the_source(text, source):
    assert documented(text).source == source


def test_the_description_has_no_citation_and_no_error():
    entry = documented("y = max(x, 0); 0 at 0. Nair & Hinton, ICML 2010. Raises `ShapeError`.")
    assert entry.description == "y = max(x, 0); 0 at 0."
