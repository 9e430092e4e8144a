"""What a user chooses in the panel; it is saved with the scene and comes back with it."""

from enum import Enum
from typing import Annotated, Union

from slicer import vtkMRMLScalarVolumeNode, vtkMRMLVectorVolumeNode
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper

Volume = Union[vtkMRMLScalarVolumeNode, vtkMRMLVectorVolumeNode, None]  # noqa: UP007  Python 3.9


class Choice(Enum):
    """What a list of the panel offers."""

    def label(self) -> str:
        """Return the text of the choice."""
        return _texts()[self]


class Task(Choice):
    """What is fused; the values are the library's names."""

    AUTO = "auto"
    CT = "ct-mri"
    PET = "pet-mri"
    SPECT = "spect-mri"
    PET_ON_CT = "pet-ct"
    SPECT_ON_CT = "spect-ct"
    MR = "mr-mr"
    GFP = "gfp-pc"


class Display(Choice):
    """Where window and colours come from."""

    AS_SHOWN = "as-shown"
    FIXED = "fixed"


class Colors(Choice):
    """How colours and brightness meet; the values are the library's names."""

    LEGIBLE = "legible"
    YCBCR = "ycbcr"


class Tint(Choice):
    """Whether a CT beside an MR has a tint; the values are the library's names."""

    NONE = "none"
    CT = "ct"


class Grid(Choice):
    """Voxels of the result; the values are the library's names."""

    ANATOMICAL = "anatomical"
    ISOTROPIC = "isotropic"


class Register(Choice):
    """What is done about the place of partners; the values are the library's names."""

    CHECK = "check"
    RIGID = "rigid"
    AFFINE = "affine"
    OFF = "off"


class Axis(Choice):
    """Direction of the slices that the network sees; the values are the library's names."""

    AUTO = "auto"
    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"


class Precision(Choice):
    """Numbers that the network counts with; the values are the library's names."""

    FLOAT32 = "float32"
    TF32 = "tf32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


def _texts() -> dict[Choice, str]:
    """Return the text of every choice in the language that is set by now."""
    return {
        Task.AUTO: _("Automatic"),
        Task.CT: _("MR and CT"),
        Task.PET: _("MR and PET"),
        Task.SPECT: _("MR and SPECT"),
        Task.PET_ON_CT: _("CT and PET"),
        Task.SPECT_ON_CT: _("CT and SPECT"),
        Task.MR: _("MR and a second MR"),
        Task.GFP: _("Phase contrast and GFP"),
        Display.AS_SHOWN: _("As shown in the slice views"),
        Display.FIXED: _("Fixed, whatever the views show"),
        Colors.LEGIBLE: _("Legible at any brightness"),
        Colors.YCBCR: _("As in the literature (YCbCr)"),
        Tint.NONE: _("None: the CT is grey"),
        Tint.CT: _("Bright CT is bluish"),
        Grid.ANATOMICAL: _("Of the anatomical volume"),
        Grid.ISOTROPIC: _("Cubic voxels"),
        Register.CHECK: _("Check only"),
        Register.RIGID: _("Rigid, at Apply"),
        Register.AFFINE: _("Affine, at Apply"),
        Register.OFF: _("Off: neither check nor move"),
        Axis.AUTO: _("As acquired"),
        Axis.AXIAL: _("Axial"),
        Axis.CORONAL: _("Coronal"),
        Axis.SAGITTAL: _("Sagittal"),
        Precision.FLOAT32: _("Full (float32)"),
        Precision.TF32: _("Fast on NVIDIA GPUs (tf32)"),
        Precision.BFLOAT16: _("Reduced (bfloat16)"),
        Precision.FLOAT16: _("Half (float16)"),
    }


@parameterNodeWrapper
class MACTFusionParameters:
    """The panel's choices.

    Paths of programs are not among them: a scene may come from somebody else, and must not say
    what is run here.

    Attributes:
        anatomical: MR or CT (or phase contrast), whose grid the result has.
        partner: CT, PET, SPECT, second MR or GFP.
        third: a second partner beside the first, or None.
        fourth: a third partner, or None.
        output: volume to overwrite; None makes a new one.
        task: what is fused.
        model: name of the network, "" for the library's default.
        weights: path of another weight file, "" for those that came with the library.
        display: whether window and colours of the views are fused.
        grid: voxels of the result.
        check: compare the result with its sources, and say what it lost.
        register: whether the places of partners are checked, or found and used.
        acceptDoubtful: register also where it cannot be told whether it is right.  # noqa: N815
        axis: direction of the slices.
        colors: how colours and brightness meet.
        tint: whether a CT beside an MR has a tint.
        luminance: leave colour out.
        provenance: find the share of each source in each voxel.
        device: "auto" or a device of the worker.
        precision: numbers of the network.
        batchSize: slices at a time, 0 for a choice by the device.  # noqa: N815  Slicer's way
        livePreview: whether the slice that is looked at is fused at once.  # noqa: N815
        blend: share of the fused volume over the anatomical one in Compare, 0 to 1.
    """

    anatomical: Volume
    partner: Volume
    third: Volume
    fourth: Volume
    output: Volume
    task: Task = Task.AUTO
    model: str = ""
    weights: str = ""
    display: Display = Display.AS_SHOWN
    grid: Grid = Grid.ANATOMICAL
    check: bool = True
    register: Register = Register.CHECK
    acceptDoubtful: bool = False  # noqa: N815
    axis: Axis = Axis.AUTO
    colors: Colors = Colors.LEGIBLE
    tint: Tint = Tint.NONE
    luminance: bool = False
    provenance: bool = False
    device: str = "auto"
    precision: Precision = Precision.FLOAT32
    batchSize: Annotated[int, WithinRange(0, 256)] = 0  # noqa: N815  Slicer's way
    livePreview: bool = True  # noqa: N815
    blend: Annotated[float, WithinRange(0.0, 1.0)] = 1.0


def chosen_partner(parameters: MACTFusionParameters) -> object:
    """Return the partner, or a list of them where a second or third was chosen too."""
    others = [node for node in (parameters.third, parameters.fourth) if node is not None]
    if parameters.partner is None or not others:
        return parameters.partner
    return [parameters.partner, *others]


def chosen_options(parameters: MACTFusionParameters) -> dict:
    """Return the choices that are options of ``mactfusion.fuse_volumes`` as they stand."""
    named = {"model": parameters.model, "weights": parameters.weights}
    return {
        **{option: name for option, name in named.items() if name},
        "task": parameters.task.value,
        "grid": parameters.grid.value,
        "check": parameters.check,
        "register": parameters.register.value,
        "accept_doubtful": parameters.acceptDoubtful,
        "axis": parameters.axis.value,
        "colors": parameters.colors.value,
        "tint": parameters.tint.value,
        "luminance": parameters.luminance,
        "provenance": parameters.provenance,
        "device": parameters.device,
        "precision": parameters.precision.value,
        "batch_size": parameters.batchSize or None,
    }
