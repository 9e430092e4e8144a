"""Whether the partners lie where the anatomical volume is: looked up once, shown before Apply."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from .nodes.obstacles import reason_not_to_run
from .nodes.patients import doubt
from .nodes.volumes import partners_in, stamp_of
from .panel.allow import allow
from .panel.progress import step_text
from .panel.verdict import BUSY, GOOD, UNKNOWN, UNSURE, show_verdict, worst_of
from .parameters import Register, chosen_options, chosen_partner
from .summary import DOUBTFUL, OFF, coverage_sentence, place_sentence
from .timer import timer
from .worker.conversation import Conversation, WorkerError

if TYPE_CHECKING:
    from collections.abc import Callable

    import slicer

    from .logic import MACTFusionLogic
    from .parameters import MACTFusionParameters
    from .runs import Runs

_CALM_MS = 300
_SENT = ("task", "register", "accept_doubtful", "model", "weights", "device")
"""Options that say where a partner lies, or which network is warm."""


class Placing:
    """Asks the worker where the partners lie, and has a button that puts them in place.

    A check costs seconds, so it comes after the first preview. Where Apply registers, previews wait
    for it: they would show the partner at another place.

    Args:
        ui: widgets of the panel.
        logic: asks the worker.
        runs: registers, and knows whether a worker can be started.
        parameters: returns the choices of the scene, or None.
        is_previewing: whether a preview is under way.
        changed: called when there is a new verdict.
    """

    def __init__(
        self,
        ui: Any,
        logic: MACTFusionLogic,
        runs: Runs,
        parameters: Callable[[], MACTFusionParameters | None],
        is_previewing: Callable[[], bool],
        changed: Callable[[], None],
    ) -> None:
        self._ui = ui
        self._logic = logic
        self._runs = runs
        self._parameters = parameters
        self._is_previewing = is_previewing
        self._changed = changed
        self._key = ""
        self._places: list[dict] = []
        self._error = ""
        self._step = ""
        self._under_way: Conversation | None = None
        self._timer = timer(_CALM_MS, self._begin, is_single=True)
        ui.registerButton.clicked.connect(self._register)

    @property
    def lets_preview(self) -> bool:
        """Whether a preview would show the partners where Apply will see them."""
        chosen = self._parameters()
        if chosen.register in (Register.CHECK, Register.OFF):
            return True
        return bool(self._places) and self._key == self._key_of(chosen)

    def follow(self) -> None:
        """Look up the place of what is chosen now, unless that is done or under way."""
        chosen = self._parameters()
        key = self._key_of(chosen)
        if key != self._key:
            self.forget()
            self._key = key
        is_done = bool(self._places or self._error) or self._under_way is not None
        if key and not is_done and not self._timer.isActive():
            self._timer.start()

    def show(self) -> None:
        """Show the verdict, and the button where it puts something in place."""
        chosen = self._parameters()
        key = self._key_of(chosen)
        is_known = bool(key) and key == self._key
        can_fuse = bool(key) or (chosen.register is Register.OFF and _can_fuse(chosen))
        lines = self._lines(chosen, is_known) if can_fuse else []
        show_verdict(self._ui.verdictLabel, self._ui.placeLabel, lines)
        can_register = is_known and any(self._to_move(chosen))
        self._ui.registerButton.setVisible(can_register)
        running = _("A fusion is under way.") if self._logic.is_running else ""
        allow(self._ui.registerButton, running)

    def forget(self) -> None:
        """Drop what was found, and what is being looked for."""
        self._timer.stop()
        if self._under_way is not None:
            self._under_way.abandon()
        self._key, self._places, self._error, self._under_way = "", [], "", None

    def _begin(self) -> None:
        chosen = self._parameters()
        if chosen is None or self._key != self._key_of(chosen):
            self.forget()
            return
        is_wanted = chosen.livePreview or self._logic.session.is_alive
        if not is_wanted or not self._runs.is_ready:
            return
        if self._is_previewing() or self._logic.is_running:
            self._timer.start()
            return
        partner, key, self._step = chosen_partner(chosen), self._key, ""

        def ended(places: list | None, error: Exception | None) -> None:
            self._under_way = None
            if key == self._key:
                self._places, self._error = places or [], str(error or "")
                self._changed()

        def take_news(news: dict) -> None:
            if news["reply"] == "progress" and key == self._key:
                self._step = step_text(news)
                self.show()

        try:
            conversation = self._logic.start_check(
                chosen.anatomical, partner, self._options(chosen), ended, take_news
            )
        except WorkerError as error:
            ended(None, error)
            return
        self._under_way = None if conversation.is_over else conversation
        self._changed()

    def _register(self, *_unused: object) -> None:
        chosen = self._parameters()
        partner = chosen_partner(chosen)
        register = [
            Register.RIGID.value if is_off else Register.OFF.value
            for is_off in self._to_move(chosen)
        ]
        is_list = isinstance(partner, (list, tuple))
        options = {**self._options(chosen), "register": register if is_list else register[0]}
        self._runs.register(chosen.anatomical, partner, options)

    def _to_move(self, chosen: MACTFusionParameters) -> list[bool]:
        """Tell of each partner whether the button would put it in place."""
        movable = (OFF, DOUBTFUL) if chosen.acceptDoubtful else (OFF,)
        is_checked = chosen.register is Register.CHECK
        return [is_checked and place["verdict"] in movable for place in self._places]

    def _lines(self, chosen: MACTFusionParameters, is_known: bool) -> list[tuple[str, str]]:
        """Return a sentence and its level for each partner, and one of a doubt about the patient.

        Args:
            chosen: volumes that can be fused.
            is_known: whether what was found is of the places that the volumes have now.
        """
        anatomical, nodes = chosen.anatomical, partners_in(chosen_partner(chosen))
        said, is_warning = doubt([anatomical, *nodes])
        lines = [(said.partition(" ")[2], UNSURE)] if is_warning else []
        if is_known and self._error:
            return [*lines, (self._error, UNSURE)]
        found = self._places if is_known else []
        for number, node in enumerate(nodes):
            covers, level = "", GOOD
            if chosen.register in (Register.CHECK, Register.OFF):
                covers, level = coverage_sentence(anatomical, node, is_named=not found)
            if found:
                names = node.GetName(), anatomical.GetName()
                sentence, found_level = place_sentence(*names, found[number])
                level = worst_of([level, found_level])
                sentences = [sentence, covers]
            else:
                sentences = [covers, self._search_sentence(node, chosen, is_known)]
                is_busy = is_known and self._under_way is not None
                level = level if level == UNSURE else BUSY if is_busy else UNKNOWN
            lines.append((" ".join(filter(None, sentences)), level))
        return lines

    def _search_sentence(
        self, node: slicer.vtkMRMLVolumeNode, chosen: MACTFusionParameters, is_known: bool
    ) -> str:
        """Say that it is not known where a partner lies, and whether it is being looked for."""
        template = _("Whether {name} lies in the same place is not known yet.")
        if chosen.register is Register.OFF:
            template = _("Whether {name} lies in the same place is not checked.")
        elif is_known and self._under_way is not None:
            template = _("Looking whether {name} lies in the same place…")
            return template.format(name=node.GetName()) + self._step
        return template.format(name=node.GetName())

    def _options(self, chosen: MACTFusionParameters) -> dict:
        nodes = chosen.anatomical, chosen_partner(chosen)
        options = self._logic.options_for(*nodes, "fixed", chosen_options(chosen))
        return {name: options[name] for name in _SENT if name in options}

    def _key_of(self, chosen: MACTFusionParameters) -> str:
        """Return a text that changes with the places of the volumes; "" where none is wanted."""
        if chosen.register is Register.OFF or not _can_fuse(chosen):
            return ""
        nodes = (chosen.anatomical, *partners_in(chosen_partner(chosen)))
        stamps = [repr(stamp_of(node)) for node in nodes]
        return json.dumps([stamps, self._options(chosen)])


def _can_fuse(chosen: MACTFusionParameters) -> bool:
    """Whether the volumes can be fused, wherever the result is to go."""
    fixed = None, chosen.task.value, chosen.grid.value, chosen.register.value
    return not reason_not_to_run(chosen.anatomical, chosen_partner(chosen), *fixed)
