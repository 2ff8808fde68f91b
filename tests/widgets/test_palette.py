"""Colours: what is drawn stands out from its ground, text more so, and no colour that nobody has named.

The numbers are those of WCAG 2.2: 4.5 to 1 for text, 3 to 1 for graphics, https://www.w3.org/TR/WCAG22.
"""

import re

import pytest

from course_lib.widgets import palette, plane
from course_lib.widgets.module import STATIC

TEXT, GRAPHICS = 4.5, 3.0
GROUNDS = ("paper", "panel")
LITERAL = re.compile(r"#(?:[0-9a-fA-F]{6}|[0-9a-fA-F]{3})\b|\b(?:rgba?|hsla?)\(\s*[\d.]")
THEME = (STATIC / "theme.js").read_text()
MORE = {
    "#000000": "ink on a cell of a heat map, where it stands out more than white",
    "#ffffff": "ink on a cell of a heat map, or paper",
    "#000": "as #000000",
    "#fff": "as #ffffff",
    "#8d9aa8": "correction_field: wall on dark paper",
    "#33404e": "correction_field: lines between cells on dark paper",
    "#dde3e9": "live_curve: grid lines of the stored picture, behind all that is to be read",
}
"""Colours that are neither in theme.js nor in palette.py, and why."""


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio of two colours "#rrggbb"."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def theme(kind: str) -> dict[str, str]:
    """Colours of theme.js in the light or the dark theme, the series' as series 0 to 3."""
    palettes = THEME[THEME.index("course.palettes") :]
    block = re.search(rf"{kind}: {{(.*?)}},", palettes, re.DOTALL).group(1)
    colours = dict(re.findall(r'(\w+): "(#\w{6})"', block))
    series = re.findall(rf'{kind}: "(#\w{{6}})"', THEME[: THEME.index("course.palettes")])
    return colours | {f"series {i}": colour for i, colour in enumerate(series)}


def too_faint(colours: dict[str, str]) -> list[str]:
    """What cannot be seen well enough, in words."""
    wanted = {name: TEXT for name in ("ink", "muted")}
    wanted |= {name: GRAPHICS for name in colours if name.startswith("series")}
    wanted |= {name: GRAPHICS for name in ("accent", "edge", "fallen")}
    pairs = [(name, ground, ratio) for name, ratio in wanted.items() for ground in GROUNDS]
    pairs.append(("line", "paper", GRAPHICS))  # the edge of every control
    pairs.append(("paper", "accent", TEXT))  # words on the main button
    return [
        f"{name} {colours[name]} on {ground} {colours[ground]}: {found:.2f}, not {ratio}"
        for name, ground, ratio in pairs
        if (found := contrast(colours[name], colours[ground])) < ratio
    ]


def unnamed(source: str) -> set[str]:
    """Colours written into a source that are neither the theme's nor the palette's nor explained above."""
    named = set(re.findall(r"#\w{6}", THEME)) | {
        getattr(palette, name) for name in dir(palette) if name.isupper() and name != "SERIES"
    }
    known = {colour.lower() for colour in (*named, *MORE)}
    return {found for found in LITERAL.findall(source) if found.lower() not in known}


def test_contrast_of_black_and_white_is_the_largest_there_is():
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the textbook's near miss


@pytest.mark.parametrize("kind", ["light", "dark"])
def test_everything_stands_out_from_its_ground(kind):
    colours = theme(kind)
    assert len(colours) > 15
    assert too_faint(colours) == []
    yellow = colours | {
        "series 1": "#F0E442",
        "muted": "#999999",
    }  # Okabe and Ito's yellow: why it is not among ours
    assert len(too_faint(yellow)) >= (4 if kind == "light" else 0)


def test_pictures_drawn_in_python_have_the_same_colours():
    light = theme("light")
    assert list(palette.SERIES) == [light[f"series {i}"] for i in range(4)]
    assert (light["ink"], light["panel"]) == (plane.INK, plane.PANEL)
    for colour in (*palette.SERIES, palette.GREY):
        for ground in ("#ffffff", plane.PANEL):
            assert contrast(colour, ground) >= GRAPHICS, (colour, ground)


FILES = sorted([*STATIC.glob("*.js"), *STATIC.parent.glob("*.py")])


@pytest.mark.parametrize(
    "file", [f for f in FILES if f.name not in ("theme.js", "palette.py")], ids=lambda f: f.name
)
def test_no_colour_without_a_name(file):
    assert unnamed(file.read_text()) == set(), "take one of theme.js or palette.py, or say why in MORE"


def test_a_colour_without_a_name_is_found():
    assert unnamed('fill = "#F0E442"; line = "#18212d"; shade = "rgba(1,2,3,.5)"') == {"#F0E442", "rgba(1"}
