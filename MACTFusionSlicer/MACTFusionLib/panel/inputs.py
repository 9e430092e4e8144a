"""Whose volumes are fused: patients, Detect, Swap, what is chosen, and sample data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from ..nodes.guess import guess_pair
from ..nodes.pairs import loaded_volumes
from ..nodes.patients import doubt, patients_of
from ..nodes.samples import load_samples, sample_titles
from ..views.shown import show_in_front
from .allow import allow
from .lists import fill
from .sources import kind_name, sources_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..nodes.patients import Patient
    from ..parameters import MACTFusionParameters
    from ..runs import Runs


class Inputs:
    """Joins patients, Detect, Swap and sample data to the choices of the scene.

    Args:
        ui: widgets of the panel.
        runs: says what went wrong.
        parameters: returns the choices of the scene, or None.
    """

    def __init__(
        self, ui: Any, runs: Runs, parameters: Callable[[], MACTFusionParameters | None]
    ) -> None:
        self._ui = ui
        self._runs = runs
        self._parameters = parameters
        self._patients: list = []
        fill(ui.sampleComboBox, [(title, name) for name, title in sample_titles().items()])
        ui.patientComboBox.activated.connect(self._patient_chosen)
        ui.guessButton.clicked.connect(self.detect)
        ui.swapButton.clicked.connect(self._swap)
        ui.sampleButton.clicked.connect(self._load_samples)

    def show(self) -> None:
        """Show whose volumes are loaded, and what is chosen of them."""
        ui, chosen, volumes = self._ui, self._parameters(), loaded_volumes()
        self._patients = patients_of(volumes)
        own = self._patient_of(chosen.anatomical or chosen.partner)
        self._show_patients(own)
        said, is_warning = doubt([chosen.anatomical, chosen.partner, chosen.third, chosen.fourth])
        lines = [sources_text(chosen, own), "" if is_warning else said]
        ui.sourcesLabel.text = "\n".join(filter(None, lines))
        ui.sourcesLabel.setVisible(bool(ui.sourcesLabel.text))
        ui.sampleFrame.setVisible(not volumes)
        nothing = "" if volumes else _("No volume is loaded.")
        allow(ui.guessButton, nothing)
        is_any = chosen.anatomical is not None or chosen.partner is not None
        allow(ui.swapButton, "" if is_any else _("No volume is chosen."))

    def detect(self, *_unused: object) -> None:
        """Choose anatomical volume and partner: of the patient that is chosen, or of any."""
        chosen = self._parameters()
        if chosen is None:
            return
        own = self._patient_of(chosen.anatomical or chosen.partner)
        pair = (None, None) if own is None else guess_pair(own.volumes)
        if not all(pair):
            pair = guess_pair(loaded_volumes())
        if any(pair):
            self._choose(*pair)

    def _patient_chosen(self, *_unused: object) -> None:
        index = self._ui.patientComboBox.currentIndex
        if self._parameters() is not None and 0 <= index < len(self._patients):
            self._choose(*guess_pair(self._patients[index].volumes))

    def _choose(self, anatomical: Any, partner: Any) -> None:
        """Choose a pair; further partners stay only where they belong to the same patient."""
        chosen = self._parameters()
        own = self._patient_of(anatomical or partner)
        kept = [] if own is None else own.volumes
        with_others = [anatomical, partner]
        for name in ("third", "fourth"):
            node = getattr(chosen, name)
            if node is not None and (node not in kept or node in with_others):
                setattr(chosen, name, None)
        chosen.anatomical, chosen.partner = anatomical, partner

    def _swap(self, *_unused: object) -> None:
        chosen = self._parameters()
        chosen.anatomical, chosen.partner = chosen.partner, chosen.anatomical

    def _load_samples(self, *_unused: object) -> None:
        try:
            nodes = load_samples(self._ui.sampleComboBox.currentData)
        except OSError as error:
            self._runs.say(str(error), is_error=True)
            return
        self._choose(*nodes)
        show_in_front(nodes[0])

    def _patient_of(self, node: Any) -> Patient | None:
        if node is None:
            return None
        return next((patient for patient in self._patients if node in patient.volumes), None)

    def _show_patients(self, own: Patient | None) -> None:
        combo = self._ui.patientComboBox
        titles = [_title(patient, self._patients) for patient in self._patients]
        fill(combo, [(title, title) for title in titles])
        index = -1 if own is None else self._patients.index(own)
        if combo.currentIndex != index:
            combo.currentIndex = index
        allow(combo, "" if titles else _("No volume is loaded."))


def _title(patient: Patient, patients: list) -> str:
    """Return the name of a patient, with the ID where others have the name, and what is loaded."""
    name = patient.name or _("Patient not recorded")
    if sum(other.name == patient.name for other in patients) > 1:
        name = f"{name} ({patient.key})"
    counts = [(kind_name(kind), len(nodes)) for kind, nodes in patient.by_kind.items()]
    kinds = ", ".join(kind if count == 1 else f"{count} {kind}" for kind, count in counts)
    return f"{name} · {kinds}"
