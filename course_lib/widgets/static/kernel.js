// A widget's line to its kernel: it never throws where nobody listens, and where nobody answers it says so in
// words, beside a dimmed picture. Every widget that asks a kernel asks through it.

{
  const PATIENCE = 2000, LOOK = 1000; // ms without an answer until it is said; between two looks at the kernel
  const BUSY = "Waiting for the kernel: it is busy with a cell, or has stopped. The picture is the one before. After a restart, run this cell again.";
  const ENDED = "The kernel of this view has ended. What needs no kernel goes on; run this cell again for the rest.";
  const BEFORE = " The picture is the one before.";
  const LOST = new Set(["dead", "restarting", "autorestarting", "terminating"]);

  // Equal values have equal words, whatever the order of their keys: Python's is another than ours.
  course.words = (value) => JSON.stringify(value, (_, part) => (part && typeof part === "object" && !Array.isArray(part)
    ? Object.fromEntries(Object.keys(part).sort().map((key) => [key, part[key]])) : part));

  // The kernel's id, null where it has ended, undefined where the host tells nothing (a page alone, another editor).
  function kernelOf(model) {
    const kernel = model.widget_manager?.kernel;
    return kernel && LOST.has(kernel.status) ? null : kernel && kernel.id;
  }

  // For Python to know, where nobody has to answer.
  course.save = function save(model, traits) {
    for (const [name, value] of Object.entries(traits)) model.set(name, value);
    if (kernelOf(model) !== null) model.save_changes();
  };

  // What a question without answer looks like to a person. The view says what it does:
  //   asked(often)  a question is under way, or waits to be sent; one of many a second is no work to announce
  //   heard(newest) something came; was it the answer to the newest question?
  //   send(content, buffers), save({ trait: value })   to the kernel; false where there is none any more
  // `ended` is called once, when the kernel has gone: a view whose buttons would be dead takes them away.
  course.line = function line(root, model, ended = () => {}) {
    const mark = course.h("div", { class: "course-mark", role: "status" }), born = kernelOf(model);
    const now = { asking: false, often: false, late: false, ended: false, timer: 0 };
    root.append(mark);

    function show() {
      const stale = now.asking && (now.late || now.ended);
      mark.textContent = now.ended ? ENDED + (stale ? BEFORE : "") : now.late ? BUSY : "";
      root.toggleAttribute("data-stale", stale);
      if (now.asking && (now.late || !now.often) && !now.ended) root.setAttribute("aria-busy", "true");
      else root.removeAttribute("aria-busy");
      if (now.late && !now.ended) cover();
      else { mark.removeAttribute("data-over"); mark.style.top = ""; }
    }
    // Over the picture, where nothing has to move for it under the hand that drags.
    function cover() {
      const area = ({ width, height }) => width * height, box = (element) => element.getBoundingClientRect();
      const pictures = [...root.querySelectorAll("canvas, [role=grid]")].map(box).sort((a, b) => area(b) - area(a));
      if (!pictures.length) return;
      mark.setAttribute("data-over", "");
      mark.style.top = `${pictures[0].top - box(root).top + root.scrollTop + 8}px`;
    }
    function patient() {
      clearTimeout(now.timer);
      now.timer = setTimeout(() => { now.timer = 0; now.late = true; show(); }, PATIENCE);
    }
    function rest() {
      clearTimeout(now.timer);
      Object.assign(now, { asking: false, late: false, timer: 0 });
      show();
    }
    function end() {
      if (now.ended) return;
      clearTimeout(now.timer);
      Object.assign(now, { ended: true, late: false, timer: 0 });
      show();
      ended();
    }
    function live() {
      const kernel = kernelOf(model);
      if (kernel === null || (born && kernel !== born)) end();
      return !now.ended;
    }
    function attempt(say) {
      if (!live()) return false;
      try { say(); } catch { end(); } // a connection that was given up refuses with an error
      return !now.ended;
    }

    const looking = setInterval(live, LOOK);
    model.on("comm_live_update", end); // JupyterLab, when the kernel restarts
    return {
      get late() { return now.late; },
      asked(often = false) {
        Object.assign(now, { asking: true, often });
        if (live() && !now.timer && !now.late) patient();
        show();
      },
      heard(newest) {
        if (newest) rest();
        else if (now.asking && !now.late && !now.ended) patient(); // it lives, and is slow
      },
      send: (content, buffers) => attempt(() => model.send(content, undefined, buffers)),
      save: (traits) => attempt(() => course.save(model, traits)),
      close() {
        clearInterval(looking);
        clearTimeout(now.timer);
        model.off("comm_live_update", end);
      },
    };
  };
}
