"""A real JupyterLab or Notebook 7 on a free loopback port, and one notebook page in it to drive.

`JupyterServer` starts the server with a profile of its own (nothing of the developer's Jupyter is read or
written) and lives exactly as long as a pipe to this process: however the tests end, even by SIGKILL, the
server, its kernels and its temporary folders go with them. `NotebookPage` wraps a Playwright page and knows
what a notebook is: it runs cells, fails at once with the traceback of a cell that raised, collects console
errors, takes pictures, asks axe.

Run as a script, this file is the supervisor at the other end of that pipe; tests never do that themselves.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

STORED_PICTURES = "course_lib.cli.stored_pictures.StoredPictures"  # as in `course lab`
REPOSITORY = Path(__file__).resolve().parents[2]
ARTIFACTS = REPOSITORY / "artifacts"
VIEWPORT = {"width": 1280, "height": 720}  # the resolution of most lecture-hall projectors
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# Console errors that are not ours: each entry says whose they are. Keep it short; no widget belongs on it.
CONSOLE_ALLOWLIST = {
    r"reading 'schema'\)[\s\S]*/notebook_core\.": "Notebook 7's shortcuts race with its settings",
    r"Could not restore the debugger state": "JupyterLab asks a kernel that is being shut down",
    r"ERR_UNKNOWN_URL_SCHEME \(attachment:": "Jupyter asks for a Markdown picture before it looks it up",
}

SETTINGS = {
    "apputils-extension/notification": '{"fetchNews": "false", "checkForUpdates": false}',
    "notebook-extension/tracker": '{"recordTiming": true}',
}
"""What differs from Jupyter's defaults: no questions about news, and a note of the time in each cell."""

APPLICATIONS = {
    "lab": ("jupyterlab", "LabApp", "doc/tree"),
    "notebook": ("notebook", "JupyterNotebookApp", "notebooks"),
}


