"""The command `gradiente train`."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gradiente.cli import source
from gradiente.cli.run_folder import FILES

QUICK = ("--epochs", "2", "--hidden", "4")


def test_the_main_job(command, tmp_path):
    """Penguins: 0.97 on rows it has not seen, beside the baseline, and what to do next."""
    result = command("train", "penguins")
    assert result.status == 0
    accuracy, baseline = re.search(r"accuracy +([\d.]+) +([\d.]+)", result.out).groups()
    assert float(accuracy) >= 0.97
    assert float(baseline) == pytest.approx(0.4348)
    assert "species of 69 unseen test rows" in result.out
    assert "always Adelie" in result.out
    assert "gradiente predict penguins-run penguins --out predictions.csv" in result.out
    assert sorted(path.name for path in (tmp_path / "penguins-run").iterdir()) == sorted(FILES)
    assert [path.name for path in tmp_path.iterdir()] == ["penguins-run"]


def test_an_old_run_is_kept_unless_its_name_is_given(command, tmp_path):
    for _ in range(2):
        assert command("train", "iris", *QUICK).status == 0
    assert command("train", "iris", *QUICK, "--output", "iris-run", "--seed", "9").status == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["iris-run", "iris-run-2"]
    assert "seed = 9" in (tmp_path / "iris-run" / "config.toml").read_text()


def test_a_run_can_be_repeated_from_its_own_options(command, tmp_path):
    assert command("train", "iris", *QUICK, "--seed", "4", "--output", "first").status == 0
    assert command("train", "--config", "first/config.toml", "--output", "again").status == 0
    assert (
        command("train", "--config", "first/config.toml", "--seed", "5", "--output", "o").status
        == 0
    )
    for name in ("weights.safetensors", "preprocessing.json", "config.toml"):
        first = (tmp_path / "first" / name).read_bytes()
        assert first == (tmp_path / "again" / name).read_bytes()
    assert (tmp_path / "o" / "weights.safetensors").read_bytes() != (
        tmp_path / "first" / "weights.safetensors"
    ).read_bytes()


def test_a_quantity_is_scored_in_its_unit(command, tmp_path):
    result = command("train", "diabetes", "--epochs", "30", "--output", "run")
    assert "always the mean, 15" in result.out
    rmse = json.loads((tmp_path / "run" / "metrics.json").read_text())["test"]["RMSE"]
    assert 45 < rmse < 70


def test_options_are_used(command, tmp_path):
    options = "--hidden 5,4 --activation tanh --optimizer sgd --learning-rate 0.02 --dropout 0"
    more = "--schedule constant --batch-size 7 --epochs 2 --loss cross_entropy --patience 3"
    result = command("train", "iris", *options.split(), *more.split(), "--output", "run")
    assert "4 → 5 tanh → 4 tanh → 3" in result.out
    assert "sgd on cross_entropy, learning rate 0.02 (constant), batches of 7" in result.out
    rows = (tmp_path / "run" / "history.jsonl").read_text().splitlines()
    assert len(rows) == 2
    assert json.loads(rows[0])["learning_rate"] == 0.02


@pytest.mark.parametrize("name", ["lbfgs", "prodigy", "schedulefreeadamw", "lion", "adadelta"])
def test_every_kind_of_optimizer_has_a_rate_that_learns(command, tmp_path, name):
    options = ("--optimizer", name, "--epochs", "40", "--hidden", "16", "--output", "run")
    assert command("train", "iris", *options).status == 0
    scores = json.loads((tmp_path / "run" / "metrics.json").read_text())["test"]
    assert scores["accuracy"] > 0.85
    schedule = "cosine" if name in ("prodigy", "lion", "adadelta") else "constant"
    assert f'schedule = "{schedule}"' in (tmp_path / "run" / "config.toml").read_text()


def test_averages_are_what_is_kept(command, tmp_path):
    options = ("--optimizer", "schedulefreesgd", "--validation-fraction", "0", "--output", "run")
    result = command("train", "iris", *options)
    assert float(re.search(r"accuracy +([\d.]+)", result.out).group(1)) > 0.85
    again = command("evaluate", "run", "iris")
    assert again.status == 0


def test_two_classes_can_have_one_output(command):
    options = ("--loss", "binary_cross_entropy", "--epochs", "15", "--output", "run")
    result = command("train", "breast_cancer", *options)
    assert float(re.search(r"accuracy +([\d.]+)", result.out).group(1)) > 0.9
    assert command("evaluate", "run", "breast_cancer").status == 0


def test_training_without_validation_rows(command):
    result = command("train", "iris", *QUICK, "--validation-fraction", "0")
    assert result.status == 0
    assert "0 to validate" in result.out


def test_patience_ends_training_early(command, tmp_path):
    result = command("train", "diabetes", "--patience", "3", "--output", "run")
    assert "has not improved for 3 epochs" in result.out
    rows = [
        json.loads(line)["validation_loss"]
        for line in (tmp_path / "run" / "history.jsonl").read_text().splitlines()
    ]
    assert len(rows) < 100
    assert min(rows) == rows[-4]


def test_parquet_and_npz(command, tmp_path):
    random = np.random.default_rng(0)
    x = random.normal(size=(60, 3))
    np.savez(tmp_path / "t.npz", x=x, y=(x[:, 0] > 0).astype(int))
    result = command("train", "t.npz", "--target", "y", "--epochs", "20")
    assert result.status == 0
    assert "t-run" in result.out


def test_images(command, tmp_path):
    random = np.random.default_rng(0)
    for name, level in (("dark", 60), ("light", 190)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(15):
            pixels = random.integers(level - 50, level + 50, (6, 5), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{number}.png")
    result = command("train", "photos", "--hidden", "8", "--batch-size", "4")
    assert result.status == 0
    assert re.search(r"accuracy +1\.0000 +0\.5000", result.out)
    assert "accuracy" in command("evaluate", "photos-run", "photos").out
    assert command("summary", "photos-run").status == 0
    predicted = command("predict", "photos-run", "photos/light").out.splitlines()
    assert predicted[0] == "file,predicted_class,probability_dark,probability_light"
    assert predicted[1].split(",")[1] == "light"


ROWS = "".join(f"{number},{number % 5},{'ab'[number % 2]},c{number}\n" for number in range(40))
GOOD = f"x,z,kind,name\n{ROWS}"


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (GOOD, ["--target", "knd"], "no column 'knd': did you mean kind?"),
        (GOOD, [], "say which column is the target: the table has the columns x, z, kind, name"),
        (GOOD, ["--target", "name"], "has 40 different values in 40 rows"),
        (GOOD, ["--target", "x"], "numbers the rows"),
        (GOOD, ["--target", "kind", "--task", "regression"], "which are not numbers"),
        (GOOD, ["--target", "kind", "--activation", "rellu"], "Did you mean `relu`?"),
        (GOOD, ["--target", "kind", "--loss", "mse"], "mse does not fit kind"),
        (GOOD, ["--target", "kind", "--epochs", "0"], "`epochs` is 0"),
        (GOOD, ["--target", "kind", "--epochs", "many"], "'--epochs'"),
        (GOOD, ["--target", "kind", "--hidden", "a"], "hidden sizes"),
        (GOOD, ["--target", "kind", "--speed", "9"], "--speed"),
        (GOOD, ["--target", "kind", "--test", "nowhere.csv"], "there is no file nowhere.csv"),
        (GOOD, ["--target", "kind", "--config", "nowhere.toml"], "nowhere.toml cannot be read"),
        (GOOD, ["--target", "kind", "--output", "table.csv/run"], "cannot be written"),
        (GOOD, ["--target", "kind", "--output", "table.csv"], "exists and is not a run"),
        (GOOD, ["--target", "kind", "--test-fraction", "0.9"], "leave some to train on"),
        ("", ["--target", "y"], "table.csv is empty"),
        ("x,y\n", ["--target", "y"], "has names of columns but no rows"),
        ("x,y\n1,2\n3,2\n5,2\n", ["--target", "y"], "is 2 in every row"),
        ("x,y\n1,\n3,\n5,\n", ["--target", "y"], "has no known value"),
        ("x,y\n1,a\n3,b\n", ["--target", "y"], "2 rows are too few"),
        ("y\n1\n2\n1\n2\n", ["--target", "y"], "no column besides 'y'"),
        ("Once upon a time\nthere was, it is said, a table\n", [], "is not a table"),
        ("x,y\n1,2\n3\n4,5\n6,7\n8,9\n1,2\n", ["--target", "y"], "line 3, has 1 field"),
    ],
)
def test_bad_input(csv, refused, text, options, message):
    assert message in refused("train", csv(text), *options)


def test_missing_data(refused, tmp_path):
    assert "there is no file nowhere.csv" in refused("train", "nowhere.csv")
    assert "did you mean penguins?" in refused("train", "pengins")
    assert "say what to train on" in refused("train")
    (tmp_path / "folder").mkdir()
    assert "holds no images" in refused("train", "folder")


def test_an_output_folder_that_holds_other_things_is_left_alone(refused, tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.tex").write_text("years of work")
    assert "work exists and is not a run" in refused("train", "iris", "--output", "work")


def test_a_folder_that_cannot_be_written(refused):
    assert "cannot be written to /proc/run" in refused("train", "iris", "--output", "/proc/run")


def test_a_learning_rate_that_is_far_too_large(refused):
    message = refused(
        "train",
        "diabetes",
        "--learning-rate",
        "1e30",
        "--schedule",
        "constant",
        "--optimizer",
        "sgd",
    )
    assert "learning rate" in message


def test_a_damaged_config_file(refused, tmp_path):
    (tmp_path / "c.toml").write_text("epochs = \n")
    assert "is not a TOML file" in refused("train", "iris", "--config", "c.toml")
    (tmp_path / "c.toml").write_text("epochs = 'many'\n")
    assert "`epochs` is 'many'" in refused("train", "iris", "--config", "c.toml")


def test_columns_are_left_out_and_scaled_as_asked(command, tmp_path, csv):
    options = ("--target", "kind", "--drop", "x", "--drop", "name", "--scaling", "robust", *QUICK)
    result = command("train", csv(GOOD), *options, "--output", "run")
    assert "1 feature from 1 column" in result.out
    assert 'drop = ["x", "name"]' in (tmp_path / "run" / "config.toml").read_text()
    assert command("predict", "run", "table.csv").status == 0
    again = command("train", "--config", "run/config.toml", "--output", "again")
    assert "1 feature from 1 column" in again.out


def test_rare_classes_are_trained_on_as_often(command, csv):
    rows = "".join(f"{n % 7},{n % 3},{'rare' if n % 10 == 0 else 'usual'}\n" for n in range(200))
    text = csv(f"a,b,y\n{rows}")
    options = ("--target", "y", "--epochs", "3", "--learning-rate", "0.01")
    plain = command("train", text, *options, "--output", "plain")
    balanced = command("train", text, *options, "--balanced", "--output", "balanced")
    assert plain.status == balanced.status == 0

    def f1(out):
        return float(re.search(r"F1 \(macro\) +([\d.]+)", out).group(1))

    assert f1(plain.out) != f1(balanced.out)
    assert "every class equally often" in balanced.out
    assert "balanced = true" in Path("balanced/config.toml").read_text()


def test_a_quiet_training_says_nothing(command, tmp_path):
    result = command("train", "iris", *QUICK, "--quiet", "--threads", "1", "--output", "run")
    assert result == (0, "", "")
    assert (tmp_path / "run" / "metrics.json").exists()


def test_images_that_would_fill_the_memory_stay_in_their_files(command, tmp_path, monkeypatch):
    random = np.random.default_rng(0)
    for name, level in (("dark", 60), ("light", 190)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(20):
            pixels = random.integers(level - 50, level + 50, (6, 5), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{number}.png")
    options = ("--epochs", "3", "--batch-size", "13", "--hidden", "8")
    assert command("train", "photos", *options, "--output", "memory").status == 0
    expected = probabilities(command("predict", "memory", "photos").out)
    monkeypatch.setattr(source, "MOST_BYTES", 0)
    assert command("train", "photos", *options, "--output", "files").status == 0
    assert probabilities(command("predict", "files", "photos").out) == pytest.approx(
        expected, abs=1e-4
    )
    for name in ("evaluate", "report"):
        assert command(name, "files", "photos").status == 0
    assert command("train", "photos", *options, "--flip", "--output", "changed").status == 0


def probabilities(out):
    return [float(number) for line in out.splitlines()[1:] for number in line.split(",")[2:]]


def test_images_are_convolved_and_changed_at_random(command, tmp_path):
    random = np.random.default_rng(0)
    for name, level in (("dark", 60), ("light", 190)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(12):
            pixels = random.integers(level - 50, level + 50, (12, 10), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{number}.png")
    changes = {"--crop": 1, "--rotate": 5, "--mixup": 0.2, "--epochs": 8, "--batch-size": 4}
    options = [text for pair in changes.items() for text in pair]
    result = command("train", "photos", "--flip", *options, "--convolutions", "4", "--hidden", "8")
    assert "12 × 10 × 1 → 4 relu → 8 relu → 2" in result.out
    assert re.search(r"accuracy +1\.0000", result.out)
    assert command("evaluate", "photos-run", "photos").status == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--flip"], "iris is a table"),
        (["--convolutions", "8"], "iris is a table"),
        (["--drop", "petal"], "is no column"),
        (["--drop", "species"], "is what is learned"),
        (["--optimizer", "ftrl", "--weight-decay", "0.1"], "ftrl has no weight decay"),
        (["--scaling", "log"], "must be one of 'automatic'"),
    ],
)
def test_options_that_do_not_fit(refused, options, message):
    assert message in refused("train", "iris", *options)


def test_balance_is_for_classes(refused):
    assert "balanced is for classes" in refused("train", "diabetes", "--balanced")
