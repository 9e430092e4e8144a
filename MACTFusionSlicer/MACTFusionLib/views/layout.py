"""The layouts of Compare: registered once, known again in a scene that was saved with one."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

import slicer
from slicer.i18n import tr as _

from ..nodes.volumes import MOST_PARTNERS

FUSED_VIEW = "MACTFusionFused"
_ANATOMICAL_VIEW = "MACTFusionAnatomical"
_PARTNER_VIEW = "MACTFusionPartner"
_FIRST_NUMBER = 7430
_GROUP = 7431
_COLORS = {_ANATOMICAL_VIEW: "#5b8def", FUSED_VIEW: "#4cae7f"}
_PARTNER_COLOR = "#e09b3d"


def layout_node() -> slicer.vtkMRMLLayoutNode | None:
    """Return the layout of the scene, None where there are no views."""
    return slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode")


def register_layouts() -> None:
    """Make the layouts known to the application.

    It is done at its start: a scene keeps the number of its layout and no more, and is shown in
    another one where the number is not known.
    """
    layout = layout_node()
    if layout is not None:
        for count in range(1, MOST_PARTNERS + 1):
            _register(layout, count)


def layout_id(count: int) -> int:
    """Return the number of the layout for some partners; it is registered if need be.

    Another extension may have the number that this one would like, and keeps it.
    """
    return _register(layout_node(), count)


def is_compare_layout(arrangement: int) -> bool:
    """Whether a number of a layout is one of those of Compare."""
    layout = layout_node()
    return layout is not None and _is_ours(layout, arrangement)


def view_names(count: int) -> tuple:
    """Return the names of the views for some partners, in the order of reading."""
    numbers = ("" if number == 1 else number for number in range(1, count + 1))
    return (_ANATOMICAL_VIEW, *(f"{_PARTNER_VIEW}{number}" for number in numbers), FUSED_VIEW)


def description(count: int) -> str:
    """Return the layout for some partners: one row of three views, or two rows of more."""
    names = view_names(count)
    in_first = 3 if count != 2 else 2
    rows = [_row(part) for part in (names[:in_first], names[in_first:]) if part]
    if len(rows) == 1:
        return rows[0]
    return f'<layout type="vertical">{"".join(f"<item>{row}</item>" for row in rows)}</layout>'


def _register(layout: Any, count: int) -> int:
    text = description(count)
    number = _FIRST_NUMBER + count
    while layout.IsLayoutDescription(number) and not _is_for(layout, number, count):
        number += MOST_PARTNERS
    # A description of another version of this module, or in another language, is replaced.
    known = layout.GetLayoutDescription(number) if layout.IsLayoutDescription(number) else ""
    if not known:
        layout.AddLayoutDescription(number, text)
    elif known != text:
        layout.SetLayoutDescription(number, text)
    return number


def _is_ours(layout: Any, number: int) -> bool:
    is_known = layout.IsLayoutDescription(number)
    return is_known and _tag(FUSED_VIEW) in layout.GetLayoutDescription(number)


def _is_for(layout: Any, number: int, count: int) -> bool:
    text = layout.GetLayoutDescription(number)
    names = view_names(MOST_PARTNERS)
    return {name for name in names if _tag(name) in text} == set(view_names(count))


def _tag(name: str) -> str:
    return f'singletontag="{name}"'


def _row(names: tuple) -> str:
    return f'<layout type="horizontal" split="true">{"".join(map(_item, names))}</layout>'


def _item(name: str) -> str:
    titles = {_ANATOMICAL_VIEW: _("Anatomical"), FUSED_VIEW: _("Fused")}
    number = name[len(_PARTNER_VIEW) :]
    title = titles.get(name) or f"{_('Partner')} {number}".strip()
    color = _COLORS.get(name, _PARTNER_COLOR)
    return (
        f'<item><view class="vtkMRMLSliceNode" singletontag="{name}">'
        '<property name="orientation" action="default">Axial</property>'
        f'<property name="viewlabel" action="default">{escape(title)}</property>'
        f'<property name="viewcolor" action="default">{color}</property>'
        f'<property name="viewgroup" action="default">{_GROUP}</property>'
        "</view></item>"
    )
