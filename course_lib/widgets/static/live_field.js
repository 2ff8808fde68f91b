// Two fields side by side: the exact one, and the one that is being learned. Colour says the size, and a sign
// in the colour says the sign. A slider chooses the samples; a cross that the arrow keys move says numbers.

{
  const { h } = course;

  const LOW = { light: "#D55E00", dark: "#E69F00" }, HIGH = { light: "#0072B2", dark: "#56B4E9" };
  const CSS = `
.course-live { padding: 10px; }
.course-live-head { display: flex; gap: 8px 12px; align-items: center; margin-bottom: 8px; flex-wrap: wrap; }
.course-live-title { font-weight: 700; font-size: 1.125em; flex: 1 1 12em; }
.course-live-body { display: grid; grid-template-columns: minmax(0, 1fr); gap: 12px 16px; }
.course-live-plane strong { display: block; margin-bottom: 2px; }
.course-live-plane canvas { touch-action: pan-y; cursor: crosshair; border-radius: 4px; }
.course-live-side { display: grid; gap: 8px 24px; align-content: start; }
.course-live-number { font-size: 2em; font-weight: 700; line-height: 1.1; font-variant-numeric: tabular-nums; }
.course-live-step { display: grid; gap: 4px; font-variant-numeric: tabular-nums; }
.course-live progress { width: 100%; height: 14px; accent-color: var(--course-accent); }
.course-live table { border-collapse: collapse; margin: 0; font: inherit; border: 0; color: var(--course-ink); }
.course-live :is(thead, tbody, tr, tr:nth-child(odd), tr:hover, th, td) { background: transparent; border: 0; color: inherit; font-size: inherit;
  text-align: right; padding: 1px 14px 1px 0; font-variant-numeric: tabular-nums; max-width: none; white-space: normal; }
.course-live thead th { color: var(--course-muted); font-weight: 400; border-bottom: 1px solid var(--course-line); }
.course-live tr[data-now] > * { font-weight: 700; }
.course-live-says { min-height: 1.45em; margin-top: 8px; }
.course-live-key { display: flex; flex-wrap: wrap; gap: 2px 16px; align-items: center; color: var(--course-muted); margin-top: 4px; }
.course-live-key i { display: inline-block; width: 150px; height: 14px; border: 1px solid var(--course-line); border-radius: 3px; vertical-align: -2px; margin: 0 6px; }
.course-live-error { border: 3px solid var(--course-ink); border-left-width: 12px; border-radius: 9px; padding: 6px 12px; background: var(--course-panel); }
@container (min-width: 600px) { .course-live-body { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .course-live-side { grid-column: 1 / -1; grid-template-columns: repeat(2, minmax(0, 1fr)); } }
@container (min-width: 900px) { .course-live-body { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr) 250px; }
  .course-live-side { grid-column: auto; grid-template-columns: minmax(0, 1fr); } }
@container (min-width: 1300px) { .course-live[data-lecture] .course-live-body { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr) 17em; } }
`;
  const grouped = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, "\u202f");
  const signed = (value, digits) => value.toFixed(digits).replace("-", "−").replace(/^−(0\.?0*)$/, "$1");
  const named = (axis) => (axis.unit ? `${axis.label} (${axis.unit})` : axis.label);

  function create(root, { fixed, exact }, link) {
    const { rows, columns, choices, limit, steps } = fixed;
    const R = rows.values.length, C = columns.values.length;
    const now = { values: null, samples: [], cross: null, choice: 0, progress: { state: "waiting" }, scores: {} };
    root.classList.add("course-live");
    const theme = course.dress(root, () => paint());
    const lecture = course.lecture(root, () => paint());

    // --- elements

    function plane(heading, words) {
      const canvas = h("canvas", { tabindex: "0", role: "img", "aria-label": words });
      const title = h("strong", {}, heading);
      return { canvas, title, element: h("div", { class: "course-live-plane" }, title, canvas) };
    }
    const left = plane("exact", `The exact field: ${fixed.value_label} by ${named(columns)} and ${named(rows)}. Arrow keys read its numbers.`);
    const right = plane("learned", `The learned field: ${fixed.value_label} by ${named(columns)} and ${named(rows)}. Arrow keys read its numbers.`);
    const sliderId = course.id("samples"), last = choices.length - 1;
    const output = h("output", { for: sliderId, class: "course-value" });
    const slider = h("input", { id: sliderId, type: "range", min: 0, max: Math.max(last, 1), step: 1, disabled: last === 0 });
    const stops = choices.map((_, i) => h("span", { class: "course-stop", style: `left:${(100 * i) / (last || 1)}%` }));
    const rail = h("div", { class: "course-slider" }, h("label", { for: sliderId }, fixed.choice_label), output,
      h("div", { class: "course-rail" }, h("div", { class: "course-track" }, ...stops), slider));
    slider.addEventListener("input", () => { take(choices[Math.min(last, +slider.value)]); link.choose(now.choice); });
    slider.addEventListener("keydown", (event) => { if (event.key.startsWith("Arrow") || event.key === "Home" || event.key === "End") event.stopPropagation(); });
    const button = course.button({ icon: "restart", text: "Learn again", onclick: () => (now.progress.state === "learning" ? link.stop() : link.begin()) });
    const bar = h("progress", { max: steps, value: 0, "aria-label": "Learning" }), step = h("span", {});
    const number = h("div", { class: "course-live-number" }, "–");
    const body = h("tbody");
    const table = h("table", { "aria-label": "Correlation with the exact field when learning had ended" },
      h("thead", {}, h("tr", {}, h("th", {}, "samples"), h("th", {}, "final correlation"))), body);
    const says = h("div", { class: "course-live-says", role: "status" }, "Point at a field, or move over it with the arrow keys, to read its numbers.");
    const ramp = h("i", { "aria-hidden": "true" }), problem = h("div", { role: "alert" });
    root.append(
      h("style", {}, CSS),
      h("div", { class: "course-live-head" }, h("div", { class: "course-live-title" }, fixed.title), button, lecture.button),
      h("div", { class: "course-live-body", role: "group", "aria-label": fixed.title }, left.element, right.element,
        h("div", { class: "course-live-side" },
          h("div", {}, rail, h("div", { class: "course-live-step" }, bar, step)),
          h("div", {}, h("div", {}, "correlation of the two"), number), table)),
      says,
      h("div", { class: "course-live-key" },
        h("span", {}, `${fixed.value_label}: −${limit}`, ramp, `+${limit}`),
        h("span", {}, "− and + in the field: its sign"), h("span", {}, "○ samples it learns from")),
      problem,
    );

    // --- picture

    const colour = (value) => {
      const kind = theme.dark ? "dark" : "light", size = Math.min(1, Math.abs(value) / limit);
      return course.mix(theme.colours.paper, (value < 0 ? LOW : HIGH)[kind], size);
    };
    const frame = { left: 76, right: 12, top: 8, bottom: 52 };
    const span = (axis) => { const v = axis.values, half = v.length > 1 ? (v[1] - v[0]) / 2 : 0.5; return [v[0] - half, v[v.length - 1] + half]; };
    const [x0, x1] = span(columns), [y0, y1] = span(rows);

    function draw(one, values, samples) {
      one.canvas.em = null;
      const tall = root.hasAttribute("data-lecture") ? Math.max(320, innerHeight - 260) : Math.min(430, Math.max(280, 0.82 * one.canvas.clientWidth));
      one.canvas.style.height = `${Math.round(tall)}px`;
      const { context, width, height } = course.fit(one.canvas, Math.round(tall));
      const w = width - frame.left - frame.right, t = height - frame.top - frame.bottom;
      const X = (x) => frame.left + ((x - x0) / (x1 - x0)) * w, Y = (y) => frame.top + ((y1 - y) / (y1 - y0)) * t;
      context.clearRect(0, 0, width, height);
      context.fillStyle = theme.colours.panel;
      context.fillRect(frame.left, frame.top, w, t);
      if (values) {
        for (let r = 0; r < R; r += 1) {
          for (let c = 0; c < C; c += 1) {
            context.fillStyle = colour(values[r * C + c]);
            const left_ = Math.floor(frame.left + (c / C) * w), top = Math.floor(frame.top + ((R - 1 - r) / R) * t);
            context.fillRect(left_, top, Math.ceil(frame.left + ((c + 1) / C) * w) - left_, Math.ceil(frame.top + ((R - r) / R) * t) - top);
          }
        }
        const every = Math.max(1, Math.round(Math.max(C, R) / 7));
        for (let r = every >> 1; r < R; r += every) {
          for (let c = every >> 1; c < C; c += every) {
            const value = values[r * C + c], size = Math.abs(value) / limit;
            if (size < 0.12) continue;
            course.text(context, value < 0 ? "−" : "+", frame.left + ((c + 0.5) / C) * w, frame.top + ((R - r - 0.5) / R) * t,
              { colour: theme.colours.ink, halo: theme.colours.paper, size: 16 + 6 * Math.min(1, size), weight: 600, align: "center", baseline: "middle" });
          }
        }
      } else {
        course.text(context, "not learned yet", frame.left + w / 2, frame.top + t / 2, { colour: theme.colours.muted, align: "center" });
      }
      context.save();
      context.beginPath();
      context.rect(frame.left, frame.top, w, t);
      context.clip();
      const many = samples.length / 2, radius = many > 1000 ? 1.6 : many > 200 ? 2.2 : 3.5;
      context.lineWidth = many > 200 ? 1 : 1.6;
      context.strokeStyle = theme.colours.ink;
      context.fillStyle = theme.colours.paper;
      context.globalAlpha = many > 1000 ? 0.35 : many > 200 ? 0.6 : 1;
      for (let k = 0; k < samples.length; k += 2) {
        context.beginPath();
        context.arc(X(samples[k]), Y(samples[k + 1]), radius, 0, 2 * Math.PI);
        if (many <= 200) context.fill();
        context.stroke();
      }
      context.globalAlpha = 1;
      if (now.cross) {
        const x = X(columns.values[now.cross[1]]), y = Y(rows.values[now.cross[0]]);
        for (const [line, ink] of [[5, theme.colours.paper], [2, theme.colours.ink]]) {
          context.lineWidth = line;
          context.strokeStyle = ink;
          context.beginPath();
          context.moveTo(x - 12, y); context.lineTo(x + 12, y); context.moveTo(x, y - 12); context.lineTo(x, y + 12);
          context.stroke();
        }
      }
      context.restore();
      context.strokeStyle = theme.colours.line;
      context.lineWidth = 1;
      context.strokeRect(frame.left + 0.5, frame.top + 0.5, w - 1, t - 1);
      const inside = (low, high, most) => course.ticks(low, high, most).filter((v) => v >= low && v <= high);
      for (const x of inside(x0, x1, Math.max(2, Math.floor(w / 60)))) course.text(context, signed(x, course.decimals(x)), X(x), frame.top + t + 20, { colour: theme.colours.ink, align: "center" });
      for (const y of inside(y0, y1, Math.max(2, Math.floor(t / 44)))) course.text(context, signed(y, course.decimals(y)), frame.left - 7, Y(y) + 5, { colour: theme.colours.ink, align: "right" });
      course.text(context, named(columns), frame.left + w / 2, height - 8, { colour: theme.colours.ink, align: "center" });
      context.save();
      context.translate(15, frame.top + t / 2);
      context.rotate(-Math.PI / 2);
      course.text(context, named(rows), 0, 0, { colour: theme.colours.ink, align: "center" });
      context.restore();
    }

    function paint() {
      const { state, step: at, correlation, problem: words } = now.progress;
      draw(left, exact, []);
      draw(right, now.values, now.samples);
      right.title.textContent = now.values ? `learned from ${grouped(now.progress.choice)}` : "learned";
      ramp.style.background = `linear-gradient(to right, ${colour(-limit)}, ${theme.colours.paper}, ${colour(limit)})`;
      bar.value = at ?? 0;
      const says_ = { waiting: "waiting to begin", learning: "learning", done: "done", stopped: "stopped", failed: "failed" }[state];
      step.textContent = `${says_}, step ${grouped(at ?? 0)} of ${grouped(steps)}`;
      number.textContent = now.values ? signed(correlation, 2) : "–";
      button.setIcon(state === "learning" ? "stop" : "restart");
      button.querySelector("span").textContent = state === "learning" ? "Stop" : "Learn again";
      body.replaceChildren(...choices.map((n) => h("tr", { "data-now": n === now.choice },
        h("td", {}, grouped(n)), h("td", {}, String(n) in now.scores ? signed(now.scores[n], 2) : "–"))));
      problem.replaceChildren(...(words ? [h("div", { class: "course-live-error" }, h("strong", {}, "Learning failed: "), words)] : []));
      if (now.cross) tell();
      course.painted((time) => course.tell(root, "field", { at: time, step: at ?? 0, choice: now.progress.choice }));
    }

    // --- words

    function tell() {
      const [r, c] = now.cross, i = r * C + c;
      const place = (axis, k) => `${axis.label} ${signed(axis.values[k], 2)}${axis.unit ? ` ${axis.unit}` : ""}`;
      says.textContent = course.live_field.sentence(place(columns, c), place(rows, r), exact[i], now.values ? now.values[i] : null);
    }

    // --- what a person does

    function move(r, c) {
      now.cross = [Math.min(R - 1, Math.max(0, r)), Math.min(C - 1, Math.max(0, c))];
      paint();
    }
    for (const { canvas } of [left, right]) {
      canvas.addEventListener("pointermove", (event) => {
        const box = canvas.getBoundingClientRect(), em = canvas.em ?? 1;
        const x = (event.clientX - box.left) / em - frame.left, y = (event.clientY - box.top) / em - frame.top;
        const w = box.width / em - frame.left - frame.right, t = box.height / em - frame.top - frame.bottom;
        if (x >= 0 && y >= 0 && x < w && y < t) move(R - 1 - Math.floor((y / t) * R), Math.floor((x / w) * C));
      });
      canvas.addEventListener("pointerleave", () => { now.cross = null; paint(); });
      canvas.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        const [r, c] = now.cross ?? [R >> 1, C >> 1];
        const to = { ArrowUp: [r + 1, c], ArrowDown: [r - 1, c], ArrowLeft: [r, c - 1], ArrowRight: [r, c + 1], Home: [r, 0], End: [r, C - 1] }[event.key];
        if (!to) return;
        move(...to);
        event.preventDefault();
        event.stopPropagation();
      });
    }

    function take(choice) {
      now.choice = choice;
      slider.value = choices.indexOf(choice);
      slider.setAttribute("aria-valuetext", grouped(choice));
      output.textContent = grouped(choice);
    }
    function learned({ values, samples, progress, scores }) {
      Object.assign(now, { values, samples, progress, scores });
      paint();
    }

    const sizes = new ResizeObserver(() => paint());
    sizes.observe(root);
    function halt() { // nobody learns any more
      if (now.progress.state === "learning") now.progress = { ...now.progress, state: "stopped" };
      paint();
    }
    return { take, learned, halt, destroy() { sizes.disconnect(); theme.stop(); } };
  }

  // "x 0.50 m, action −0.20: exact −3.1, learned −2.9".
  const sentence = (column, row, exact, learned) =>
    `${column}, ${row}: exact ${signed(exact, 1)}${learned === null ? "" : `, learned ${signed(learned, 1)}`}`;

  function render({ model, el }) {
    const root = h("div");
    el.append(root);
    let view = null;
    const line = course.line(root, model, () => view?.halt());
    view = create(root, { fixed: model.get("fixed"), exact: course.float32(model.get("exact")) }, {
      choose: (choice) => { line.asked(); line.save({ choice }); },
      begin: () => { line.asked(); line.send({ type: "begin" }); },
      stop: () => { line.asked(); line.send({ type: "stop" }); },
    });
    const follow = () => view.take(model.get("choice"));
    // Values, samples and progress come in one message; the picture waits for all of them.
    let waiting = false;
    const learned = () => {
      if (waiting) return;
      waiting = true;
      queueMicrotask(() => {
        waiting = false;
        const values = model.get("values"), samples = model.get("samples");
        line.heard(model.get("progress").choice === model.get("choice"));
        view.learned({
          values: values?.byteLength ? course.float32(values) : null, samples: samples?.byteLength ? course.float32(samples) : [],
          progress: model.get("progress"), scores: model.get("scores"),
        });
      });
    };
    const watched = ["change:values", "change:samples", "change:progress", "change:scores"];
    model.on("change:choice", follow);
    for (const name of watched) model.on(name, learned);
    follow();
    learned();
    line.send({ type: "ready" });
    return () => { model.off("change:choice", follow); for (const name of watched) model.off(name, learned); line.close(); view.destroy(); };
  }

  course.live_field = { create, render, sentence };
}
