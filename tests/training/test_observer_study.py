"""The study of the model observer, on small heads of our own."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import torch
from page_by_hand import read_with_new_tables, write_by_hand
from refused import assert_refused
from small_heads import mean_of_sources, small_heads
from typer import Typer
from typer.testing import CliRunner

from mactfusion.transforms.oklab import srgb_to_oklab
from mactfusion.trust.lesions import LESIONS
from training.observer import __main__ as command
from training.observer import heads as real_heads
from training.observer import kept
from training.observer.gather import gather
from training.observer.page import Results, tables
from training.observer.pictures import FUSED, IN_COLORS_OF_PAPERS, draw_pictures
from training.observer.study import EITHER, SIDE_BY_SIDE, Found, find, observers

KINDS = list(LESIONS)


def responses_of(task="ct-mri", count=10, seed=0):
    networks = {"fused": mean_of_sources}
    return gather(small_heads(task, count), networks, 4, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def responses():
    return responses_of()


@pytest.fixture(scope="module")
def found(responses):
    return list(find("ct-mri", responses, 20, np.random.default_rng(0)))


def test_pictures_of_grey_and_of_colour():
    scaled = torch.tensor([0.8, 0.4])[None, :, None, None].expand(2, 2, 24, 24)
    grey = draw_pictures(scaled, "ct-mri", {})
    assert list(grey) == ["MR", "CT", "maximum", "blending"]
    for name, value in (("MR", 0.8), ("CT", 0.4), ("maximum", 0.8), ("blending", 0.6)):
        wanted = srgb_to_oklab(torch.full((3, 1), value))[:, 0]
        assert grey[name].shape == (3, 2, 24, 24)
        assert grey[name][:, 0, 12, 12].tolist() == pytest.approx(wanted.tolist(), abs=1e-4)
    coloured = draw_pictures(scaled, "pet-mri", {"fused": mean_of_sources})
    assert list(coloured) == ["MR", "PET", FUSED, IN_COLORS_OF_PAPERS, "maximum", "blending"]
    assert coloured["MR"][1:].abs().max() < 1e-4
    for name in ("PET", FUSED, IN_COLORS_OF_PAPERS, "maximum", "blending"):
        assert coloured[name][1, 0, 12, 12] > 0.01, name  # red


def test_of_legible_colours_alone_the_uptake_is_the_same_whatever_the_mr():
    scaled = torch.full((2, 2, 24, 24), 0.4)
    scaled[1, 0] = 0.8
    pictures = draw_pictures(scaled, "spect-mri", {FUSED: mean_of_sources})
    moved = {name: (p[1:, 1] - p[1:, 0])[:, 12, 12].norm() for name, p in pictures.items()}
    assert moved[FUSED] < 0.005 < moved[IN_COLORS_OF_PAPERS]


def test_uptake_is_shown_in_the_colours_of_the_recipe():
    scaled = torch.zeros(1, 2, 24, 24)
    scaled[:, 1] = 0.2
    hot_iron = torch.tensor([0.2 * 2, 0.0, 0.0])[:, None]
    seen = draw_pictures(scaled, "pet-mri", {})["PET"][:, 0, 12, 12]
    assert seen.tolist() == pytest.approx(srgb_to_oklab(hot_iron)[:, 0].tolist(), abs=0.01)


def test_the_gain_of_a_network_is_that_of_the_slice_without_lesions():
    scaled = torch.full((2, 2, 24, 24), 0.4)
    scaled[1] = 0.8
    pictures = draw_pictures(scaled, "ct-mri", {"half": lambda x: x[:, :1] / 2})
    assert pictures["half"].allclose(pictures["MR"], atol=1e-3)


def test_lesions_take_turns_and_lie_at_places_of_their_head(responses):
    assert set(responses.head) == set(range(10))
    counts = np.bincount(responses.kind, minlength=len(LESIONS))
    assert counts.min() > 0.7 * counts.max()
    assert set(responses.source) == {0, 1}
    assert set(responses.absent) == set(responses.present) == {
        "MR", "CT", "fused", "maximum", "blending",
    }  # fmt: skip
    for name in responses.absent:
        assert responses.absent[name].shape == (len(responses.head), 120)
        assert responses.present[name].shape == (len(responses.place), 120)
    # No two lesions of a place and source are of one kind.
    labels = np.stack([responses.place, responses.source, responses.kind])
    assert np.unique(labels, axis=1).shape == labels.shape


def test_a_lesion_is_seen_in_its_source_and_in_what_is_made_of_it(responses):
    for name, sources in (("MR", {0}), ("CT", {1}), ("fused", {0, 1}), ("blending", {0, 1})):
        changes = responses.present[name] - responses.absent[name][responses.place]
        changed = np.abs(changes).max(axis=1) > 1e-6
        assert set(responses.source[changed]) == sources, name
        assert changed.sum() == np.isin(responses.source, list(sources)).sum(), name


def test_a_lesion_is_looked_at_alone(responses):
    """What one lesion changes does not depend on how many others the slice has."""
    lone = gather(small_heads("ct-mri", 10), {}, 1, np.random.default_rng(0))
    assert len(set(lone.place)) < len(set(responses.place))
    disk = KINDS.index("hot, 12 mm")
    norms = []
    for some in (lone, responses):
        chosen = (some.kind == disk) & (some.source == 0)
        changes = some.present["MR"] - some.absent["MR"][some.place]
        norms.append(np.linalg.norm(changes[chosen], axis=1).mean())
    assert norms[0] == pytest.approx(norms[1], rel=0.1)


def test_a_lesion_that_its_source_does_not_show_is_left_out():
    heads = small_heads("ct-mri", 5)
    for head in heads:
        head.scaled[:, 1] = 1.0
    white = gather(heads, {}, 4, np.random.default_rng(0))
    of_ct = {KINDS[kind] for kind in white.kind[white.source == 1]}
    assert of_ct == {"cold, 12 mm"}


def mean_area(found, source, picture, observer="as a person"):
    return np.mean(
        [
            one.areas[0]
            for one in found
            if (one.source, one.picture, one.observer) == (source, picture, observer)
        ]
    )


def test_who_sees_one_source_finds_nothing_of_the_other(found):
    for source, other in (("MR", "CT"), ("CT", "MR")):
        assert mean_area(found, source, other) == pytest.approx(0.5, abs=1e-6)
        assert mean_area(found, source, source) > 0.8
        assert mean_area(found, source, "fused") > 0.6
        assert mean_area(found, EITHER, other) < 0.85
    both = mean_area(found, EITHER, SIDE_BY_SIDE)
    assert both > max(mean_area(found, EITHER, one) for one in ("MR", "CT"))


def test_noise_is_what_costs_the_observer(found):
    for picture in ("MR", "fused"):
        with_noise, without = (
            mean_area(found, "MR", picture, name) for name in ("as a person", "no noise")
        )
        assert with_noise < without


def test_every_cell_has_an_interval(found):
    assert len(found) == 3 * len(LESIONS) * 6 * len(observers())
    assert all(one.areas.shape == (21,) for one in found)
    assert all(((one.areas >= 0) & (one.areas <= 1)).all() for one in found)


def test_lightness_alone_is_all_there_is_of_grey(found):
    for picture in ("MR", "fused", SIDE_BY_SIDE):
        names = ("as a person", "lightness alone", "colour counts double")
        areas = [mean_area(found, "MR", picture, name) for name in names]
        assert areas == pytest.approx([areas[0]] * 3, abs=0.01)


def test_colour_helps_where_lightness_says_nothing():
    responses = responses_of("pet-mri")
    rng = np.random.default_rng(0)
    for of_all in (responses.absent, responses.present):
        of_all["colour"] = of_all.pop("fused")
        of_all["colour"][:, :40] = rng.normal(size=of_all["colour"][:, :40].shape)
    found = list(find("pet-mri", responses, 20, rng))
    assert mean_area(found, "PET", "colour") > 0.6
    assert mean_area(found, "PET", "colour", "lightness alone") == pytest.approx(0.5, abs=0.1)
    more = mean_area(found, "PET", "colour", "colour counts double")
    assert more > mean_area(found, "PET", "colour") + 0.02


def test_equal_seeds_give_equal_figures(found):
    again = list(find("ct-mri", responses_of(), 20, np.random.default_rng(0)))
    assert all((one.areas == other.areas).all() for one, other in zip(found, again, strict=True))
    other = responses_of(seed=1).absent["MR"]
    assert not np.array_equal(other, responses_of().absent["MR"])


def test_who_learned_from_noise_finds_nothing(responses):
    """Nobody is asked about heads that he learned from: what is learned by heart does not help."""
    rng = np.random.default_rng(0)
    for of_all in (responses.absent, responses.present):
        of_all["noise"] = rng.normal(size=of_all["MR"].shape)
    found = list(find("ct-mri", responses, 20, np.random.default_rng(0)))
    for of_all in (responses.absent, responses.present):
        del of_all["noise"]
    for observer in observers():
        assert mean_area(found, EITHER, "noise", observer) == pytest.approx(0.5, abs=0.06)


def cells_of(areas):
    """One task, the same areas for all kinds: picture and source to them."""
    return [
        Found("ct-mri", source, kind, picture, observer, 10, np.array(values))
        for (source, picture), values in areas.items()
        for kind in KINDS
        for observer in observers()
    ]


def test_the_bar():
    sources = {("MR", "MR"): 0.9, ("MR", "CT"): 0.5, ("CT", "MR"): 0.5, ("CT", "CT"): 0.8}
    either = {(EITHER, "MR"): 0.7, (EITHER, "CT"): 0.65}
    fused = {("MR", "fused"): 0.881, ("CT", "fused"): 0.77, (EITHER, "fused"): 0.75}
    areas = {
        key: [value, value - 0.02, value + 0.02]
        for key, value in (sources | either | fused).items()
    }
    areas["CT", "fused"] = [0.77, 0.73, 0.84]
    text = tables(Results(cells_of(areas), ("fused", "absent")))
    lines = text.splitlines()
    assert "| CT-MR, MR | fused | 0.900 | 0.881 | -0.019 (-0.019 to -0.019) | held |" in lines
    assert "| CT-MR, CT | fused | 0.800 | 0.770 | -0.030 (-0.048 to +0.018) | missed |" in lines
    assert any(
        line.startswith("| CT-MR, either | fused | 0.700 | 0.750 | +0.050") for line in lines
    )
    assert "| lesion | lesions | MR | CT | fused |" in lines
    assert any(line.startswith("| mean | 60 | 0.900 ± 0.019 | 0.500 ± 0.019 |") for line in lines)
    assert "### CT-MR, lesion in either source" in lines
    assert "| CT-MR, CT | fused | -0.030 | -0.030 | -0.030 | -0.030 | -0.030 |" in lines


def test_networks_are_run_once(tmp_path, monkeypatch):
    calls = []

    def network(sources):
        calls.append(len(sources))
        return sources[:, :1]

    monkeypatch.setattr(kept, "read_methods", lambda *_: {"ct-mri": {"one": network}})
    monkeypatch.setattr(kept, "file_for", lambda weights, _: weights)
    monkeypatch.setattr(kept, "check_weights", str)
    sources = torch.rand(2, 2, 8, 8)
    for weights, times in (("a.pt", 1), ("a.pt", 1), ("b.pt", 2)):
        one = kept.read_networks({"one": weights}, "ct-mri", tmp_path / "runs")["one"]
        assert torch.equal(one(sources), sources[:, :1])
        assert len(calls) == times
    one(sources + 0.1)
    assert len(calls) == 3
    assert all(file.suffix == ".pt" for file in (tmp_path / "runs").iterdir())


def test_synthetic_heads_are_seeded_and_all_different(monkeypatch):
    monkeypatch.setattr(real_heads, "PHANTOM_GRID", (44, 53))
    monkeypatch.setattr(real_heads, "PHANTOM_SPACING_MM", 4.0)
    monkeypatch.setattr(real_heads, "SLICES_OF_A_PHANTOM", 2)
    monkeypatch.setattr(real_heads, "PHANTOM_HEIGHTS_MM", (5.0, 30.0))
    first, second = real_heads.phantom_heads("mr-mr", 2, seed=0)
    assert first.spacing_mm == pytest.approx((4.0, 4.0))
    assert first.scaled.shape[1:] == (2, 53, 44)
    assert len(first.scaled) == 2
    assert first.scaled.min() >= 0
    assert first.scaled.amax(dim=(0, 2, 3)).tolist() == pytest.approx([1, 1], abs=0.05)
    assert not torch.equal(first.scaled[0], second.scaled[0])
    (again,) = real_heads.phantom_heads("mr-mr", 1, seed=0)
    assert torch.equal(first.scaled, again.scaled)


@pytest.fixture
def small(monkeypatch, tmp_path):
    """The command with small heads, and networks that are the average."""
    monkeypatch.setattr(command, "phantom_heads", small_heads)
    monkeypatch.setattr(command, "PHANTOM_PARTNERS", {"pet-mri": "PET", "mr-mr": "T2"})
    monkeypatch.setattr(
        command, "read_networks", lambda weights, *_: dict.fromkeys(weights, mean_of_sources)
    )
    monkeypatch.setattr(command, "WITH_WEIGHTS_OF_AUTHORS", ("mr-mr",))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words):
    app = Typer()
    app.command()(command.main)
    return CliRunner().invoke(app, [str(word) for word in words])


def test_the_page_and_the_figures(small):
    page = write_by_hand(small / "docs" / "observer.md", command.MARKERS)
    words = ("--heads", 5, "--places", 4, "--draws", 20, "--published", "theirs.pt")
    result = run(*words)
    assert result.exit_code == 0, result.output
    text = read_with_new_tables(page)
    titles = [line for line in text.splitlines() if line.startswith("### ")]
    assert len(titles) == 1 + 2 * 3 + 1
    assert "### T1 with FLAIR, lesion in either source" in titles
    with (small / "docs" / "observer.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 3 * len(LESIONS) * 7 * len(observers())
    assert {row["picture"] for row in rows if row["task"] == "pet-mri"} == {
        "MR", "PET", FUSED, IN_COLORS_OF_PAPERS, "maximum", "blending", SIDE_BY_SIDE,
    }  # fmt: skip
    assert all(float(row["low"]) <= float(row["high"]) for row in rows)
    assert {row["picture"] for row in rows if row["task"] == "mr-mr"} == {
        "T1", "FLAIR", "fused", "published", "maximum", "blending", SIDE_BY_SIDE,
    }  # fmt: skip


def test_refusals_are_one_sentence(small):
    (small / "docs").mkdir()
    page = small / "docs" / "observer.md"
    page.write_text("no markers")
    assert_refused(run(), "lacks the lines")
    page.unlink()
    assert_refused(run("--templates", "absent"), "T1.nii")
