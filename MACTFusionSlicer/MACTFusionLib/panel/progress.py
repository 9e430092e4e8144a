"""How far a run is: percentage, step, speed and time left."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _


class Progress:
    """The bar and the words below it.

    Args:
        ui: widgets of the panel.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui

    def show(self, news: dict, prefix: str = "") -> None:
        """Show how far a run is.

        Args:
            news: a ``progress`` reply; ``done`` and ``total`` are of its stage.
            prefix: of the words, such as which run of several it is.
        """
        bar, label = self._ui.progressBar, self._ui.progressLabel
        label.text = prefix + progress_text(news)
        bar.setRange(0, news.get("total") or 0)  # without a total it shows that something goes on
        bar.value = news.get("done") or 0
        for widget in (bar, label):
            widget.setVisible(True)

    def hide(self) -> None:
        """Show none: nothing is under way."""
        for widget in (self._ui.progressBar, self._ui.progressLabel):
            widget.setVisible(False)


def progress_text(news: dict) -> str:
    """Say how far a run is.

    Args:
        news: a ``progress`` reply.
    """
    texts = {
        "start": _("Starting the worker"),
        "prepare": _("Preparing the volumes"),
        "write": _("Finishing"),
    }
    if news["stage"] in ("hand over", "take over"):
        return _("Handing over {name}").format(name=news.get("name") or _("the volumes"))
    if news["stage"] == "import":
        return _("Into the DICOM database")
    if news["stage"] == "write" and news.get("total"):
        return _("Image {done} of {total}").format(done=news["done"], total=news["total"])
    if news["stage"] in texts:
        return texts[news["stage"]]
    if news["stage"] == "place":
        return _("Looking where the volumes lie") + step_text(news)
    text = _("Slice {done} of {total}").format(done=news["done"], total=news["total"])
    if news["slices_per_second"]:
        text += _(" · {rate} slices/s · {left} left").format(
            rate=round(news["slices_per_second"], 1), left=duration(news["seconds_left"])
        )
    return text


def step_text(news: dict) -> str:
    """Say which step of a search is under way, after a sentence; "" where it has not begun.

    Args:
        news: a ``progress`` reply.
    """
    if news.get("total") is None:
        return ""
    return _(" · step {done} of {total}").format(done=news["done"], total=news["total"])


def duration(seconds: float) -> str:
    """Return a time as people say it, such as ``1 min 20 s``."""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    template = _("{minutes} min {rest} s") if minutes else _("{rest} s")
    return template.format(minutes=minutes, rest=rest)
