"""Comparison of methods, and the report: what it shows, and that nothing breaks it."""

from __future__ import annotations

import numpy as np
import pytest
from noise_pictures import SMALL, noise, save

from mactfusion.evaluation.cases import Preparation
from mactfusion.evaluation.report import worst_samples, write_evaluation_report
from mactfusion.evaluation.result import compare, on_common_cases
from mactfusion.evaluation.run import evaluate


@pytest.fixture
def two_methods(folders):
    """The mean, and a method that has one case less and is worse in every other."""
    for name in ("2.png", "3.png"):
        save(folders / "worse" / name, noise(99))
    return [
        evaluate(folders / method, folders / "mr", folders / "pet", metrics=SMALL, jobs=1)
        for method in ("fused", "worse")
    ]


def test_methods_are_compared_on_common_cases(two_methods):
    first, second = on_common_cases(*two_methods)
    assert first.labels == second.labels == ["2", "3"]
    compared = compare(first, second)
    assert all(row.larger == 2 for row in compared.values())
    difference = np.median(first.samples("SCD") - second.samples("SCD"))
    assert compared["SCD"].median_difference == pytest.approx(difference)


def test_the_worst_case_comes_first(folders):
    save(folders / "fused" / "2.png", noise(99))
    result = evaluate(folders / "fused", folders / "mr", folders / "pet", metrics=SMALL, jobs=1)
    assert result.labels[worst_samples(result)[0]] == "2"


def test_noise_is_not_the_best_by_its_contrast(folders):
    save(folders / "fused" / "2.png", noise(99))
    paths = [folders / part for part in ("fused", "mr", "pet")]
    result = evaluate(*paths, metrics=["SD", "EN", "SF", "SCD"], jobs=1)
    assert result.labels[worst_samples(result)[0]] == "2"


def test_without_a_direction_there_is_no_worst_case(folders):
    paths = [folders / part for part in ("fused", "mr", "pet")]
    result = evaluate(*paths, metrics=["rSFe"], jobs=1)
    page = write_evaluation_report(folders / "r.html", result, Preparation()).read_text("utf-8")
    assert "Worst" not in page


def test_report_of_pictures(folders, two_methods):
    first, second = on_common_cases(*two_methods)
    path = write_evaluation_report(folders / "r.html", first, Preparation(), second)
    page = path.read_text(encoding="utf-8")
    assert page.count("<svg") == len(SMALL)
    assert page.count("data:image/png;base64,") == 2 * 3
    assert "Significance" in page
    assert "Profiles" not in page
    assert "fused/1.png" not in page  # file names without folders
    assert "#0101" not in page  # every stand-in colour was replaced
    again = write_evaluation_report(folders / "again.html", first, Preparation(), second)
    assert again.read_text(encoding="utf-8") == page


def test_report_of_a_volume(fused, files):
    fused("fused.nii.gz")
    result = evaluate("fused.nii.gz", "mr.nii.gz", "pet.nii.gz", metrics=SMALL, jobs=1)
    page = write_evaluation_report(files / "r.html", result, Preparation()).read_text("utf-8")
    assert page.count("<svg") == 2 * len(SMALL)
    assert "4 axial slices" in page
    assert f"{result.summaries()['Qw'].mean:.4f}" in page
    assert "Significance" not in page


def test_names_cannot_break_the_page(folders):
    for part in ("fused", "mr", "pet"):
        (folders / part / "1.png").rename(folders / part / "<script>alert(1)<.png")
    result = evaluate(folders / "fused", folders / "mr", folders / "pet", metrics=SMALL, jobs=1)
    page = write_evaluation_report(folders / "r.html", result, Preparation()).read_text("utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;" in page
