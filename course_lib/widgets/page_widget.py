"""A widget that needs no kernel once it is made: all that it shows is in its data, and so in its page.

`standalone` makes the page; where a notebook is exported, the page takes the widget's place.
"""

import base64
from pathlib import Path

import anywidget
import traitlets

from course_lib.widgets import standalone


class PageWidget(anywidget.AnyWidget):
    """What such widgets share. One adds `_esm`, data with a `title`, `picture` and `__str__`."""

    data = traitlets.Dict().tag(sync=True)
    page_height = 900
    """CSS pixels that the page has before it sets its own height."""

    def picture(self) -> bytes:
        """PNG of what stands there first."""
        raise NotImplementedError

    def save(self, path: str | Path) -> Path:
        """Writes the widget as one HTML file that needs nothing else."""
        path = Path(path)
        path.write_text(self._page(), encoding="utf-8")
        return path

    def _page(self) -> str:
        return standalone.page(self.data["title"], self._esm, {"data": self.data})

    def _repr_mimebundle_(self, **options):
        bundle = super()._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        png = base64.b64encode(self.picture()).decode()
        page = standalone.iframe(self.data["title"], self._page(), self.page_height, png, str(self))
        # An exported notebook has no kernel: there the page takes the widget's place, and works as it does.
        return {**data, "text/html": page, "image/png": png, "text/plain": str(self)}, metadata
