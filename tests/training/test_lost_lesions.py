"""The measurement of lost lesions, on small pictures and volumes of our own."""

from __future__ import annotations

import csv

import nibabel
import numpy as np
import pytest
import torch
from page_by_hand import read_with_new_tables, write_by_hand
from PIL import Image
from refused import assert_refused
from typer import Typer
from typer.testing import CliRunner

from mactfusion.engine.pairs import LoadPaird
from mactfusion.trust.lesions import LESIONS
from training import lesions
from training.lesion_study import methods, places, sources
from training.lesion_study.measure import Measured, measure
from training.lesion_study.page import lesion_tables, summed

SIZE = 72


def slices_of(anatomical, partner, task="ct-mri", origin=sources.SLICES, spacing_mm=(1.0, 1.0)):
    """A head that fills all but the rim, both sources of one brightness each."""
    image = torch.zeros(1, 2, SIZE, SIZE)
    image[..., 4:-4, 4:-4] = torch.tensor([anatomical, partner])[:, None, None]
    return sources.SlicePair(task, origin, image, spacing_mm)


def lost(pair, used):
    found = measure(pair, used, 4, np.random.default_rng(0))
    return {(one.source, one.kind, one.method): (one.lost, one.places) for one in found}


def test_the_brighter_source_hides_lesions_from_the_maximum():
    counts = lost(slices_of(0.9, 0.4), methods.RULES)
    for kind in LESIONS:
        missing, of = counts["CT", kind, "maximum"]
        assert missing == of == 4, kind
        assert counts["MR", kind, "maximum"] == (0, 4) or LESIONS[kind].change > 0.3, kind
        assert counts["CT", kind, "average"] == (0, 4)
        assert counts["CT", kind, "blending"] == (0, 4)
    # White already: no hot lesion is seen in the MR, so that none can be lost.
    assert counts["MR", "hot, 12 mm", "maximum"] == (0, 0)


def test_the_source_alone_loses_nothing_and_the_other_alone_everything():
    used = {"anatomical": lambda x: x[:, :1], "negative": lambda x: 1 - x[:, :1]}
    counts = lost(slices_of(0.5, 0.5), used)
    for kind in LESIONS:
        assert counts["MR", kind, "anatomical"] == (0, 4)
        assert counts["MR", kind, "negative"] == (4, 4)  # bright became dark
        assert counts["CT", kind, "anatomical"] == (4, 4)


def test_results_are_clipped_first():
    counts = lost(slices_of(0.5, 0.5), {"beyond": lambda x: x[:, :1] + 0.5})
    assert counts["MR", "hot, 12 mm", "beyond"] == (4, 4)
    assert counts["MR", "cold, 12 mm", "beyond"] == (0, 4)


def test_networks_are_steadied_in_volumes_before_they_are_clipped():
    pair = slices_of(0.5, 0.5, origin=sources.VOLUMES)
    used = {"beyond": lambda x: 2.5 * x[:, :1], **methods.RULES}
    counts = lost(pair, used)
    assert counts["MR", "hot, 12 mm", "beyond"] == (0, 4)
    assert counts["MR", "cold, 12 mm", "maximum"] == (4, 4)
    assert lost(slices_of(0.5, 0.5), used)["MR", "hot, 12 mm", "beyond"] == (4, 4)


def test_blending_is_half_opaque_where_the_partner_shows_something():
    image = torch.tensor([[0.8, 0.8, 0.2], [0.0, 0.4, 1.0]]).reshape(1, 2, 1, 3)
    assert methods.alpha_blending(image).flatten().tolist() == pytest.approx([0.8, 0.6, 0.6])


def test_of_two_mr_lesions_are_in_the_flair_alone():
    pair = slices_of(0.5, 0.5, task="mr-mr")
    assert {key[0] for key in lost(pair, methods.RULES)} == {"FLAIR"}