class JupyterServer:
    """One running Jupyter server, isolated from the person's own.

    Args:
        application: "lab" (JupyterLab) or "notebook" (Notebook 7).

    Attributes:
        url: address without a trailing slash, on 127.0.0.1.
        token: what the server asks of every request.
        root: folder whose files the server shows.

    Raises:
        RuntimeError: the server did not answer; the message ends with its log.
    """

    def __init__(self, application: str = "lab", *, start_timeout: float = 180.0):
        module, traits, self._prefix = APPLICATIONS[application]
        self.application = application
        self.token = uuid.uuid4().hex
        self._home = Path(tempfile.mkdtemp(prefix=f"course-{application}-"))
        self.root = self._home / "root"
        self.root.mkdir()
        self.log_file = self._home / "server.log"
        command = [
            *(sys.executable, __file__, str(self._home)),  # the supervisor, then what it supervises
            *(sys.executable, "-m", module, "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0"),
            f"--ServerApp.root_dir={self.root}",
            f"--ServerApp.contents_manager_class={STORED_PICTURES}",
            f"--IdentityProvider.token={self.token}",
            f"--{traits}.expose_app_in_browser=True",
        ]
        self._pipe = subprocess.Popen(
            command, stdin=subprocess.PIPE, env=self._environment(), start_new_session=True
        )
        try:
            self.url = self._wait_until_it_answers(start_timeout)
        except BaseException:
            self.close()
            raise

    def _environment(self) -> dict[str, str]:
        for file, settings in SETTINGS.items():
            path = self._home / "settings" / "@jupyterlab" / f"{file}.jupyterlab-settings"
            path.parent.mkdir(parents=True)
            path.write_text(settings)
        self._runtime = self._home / "runtime"
        folders = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "IPYTHONDIR": "ipython",
        }
        python_path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
        isolated = {name: str(self._home / folder) for name, folder in folders.items()}
        return {**os.environ, **isolated, "PYTHONPATH": python_path, "JUPYTER_PLATFORM_DIRS": "1"}

    def _wait_until_it_answers(self, timeout: float) -> str:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and self._pipe.poll() is None:
            for info in self._runtime.glob("jpserver-*.json"):
                with contextlib.suppress(json.JSONDecodeError, OSError):
                    url = json.loads(info.read_text())["url"].rstrip("/")
                    urllib.request.urlopen(f"{url}/api/status?token={self.token}", timeout=2).close()
                    return url
            time.sleep(0.05)
        raise RuntimeError(f"{self.application} did not answer within {timeout:g} s:\n{self.log()}")

    def log(self, lines: int = 40) -> str:
        """The last lines that the server wrote."""
        text = self.log_file.read_text(errors="replace") if self.log_file.exists() else "(no log)"
        return "\n".join(text.splitlines()[-lines:])

    def notebook_url(self, path: str) -> str:
        """Address of the page that shows the notebook at `path` (relative to the root) alone."""
        return f"{self.url}/{self._prefix}/{path}?token={self.token}" + (
            "&reset" if self.application == "lab" else ""
        )

    def shut_down_kernels(self) -> None:
        """End every kernel, so that one test's training does not take the next one's processor."""
        for session in self._request("GET", "api/sessions") or []:
            with contextlib.suppress(urllib.error.HTTPError):  # already gone
                self._request("DELETE", f"api/sessions/{session['id']}")

    def _request(self, method: str, path: str):
        request = urllib.request.Request(
            f"{self.url}/{path}", method=method, headers={"Authorization": f"token {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def close(self) -> None:
        """End the server, its kernels and its folders; returns when they are gone."""
        self._pipe.stdin.close()
        self._pipe.wait(timeout=30)
        shutil.rmtree(self._home, ignore_errors=True)

    def __enter__(self) -> "JupyterServer":
        return self

    def __exit__(self, *_) -> None:
        self.close()


def supervise(home: str, command: Sequence[str]) -> None:
    """Run `command` until it ends or standard input closes, then end all its descendants.

    `home` is deleted when the pipe closed; when the server ended by itself its log is still wanted.
    """
    import signal
    import threading

    import psutil

    for name in (signal.SIGINT, signal.SIGTERM):  # the closing pipe is what ends us, nothing else
        signal.signal(name, lambda *_: None)  # SIG_IGN would be inherited, and no kernel could be interrupted
    with open(Path(home, "server.log"), "wb") as log:
        server = psutil.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    pipe_is_open = threading.Thread(target=os.read, args=(0, 1), daemon=True)  # returns when the pipe closes
    pipe_is_open.start()
    while server.poll() is None and pipe_is_open.is_alive():
        pipe_is_open.join(0.2)
    family = []
    with contextlib.suppress(psutil.NoSuchProcess):
        family = server.children(
            recursive=True
        )  # kernels lead sessions of their own: a group kill misses them
    for process in [server, *family]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, stubborn = psutil.wait_procs([server, *family], timeout=5)
    for process in stubborn:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    if not pipe_is_open.is_alive():
        shutil.rmtree(home, ignore_errors=True)


class CellError(AssertionError):
    """A cell of the notebook under test raised; the message is its traceback."""


class NotebookPage:
    """One notebook, open in a real browser, with a live kernel.

    Attributes:
        page: the Playwright page, for everything that is not about notebooks.
        console_errors: what the page wrote to the console at level error, and its uncaught exceptions.
    """

    def __init__(self, page, server: JupyterServer, path: str, *, test_name: str, timeout: float = 120.0):
        self.page = page
        self.server = server
        self.test_name = test_name
        self.console_errors: list[str] = []
        page.set_default_timeout(1000 * timeout)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self._note(f"uncaught: {error.stack or error}"))
        page.add_init_script(PAGE_SCRIPT)
        page.goto(server.notebook_url(path))
        page.wait_for_function("() => harness.kernelStatus() === 'idle'")

    def _on_console(self, message) -> None:
        if message.type == "error":
            self._note(f"{message.text} ({message.location.get('url', '')})")

    def _note(self, text: str) -> None:
        if not any(re.search(pattern, text) for pattern in CONSOLE_ALLOWLIST):
            self.console_errors.append(text)

    # --- running cells

    def start_all(self) -> None:
        """Begin to run all cells, and return at once (use it where a test acts while a cell runs)."""
        self.page.evaluate("() => harness.runAll()")

    def run_all(self, timeout: float = 60.0) -> None:
        """Run all cells and return when the last one has ended.

        Raises:
            CellError: as soon as a cell raised, with its traceback.
        """
        self.start_all()
        self.wait_done(timeout)

    def wait_done(self, timeout: float = 60.0) -> None:
        """Wait until the cells that `start_all` began have ended and the kernel is idle."""
        self.wait("harness.finished() && harness.kernelStatus() === 'idle'", timeout)

    def wait(self, condition: str, timeout: float = 60.0) -> None:
        """Wait until the JavaScript expression `condition` is true, but fail at once if a cell raises.

        Raises:
            CellError: a cell raised meanwhile.
            AssertionError: the time was up; the message repeats the condition.
        """
        from playwright.sync_api import TimeoutError as TimeIsUp

        try:
            self.page.wait_for_function(
                f"() => harness.cellErrors().length || ({condition})", timeout=1000 * timeout, polling=50
            )
        except TimeIsUp:
            raise AssertionError(f"after {timeout:g} s still not true in the page: {condition}") from None
        errors = self.cell_errors()
        if errors:
            raise CellError(errors[0])

    def cell_errors(self) -> list[str]:
        """Tracebacks of the cells that raised, without colour codes."""
        return [
            re.sub(r"\x1b\[[0-9;]*m", "", text) for text in self.page.evaluate("() => harness.cellErrors()")
        ]

    def outputs(self) -> list[list[dict]]:
        """For each code cell its outputs, in the notebook format."""
        return self.page.evaluate("() => harness.outputs()")

    def text(self) -> str:
        """All that the cells printed or returned as text."""
        pieces = [
            output.get("text") or output.get("data", {}).get("text/plain", "")
            for cell in self.outputs()
            for output in cell
        ]
        return "".join("".join(piece) for piece in pieces)

    def cell_seconds(self) -> dict[str, float]:
        """How long each code cell ran that has been run, by cell id."""
        return self.page.evaluate("() => harness.cellSeconds()")

    def interrupt(self) -> None:
        """What the toolbar's stop square does: a KeyboardInterrupt in the kernel."""
        self.page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()"
        )

    def locator(self, selector: str):
        """Playwright's locator, for brevity."""
        return self.page.locator(selector)

    # --- looking

    def screenshot(self, name: str, selector: str | None = None) -> Path:
        """Save a picture as `artifacts/<name>.png`: the window, or the first element that matches."""
        ARTIFACTS.mkdir(exist_ok=True)
        file = ARTIFACTS / f"{name}.png"
        if selector is None:
            self.page.screenshot(path=file)
        else:
            self.page.locator(selector).first.screenshot(path=file)
        return file

    def ink(self, selector: str) -> float:
        """Share of a canvas's pixels that differ from its most frequent colour, in [0, 1]: 0 means blank."""
        return self.page.evaluate("selector => harness.ink(selector)", selector)

    def fingerprint(self, selector: str) -> str:
        """Text that changes when the picture on a canvas (the first that matches) does."""
        return self.page.evaluate("selector => harness.fingerprint(selector)", selector)

    def latency(
        self, action: Callable[[], object], changed: str, event: str = "keydown", timeout: float = 10.0
    ) -> float:
        """Milliseconds from the browser's own event to the frame on which the page shows the change.

        The clock starts at the time stamp of the next `event` in the page. On every frame `changed` is
        evaluated; once its value differs from the one before the action, one more frame is painted
        (requestAnimationFrame, then a MessageChannel turn) and the clock stops. That is an upper bound,
        coarse by one frame.

        Args:
            action: what the person does, e.g. `lambda: page.keyboard.press("ArrowRight")`.
            changed: JavaScript expression, e.g. `harness.fingerprint('.my-widget canvas')` or a status text.
            event: DOM event that starts the clock.
        """
        self.page.evaluate(f"event => harness.startClock(event, () => ({changed}))", event)
        action()
        self.wait("harness.latency !== null", timeout)
        return self.page.evaluate("() => harness.latency")

    # --- judging

    def axe(self, selector: str = ".jp-OutputArea") -> None:
        """Let axe-core look at what matches `selector`; its serious and critical findings fail the test."""
        from axe_playwright_python.sync_playwright import Axe

        results = Axe().run(self.page, context={"include": [[selector]]}).response
        findings = [
            f"{violation['impact']}: {violation['help']} ({violation['id']})\n    "
            + "\n    ".join(node["html"][:200] for node in violation["nodes"][:3])
            for violation in results["violations"]
            if violation["impact"] in ("serious", "critical")
        ]
        assert not findings, "axe-core found:\n" + "\n".join(findings)

    def assert_no_console_errors(self) -> None:
        """Fail if the page wrote an error to the console (`open_notebook` calls this at the end)."""
        assert not self.console_errors, "console errors:\n" + "\n".join(self.console_errors)


