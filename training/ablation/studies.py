"""What is left out of which network, on which tasks, and what its paper prints: one table."""

from __future__ import annotations

from dataclasses import dataclass, field

from mactfusion.errors import InputError
from mactfusion.metrics import RANKING

Figures = dict[str, dict[str, tuple[float, ...]]]
"""Task, then name of the variant, then a figure for each metric."""

BRAIN = ("CT-MRI", "PET-MRI", "SPECT-MRI")


@dataclass(frozen=True)
class Variant:
    """One row of a study.

    Attributes:
        name: of its folder, and for ``--variant``.
        label: what the page calls it.
        override: file of ``configs/ablations``, laid over those of the study; none: nothing is
            left out.
        trained_as: ``STUDY/VARIANT`` whose weights it takes; none: it is trained itself.
        needs_vgg: whether its criterion differs from that of another variant only by a term that
            needs the weights of VGG16.
    """

    name: str
    label: str
    override: str | None = None
    trained_as: str | None = None
    needs_vgg: bool = False


@dataclass(frozen=True)
class Printed:
    """What the paper prints.

    Attributes:
        metrics: names of the columns; those of the page's own metrics stand beside them.
        figures: of the variants that it names.
    """

    metrics: tuple[str, ...]
    figures: Figures = field(hash=False)

    @property
    def compares(self) -> bool:
        """Whether its metrics are, by name, those measured here."""
        return self.metrics == RANKING


@dataclass(frozen=True)
class Study:
    """One table of ablations for each task.

    Attributes:
        name: of its folder, and for ``--study``.
        title: its heading.
        about: what is known of it, in sentences, for the page.
        configs: files of ``configs``, each laid over those before.
        tasks: what it is trained on, together, and scored on.
        variants: its rows; the first is what nothing is left out of.
        printed: figures of the paper, where there are any of the same network.
    """

    name: str
    title: str
    about: str
    configs: tuple[str, ...]
    tasks: tuple[str, ...]
    variants: tuple[Variant, ...]
    printed: Printed | None = None


# SCD, MS-SSIM, Q^AB/F, Q_w and VIF. The paper's SD is left out: its scale is not stated.
_MACTFUSION_FULL = {
    "CT-MRI": (1.715, 0.959, 0.661, 0.809, 0.507),
    "PET-MRI": (1.691, 0.931, 0.771, 0.931, 0.571),
    "SPECT-MRI": (1.810, 0.955, 0.699, 0.839, 0.842),
}
_MACTFUSION_ARCHITECTURE: Figures = {
    "CT-MRI": {
        "full": _MACTFUSION_FULL["CT-MRI"],
        "without-sfe": (1.661, 0.897, 0.601, 0.702, 0.493),
        "without-safm": (1.691, 0.900, 0.637, 0.795, 0.497),
        "without-cmft": (1.683, 0.844, 0.634, 0.789, 0.491),
    },
    "PET-MRI": {
        "full": _MACTFUSION_FULL["PET-MRI"],
        "without-sfe": (1.601, 0.913, 0.706, 0.921, 0.561),
        "without-safm": (1.680, 0.829, 0.760, 0.929, 0.501),
        "without-cmft": (1.613, 0.890, 0.764, 0.930, 0.534),
    },
    "SPECT-MRI": {
        "full": _MACTFUSION_FULL["SPECT-MRI"],
        "without-sfe": (1.529, 0.945, 0.592, 0.820, 0.570),
        "without-safm": (1.687, 0.937, 0.614, 0.830, 0.609),
        "without-cmft": (1.584, 0.922, 0.691, 0.823, 0.517),
    },
}
_MACTFUSION_LOSS: Figures = {
    "CT-MRI": {
        "full": _MACTFUSION_FULL["CT-MRI"],
        "without-similarity": (1.479, 0.778, 0.640, 0.719, 0.496),
        "without-gradient": (1.570, 0.948, 0.596, 0.718, 0.483),
        "without-intensity": (1.686, 0.943, 0.649, 0.612, 0.482),
    },
    "PET-MRI": {
        "full": _MACTFUSION_FULL["PET-MRI"],
        "without-similarity": (1.530, 0.758, 0.579, 0.673, 0.564),
        "without-gradient": (1.681, 0.870, 0.518, 0.838, 0.561),
        "without-intensity": (1.535, 0.835, 0.587, 0.702, 0.551),
    },
    "SPECT-MRI": {
        "full": _MACTFUSION_FULL["SPECT-MRI"],
        "without-similarity": (1.365, 0.760, 0.626, 0.809, 0.526),
        "without-gradient": (1.499, 0.863, 0.553, 0.793, 0.585),
        "without-intensity": (1.513, 0.918, 0.630, 0.619, 0.617),
    },
}
_DILRAN_LOSS: Figures = {
    "CT-MRI": {
        "full": (18.258, 0.740, 4.558, 0.891, 0.829, 9.887),
        "only-mse": (18.610, 0.739, 4.428, 0.890, 0.829, 8.634),
    }
}