def test_places_are_in_the_head_apart_and_seeded():
    pair = slices_of(0.5, 0.0, spacing_mm=(1.0, 1.0))
    pair.sources[..., 30:40, 30:40] = 0  # a hole: inside, but no tissue
    centres, angles = places.draw_places(pair, 9, np.random.default_rng(3))
    assert 3 <= len(centres) <= 9
    assert len(angles) == len(centres)
    assert ((centres >= 13) & (centres <= SIZE - 14)).all()
    assert all(pair.sources[0, 0, int(row), int(column)] > 0 for row, column in centres)
    distances = torch.cdist(centres, centres) + 1e3 * torch.eye(len(centres))
    assert distances.min() >= places.APART_MM
    again, _ = places.draw_places(pair, 9, np.random.default_rng(3))
    assert torch.equal(centres, again)
    other, _ = places.draw_places(pair, 9, np.random.default_rng(4))
    assert not torch.equal(centres, other)


def test_places_keep_their_distance_in_millimetres():
    pair = slices_of(0.5, 0.0, spacing_mm=(2.0, 1.0))
    centres, _ = places.draw_places(pair, 20, np.random.default_rng(0))
    scaled = centres * torch.tensor(pair.spacing_mm)
    distances = torch.cdist(scaled, scaled) + 1e3 * torch.eye(len(centres))
    assert distances.min() >= places.APART_MM
    assert centres[:, 0].min() >= 8
    assert centres[:, 1].min() >= 13


def test_an_empty_pair_has_no_places():
    pair = slices_of(0.0, 0.0)
    assert list(measure(pair, methods.RULES, 4, np.random.default_rng(0))) == []


def test_the_table_counts_cells_together():
    def one(kind, origin, of, missing):
        return Measured("ct-mri", "CT", origin, kind, "maximum", of, missing)

    kinds = list(LESIONS)
    cells = summed(
        [
            one(kinds[0], "slices", 3, 1),
            one(kinds[0], "slices", 1, 0),
            one(kinds[0], "volumes", 4, 4),
            one(kinds[1], "slices", 8, 0),
        ]
    )
    assert [(cell.places, cell.lost) for cell in cells] == [(4, 1), (4, 4), (8, 0)]
    text = lesion_tables(cells)
    assert text.startswith("### CT-MR, lesion in CT\n\n| lesion | places | maximum |\n")
    assert f"| {kinds[0]} | 8 | 62 |" in text
    assert f"| {kinds[2]} | 0 | – |" in text
    assert "| all | 16 | 31 |" in text
    assert "| all, in slices | 12 | 8 |" in text
    assert "| all, in volumes | 4 | 100 |" in text


@pytest.fixture
def folder(tmp_path):
    """Pairs to train and to test on, heads of 72 pixels, and two MR of one head."""
    rng = np.random.default_rng(0)
    for part, level in (("train", 90), ("test", 200)):
        for modality in ("MRI", "CT"):
            pixels = np.zeros((SIZE, SIZE), np.uint8)
            pixels[6:-6, 6:-6] = rng.integers(level - 30, level + 30, (SIZE - 12, SIZE - 12))
            path = tmp_path / "pairs" / "CT-MRI" / part / modality / "1001.png"
            path.parent.mkdir(parents=True)
            Image.fromarray(pixels).save(path)
    for folder, names in (
        ("mr", ("T1.nii.gz", "FLAIR.nii.gz")),
        ("mni", ("T1.nii", "CT_HU_from_scct.nii.gz", "PET.nii", "SPECT.nii")),
    ):
        (tmp_path / folder).mkdir()
        for name in names:
            is_ct = name.startswith("CT")
            voxels = np.full((44, 48, 4), -1000 if is_ct else 0, np.float32)
            inside = rng.integers(*((0, 90) if is_ct else (100, 900)), (36, 40, 4))
            voxels[4:-4, 4:-4] = inside
            image = nibabel.Nifti1Image(voxels, np.diag([2.0, 2.0, 2.0, 1.0]))
            nibabel.save(image, tmp_path / folder / name)
    return tmp_path


