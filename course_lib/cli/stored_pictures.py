"""Opened again without its kernel, a notebook shows the stored picture of each widget.

JupyterLab prefers the live widget to everything else that an output holds, and where no kernel has it it
says "model not found" in its place. So `course lab` hands out such notebooks without their live widgets: the
picture and the words that every widget of the course stores beside itself are then what is left to show.
"""

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from nbformat import NotebookNode
from nbformat.v4 import new_output

LIVE = "application/vnd.jupyter.widget-view+json"
NOTE = "*Stored picture. Run this cell to play with it.*"


def with_stored_pictures(notebook: NotebookNode) -> NotebookNode:
    """Takes the live widgets out of all outputs, and says below a cell what it then shows.

    Args:
        notebook: changed in place.
    """
    for cell in notebook.cells:
        views = [output for output in cell.get("outputs", ()) if LIVE in output.get("data", {})]
        for output in views:
            del output.data[LIVE]
        if views:
            cell.outputs.append(
                new_output("display_data", {"text/markdown": NOTE, "text/plain": NOTE.strip("*")})
            )
    return notebook


class StoredPictures(AsyncLargeFileManager):
    """The server's files as they are, but for notebooks without a kernel: `with_stored_pictures`."""

    async def get(self, path, content=True, type=None, format=None, require_hash=False):
        """What Jupyter's own manager has at `path`; its arguments and its answer."""
        model = await super().get(path, content, type, format, require_hash)
        if content and model["type"] == "notebook" and not await self._has_kernel(path):
            with_stored_pictures(model["content"])
        return model

    async def _has_kernel(self, path: str) -> bool:
        sessions = await self.parent.session_manager.list_sessions()
        return path.strip("/") in {session["path"].strip("/") for session in sessions}
