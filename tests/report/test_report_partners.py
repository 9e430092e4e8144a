"""Partners on the page: columns, windows, colours and their legend."""

from __future__ import annotations

import re

import numpy as np
from report_pages import (
    affine_of,
    body_text,
    brightest,
    recorded,
    report,
    result_of,
    scene_of,
    volumes_with_marker,
    voxels_of,
)

from mactfusion.report.fusion import write_fusion_report


def test_each_of_several_partners_has_a_column_and_a_legend(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    partners = [
        recorded("bone.nii", "ct-mri", units="HU"),
        recorded("<i>.nii", "pet-mri", level_width=[3.0, 6.0], colormap="hot_iron", coverage=0.5),
        recorded("late.nii", "pet-mri", colors=[], colormap="its own"),
    ]
    shown = [volumes["anatomical"], volumes["partner"], 0.5 * volumes["partner"]]
    summary = {"task": "ct-mri + pet-mri + pet-mri", "partners": partners, "coverage": 0.5}
    page = report(tmp_path / "report.html", {**volumes, "partners": shown}, summary)
    columns = re.findall(r'data-row="([^"]+)"( hidden)?', page)
    each = ["partner-1", "partner-2", "partner-3"]
    assert [name for name, _ in columns] == ["anatomical", *each, "partner", "fused", "blend"]
    assert [name for name, hidden in columns if hidden] == ["partner", "blend"]
    unchecked = re.findall(r'name="show" value="([^"]+)">', page)
    assert unchecked == ["partner", "blend"]
    assert [scene_of(page)["channels"][name] for name in each] == [1, 3, 3]
    marker = (slice(None), *brightest(page, "partner-3"))
    np.testing.assert_array_equal(voxels_of(page, "partner-2")[marker], [255, 128, 51])
    np.testing.assert_array_equal(voxels_of(page, "partner-3")[marker], [128, 64, 26])
    captions = re.findall(r'<p class="caption \w+">(.*?)</p>', page)
    assert [re.sub("<[^>]*>", "", caption) for caption in captions] == [
        "Anatomical (MR)",
        "CT bone.nii",
        "PET 1 &lt;i&gt;.nii",
        "PET 2 late.nii",
        "Partners joined",
        "Fused",
        "Blend",
    ]
    assert re.findall(r"(.*) over anatomical<", page) == [
        f'        <option value="{name}">{label}'
        for name, label in zip([*each, "partner"], ["CT", "PET 1", "PET 2", "Joined"], strict=True)
    ]
    legend = page.split('<section class="panel legend">')[1].split("</section>")[0]
    for text in (
        "<strong>CT</strong> level 50, width 120 HU</p>",
        "<span>-10</span><span>grey</span>",
        "<span>110 HU</span>",
        "<strong>PET 1</strong> level 3, width 6</p>",
        "&lt;i&gt;.nii: pet-mri, covers 50.0 %",
        'alt="Colours of PET 1: hot_iron;',
        "<span>0</span><span>hot_iron</span>",
        "Keeps its own colours.",
        "the colour is that of the stronger",
    ):
        assert text in " ".join(legend.split()).replace("> <", "><")
    assert page.count("<polyline") == 3


def test_one_partner_has_a_row_and_its_colours(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    partner = recorded("a.nii", "pet-mri", level_width=[1e4, 2e4], units="Bq/ml", colormap="pet")
    page = report(tmp_path / "report.html", volumes, {"task": "pet-mri", "partners": [partner]})
    rows = re.findall(r'data-row="([^"]+)"( hidden)?', page)
    assert rows == [("anatomical", ""), ("partner", ""), ("fused", ""), ("blend", " hidden")]
    assert 'alt="Colours of PET: pet;' in page
    text = body_text(page)
    assert "PET level 10000, width 20000 Bq/ml 0 pet 20000 Bq/ml" in text
    assert "the colour is that of the stronger" not in text
    assert "that covers least" not in text


def test_without_a_record_of_the_partner_there_is_no_legend(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    page = report(tmp_path / "report.html", volumes, {"task": "pet-mri"})
    assert '<p class="caption partner">Partner (PET)</p>' in page
    assert "Windows and colours" not in page


def test_windows_and_chosen_options_stand_beside_the_pictures(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    partner = recorded("a.nii", "ct-mri", level_width=[40.0, 80.0], units="HU")
    options = {
        "task": ["auto"],
        "window": ["brain"],
        "grid": "isotropic",
        "model": "dilran",
        "device": "cpu",
        "precision": "float32",
        "luminance": False,
        "batch_size": None,
    }
    result = result_of(volumes, [partner], options=options, units="a.u.")
    page = write_fusion_report(tmp_path / "report.html", result).read_text()
    beside, below = page.split("</style>")[1].split("</main>")
    beside = body_text("</style>" + beside)
    assert "Anatomical (MR) level 450, width 900 a.u." in beside
    assert "CT level 40, width 80 HU" in beside
    # The network is named, no matter whether it was chosen; what is a default is not repeated.
    expected = "Chosen options network pixel_weights window brain grid isotropic All others"
    assert expected in beside
    assert "precision float32" in body_text("</style>" + below)


def test_all_options_at_their_defaults_are_said_to_be(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    result = result_of(volumes, [recorded("a.nii", "ct-mri")])
    page = write_fusion_report(tmp_path / "report.html", result).read_text()
    expected = "Chosen options network pixel_weights All are the defaults"
    assert expected in body_text(page)


def test_unknown_units_leave_numbers_alone(tmp_path):
    volumes, _ = volumes_with_marker(affine_of())
    partner = recorded("a.nii", "ct-mri", units="")
    page = write_fusion_report(tmp_path / "r.html", result_of(volumes, [partner])).read_text()
    assert "CT level 50, width 120 -10 grey 110" in body_text(page)
