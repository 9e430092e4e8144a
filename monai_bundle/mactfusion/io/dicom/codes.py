"""Codes of DICOM's dictionary as items of a sequence."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

_BODY_STRUCTURE = Code("123037004", "SCT", "Body structure")
"""Where nothing says which."""

_REGIONS = {
    "ABDOMEN": Code("818981001", "SCT", "Abdomen"),
    "BRAIN": Code("12738006", "SCT", "Brain"),
    "CHEST": Code("43799004", "SCT", "Chest"),
    "HEAD": Code("69536005", "SCT", "Head"),
    "HEADNECK": Code("774007", "SCT", "Head and Neck"),
    "NECK": Code("45048000", "SCT", "Neck"),
    "PELVIS": Code("816092008", "SCT", "Pelvis"),
    "WHOLEBODY": Code("38266002", "SCT", "Entire body"),
}
"""Of Body Part Examined (PS3.16 Annex L)."""

_UNPAIRED = (
    "ABDOMEN", "ABDOMENPELVIS", "AORTA", "BACK", "BLADDER", "BRAIN", "CEREBELLUM", "CHEST",
    "CHESTABDOMEN", "CHESTABDPELVIS", "CIRCLEOFWILLIS", "COCCYX", "COLON", "CORONARYARTERY",
    "CSPINE", "CTSPINE", "DUODENUM", "ESOPHAGUS", "FACE", "GALLBLADDER", "HEAD", "HEADNECK",
    "HEART", "ILEUM", "ILIUM", "JAW", "JEJUNUM", "LARYNX", "LIVER", "LSPINE", "LSSPINE", "MAXILLA",
    "MEDIASTINUM", "MOUTH", "NECK", "NECKCHEST", "NECKCHESTABDOMEN", "NECKCHESTABDPELV", "NOSE",
    "PANCREAS", "PELVIS", "PENIS", "PHARYNX", "PROSTATE", "RECTUM", "SCALP", "SKULL", "SPINE",
    "SPLEEN", "SSPINE", "STERNUM", "STOMACH", "THYMUS", "THYROID", "TLSPINE", "TONGUE", "TRACHEA",
    "TSPINE", "UTERUS", "WHOLEBODY",
)  # fmt: skip
"""Of them those that have no side."""


def coded(code: Code) -> Dataset:
    """Return the item of a code sequence (PS3.3 Table 8.8-1)."""
    item = Dataset()
    item.CodeValue = code.value
    item.CodingSchemeDesignator = code.scheme_designator
    item.CodeMeaning = code.meaning
    return item


def region_of(body_part: str | None) -> Code:
    """Return the code of a Body Part Examined; of an unknown one that of any."""
    return _REGIONS.get(_term(body_part), _BODY_STRUCTURE)


def may_have_side(body_part: str | None) -> bool:
    """Tell whether Laterality, be it empty, may stand beside a Body Part Examined."""
    return _term(body_part) not in _UNPAIRED


def _term(body_part: str | None) -> str:
    return str(body_part or "").strip().upper()
