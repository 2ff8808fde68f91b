// What a policy is worth in each context, and a slider over what it was trained on. All numbers came with the
// page; nobody has to answer.

{
  const { h } = course;
  const HEIGHT = 325; // CSS pixels
  const REFERENCES = [{ series: 1, marker: "square" }, { series: 2, marker: "diamond" }, { series: 3, marker: "triangle" }];

  const CSS = `
.course-context { padding: 10px; }
.course-context-head { display: flex; gap: 8px 12px; align-items: center; flex-wrap: wrap; }
.course-context-title { font-weight: 700; font-size: 1.125em; flex: 1 1 12em; }
.course-context-body { display: flex; flex-direction: column; gap: 6px; }
.course-context-choice { max-width: 42em; }
.course-context-choice label, .course-context-choice .course-value { font-size: 1.125em; }
.course-context-key { display: flex; flex-wrap: wrap; gap: 2px 22px; color: var(--course-ink); }
.course-context-key span { display: inline-flex; align-items: center; gap: 8px; }
.course-context-key canvas { width: 40px; height: 18px; }
.course-context-plot { position: relative; height: ${HEIGHT}px; border-radius: 8px; touch-action: pan-y; }
.course-context-plot canvas { position: absolute; inset: 0; height: 100%; cursor: crosshair; }
.course-context-reads { min-height: 1.45em; font-variant-numeric: tabular-nums; }
.course-context-says { min-height: 2.9em; font-weight: 600; }
.course-context[data-lecture] { display: flex; flex-direction: column; }
.course-context[data-lecture] .course-context-body { flex: 1 1 auto; min-height: 0; }
.course-context[data-lecture] .course-context-plot { flex: 1 1 auto; min-height: 0; height: auto; }
`;

  const number = (value, digits) => value.toFixed(digits).replace("-", "−");
  const measured = (one, i) => one.mean[i] !== null && one.mean[i] !== undefined;

  // One curve's value in words: "return −45.2 [−50.1, −40.3]".
  function reading(one, i) {
    if (!measured(one, i)) return "not measured";
    const size = Math.max(...[one.mean, one.low, one.high].map((list) => Math.abs(list[i]))), digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
    const spread = one.high[i] > one.low[i] ? ` [${number(one.low[i], digits)}, ${number(one.high[i], digits)}]` : "";
    return number(one.mean[i], digits) + spread;
  }

  // Where a context lies: on a trained one, between them, or outside their range.
  function place(one, context) {
    const slack = 1e-9 * Math.max(1, Math.abs(context));
    if (one.trained.some((t) => Math.abs(t - context) <= slack)) return "trained on";
    if (!one.range) return "never trained on";
    if (context >= one.range[0] - slack && context <= one.range[1] + slack) return one.trained.length ? "never trained on, inside the range" : "inside the trained range";
    return "outside the trained range";
  }

  function marker(g, kind, x, y, size, colour, paper) {
    g.setLineDash([]);
    g.fillStyle = colour;
    g.strokeStyle = paper;
    g.lineWidth = 1.5;
    g.beginPath();
    if (kind === "circle") g.arc(x, y, size, 0, 7);
    else if (kind === "square") g.rect(x - size, y - size, 2 * size, 2 * size);
    else if (kind === "diamond") { g.moveTo(x, y - 1.4 * size); g.lineTo(x + 1.4 * size, y); g.lineTo(x, y + 1.4 * size); g.lineTo(x - 1.4 * size, y); g.closePath(); }
    else { g.moveTo(x, y - 1.3 * size); g.lineTo(x + 1.3 * size, y + size); g.lineTo(x - 1.3 * size, y + size); g.closePath(); }
    g.fill();
    g.stroke();
  }

  // Stretches of neighbouring points that were measured: [from, to], both included.
  function stretches(one) {
    const found = [];
    one.mean.forEach((_, i) => {
      if (!measured(one, i)) return;
      const last = found[found.length - 1];
      if (last && last[1] === i - 1) last[1] = i;
      else found.push([i, i]);
    });
    return found;
  }

  function create(root, { data, shown }, onshown) {
    const { contexts, names, curves, references, unit, quantity } = data, C = contexts.length;
    const suffix = unit ? ` ${unit}` : "", xLabel = data.context_label + (unit ? ` (${unit})` : "");
    const state = { chosen: Math.max(0, names.indexOf(shown)), cursor: null, x: null };
    root.classList.add("course-context");
    const theme = course.dress(root, () => redraw());
    const lecture = course.lecture(root, () => redraw());

    const slider = course.stops(data.choice, names, state.chosen, (i) => { choose(i); onshown(names[i]); });
    const canvas = h("canvas", { "aria-hidden": "true" });
    const plot = h("div", { class: "course-context-plot", role: "slider", tabindex: "0", "aria-label": `Read the curve: ${xLabel}`,
      "aria-valuemin": contexts[0], "aria-valuemax": contexts[C - 1] }, canvas);
    const key = h("div", { class: "course-context-key" });
    const reads = h("div", { class: "course-context-reads" });
    const says = h("div", { class: "course-context-says", role: "status" });
    slider.row.classList.add("course-context-choice");
    root.append(
      h("style", {}, CSS),
      h("div", { class: "course-context-head" }, h("div", { class: "course-context-title" }, data.title), lecture.button),
      h("div", { class: "course-context-body", role: "group", "aria-label": data.title || "Curve over the contexts" },
        names.length > 1 ? slider.row : null, key, plot, reads, says),
    );

    // The scale holds for all choices, so that the eye compares heights.
    const all = [...curves, ...references].flatMap((one) => [...one.low, ...one.high]).filter((v) => v !== null);
    const span = Math.max(...all) - Math.min(...all) || 1;
    const y0 = Math.min(...all) - 0.05 * span, y1 = Math.max(...all) + 0.05 * span;
    const marked = curves.flatMap((one) => [...one.trained, ...(one.range ?? [])]);
    const wide = Math.max(contexts[C - 1], ...marked) - Math.min(contexts[0], ...marked);
    const x0 = Math.min(contexts[0], ...marked) - 0.02 * wide, x1 = Math.max(contexts[C - 1], ...marked) + 0.02 * wide;

    function line(g, one, X, Y, { colour, width, dash = [], kind = null, band = 0, size = 4.5 }) {
      for (const [from, to] of stretches(one)) {
        if (band && to > from) {
          g.globalAlpha = band;
          g.fillStyle = colour;
          g.beginPath();
          for (let i = from; i <= to; i += 1) g.lineTo(X(contexts[i]), Y(one.high[i]));
          for (let i = to; i >= from; i -= 1) g.lineTo(X(contexts[i]), Y(one.low[i]));
          g.fill();
          g.globalAlpha = 1;
        }
        g.strokeStyle = colour;
        g.lineWidth = width;
        g.lineJoin = "round";
        g.lineCap = "butt";
        if (to > from) {
          g.setLineDash(dash);
          g.beginPath();
          for (let i = from; i <= to; i += 1) g.lineTo(X(contexts[i]), Y(one.mean[i]));
          g.stroke();
        } else { // a point alone: its interval as a whisker
          g.setLineDash([]);
          g.lineWidth = 2;
          g.beginPath();
          g.moveTo(X(contexts[from]), Y(one.low[from]));
          g.lineTo(X(contexts[from]), Y(one.high[from]));
          g.stroke();
        }
        if (kind) for (let i = from; i <= to; i += 1) marker(g, kind, X(contexts[i]), Y(one.mean[i]), size, colour, theme.colours.paper);
      }
    }
    const lookOf = (r) => ({ colour: theme.series(REFERENCES[r].series), width: 2, dash: course.series[REFERENCES[r].series].dash, kind: REFERENCES[r].marker, band: 0.12 });
    const mainLook = () => ({ colour: theme.series(0), width: 3.5, kind: "circle", band: 0.28 });

    function draw() {
      if (!plot.clientHeight) return;
      const { context: g, width, height } = course.fit(canvas, plot.clientHeight);
      const c = theme.colours, one = curves[state.chosen], top = 30, bottom = 66, right = 14;
      const ticks = course.ticks(y0, y1, 6).filter((t) => t >= y0 && t <= y1);
      g.font = course.font(16);
      const left = 12 + Math.max(...ticks.map((t) => g.measureText(course.shortNumber(t)).width));
      const X = (x) => left + ((x - x0) / (x1 - x0)) * (width - left - right);
      const Y = (y) => height - bottom - ((y - y0) / (y1 - y0)) * (height - top - bottom);
      state.x = { X, left, em: canvas.em };
      g.fillStyle = c.paper;
      g.fillRect(0, 0, width, height);
      if (one.range) { // where it was trained: shaded, with edges
        const [a, b] = one.range.map(X), w = Math.max(4, b - a), from = b - a < 4 ? (a + b) / 2 - 2 : a;
        g.fillStyle = course.mix(c.paper, c.band, 0.34);
        g.fillRect(from, top, w, height - top - bottom);
        g.strokeStyle = c.accent;
        g.lineWidth = 1.5;
        g.setLineDash([4, 4]);
        g.beginPath();
        for (const x of [from, from + w]) { g.moveTo(x, top); g.lineTo(x, height - bottom); }
        g.stroke();
        g.setLineDash([]);
      }
      course.text(g, quantity, 0, 18, { colour: c.muted });
      g.lineWidth = 1;
      g.setLineDash([]);
      g.strokeStyle = course.mix(c.paper, c.line, 0.35);
      for (const tick of ticks) {
        const y = Math.round(Y(tick)) + 0.5;
        g.beginPath(); g.moveTo(left, y); g.lineTo(width - right, y); g.stroke();
        course.text(g, course.shortNumber(tick), left - 8, y, { colour: c.muted, align: "right", baseline: "middle" });
      }
      g.strokeStyle = c.line;
      g.beginPath(); g.moveTo(left, height - bottom + 0.5); g.lineTo(width - right, height - bottom + 0.5); g.stroke();
      for (const tick of course.ticks(x0, x1, width < 500 ? 5 : 9)) {
        if (tick < x0 || tick > x1) continue;
        const x = Math.round(X(tick)) + 0.5;
        g.beginPath(); g.moveTo(x, height - bottom); g.lineTo(x, height - bottom + 6); g.stroke();
        course.text(g, course.shortNumber(tick), x, height - bottom + 36, { colour: c.muted, align: "center" });
      }
      course.text(g, xLabel, (left + width - right) / 2, height - 8, { colour: c.muted, align: "center" });
      for (const context of one.trained) marker(g, "triangle", X(context), height - bottom + 10, 7, c.ink, c.paper);

      const faint = course.mix(c.paper, c.line, 0.75);
      curves.forEach((other, i) => { if (i !== state.chosen) line(g, other, X, Y, { colour: faint, width: 1.25 }); });
      references.forEach((other, r) => line(g, other, X, Y, lookOf(r)));
      line(g, one, X, Y, mainLook());
      if (state.cursor !== null) {
        const x = X(contexts[state.cursor]);
        g.strokeStyle = c.ink;
        g.lineWidth = 1.5;
        g.setLineDash([]);
        g.beginPath(); g.moveTo(x, top); g.lineTo(x, height - bottom); g.stroke();
        [...references.map((other, r) => [other, lookOf(r)]), [one, mainLook()]].forEach(([other, look]) => {
          if (measured(other, state.cursor)) marker(g, look.kind, x, Y(other.mean[state.cursor]), 8, look.colour, c.ink);
        });
      }
    }

    function drawKey() {
      const icon = (paint) => { // 40 x 18 CSS pixels, sharp on a screen with twice as many
        const small = h("canvas", { width: 80, height: 36, "aria-hidden": "true" }), g = small.getContext("2d");
        g.scale(2, 2);
        paint(g);
        return small;
      };
      const stroke = (look) => icon((g) => {
        g.strokeStyle = look.colour;
        g.lineWidth = look.width;
        g.setLineDash(look.dash ?? []);
        g.beginPath(); g.moveTo(1, 9); g.lineTo(39, 9); g.stroke();
        if (look.kind) marker(g, look.kind, 20, 9, 4.5, look.colour, theme.colours.paper);
      });
      const c = theme.colours, one = curves[state.chosen];
      key.replaceChildren(
        h("span", {}, stroke(mainLook()), `${data.choice.toLowerCase()}: ${names[state.chosen]}`),
        ...references.map((other, r) => h("span", {}, stroke(lookOf(r)), other.name)),
        ...(curves.length > 1 ? [h("span", {}, stroke({ colour: course.mix(c.paper, c.line, 0.75), width: 1.25 }), "the other choices")] : []),
        ...(one.range ? [h("span", {}, icon((g) => {
          g.fillStyle = course.mix(c.paper, c.band, 0.34);
          g.fillRect(6, 1, 28, 16);
          g.strokeStyle = c.accent;
          g.setLineDash([4, 4]);
          g.strokeRect(6, 1, 28, 16);
        }), "trained range")] : []),
        ...(one.trained.length ? [h("span", {}, icon((g) => marker(g, "triangle", 20, 9, 6.5, c.ink, c.paper)), "trained on")] : []),
        ...([one, ...references].some((other) => other.runs > 1) ? [h("span", {}, "band: 95 % over seeds")] : []),
      );
    }

    function read() {
      if (state.cursor === null) {
        reads.textContent = "Point at the curve, or press the arrow keys in it, to read its numbers.";
        plot.setAttribute("aria-valuenow", contexts[0]);
        plot.setAttribute("aria-valuetext", "nothing chosen; press an arrow key");
        return;
      }
      const i = state.cursor, one = curves[state.chosen];
      const each = [[names[state.chosen], one], ...references.map((other) => [other.name, other])];
      const words = each.filter(([, other]) => measured(other, i)).map(([name, other], n) => `${n || !measured(one, i) ? `${name} ` : `${quantity} `}${reading(other, i)}`).join("; ");
      reads.textContent = `${data.context_label} ${+contexts[i].toPrecision(4)}${suffix} (${place(one, contexts[i])}): ${words || "not measured"}`;
      plot.setAttribute("aria-valuenow", contexts[i]);
      plot.setAttribute("aria-valuetext", reads.textContent);
    }
    function look(i) {
      if (i === state.cursor) return;
      state.cursor = i;
      read();
      draw();
    }
    function choose(i) {
      state.chosen = i;
      says.textContent = curves[i].sentence;
      read();
      redraw();
      course.painted((at) => course.tell(root, "context", { shown: names[i], at }));
    }

    plot.addEventListener("pointermove", (event) => {
      if (!state.x) return;
      const x = (event.clientX - plot.getBoundingClientRect().left) / state.x.em;
      look(contexts.reduce((best, context, i) => (Math.abs(state.x.X(context) - x) < Math.abs(state.x.X(contexts[best]) - x) ? i : best), 0));
    });
    plot.addEventListener("pointerleave", () => { if (document.activeElement !== plot) look(null); });
    plot.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const now = state.cursor;
      const to = { ArrowRight: now === null ? 0 : now + 1, ArrowUp: now === null ? 0 : now + 1, ArrowLeft: now === null ? C - 1 : now - 1, ArrowDown: now === null ? C - 1 : now - 1, Home: 0, End: C - 1 }[event.key];
      if (to === undefined) return;
      look(Math.min(C - 1, Math.max(0, to)));
      event.preventDefault();
      event.stopPropagation();
    });

    function redraw() {
      canvas.em = null;
      drawKey();
      draw();
    }
    const sizes = new ResizeObserver(redraw);
    sizes.observe(plot);
    choose(state.chosen);
    return {
      show(name) { const i = names.indexOf(name); if (i >= 0 && i !== state.chosen) { slider.set(i); choose(i); } },
      destroy() { sizes.disconnect(); theme.stop(); },
    };
  }

  function render({ model, el }) {
    const root = h("div");
    el.append(root);
    // Python remembers what is shown, while it lives; nobody has to answer.
    const view = create(root, { data: model.get("data"), shown: model.get("shown") }, (name) => course.save(model, { shown: name }));
    const follow = () => view.show(model.get("shown"));
    model.on("change:shown", follow);
    return () => { model.off("change:shown", follow); view.destroy(); };
  }

  course.context_curve = { create, render, reading, place };
}
