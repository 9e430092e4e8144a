"""Whether the partners lie where the anatomical volume is: looked up once, shown before Apply."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from .nodes.obstacles import reason_not_to_run
from .nodes.volumes import partners_in, stamp_of
from .parameters import Register, chosen_options, chosen_partner
from .runs import colour_as_warning
from .summary import DOUBTFUL, OFF, place_sentence, step_text
from .timer import timer
from .worker.conversation import Conversation, WorkerError

if TYPE_CHECKING:
    from collections.abc import Callable

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
        is_known = bool(self._key) and self._key == self._key_of(chosen)
        sentence, is_warning = self._sentence(chosen) if is_known else ("", False)
        label = self._ui.placeLabel
        label.text = sentence
        colour_as_warning(label, is_warning)
        label.setVisible(bool(sentence))
        can_register = is_known and any(self._to_move(chosen))
        self._ui.registerButton.setVisible(can_register)
        self._ui.registerButton.enabled = can_register and not self._logic.is_running

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

    def _sentence(self, chosen: MACTFusionParameters) -> tuple[str, bool]:
        if self._error:
            return f"⚠ {self._error}", True
        if self._under_way is not None:
            return _("Looking whether the volumes lie in the same place…") + self._step, False
        nodes = partners_in(chosen_partner(chosen))
        said = [
            place_sentence(node.GetName(), chosen.anatomical.GetName(), place)
            for node, place in zip(nodes, self._places)  # noqa: B905  Python 3.9
        ]
        lines = "\n".join(sentence for sentence, _is_warning in said)
        return lines, any(is_warning for _sentence, is_warning in said)

    def _options(self, chosen: MACTFusionParameters) -> dict:
        nodes = chosen.anatomical, chosen_partner(chosen)
        options = self._logic.options_for(*nodes, "fixed", chosen_options(chosen))
        return {name: options[name] for name in _SENT if name in options}

    def _key_of(self, chosen: MACTFusionParameters) -> str:
        """Return a text that changes with the places of the volumes; "" where none is wanted."""
        partner, register = chosen_partner(chosen), chosen.register
        fixed = None, chosen.task.value, chosen.grid.value, register.value
        if register is Register.OFF or reason_not_to_run(chosen.anatomical, partner, *fixed):
            return ""
        nodes = (chosen.anatomical, *partners_in(partner))
        stamps = [repr(stamp_of(node)) for node in nodes]
        return json.dumps([stamps, self._options(chosen)])
