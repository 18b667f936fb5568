"""The command `gradiente predict`."""

import io

import polars
import pytest

HEAD = "island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex,year\n"
ROWS = "Torgersen,39.1,18.7,181,3750,male,2007\nBiscoe,50.0,15.2,218,5700,,2007\n"


def test_predictions_stand_beside_the_rows(command, penguins_run, csv):
    result = command("predict", penguins_run, csv(HEAD + ROWS))
    assert result.status == 0
    table = polars.read_csv(io.StringIO(result.out))
    assert table.columns[:7] == HEAD.strip().split(",")
    assert table["predicted_species"].to_list() == ["Adelie", "Gentoo"]
    probabilities = table.select(polars.col("^probability_.*$"))
    assert probabilities.columns == [f"probability_{s}" for s in ("Adelie", "Chinstrap", "Gentoo")]
    assert probabilities.sum_horizontal().to_list() == pytest.approx([1.0, 1.0])


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_predictions_in_a_file(command, penguins_run, csv, tmp_path, ending):
    result = command("predict", penguins_run, csv(HEAD + ROWS), "--out", f"out.{ending}")
    assert result.out == f"2 predictions are in out.{ending}.\n"
    read = polars.read_csv if ending == "csv" else polars.read_parquet
    assert read(tmp_path / f"out.{ending}").height == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"out.{ending}", "table.csv"]


def test_unknown_and_missing_values_are_accepted(command, penguins_run, csv):
    row = "Atlantis,,NA,?,inf,other,1800\n"
    assert command("predict", penguins_run, csv(HEAD + row)).status == 0


def test_a_quantity_is_predicted_in_its_unit(command):
    assert command("train", "diabetes", "--epochs", "3", "--output", "run").status == 0
    table = polars.read_csv(io.StringIO(command("predict", "run", "diabetes").out))
    assert table["predicted_progression"].is_between(20, 350).all()


def test_lists_go_into_parquet_only(command, refused, penguins_run, tmp_path):
    rows = polars.read_csv((HEAD + ROWS).encode(), null_values="")
    rows.with_columns(polars.Series("lists", [[1], [2]])).write_parquet(tmp_path / "t.parquet")
    assert "CSV cannot hold" in refused("predict", penguins_run, "t.parquet")
    assert command("predict", penguins_run, "t.parquet", "--out", "o.parquet").status == 0


def test_bad_input(refused, penguins_run, csv):
    file = csv(HEAD + ROWS)
    assert "must end in .csv or .parquet" in refused(
        "predict", penguins_run, file, "--out", "o.txt"
    )
    assert "cannot be written" in refused("predict", penguins_run, file, "--out", "no/out.csv")
    fewer = csv("island,year\nBiscoe,2007\n", "fewer.csv")
    assert "lacks the columns bill_length_mm" in refused("predict", penguins_run, fewer)


def test_words_never_seen_are_told_of_beside_the_table(command, penguins_run, csv):
    rows = "Atlantis,39.1,18.7,181,3750,male,2007\nBiscoe,50.0,15.2,218,5700,,2007\n"
    result = command("predict", penguins_run, csv(HEAD + rows))
    assert "island holds words in 1 of 2 rows" in result.err
    assert "'Atlantis'" in result.err
    assert len(result.out.splitlines()) == 3
    assert command("predict", penguins_run, csv(HEAD + ROWS)).err == ""


def test_renamed_columns_are_named_with_what_they_may_be(refused, penguins_run, csv):
    message = refused(
        "predict", penguins_run, csv(HEAD.replace("island", "Island").replace("sex", "gender"))
    )
    assert "names of columns but no rows" in message
    renamed = HEAD.replace("body_mass_g", "Body Mass G").replace("year", "YEAR")
    message = refused("predict", penguins_run, csv(renamed + ROWS))
    assert "is 'Body Mass G' what was 'body_mass_g', is 'YEAR' what was 'year'?" in message


def test_quantities_have_no_digits_that_mean_nothing(command):
    assert command("train", "diabetes", "--epochs", "1", "--output", "run").status == 0
    lines = command("predict", "run", "diabetes").out.splitlines()[1:]
    assert max(len(line.rsplit(",", 1)[1]) for line in lines) <= 9
