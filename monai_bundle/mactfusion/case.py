"""What the data of one patient hold after each step of the recipe.

A case is a dictionary that travels through ``configs/inference.yaml`` from top to bottom. Who
writes a step reads this page and no other. Volumes are ``monai.data.MetaTensor``, channel first,
with an affine in RAS millimetres.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    import torch
    from monai.data import MetaTensor

    from mactfusion.trust.regions import Region


class Partner(TypedDict, total=False):
    """One partner, from reading until it is joined with the others."""

    number: int
    """Its place among the partners as they were given, from 0. Added by LoadVolumesd."""
    partner: MetaTensor
    """``(1 or 3, I, J, K)`` as read (LoadVolumesd); on the grid of the result (AlignPartnerd);
    turned to (slice, row, column) (OrientToSlicesd); in [0, 1] (ScalePartnerd)."""
    task: str
    """One of :data:`mactfusion.option_values.TASKS`. ResolveTaskd."""
    task_reason: str
    """Why, as a sentence. ResolveTaskd."""
    same_frame_of_reference: bool
    """Whether it and the anatomical volume are DICOM of one frame of reference. LoadVolumesd."""
    pose: torch.Tensor
    """``(4, 4)`` float64, from a point of the anatomical volume to that of the partner as it was
    read, RAS+ millimetres; identity where it was left where it is. PlacePartnerd."""
    verdict: str
    """One of :data:`mactfusion.registration.verdict.VERDICTS`. PlacePartnerd."""
    is_sided: bool
    """Whether left and right could be told apart. PlacePartnerd."""
    off_mm: float
    """How far it was off, ``off_degrees`` by how much it was turned; not a number where that was
    not checked. PlacePartnerd."""
    off_degrees: float
    evidence: torch.Tensor
    """``(6,)`` as :class:`mactfusion.registration.evidence.Evidence`, or empty. PlacePartnerd."""
    before: list[MetaTensor]
    """Three planes of it as it lay before it was moved, for a report, see
    :class:`mactfusion.registration.before.KeepBefored`; missing where it was not."""
    field_of_view: MetaTensor
    """``(1, …)``, bool, where the partner was seen. AlignPartnerd."""
    coverage: float
    """Share of the grid of the result that it covers, 0 to 1. AlignPartnerd."""
    fine: MetaTensor
    """It on its own grid, where that is much finer than the result's. KeepFined; gone after
    FindSmalld."""
    small: torch.Tensor
    """``(N, 6)`` float32, small bright structure of such a partner that is fainter on the grid of
    the result, see :class:`mactfusion.trust.FindSmalld`."""
    tracer: int
    """Its place among the partners that get their colours from a table, from 0; missing for all
    others. OrderPartnersd."""
    level_width: torch.Tensor
    """``(2,)``, the window that was applied. ScalePartnerd."""
    is_color: bool
    """Whether it has ``chrominance``. SplitLuminanced."""
    luminance: MetaTensor
    """``(1, …)`` in [0, 1]. SplitLuminanced."""
    chrominance: MetaTensor
    """``(2, …)``: a and b of OKLab, 0 neutral; of the colours "ycbcr" Cb and Cr in [0, 1], 0.5
    neutral. SplitLuminanced."""
    table: torch.Tensor
    """``(N, 3)`` RGB, the table that its colours come from, as it was chosen; missing without one.
    SplitLuminanced."""
    colormap: str
    """What the record calls its colours: a table, "grey", "its own" or "as given".
    SplitLuminanced."""
    colors: list[str]
    """Colours ``#rrggbb`` from its lowest to its highest value; none of its own.
    SplitLuminanced."""


class Case(TypedDict, total=False):
    """A patient: an anatomical volume and one or more partners."""

    anatomical: MetaTensor
    """``(1, I, J, K)`` as read (LoadVolumesd); on the grid of the result (ChooseGridd); turned to
    (slice, row, column) (OrientToSlicesd); in [0, 1] (ScaleAnatomicald). Before LoadVolumesd it is
    what the user gave; gone after JoinPartnersd."""
    partner: Any
    """What the user gave, one source or a list of them. Gone after LoadVolumesd."""
    partners: list[Partner]
    """LoadVolumesd. In a fixed order, whatever the user's, after OrderPartnersd. After
    JoinPartnersd only what the record says of each is left, see
    :func:`mactfusion.transforms.join.described`."""
    notes: str
    """Sentences for the user, one a line; any step may add to them, see
    :func:`mactfusion.errors.note`. LoadVolumesd."""
    started: float
    """Seconds since 1970; likewise ``prepared`` and ``fused``. LoadVolumesd, Timestampd."""
    origins: str
    """The DICOM series of the anatomical volume and of each partner in the order given, without
    pixels, as text, see :mod:`mactfusion.io.dicom.origin`; "" where no DICOM is written.
    LoadVolumesd."""
    sha256: list[str]
    """Digests of what was read, of the anatomical volume and then of each partner as they were
    given; "" for objects in memory. LoadVolumesd."""
    axis: str
    """"axial", "coronal" or "sagittal": the slices that the network sees. ChooseGridd."""
    grid_affine: torch.Tensor
    """``(4, 4)`` float64 of the result. OrientToSlicesd."""
    grid_shape: torch.Tensor
    """``(3,)``, I, J and K of the result. OrientToSlicesd."""
    hottest_mm: torch.Tensor
    """``(3,)`` float64, RAS, where the first partner with uptake has its highest value; missing
    where there is none. FindHottestd."""
    anatomical_level_width: torch.Tensor
    """``(2,)``, the window that was applied. ScaleAnatomicald."""
    units: str
    """Of the anatomical volume, "" where they are unknown. ScaleAnatomicald."""
    image: MetaTensor
    """``(2, slices, rows, columns)`` in [0, 1], what the network takes: the anatomical volume, and
    the pixel maximum of the partners' luminances. JoinPartnersd."""
    is_color: bool
    """Whether there is ``chrominance``. JoinPartnersd."""
    chrominance: MetaTensor
    """``(2, …)``: of one partner its own, of several that of the stronger. JoinPartnersd."""
    scaled: list[torch.Tensor]
    """Of each partner its value in its window, ``(1, …)`` uint8, 255 at the upper end and 0 outside
    its field of view; the luminance of one in colour. JoinPartnersd."""
    strongest: torch.Tensor
    """``(1, …)`` uint8: the place in ``partners`` of the one whose luminance is the joint one, 255
    where none was seen. JoinPartnersd."""
    shown: list[torch.Tensor]
    """Of several partners each as ``(1 or 3, …)`` uint8. JoinPartnersd."""
    averaged: str
    """What is lost of partners on the grid of the result, as text, see
    :mod:`mactfusion.trust.resampling`; missing where there is nothing. CheckAveragedd."""
    task: str
    """Those of the partners with " + " between them; likewise ``task_reason``. JoinPartnersd."""
    coverage: float
    """That of the partner that covers least. JoinPartnersd."""
    model: str
    """Name of the network. ChooseWeightsd."""
    weights: str
    """File of its weights; ``weights_sha256`` its hash. ChooseWeightsd."""
    pred: MetaTensor
    """``(1, slices, rows, columns)`` from the network (Inferd); steadied (SteadyBrightnessd);
    ``(1 or 3, …)`` in colour (MergeChrominanced); ``(1 or 3, I, J, K)`` on the grid of the result
    (RestoreOrientationd)."""
    shares: torch.Tensor
    """``(1 + partners, slices, rows, columns)`` uint8: the share of the anatomical volume and of
    each partner in each voxel, 255 in all, or 0 where none can be told; missing unless
    ``provenance`` is chosen. FindSharesd."""
    shares_from: str
    """"weights" of the network, or "probed". FindSharesd."""
    lost: torch.Tensor
    """``(1, slices, rows, columns)`` uint8, where structure is lost or invented, see
    :class:`mactfusion.trust.CheckLostd`, which adds it."""
    regions: list[Region]
    """The same as a list, see :class:`mactfusion.trust.regions.Region`. CheckLostd."""
    record: dict[str, Any]
    """What lies beside the result, see :mod:`mactfusion.record`. SaveFusiond."""


def partner_roles(count: int) -> list[str]:
    """Return what the record calls each partner, in the order in which they were given.

    Example:
        >>> partner_roles(1), partner_roles(2)
        (['partner'], ['partner 1', 'partner 2'])
    """
    return ["partner"] if count == 1 else [f"partner {n}" for n in range(1, count + 1)]


OF_A_PARTNER = frozenset(Partner.__annotations__)
"""Keys that belong to one partner where a step sees the case of that partner alone."""