def run(folder, *words):
    app = Typer()
    app.command()(lesions.main)
    fixed = ["--page", folder / "docs" / "lost_lesions.md", "--places", "24"]
    return CliRunner().invoke(app, [str(word) for word in (*fixed, *words)])


def all_of(folder):
    return (
        *("--pairs", folder / "pairs", "--templates", folder / "mni"),
        *("--mr-mr", folder / "mr"),
    )


def test_the_page_and_the_counts(folder, monkeypatch):
    read = []

    def load(path):
        read.append(path.name)
        return None, torch.nn.Conv2d(2, 1, 1)

    monkeypatch.setattr(methods, "load_network", load)
    page = write_by_hand(folder / "docs" / "lost_lesions.md", lesions.MARKERS)
    words = ("--weights", "new=of-{task}.pt")
    result = run(folder, *all_of(folder), *words)
    assert result.exit_code == 0, result.output
    text = read_with_new_tables(page)
    assert read == [f"of-{task}.pt" for task in ("ct-mri", "pet-mri", "spect-mri", "mr-mr")]
    titles = [line for line in text.splitlines() if line.startswith("### ")]
    assert len(titles) == 7
    assert "### T1 with FLAIR, lesion in FLAIR" in titles
    assert text.count("| lesion | places | new | maximum | average | blending |") == 7
    with (folder / "docs" / "lost_lesions.csv").open() as file:
        rows = list(csv.DictReader(file))
    # Slices of CT; volumes of CT, PET and SPECT, in two sources each; FLAIR alone.
    assert len(rows) == (2 + 6 + 1) * len(LESIONS) * 4
    assert all(0 <= int(row["lost"]) <= int(row["places"]) for row in rows)
    assert any(int(row["places"]) for row in rows)
    assert {row["lost"] for row in rows if row["method"] == "average"} == {"0"}


def test_lesions_in_pairs_with_ct(folder):
    page = write_by_hand(folder / "docs" / "lost_lesions.md", lesions.MARKERS)
    result = run(folder, "--templates-on-ct", folder / "mni")
    assert result.exit_code == 0, result.output
    titles = [line for line in read_with_new_tables(page).splitlines() if line.startswith("### ")]
    assert titles == [
        f"### CT with {tracer}, lesion in {source}"
        for tracer in ("PET", "SPECT")
        for source in ("CT", tracer)
    ]


def test_equal_seeds_give_equal_counts_and_test_pairs_only_when_asked(folder, monkeypatch):
    seen = []

    class Watched(LoadPaird):
        def __call__(self, data):
            seen.append(data["anatomical"])
            return super().__call__(data)

    monkeypatch.setattr(sources, "LoadPaird", Watched)
    texts = []
    for words in ((), (), ("--part", "test")):
        assert run(folder, "--pairs", folder / "pairs", *words).exit_code == 0
        texts.append((folder / "docs" / "lost_lesions.csv").read_text())
    assert texts[0] == texts[1]
    assert ["/test/" in path for path in seen] == [False, False, True]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "Give --pairs, --templates, --templates-on-ct or --mr-mr."),
        (("--pairs", "absent"), "absent holds no pairs"),
        (("--pairs", "pairs", "--part", "both"), "--part takes train or test, not 'both'"),
        (("--mr-mr", "absent"), "T1.nii.gz"),
        (("--templates", "mr"), "T1.nii"),
        (("--pairs", "pairs", "--weights", "b=absent.pt"), "absent.pt"),
        (("--pairs", "pairs", "--weights", "maximum=dilran"), "Two methods are called maximum"),
    ],
)
def test_refusals_are_one_sentence(folder, words, sentence, monkeypatch):
    monkeypatch.chdir(folder)
    assert_refused(run(folder, *words), sentence)
    assert not (folder / "docs").exists()
