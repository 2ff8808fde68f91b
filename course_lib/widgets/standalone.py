"""A widget as one HTML page: no kernel, no server, no network.

The page carries the same JavaScript as the live widget and a stand-in for its model. As an
`<iframe srcdoc>` it plays inside an exported notebook, a reopened one, or on a phone.
"""

import base64
import html
import json

HOST = """
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const state = read("state");
for (const name of state.binary) state[name] = Uint8Array.from(atob(state[name]), (c) => c.charCodeAt(0));
const model = { get: (name) => state[name], set() {}, save_changes() {}, send() {}, on() {}, off() {} };
const source = URL.createObjectURL(new Blob([read("script")], { type: "text/javascript" }));
const widget = document.getElementById("widget");
(await import(source)).default.render({ model, el: widget });
let frame = null;
try { frame = window.frameElement; } catch { /* another origin keeps the height it gave */ }
const fit = () => { frame.style.height = `${Math.ceil(widget.scrollHeight)}px`; };
if (frame) {
  new ResizeObserver(fit).observe(widget);
  if (frame.nextElementSibling?.tagName === "IMG") frame.nextElementSibling.style.display = "none";
}
"""

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<style>html, body {{ margin: 0; padding: 0; background: transparent; }}</style></head>
<body><main id="widget"></main>
<script type="application/json" id="state">{state}</script>
<script type="application/json" id="script">{script}</script>
<script type="module">{host}</script>
</body></html>
"""


def _json(value) -> str:
    """JSON that may stand inside a script element: no "<" can close it, and it is still JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def page(title: str, script: str, state: dict) -> str:
    """A page that shows one widget.

    Args:
        title: of the page.
        script: a module that exports `{ render }`.
        state: what `model.get` answers; bytes arrive as Uint8Array.
    """
    binary = [name for name, value in state.items() if isinstance(value, bytes)]
    plain = {
        name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for name, value in state.items()
    }
    return PAGE.format(
        title=html.escape(title),
        state=_json({**plain, "binary": binary}),
        script=_json(script),
        host=HOST,
    )


def iframe(title: str, document: str, height: int, png: str, words: str) -> str:
    """The page as an element of another one.

    A notebook that is not trusted loses the iframe but keeps the picture below it; the page takes
    that picture away once it runs.

    Args:
        title: read aloud.
        document: what `page` returned.
        height: in CSS pixels, until the page sets its own.
        png: base64, of what the page shows first.
        words: the same in words.
    """
    style = f"width:100%;height:{height}px;border:0;color-scheme:normal"
    return (
        f'<iframe title="{html.escape(title)}" allow="fullscreen" allowfullscreen style="{style}" '
        f'srcdoc="{html.escape(document)}"></iframe>'
        f'<img alt="{html.escape(words)}" src="data:image/png;base64,{png}">'
    )
