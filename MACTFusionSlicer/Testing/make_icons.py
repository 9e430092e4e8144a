"""Draw the icons of the panel's verdicts; shapes differ too, for those who see no colour.

Run with the library's Python:

    python MACTFusionSlicer/Testing/make_icons.py
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

FOLDER = Path(__file__).resolve().parents[1] / "Resources" / "Icons"
SIZE, FINE = 48, 8
WHITE, DARK = "#ffffff", "#1f1f1f"


def main() -> None:
    """Write an icon for each verdict."""
    drawn = {"good": _good, "unsure": _unsure, "bad": _bad, "unknown": _unknown, "busy": _busy}
    for name, draw in drawn.items():
        large = Image.new("RGBA", (SIZE * FINE, SIZE * FINE))
        draw(ImageDraw.Draw(large))
        icon = large.resize((SIZE, SIZE), Image.Resampling.LANCZOS)
        icon.save(FOLDER / f"verdict-{name}.png", optimize=True)


def _points(*pairs: tuple) -> list:
    return [(x * FINE, y * FINE) for x, y in pairs]


def _good(pen: ImageDraw.ImageDraw) -> None:
    """Draw a tick on a green disc."""
    pen.ellipse(_points((2, 2), (46, 46)), fill="#2e7d32")
    line = _points((13, 25), (21, 33), (36, 16))
    pen.line(line, fill=WHITE, width=6 * FINE, joint="curve")


def _unsure(pen: ImageDraw.ImageDraw) -> None:
    """Draw an exclamation mark on an amber triangle."""
    corners = _points((24, 5), (45, 42), (3, 42))
    pen.polygon(corners, fill="#ffb300")
    pen.line([*corners, corners[0]], fill="#b26a00", width=3 * FINE, joint="curve")
    pen.polygon(_points((21, 16), (27, 16), (26, 30), (22, 30)), fill=DARK)
    pen.ellipse(_points((21.2, 33), (26.8, 38.6)), fill=DARK)


def _bad(pen: ImageDraw.ImageDraw) -> None:
    """Draw a cross on a red octagon."""
    octagon = ((16, 3), (32, 3), (45, 16), (45, 32), (32, 45), (16, 45), (3, 32), (3, 16))
    pen.polygon(_points(*octagon), fill="#c62828")
    for line in (((15, 15), (33, 33)), ((33, 15), (15, 33))):
        pen.line(_points(*line), fill=WHITE, width=6 * FINE)


def _unknown(pen: ImageDraw.ImageDraw) -> None:
    """Draw a dash in a grey ring."""
    pen.ellipse(_points((4, 4), (44, 44)), outline="#8a8a8a", width=4 * FINE)
    pen.line(_points((15, 24), (33, 24)), fill="#8a8a8a", width=5 * FINE)


def _busy(pen: ImageDraw.ImageDraw) -> None:
    """Draw three blue dots."""
    for x in (9, 24, 39):
        pen.ellipse(_points((x - 5, 19), (x + 5, 29)), fill="#4a90d9")


if __name__ == "__main__":
    main()
