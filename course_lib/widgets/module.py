"""One JavaScript module from a few plain files: no build step, no network.

The files in `static/` share one object, `course`. theme.js creates it, draw.js and kernel.js
add to it, and every widget registers itself as `course.<file name> = { create, render }`. None of them
imports another, so joining them in order is all the building there is.
"""

from functools import cache
from pathlib import Path

from course_lib.core.spelling import nearest

STATIC = Path(__file__).parent / "static"
SHARED = ("theme", "draw", "kernel")
"""Always in front, in this order."""


@cache
def module(*names: str) -> str:
    """JavaScript module of a widget, ready for anywidget's `_esm`.

    Args:
        names: file names in `static/` without suffix, in order; the last one is the widget
            whose `render` the module exports. theme.js, draw.js and kernel.js come first by
            themselves.

    Returns:
        Source of one module whose default export is `{ render }`.

    Raises:
        ValueError: no name is given, or there is no such file.
    """
    if not names:
        raise ValueError("module() needs at least one widget, such as module('player')")
    known = sorted(path.stem for path in STATIC.glob("*.js"))
    for name in names:
        if name not in known:
            raise ValueError(f"no widget script named {name!r}: {nearest(name, known)}")
    ordered = dict.fromkeys((*SHARED, *names))
    sources = [(STATIC / f"{name}.js").read_text(encoding="utf-8") for name in ordered]
    if "export default" not in sources[-1]:
        sources.append(f'export default {{ render: course["{names[-1]}"].render }};\n')
    return "\n".join(sources)