# Everything that the tests ask of the page, under one name. Outputs are read from the notebook's model and
# not from the document, because JupyterLab takes cells that are scrolled away out of the document.
PAGE_SCRIPT = """
window.harness = {
  latency: null,
  done: true,
  panel: () => window.jupyterapp?.shell?.currentWidget,
  kernelStatus: () =>
    harness.panel()?.content?.model && harness.panel()?.sessionContext?.session?.kernel?.status,
  finished: () => harness.done,
  runAll() {
    harness.done = false;
    const finish = () => { harness.done = true; };
    window.jupyterapp.commands.execute('notebook:run-all-cells').then(finish, finish);
  },
  outputs: () => Array.from(harness.panel().content.model.cells)
    .filter(cell => cell.type === 'code').map(cell => cell.outputs.toJSON()),
  cellErrors: () => harness.outputs().flat().filter(output => output.output_type === 'error')
    .map(output => output.traceback?.join('\\n') || `${output.ename}: ${output.evalue}`),
  cellSeconds() {
    const seconds = {};
    for (const cell of harness.panel().content.model.cells) {
      const at = cell.getMetadata('execution') ?? {};
      const [from, to] = [at['iopub.status.busy'], at['shell.execute_reply']].map(Date.parse);
      if (from && to) seconds[cell.id] = (to - from) / 1000;
    }
    return seconds;
  },
  pixels(selector, size) {
    const canvas = document.querySelector(selector);
    const copy = document.createElement('canvas');
    copy.width = size; copy.height = size;
    const context = copy.getContext('2d', {willReadFrequently: true});
    context.drawImage(canvas, 0, 0, size, size);
    return new Uint32Array(context.getImageData(0, 0, size, size).data.buffer);
  },
  ink(selector) {
    const counts = new Map(), pixels = harness.pixels(selector, 256);
    for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
    return 1 - Math.max(...counts.values()) / pixels.length;
  },
  fingerprint(selector) {
    let hash = 2166136261;
    for (const pixel of harness.pixels(selector, 128)) hash = Math.imul(hash ^ pixel, 16777619);
    return String(hash >>> 0);
  },
  startClock(event, value) {
    harness.latency = null;
    const before = String(value());
    let start = null;
    window.addEventListener(event, e => { start = e.timeStamp; }, {capture: true, once: true});
    const look = () => {
      if (start === null || String(value()) === before) return requestAnimationFrame(look);
      requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => { harness.latency = performance.now() - start; };
        channel.port2.postMessage(0);
      });
    };
    requestAnimationFrame(look);
  },
};
"""

if __name__ == "__main__":
    supervise(sys.argv[1], sys.argv[2:])