STUDIES: tuple[Study, ...] = (
    Study(
        name="mactfusion-architecture",
        title="MACTFusion, modules",
        about="The published graph and criterion. The paper names the modules that it leaves out, "
        "not what takes their place: here SFE is one 3×3 convolution, SAFM an addition, and "
        "without CMFT the adapted features go on as they are.",
        configs=("train", "mactfusion"),
        tasks=BRAIN,
        variants=(
            Variant("full", "full"),
            Variant("without-sfe", "without SFE", "mactfusion_without_shallow_extraction"),
            Variant("without-safm", "without SAFM", "mactfusion_without_adaptive_fusion"),
            Variant("without-cmft", "without CMFT", "mactfusion_without_cross_transformer"),
        ),
        printed=Printed(RANKING, _MACTFUSION_ARCHITECTURE),
    ),
    Study(
        name="mactfusion-loss",
        title="MACTFusion, terms of the criterion",
        about="The published graph; one term of the published criterion is left out, the weights "
        "of the others stay.",
        configs=("train", "mactfusion"),
        tasks=BRAIN,
        variants=(
            Variant("full", "full", trained_as="mactfusion-architecture/full"),
            Variant(
                "without-similarity", "without similarity", "mactfusion_loss_without_similarity"
            ),
            Variant("without-gradient", "without gradient", "mactfusion_loss_without_gradient"),
            Variant("without-intensity", "without intensity", "mactfusion_loss_without_intensity"),
        ),
        printed=Printed(RANKING, _MACTFUSION_LOSS),
    ),
    Study(
        name="cminet",
        title="CMINet, recursions and modules",
        about="A reconstruction from a published summary, not the authors' network: nothing that "
        "the paper reports is about it.",
        configs=("train", "cminet"),
        tasks=("CT-MRI",),
        variants=(
            Variant("full", "full: both modules, 2 recursions"),
            Variant("recursions-1", "1 recursion", "cminet_recursions_1"),
            Variant("recursions-3", "3 recursions", "cminet_recursions_3"),
            Variant("recursions-4", "4 recursions", "cminet_recursions_4"),
            Variant("intra-only", "transformers only", "cminet_intra_only"),
            Variant("inter-only", "interactive CNN only", "cminet_inter_only"),
        ),
    ),
    Study(
        name="msgfusion",
        title="MsgFusion, frequency and HSV",
        about="No figures of the paper's ablation are known. Its result in words: without "
        "frequency more of the MR is lost, without HSV the functional information is not shown. "
        "The released frequency step changes nothing, the one here does what the paper says.",
        configs=("train", "msgfusion"),
        tasks=("PET-MRI",),
        variants=(
            Variant("full", "full"),
            Variant(
                "released-frequency", "frequency step as released", "msgfusion_released_frequency"
            ),
            Variant("without-frequency", "without frequency", "msgfusion_without_frequency"),
            Variant("without-hsv", "without HSV", "msgfusion_without_hsv"),
        ),
    ),
    Study(
        name="dilran-loss",
        title="DILRAN, terms of the criterion",
        about="An auto-encoder, fused by the published rule. With the perceptual term only where "
        "the weights of VGG16 were given; without them the full criterion is the one without that "
        "term, and the one without gradient is the squared distance alone.",
        configs=("train", "dilran"),
        tasks=("CT-MRI",),
        variants=(
            Variant("full", "full", needs_vgg=True),
            Variant("without-perceptual", "without perceptual term", "dilran_without_perceptual"),
            Variant(
                "without-gradient", "without gradient", "dilran_without_gradient", needs_vgg=True
            ),
            Variant("only-mse", "squared distance only", "dilran_only_mse"),
        ),
        printed=Printed(("PSNR", "SSIM", "MI", "FMI", "FSIM", "EN"), _DILRAN_LOSS),
    ),
    Study(
        name="dilran-rules",
        title="DILRAN, fusion rules",
        about="One training, that without the perceptual term above; a rule has nothing to learn. "
        "The paper prints no figures of other rules.",
        configs=("train", "dilran"),
        tasks=("CT-MRI",),
        variants=tuple(
            Variant(name, label, override, trained_as="dilran-loss/without-perceptual")
            for name, label, override in (
                ("sfnn-max", "published: SFNN, largest norm", None),
                ("sfnn-mean", "SFNN, mean norm", "dilran_rule_sfnn_mean"),
                ("fl1n", "FL1N", "dilran_rule_fl1n"),
                ("fer", "FER", "dilran_rule_fer"),
                ("average", "average", "dilran_rule_average"),
                ("addition", "addition", "dilran_rule_addition"),
            )
        ),
    ),
)


@dataclass(frozen=True)
class Entry:
    """A variant and the study that it is a row of."""

    study: Study
    variant: Variant

    @property
    def name(self) -> str:
        """``STUDY/VARIANT``, also of its folder."""
        return f"{self.study.name}/{self.variant.name}"

    @property
    def trained(self) -> Entry:
        """The entry whose training gives its weights; often itself."""
        name = self.variant.trained_as
        return self if name is None else next(entry for entry in entries() if entry.name == name)

    @property
    def scored(self) -> Entry:
        """The entry whose scores are its own: with nothing laid over, that of its training."""
        return self if self.variant.override else self.trained


def entries() -> list[Entry]:
    """List all variants of all studies, in the order of the page."""
    return [Entry(study, variant) for study in STUDIES for variant in study.variants]


def choose_entries(studies: list[str], variants: list[str]) -> list[Entry]:
    """Choose by the names of studies and of variants; no names: all.

    Raises:
        InputError: a name is unknown.
    """
    chosen = entries()
    for kind, names, name_of in (
        ("study", studies, lambda entry: entry.study.name),
        ("variant", variants, lambda entry: entry.variant.name),
    ):
        known = list(dict.fromkeys(name_of(entry) for entry in chosen))
        for name in names:
            if name not in known:
                raise InputError(f"There is no {kind} '{name}'; there are {', '.join(known)}.")
        chosen = [entry for entry in chosen if not names or name_of(entry) in names]
    return chosen
