"""Printed letters of many alphabets as images of 8 x 8 pixels: some hundred classes, where digits have ten.

Latin, Greek, Cyrillic, Armenian, Georgian and phonetic letters in the twelve styles of one typeface, slightly
turned, slanted and stretched, and then brought to the size of `core.domains`' handwritten digits. Nothing is
downloaded: the typeface comes with Matplotlib.

Axes: C letters, B images of each.
Source: the DejaVu fonts, https://dejavu-fonts.github.io; many alphabets as in Omniglot, Lake et al.,
"Human-level Concept Learning through Probabilistic Program Induction", Science 350, 2015.
"""

import unicodedata
from functools import cache
from importlib.util import find_spec
from itertools import product
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from numpy import ndarray
from PIL import Image, ImageDraw, ImageFont

from course_lib.core.domains import IMAGE_SIDE

ALPHABETS = ((0x41, 0x24F), (0x250, 0x2AF), (0x370, 0x3FF), (0x400, 0x4FF), (0x531, 0x587), (0x10D0, 0x10FC))
"""First and last code point of Latin, phonetic, Greek, Cyrillic, Armenian and Georgian letters."""
STYLES = tuple(
    f"DejaVu{family}{style}"
    for family, slanted in (("Sans", "Oblique"), ("SansMono", "Oblique"), ("Serif", "Italic"))
    for style in ("", "-Bold", f"-{slanted}", f"-Bold{slanted}")
)
"""Twelve styles of the typeface."""
IMAGES_PER_STYLE = 3
CANVAS = 96
"""Pixels of the square that a letter is drawn on, before it is made small."""
DISTORTION = 0.15
"""Standard deviation of each number of the linear map that distorts a letter."""
NO_LETTER = "\uffff"
"""Drawn as the box that stands for any sign which the typeface lacks."""


@cache
def letters() -> str:
    """All letters that look different from each other, without accents."""
    font = _fonts()[0]
    found = {_drawn(NO_LETTER, font): NO_LETTER}
    for low, high in ALPHABETS:
        for letter in map(chr, range(low, high + 1)):
            plain = not unicodedata.decomposition(letter)
            if plain and unicodedata.category(letter) in ("Lu", "Ll", "Lo"):
                found.setdefault(_drawn(letter, font), letter)
    return "".join(found.values()).removeprefix(NO_LETTER)


@cache
def printed_images(letters: str) -> Float32[ndarray, "C B 64"]:
    """Images of each letter, the same in every call; some seconds for hundreds of letters.

    Args:
        letters: C of them.

    Returns:
        Pixels in [-1, 1]; B = 36, three of each style.
    """
    rng = np.random.default_rng(0)
    each = list(product(_fonts(), range(IMAGES_PER_STYLE)))
    images = [[_image(letter, font, rng) for font, _ in each] for letter in letters]
    return (2.0 * np.array(images, dtype=np.float32) - 1.0).reshape(len(letters), len(each), -1)


def _fonts() -> list[ImageFont.FreeTypeFont]:
    # Only where the files lie is asked: Matplotlib itself is not imported here.
    (package,) = find_spec("matplotlib").submodule_search_locations
    folder = Path(package) / "mpl-data" / "fonts" / "ttf"
    return [ImageFont.truetype(str(folder / f"{style}.ttf"), CANVAS // 2) for style in STYLES]


def _drawn(letter: str, font: ImageFont.FreeTypeFont) -> bytes:
    picture = Image.new("L", (CANVAS, CANVAS))
    ImageDraw.Draw(picture).text((CANVAS / 2, CANVAS / 2), letter, font=font, fill=255, anchor="mm")
    return picture.tobytes()


def _image(letter: str, font: ImageFont.FreeTypeFont, rng: np.random.Generator) -> ndarray:
    picture = Image.new("L", (CANVAS, CANVAS))
    ImageDraw.Draw(picture).text((CANVAS / 2, CANVAS / 2), letter, font=font, fill=255, anchor="mm")
    distorted = np.eye(2) + rng.normal(0.0, DISTORTION, (2, 2))
    shift = np.full(2, CANVAS / 2) - distorted @ np.full(2, CANVAS / 2)
    rows = np.column_stack([distorted, shift]).ravel()
    picture = picture.transform(picture.size, Image.Transform.AFFINE, tuple(rows), Image.Resampling.BILINEAR)
    picture = picture.crop(picture.getbbox())
    scale = IMAGE_SIDE / max(picture.size)
    width, height = (max(1, round(size * scale)) for size in picture.size)
    picture = picture.resize((width, height), Image.Resampling.BOX)
    small = Image.new("L", (IMAGE_SIDE, IMAGE_SIDE))
    small.paste(picture, ((IMAGE_SIDE - width) // 2, (IMAGE_SIDE - height) // 2))
    # Strokes of thin letters fill no pixel whole, those of a pen do.
    return np.minimum(np.asarray(small) / 255.0 * 1.4, 1.0)
