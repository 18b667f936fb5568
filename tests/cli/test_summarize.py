"""The command `gradiente summary`."""


def test_everything_worth_knowing(command, penguins_run):
    result = command("summary", penguins_run)
    assert result.status == 0
    for text in (
        "classification of species from penguins",
        "220 to train, 55 to validate, 69 to test",
        "categories: Biscoe, Dream, Torgersen",
        "bill_length_mm",
        "or missing",
        "307 parameters",
        "12 epochs",
        "always Adelie",
    ):
        assert text in result.out


def test_no_run(refused):
    assert "there is no run folder nowhere" in refused("summary", "nowhere")
