"""The networks that can be chosen by name: one table, which everything else asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

from mactfusion.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

DEFAULT_MODEL = "pixel_weights"
BRAIN_TASKS = ("ct-mri", "pet-mri", "spect-mri")
MACTFUSION_CITATION = (
    "Xie et al., MACTFusion: Lightweight Cross Transformer for Adaptive Multimodal Medical Image "
    "Fusion, IEEE Journal of Biomedical and Health Informatics 2024, doi:10.1109/JBHI.2024.3391620"
)


@dataclass(frozen=True)
class Model:
    """One line of the table.

    Attributes:
        graph: the class of the network, or its name in :mod:`mactfusion.networks`, so that the
            table can be read without torch.
        weights: name of its file beside the other weights of the bundle, for every task that has
            none of its own, and for partners of several tasks; "" where each task has its own.
        tasks: what the weights are trained for.
        citation: the paper, with its DOI where that is known.
        status: one sentence on what the network is, and is not.
        own_weights: files of the tasks that have weights of their own, by task.
    """

    graph: type[nn.Module] | str
    weights: str
    tasks: tuple[str, ...]
    citation: str
    status: str
    own_weights: Mapping[str, str] = field(default_factory=dict)

    @property
    def network(self) -> type[nn.Module]:
        """The class; made without arguments it is the network that the weights fit."""
        if isinstance(self.graph, str):
            return getattr(import_module("mactfusion.networks"), self.graph)
        return self.graph

    def weights_for(self, task: str) -> str:
        """Name of the weight file for a task; "" where there is none."""
        return self.own_weights.get(task, self.weights)

    def weight_files(self) -> tuple[str, ...]:
        """Names of all its weight files."""
        files = (self.weights, *map(self.weights_for, self.tasks))
        return tuple(dict.fromkeys(file for file in files if file))

    def parameter_count(self) -> int:
        """Count its trainable values."""
        import torch

        with torch.device("meta"):
            return sum(parameter.numel() for parameter in self.network().parameters())

    def gigaflops(self, height: int = 256, width: int = 256) -> float:
        """Count 10⁹ operations (a multiplication and an addition are two) for a pair of slices.

        Convolutions and matrix products are counted; transforms and decompositions are not.
        """
        import torch
        from torch.utils.flop_counter import FlopCounterMode

        with torch.device("meta"):
            network, image = self.network().eval(), torch.empty(1, 2, height, width)
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            network(image)
        return counter.get_total_flops() / 1e9


MODELS: dict[str, Model] = {
    "pixel_weights": Model(
        graph="PixelWeights",
        weights="model.pt",
        tasks=BRAIN_TASKS,
        citation="The MACTFusionSlicer authors, 2026",
        status="The project's own network, which weighs the two sources for every pixel: no paper "
        "reports it.",
    ),
    "mactfusion": Model(
        graph="MACTFusion",
        weights="mactfusion.pt",
        tasks=BRAIN_TASKS,
        citation=MACTFUSION_CITATION,
        status="The graph of the authors' published network.",
    ),
    "mactfusion_plus": Model(
        graph="MACTFusionPlus",
        weights="mactfusion_plus.pt",
        own_weights={"ct-mri": "mactfusion_plus-ct-mri.pt"},
        tasks=BRAIN_TASKS,
        citation=MACTFUSION_CITATION,
        status="MACTFusion at half size with a direct path at full size, this project's variant: "
        "nothing that the paper reports is about it.",
    ),
    "cminet": Model(
        graph="CMINet",
        weights="cminet.pt",
        own_weights={"ct-mri": "cminet-ct-mri.pt"},
        tasks=BRAIN_TASKS,
        citation="Cross-Modality Interaction Network for Medical Image Fusion, IEEE Transactions "
        "on Consumer Electronics 2024",
        status="A reconstruction from a published summary, not the authors' network: nothing that "
        "the paper reports is about it.",
    ),
    "msgfusion": Model(
        graph="MsgFusion",
        weights="msgfusion.pt",
        own_weights={"ct-mri": "msgfusion-ct-mri.pt"},
        tasks=BRAIN_TASKS,
        citation="Wen et al., MsgFusion: Medical Semantic Guided Two-Branch Network for Multimodal "
        "Brain Image Fusion, IEEE Transactions on Multimedia 26, 2024, pages 944 to 957",
        status="The graph of the authors' published code, except that its frequency step does "
        "something; their weights are not public.",
    ),
    "dilran": Model(
        graph="DILRAN",
        weights="dilran.pt",
        tasks=BRAIN_TASKS,
        citation="Zhou, Xu and Zhang, An Attention-based Multi-Scale Feature Learning Network for "
        "Multimodal Medical Image Fusion, 2022, doi:10.48550/arXiv.2212.04661",
        status="The graph and the fusion rule of the authors' published program; one auto-encoder "
        "for all tasks, trained here without their perceptual term.",
    ),
}


def find_model(name: str) -> Model:
    """Look a model up by its name.

    Raises:
        InputError: there is none of that name.
    """
    if name not in MODELS:
        raise InputError(f"Unknown model '{name}': choose {', '.join(MODELS)}.")
    return MODELS[name]


def recognise_model(state: Mapping[str, Tensor]) -> str | None:
    """Name the model that has exactly the tensors of a state dict; None if there is none."""
    import torch

    shapes = {name: tensor.shape for name, tensor in state.items()}
    for name, model in MODELS.items():
        with torch.device("meta"):
            expected = model.network().state_dict()
        if shapes == {key: tensor.shape for key, tensor in expected.items()}:
            return name
    return None
