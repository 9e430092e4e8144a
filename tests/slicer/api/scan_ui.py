"""Find what a ``.ui`` file uses and a release of 3D Slicer does not have."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

_PSEUDO = ("leftMargin", "topMargin", "rightMargin", "bottomMargin", "margin", "objectName")


def widgets_of(text: str) -> dict:
    """Return the class of each widget of a ``.ui`` file by its name."""
    return {each.get("name"): each.get("class") for each in ET.fromstring(text).iter("widget")}


def ui_offences(text: str, release: object) -> list:
    """Return a sentence on each class, property, signal and slot that a release does not have.

    Args:
        text: of the file.
        release: see :func:`api.release.release`.
    """
    root = ET.fromstring(text)
    found = []
    for each in [*root.iter("widget"), *root.iter("layout"), *root.iter("action")]:
        kind, name = each.get("class", "QAction"), each.get("name")
        if kind not in release.classes:
            found.append(f"{name}: there is no class {kind}")
            continue
        for prop in each.findall("property"):
            own = prop.get("name")
            is_pseudo = (own in _PSEUDO and each.tag == "layout") or own == "buddy"
            if prop.get("stdset") == "0" or is_pseudo:
                continue
            member = release.member(kind, own)
            if member is None or member.kind != "property":
                found.append(f"{name}: {kind} has no property {own}")
            elif member.detail != "rw":
                found.append(f"{name}: {own} of {kind} cannot be written")
    classes = widgets_of(text)
    for link in root.iter("connection"):
        for end, is_signal in (("sender", True), ("receiver", False)):
            found += _link_offences(link, end, is_signal, classes, release)
    return found


def _link_offences(
    link: ET.Element, end: str, is_signal: bool, classes: dict, release: object
) -> list:
    name = link.findtext(end)
    signature = link.findtext("signal" if is_signal else "slot") or ""
    kind = classes.get(name)
    if kind is None:
        return [f"a connection names {name}, which is no widget"]
    method, arguments = re.fullmatch(r"(\w+)\((.*)\)", signature).groups()
    member = release.member(kind, method)
    count = len([each for each in arguments.split(",") if each.strip()])
    kinds = ("signal",) if is_signal else ("slot", "invokable", "signal")
    if member is None or member.kind not in kinds or not member.takes(count):
        return [f"{name}: {kind} has no {'signal' if is_signal else 'slot'} {signature}"]
    return []
