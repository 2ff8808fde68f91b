"""A mistyped name gets the nearest known one, so that an error says the way out."""

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of an error message about an unknown name: "did you mean 'hopper'?", or what there is.

    Args:
        name: as it was typed.
        known: all names that would have been right.
    """
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    shown = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")
    return f"known: {shown or 'none'}"
