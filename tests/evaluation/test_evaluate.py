"""Evaluation: the right pixels reach the metrics, whatever the files look like."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from noise_pictures import SMALL, noise, save
from PIL import Image

from mactfusion import fuse_volumes
from mactfusion.errors import InputError
from mactfusion.evaluation.cases import Case, Preparation
from mactfusion.evaluation.run import check_metrics, evaluate
from mactfusion.evaluation.slices import load_slices
from mactfusion.io.luminance import read_grey_levels
from mactfusion.metrics import METRICS, OF_COLORS
from mactfusion.registration import write_transform

BT601 = np.array([299, 587, 114])
"""In thousandths, so that the sums are exact."""


def by_hand(folder, name, metrics=SMALL):
    mr, fused = (np.asarray(Image.open(folder / part / name)) for part in ("mr", "fused"))
    pet = np.round(np.asarray(Image.open(folder / "pet" / name), int) @ BT601 / 1000)
    return {metric: METRICS[metric](fused, mr, pet) for metric in metrics}


def test_picture(folders):
    paths = [folders / part / "2.png" for part in ("fused", "mr", "pet")]
    result = evaluate(*paths, metrics=SMALL)
    assert result.cases[0].means == pytest.approx(by_hand(folders, "2.png"), abs=1e-12)
    assert (result.unit, result.labels, result.method) == ("case", ["2.png"], "2.png")


def test_every_metric_by_default(tmp_path):
    paths = [save(tmp_path / f"{seed}.png", noise(seed, (64, 70))) for seed in range(3)]
    assert evaluate(*paths).metrics == list(METRICS)


def test_folders_match_by_name(folders):
    (folders / "pet" / "3.png").rename(folders / "pet" / "4.png")
    (folders / "fused" / "3.png").unlink()
    Image.open(folders / "mr" / "1.png").save(folders / "mr" / "1.tif")
    (folders / "mr" / "1.png").unlink()
    (folders / "fused" / "notes.txt").write_text("not a picture")
    result = evaluate(folders / "fused", folders / "mr", folders / "pet", metrics=SMALL)
    assert result.labels == ["1", "2"]
    assert [path.relative_to(folders).as_posix() for path in result.unmatched] == [
        "mr/3.png",
        "pet/4.png",
    ]
    assert result.cases[1].means == pytest.approx(by_hand(folders, "2.png"), abs=1e-12)
    expected = np.mean([result.cases[case].means["Qw"] for case in (0, 1)])
    assert result.summaries()["Qw"].mean == pytest.approx(expected)


@pytest.mark.slow
def test_processes_change_nothing(folders):
    paths = [folders / part for part in ("fused", "mr", "pet")]
    seen = []
    pooled = evaluate(*paths, metrics=SMALL, jobs=2, progress=lambda *at: seen.append(at))
    alone = evaluate(*paths, metrics=SMALL, jobs=1)
    assert [scores.means for scores in pooled.cases] == [scores.means for scores in alone.cases]
    assert seen == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.slow
def test_a_refusal_comes_out_of_a_process(folders):
    with pytest.raises(InputError, match=r"1\.png: .*needs \d+ pixels"):
        evaluate(folders / "fused", folders / "mr", folders / "pet", metrics=["MS_SSIM"], jobs=2)


def axial_slices(voxels):
    """Slices from inferior to superior, as displayed, of a RAS array ``(I, J, K)`` or RGB."""
    levels = np.rint(voxels)
    levels = np.round(levels @ BT601 / 1000) if levels.ndim == 4 else levels
    return levels.transpose(2, 1, 0)[:, ::-1, ::-1]


def stored(path):
    array = np.asarray(nibabel.load(path).dataobj)
    if array.dtype.names:
        return np.stack([array[name] for name in "RGB"], axis=-1).astype(float)
    return array / 257


def check_seen(fused, options):
    """Evaluate what was fused with some options, and compare with what the network was shown."""
    result = fused("fused.nii.gz", colors="ycbcr", **options)
    found = evaluate("fused.nii.gz", "mr.nii.gz", "pet.nii.gz", metrics=SMALL, jobs=1).cases[0]
    mr, pet = (np.moveaxis(v.numpy() * 255.0, 0, -1) for v in (result.anatomical, result.partner))
    # the network saw the luminance itself, and not that of colours in 8 bits
    pet = np.round(pet @ BT601 / 1000, 3)
    pictures = [axial_slices(voxels) for voxels in (stored("fused.nii.gz"), mr[..., 0], pet)]
    triples = zip(*pictures, strict=True)
    expected = [[METRICS[name](*triple) for name in SMALL] for triple in triples]
    profiles = np.stack([found.profile(metric) for metric in SMALL], axis=1)
    np.testing.assert_allclose(profiles, expected, atol=1e-3)
    assert np.median(np.abs(profiles - expected)) < 1e-6
    assert found.means["Qw"] == pytest.approx(np.mean(profiles[:, 2]))


@pytest.mark.parametrize(
    "options",
    [{}, {"luminance": True}, {"window": (3000.0, 4000.0)}, {"grid": "isotropic"}],
)
def test_volume_is_seen_as_the_recipe_saw_it(fused, options):
    check_seen(fused, options)


def test_a_partner_is_seen_where_it_was_put(fused):
    pose = np.eye(4)
    pose[:3, 3] = (6.0, -4.0, 1.0)
    write_transform(pose, Path("moved.tfm"))
    check_seen(fused, {"transform": "moved.tfm"})


def test_given_options_win_over_the_record(fused):
    fused("fused.nii.gz", window=(3000.0, 4000.0))
    paths = ("fused.nii.gz", "mr.nii.gz", "pet.nii.gz")
    recorded, given, automatic = (
        evaluate(*paths, metrics=["Qw"], jobs=1, preparation=preparation).cases[0].means["Qw"]
        for preparation in (None, Preparation(window="3000,4000"), Preparation(window="auto"))
    )
    assert recorded == given != automatic


def test_grid_and_axis_can_be_given_where_nothing_was_recorded(fused, files, run_command):
    fused("fused.nii.gz", grid="isotropic", axis="coronal", colors="ycbcr")
    words = ("evaluate", "fused.nii.gz", "mr.nii.gz", "pet.nii.gz", "--metrics", "SCD", "--jobs", 1)
    words = (*map(str, words), "--csv", "t.csv", "--overwrite")
    tables = []
    for options in ((), ("--task", "pet-mri", "--grid", "isotropic", "--axis", "coronal")):
        assert run_command(*words, *options).code == 0
        tables.append((files / "t.csv").read_text())
        (files / "fused.nii.gz.json").unlink(missing_ok=True)
    assert tables[0] == tables[1]
    assert run_command(*words, "--task", "pet-mri").code == 0
    assert (files / "t.csv").read_text() != tables[0]


def test_a_record_by_its_former_name_is_found(fused, files):
    fused("fused.nii.gz")
    (files / "fused.nii.gz.json").rename(files / "fused.json")
    assert evaluate("fused.nii.gz", "mr.nii.gz", "pet.nii.gz", metrics=["Qw"], jobs=1).cases


def test_without_a_record_the_task_has_to_be_given(fused, files):
    fused("fused.nii.gz")
    (files / "fused.nii.gz.json").write_text('{"another": "program"}')
    paths = ("fused.nii.gz", "mr.nii.gz", "pet.nii.gz")
    with pytest.raises(InputError, match="Cannot tell the task"):
        evaluate(*paths, metrics=["Qw"], jobs=1)
    assert evaluate(*paths, metrics=["Qw"], jobs=1, preparation=Preparation(task="pet-mri"))


def test_colours_are_read_of_a_volume(fused):
    names = (*OF_COLORS, "EN")
    found = {}
    for colors in ("legible", "ycbcr"):
        fused(f"{colors}.nrrd", colors=colors, check=False)
        scores = evaluate(f"{colors}.nrrd", "mr.nii.gz", "pet.nii.gz", metrics=names, jobs=1)
        found[colors] = scores.cases[0].means
    assert found["legible"]["READ"] > 0.98
    assert found["legible"]["DISTURBED"] < 0.1
    assert found["ycbcr"]["READ"] < found["legible"]["READ"]


def test_colours_are_scored_once_a_volume(fused, run_command):
    for colors in ("legible", "ycbcr"):
        fused(f"{colors}.nrrd", colors=colors, check=False)
    words = ("evaluate", "legible.nrrd", "mr.nii.gz", "pet.nii.gz", "--metrics", "EN,READ")
    outcome = run_command(*words, "--against", "ycbcr.nrrd", "--csv", "a.csv", "--report", "a.html")
    assert outcome.code == 0
    (line,) = (line for line in outcome.out.splitlines() if "READ" in line)
    assert "1 of 1" in line
    assert "1.0000" in line.rpartition("1 of 1")[2]  # one volume makes nothing sure
    header, *lines = Path("a.csv").read_text().splitlines()
    assert header.endswith("EN,READ")
    with_a_value = [line for line in lines if not line.endswith(",")]
    assert len(lines) > len(with_a_value) == 2


def test_sources_that_were_not_fused_are_named(fused, files):
    fused("fused.nrrd", check=False)
    Path("other.nii.gz").write_bytes(Path("mr.nii.gz").read_bytes())

    def noted(*sources):
        return evaluate("fused.nrrd", *sources, metrics=["EN"], jobs=1).cases[0].notes

    assert noted("other.nii.gz", "pet.nii.gz") == (), "the same content"
    swapped = " ".join(noted("pet.nii.gz", "mr.nii.gz"))
    assert "pet.nii.gz is not the anatomical volume that fused.nrrd was fused from" in swapped
    assert "mr.nii.gz is not the partner that" in swapped


def test_other_partners_are_said_to_count_as_invented(files, pixel_maximum):
    image = nibabel.load("pet.nii.gz")
    flipped = nibabel.Nifti1Image(image.get_fdata()[::-1], image.affine)
    nibabel.save(flipped, files / "spect.nii.gz")
    both = ["pet.nii.gz", "spect.nii.gz"]
    options = {"task": ["pet-mri", "spect-mri"], "weights": pixel_maximum, "check": False}
    fuse_volumes("mr.nii.gz", both, output="fused.nrrd", **options)
    found = evaluate("fused.nrrd", "mr.nii.gz", "pet.nii.gz", metrics=["EN"], jobs=1)
    (note,) = found.cases[0].notes
    assert note.startswith("fused.nrrd was fused of 2 partners: what others than pet.nii.gz show")


def test_maps_beside_the_results_are_no_results(run_command, folders, pixel_maximum):
    words = ("fuse", folders / "mr", folders / "pet", "--task", "pet-mri", "-o", folders / "new")
    options = ("--weights", pixel_maximum, "--lost-map", "--provenance")
    assert run_command(*words, *options).code == 0
    assert (folders / "new" / "1.png.lost.nii.gz").is_file()
    result = evaluate(folders / "new", folders / "mr", folders / "pet", metrics=["EN"], jobs=1)
    assert result.labels == ["1", "2", "3"]


def test_a_grey_volume_has_no_colours_to_read(fused, files, run_command):
    for number, name in enumerate(("mr.nii.gz", "pet.nii.gz")):
        values = 1000 * np.random.default_rng(number).random((48, 44, 2), np.float32)
        nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), files / name)
    fused("grey.nrrd", luminance=True, check=False)
    fused("color.nrrd", check=False)
    sources = ("mr.nii.gz", "pet.nii.gz")
    assert evaluate("grey.nrrd", *sources, jobs=1).metrics == list(METRICS)
    outcome = run_command("evaluate", "grey.nrrd", *sources, "--metrics", "EN,READ", "--jobs", "1")
    assert outcome.refused("READ cannot be told of grey.nrrd")
    both = ("evaluate", "color.nrrd", *sources, "--against", "grey.nrrd", "--csv", "both.csv")
    assert run_command(*both, "--jobs", "1").code == 0
    header, *lines = Path("both.csv").read_text().splitlines()
    assert header == ",".join(["method", "case", "slice", *METRICS])
    assert {len(line.split(",")) for line in lines} == {3 + len(METRICS)}


def test_storage_order_changes_nothing_but_the_numbers(fused, files):
    fused("fused.nii.gz", luminance=True)
    image = nibabel.load("fused.nii.gz")
    turned = image.as_reoriented(np.array([[1, -1], [0, 1], [2, -1]]))
    nibabel.save(turned, "turned.nii.gz")
    (files / "turned.nii.gz.json").write_bytes((files / "fused.nii.gz.json").read_bytes())
    straight, other = (
        evaluate(name, "mr.nii.gz", "pet.nii.gz", metrics=SMALL, jobs=1).cases[0]
        for name in ("fused.nii.gz", "turned.nii.gz")
    )
    for metric in SMALL:
        np.testing.assert_allclose(other.profile(metric), straight.profile(metric)[::-1], atol=1e-9)
    assert np.ptp(straight.profile("Qw")) > 1e-3


def test_sources_are_brought_to_the_fused_grid(fused, files):
    fused("fused.nii.gz", luminance=True)
    nibabel.save(nibabel.load("fused.nii.gz").slicer[2:, :, 1:3], "part.nii.gz")
    whole, part = (
        load_slices(
            Case(name, files / name, files / "mr.nii.gz", files / "pet.nii.gz"),
            Preparation(task="pet-mri"),
        )
        for name in ("fused.nii.gz", "part.nii.gz")
    )
    assert (whole.axis, part.axis, part.numbers) == ("axial", "axial", (0, 1))
    for key in ("fused", "source_a", "source_b"):  # columns run to the patient's left
        assert np.array_equal(getattr(part, key), getattr(whole, key)[1:3, :, :-2])
        assert np.ptp(getattr(part, key)) > 100


def test_blank_slices_are_left_out(files, mr, pet, fused):
    for name, (array, affine) in {"mr": mr, "pet": pet}.items():
        array[:, :, : len(array[0, 0]) // 2] = 0
        nibabel.save(nibabel.Nifti1Image(array, affine), f"{name}.nii.gz")
    fused("fused.nii.gz")
    scores = evaluate("fused.nii.gz", "mr.nii.gz", "pet.nii.gz", metrics=["Qw"], jobs=1).cases[0]
    assert (scores.slice_count, scores.numbers) == (4, (2, 3))
    assert np.isnan(scores.profile("Qw")).tolist() == [True, True, False, False]
    assert scores.means["Qw"] == pytest.approx(np.nanmean(scores.profile("Qw")))


def test_a_constant_result_is_scored(folders):
    save(folders / "fused" / "2.png", np.full((30, 36), 7))
    paths = [folders / part for part in ("fused", "mr", "pet")]
    found = evaluate(*paths, metrics=SMALL, jobs=1).cases[1].means
    assert found == pytest.approx(by_hand(folders, "2.png"), abs=1e-12)
    assert read_grey_levels(folders / "fused" / "2.png", may_be_constant=True).max() == 7
    with pytest.raises(InputError, match="is constant"):
        read_grey_levels(folders / "fused" / "2.png")


def test_a_constant_volume_is_scored(fused, files):
    fused("fused.nii.gz", luminance=True)
    image = nibabel.load("fused.nii.gz")
    constant = np.full(image.shape, 9000, np.uint16)
    nibabel.save(nibabel.Nifti1Image(constant, image.affine), "fused.nii.gz")
    found = evaluate("fused.nii.gz", "mr.nii.gz", "pet.nii.gz", metrics=["EN"], jobs=1)
    assert found.cases[0].means == {"EN": 0}


def test_names_of_metrics():
    assert check_metrics([" vif", "scd", "VIF", "qabf_01"]) == ["VIF", "SCD", "Qabf_01"]
    assert check_metrics(None) == [*METRICS, *OF_COLORS]
    for names, sentence in ((["nonsense"], "no metric nonsense"), ([" "], "No metric was named")):
        with pytest.raises(InputError, match=sentence):
            check_metrics(names)


@pytest.fixture
def pictures(tmp_path, monkeypatch, mr, pixel_maximum):
    """Two fused pictures each in legible colours, and in grey, with their sources."""
    monkeypatch.chdir(tmp_path)
    grey = np.random.default_rng(0).integers(0, 256, (32, 24)).astype(np.uint8)
    for folder in ("mr", "pet"):
        Path(folder).mkdir()
        for name in ("a", "b"):
            Image.fromarray(grey if folder == "mr" else grey[::-1].copy()).save(
                f"{folder}/{name}.png"
            )
    for folder, luminance in {"legible": False, "grey": True}.items():
        for name in ("a", "b"):
            fuse_volumes(
                f"mr/{name}.png",
                f"pet/{name}.png",
                output=f"{folder}/{name}.png",
                task="pet-mri",
                luminance=luminance,
                weights=pixel_maximum,
                dtype="uint8",
            )


@pytest.mark.parametrize("folder", ["legible", "grey"])
def test_colours_without_a_record_are_said_once_to_be_doubtful(folder, pictures, run_command):
    words = ("evaluate", folder, "mr", "pet", "--metrics", "SD", "--jobs", "1")
    recorded = run_command(*words)
    assert (recorded.code, recorded.err) == (0, "")
    for record in Path(folder).glob("*.json"):
        record.unlink()
    bare = run_command(*words)
    is_doubtful = folder == "legible"
    assert bare.err.count("no record beside it") == is_doubtful
    assert bare.err.count("Warning: ") == is_doubtful
    assert (bare.out != recorded.out) == is_doubtful
