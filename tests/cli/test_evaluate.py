"""The command `gradiente evaluate`."""

import re


def test_scores_beside_the_baseline(command, penguins_run):
    result = command("evaluate", penguins_run, "penguins")
    assert result.status == 0
    assert "species of 344 rows of penguins" in result.out
    assert re.search(r"accuracy +0\.\d+ +0\.4419", result.out)
    assert "trained on most of these rows" in result.out


def test_rows_without_a_target_are_left_out(command, penguins_run, csv):
    rows = "\n".join(
        [
            "species,island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex,year",
            "Adelie,Torgersen,39.1,18.7,181,3750,male,2007",
            "NA,Torgersen,39.1,18.7,181,3750,male,2007",
            "Gentoo,Biscoe,50.0,15.2,218,5700,male,2007",
        ]
    )
    result = command("evaluate", penguins_run, csv(rows))
    assert "species of 2 rows" in result.out
    assert "1 row is left out: species is missing there" in result.out


def test_bad_input(refused, penguins_run, csv):
    assert "lacks the columns island" in refused("evaluate", penguins_run, csv("a,b\n1,2\n3,4\n"))
    assert "there is no file nowhere.csv" in refused("evaluate", penguins_run, "nowhere.csv")
    assert "there is no run folder nowhere" in refused("evaluate", "nowhere", "penguins")
    assert "DATA" in refused("evaluate", penguins_run)


def test_unknown_classes_and_values(refused, penguins_run, csv):
    head = "species,island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex,year\n"
    row = "Emperor,Torgersen,39.1,18.7,181,3750,male,2007\n"
    assert "'Emperor', which is none" in refused("evaluate", penguins_run, csv(head + row))
    row = "Adelie,Torgersen,long,18.7,181,3750,male,2007\n"
    assert "'long' in row 1" in refused("evaluate", penguins_run, csv(head + row))
    row = ",Torgersen,39.1,18.7,181,3750,male,2007\n"
    assert "no known value" in refused("evaluate", penguins_run, csv(head + row))
