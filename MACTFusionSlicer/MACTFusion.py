"""MACTFusion: fuse the MR or CT of a patient with CT, PET or SPECT, inside 3D Slicer.

What the module does lies in MACTFusionLib; this file is what 3D Slicer looks for. Libraries that
Slicer does not bring are never imported here: a worker process has them.
"""

import slicer
from MACTFusionLib.logic import MACTFusionLogic
from MACTFusionLib.nodes.samples import register_samples
from MACTFusionLib.self_test import MACTFusionTest
from MACTFusionLib.views.layout import register_layouts
from MACTFusionLib.widget import MACTFusionWidget
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule

__all__ = ["MACTFusion", "MACTFusionLogic", "MACTFusionTest", "MACTFusionWidget"]


class MACTFusion(ScriptedLoadableModule):
    """What the module is called, where it is found, and whom to thank."""

    def __init__(self, parent: object) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = "MACTFusion"
        parent.categories = [
            translate("qSlicerAbstractCoreModule", "Nuclear Medicine"),
            translate("qSlicerAbstractCoreModule", "Neuroimaging"),
        ]
        parent.dependencies = []
        parent.contributors = ["The MACTFusionSlicer authors"]
        parent.helpText = _(
            "Fuses the MR of a patient with CT, PET or SPECT of the same patient, or a CT with PET "
            "or SPECT, into one volume on the grid of the first. Choose two registered volumes, "
            "look at the live preview, and "
            "press Apply. <p><b>Not a medical device.</b> A fused image can hide what its sources "
            "show: always look at the sources.</p>"
        )
        parent.acknowledgementText = _(
            "The network is this project's own and comes from work on MACTFusion, Xie et al., IEEE "
            "Journal of Biomedical and Health Informatics 2024, doi:10.1109/JBHI.2024.3391620; no "
            "paper reports it. Please cite the paper of the network that you used, and this "
            "software."
        )
        for act in (register_samples, register_layouts):
            slicer.app.connect("startupCompleted()", act)
