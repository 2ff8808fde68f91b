// Learners side by side on the same tasks: one slider for the experience before, one for how far the tasks are from
// training. The curves came with the page and follow at once; the kernel answers with the ways.

{
  const { h } = course;

  // The curves need no kernel: only the planes go stale, and the mark that says so lies over them.
  const CSS = `
.course-shift { padding: 10px; }
.course-shift-head { display: flex; gap: 8px 12px; align-items: center; flex-wrap: wrap; }
.course-shift-title { font-weight: 700; font-size: 1.125em; flex: 1 1 12em; }
.course-shift-planes { display: grid; gap: 4px 12px; grid-template-columns: repeat(2, minmax(0, 1fr)); }
.course-shift-name { display: flex; gap: 0 8px; align-items: center; justify-content: center; flex-wrap: wrap; font-variant-numeric: tabular-nums; }
.course-shift-name svg { width: 44px; height: 8px; flex: none; }
.course-shift-curves { display: grid; gap: 4px 28px; grid-template-columns: minmax(0, 1fr); margin-top: 6px; }
.course-shift-curves canvas { cursor: crosshair; touch-action: pan-y; }
.course-shift-says { font-size: 1.125em; font-weight: 600; min-height: 2.9em; font-variant-numeric: tabular-nums; }
.course-shift-hint { color: var(--course-muted); }
.course-shift[data-stale] .course-shift-curves canvas { filter: none; }
.course-shift .course-mark[data-over] { top: 7em !important; }
@container (min-width: 700px) {
  .course-shift-planes { grid-template-columns: repeat(var(--course-learners), minmax(0, 1fr)); }
  .course-shift-curves { grid-template-columns: repeat(2, minmax(0, 1fr)); }
}
`;
  const minus = (value, digits) => value.toFixed(digits).replace("-", "−");

  // Number of the place on an axis that is nearest to a pixel.
  const nearest = (places, x) => places.reduce((best, place, i) => (Math.abs(place - x) < Math.abs(places[best] - x) ? i : best), 0);

  // Stretches of neighbouring numbers that were measured, as lists of their places in the list.
  function measured(values) {
    const found = [];
    values.forEach((value, i) => {
      if (value === null) return;
      const last = found[found.length - 1];
      if (last && last[last.length - 1] === i - 1) last.push(i);
      else found.push([i]);
    });
    return found;
  }

  function swatch(i, colour) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), line = document.createElementNS("http://www.w3.org/2000/svg", "line");
    svg.setAttribute("viewBox", "0 0 44 8");
    svg.setAttribute("aria-hidden", "true");
    for (const [name, value] of Object.entries({ x1: 0, x2: 44, y1: 4, y2: 4, stroke: colour, "stroke-width": 4, "stroke-dasharray": course.series[i].dash.join(" ") })) line.setAttribute(name, value);
    svg.append(line);
    return svg;
  }

  function create(root, fixed, ask) {
    const { learners, shots, shifts, trained, told, return_range: range } = fixed;
    const plane = course.plane({ ...fixed.plane, frame: { left: 2, right: 2, top: 4, bottom: 4 } });
    const now = { request: null, answer: null, places: [[], []] };

    root.classList.add("course-shift");
    const theme = course.dress(root, () => paint());
    const lecture = course.lecture(root, () => paint());

    // --- elements

    const each = learners.map(() => ({ name: h("div", { class: "course-shift-name" }), canvas: h("canvas", { role: "img" }) }));
    const planes = h("div", { class: "course-shift-planes", style: `--course-learners: ${learners.length}` }, ...each.map((one) => h("div", {}, one.name, one.canvas)));
    const count = course.stops(fixed.shots_label, shots.map(String), 0, (k) => change({ shots: shots[k] }));
    const factor = course.slider({ label: fixed.shift_label, unit: "times training", values: shifts, range: trained }, (shift) => change({ shift }));
    const curves = [0, 1].map(() => h("canvas", { role: "img" }));
    const shown = h("span"), says = h("div", { class: "course-shift-says", role: "status" }), problem = h("div", { role: "alert" });
    const hint = `Crosses: the goals; dots: where a way ends; number: mean return of these tasks. ${fixed.region ? "Dashed square: goals of training. " : ""}Curves: mean over seeds with 95 % bands${told ? "; grey dots: told the task" : ""}. Click in a curve to go there.`;
    const body = h("div", { role: "group", "aria-label": fixed.title },
      h("div", { class: "course-shift-head" }, h("div", { class: "course-shift-title" }, fixed.title), shown, lecture.button),
      planes,
      h("div", { class: "course-shift-curves" }, h("div", {}, count.row, curves[0]), h("div", {}, factor.row, curves[1])),
      says, h("div", { class: "course-shift-hint" }, hint));
    root.append(h("style", {}, CSS), body, problem);

    // --- picture

    // Fills the screen in lecture mode, where the curves take what the planes leave; natural heights in a notebook.
    function room() {
      if (!root.hasAttribute("data-lecture")) return { planes: 280, curves: () => 270 };
      const rows = new Set(each.map((one) => one.canvas.offsetTop)).size, high = () => rows * each[0].canvas.offsetHeight;
      const left = Math.max(300, root.clientHeight - (body.offsetHeight - high() - curves[0].offsetHeight) - 24);
      return { planes: (0.52 * left) / rows, curves: () => left - high() };
    }

    function ways(i, tall) {
      const { goals, paths } = now.answer, c = theme.colours, colour = theme.series(i), at = plane.view(each[i].canvas, tall), { context } = at;
      plane.ground(at, theme);
      context.save();
      context.beginPath();
      context.rect(at.left, at.top, at.w, at.h);
      context.clip();
      if (fixed.region) {
        const [[x0, y0], [x1, y1]] = fixed.region;
        context.strokeStyle = c.ink;
        context.lineWidth = 1.5;
        context.setLineDash([6, 4]);
        context.strokeRect(at.X(x0), at.Y(y1), at.X(x1) - at.X(x0), at.Y(y0) - at.Y(y1));
      }
      context.setLineDash([]);
      for (const [x0, y0, x1, y1] of fixed.plane.walls) course.capsule(context, at.X(x0), at.Y(y0), at.X(x1), at.Y(y1), 6, c.ink);
      for (const path of paths[i]) plane.way(at, path, colour, theme, { width: 2.5, dash: course.series[i].dash });
      for (const path of paths[i]) plane.disc(at, path[path.length - 1], 4.5, colour, c.paper, 1.5);
      for (const [x, y] of goals) {
        course.cross(context, at.X(x), at.Y(y), 5.5, c.paper, 5);
        course.cross(context, at.X(x), at.Y(y), 5.5, c.ink, 2.5);
      }
      plane.disc(at, paths[i][0][0], 5, c.ink, c.paper, 1.5);
      context.restore();
      context.strokeStyle = c.line;
      context.lineWidth = 1;
      context.strokeRect(at.left + 0.5, at.top + 0.5, at.w - 1, at.h - 1);
      scale(at);
    }
    // How long a round number of the unit is, instead of two axes that would take half of a small plane.
    function scale(at) {
      const c = theme.colours, long = course.ticks(0, at.w / at.scale / 2.5, 2)[1], x = at.left + 10, y = at.top + at.h - 9;
      for (const [ink, wide] of [[c.paper, 6], [c.ink, 3]]) {
        at.context.strokeStyle = ink;
        at.context.lineWidth = wide;
        at.context.lineCap = "butt";
        at.context.beginPath();
        at.context.moveTo(x, y);
        at.context.lineTo(x + long * at.scale, y);
        at.context.stroke();
      }
      course.text(at.context, `${course.shortNumber(long)} ${fixed.plane.unit}`, x, y - 6, { colour: c.ink, halo: c.panel });
    }

    // Return of each learner over one axis; `of(table)` is its row or column in the table of shifts and shots.
    function curve(n, { x, names, label, here, of, best, dim }, tall) {
      const canvas = curves[n];
      canvas.em = null;
      canvas.style.height = `${Math.round(tall)}px`;
      const { context: g, width, height } = course.fit(canvas, Math.round(tall)), c = theme.colours, top = 28, bottom = 52, right = 18;
      const ticks = course.ticks(range[0], range[1], Math.max(2, Math.floor((height - top - bottom) / 34))).filter((t) => t >= range[0] && t <= range[1]);
      g.clearRect(0, 0, width, height);
      g.font = course.font(16);
      const left = 14 + Math.max(...ticks.map((t) => g.measureText(course.shortNumber(t)).width)), low = height - bottom;
      const X = (v) => left + ((v - x[0]) / (x[x.length - 1] - x[0])) * (width - left - right);
      const Y = (v) => low - ((v - range[0]) / (range[1] - range[0])) * (low - top);
      now.places[n] = x.map(X);
      course.text(g, "return", 0, 18, { colour: c.muted });
      const rule = (x0, y0, x1, y1) => { g.beginPath(); g.moveTo(x0, y0); g.lineTo(x1, y1); g.stroke(); };
      g.save();
      g.beginPath();
      g.rect(left, top, width - left - right, low - top);
      g.clip();
      g.strokeStyle = course.mix(c.paper, c.line, 0.5);
      g.lineWidth = 1.5;
      g.setLineDash([]);
      for (const [a, b] of dim) { // nothing was trained here
        g.save();
        g.beginPath();
        g.rect(X(a), top, X(b) - X(a), low - top);
        g.clip();
        for (let d = X(a) - (low - top); d < X(b); d += 11) rule(d, low, d + low - top, top);
        g.restore();
        g.save();
        g.strokeStyle = c.ink;
        g.setLineDash([5, 4]);
        for (const edge of [a, b]) if (edge > x[0] && edge < x[x.length - 1]) rule(X(edge), top, X(edge), low);
        g.restore();
      }
      g.strokeStyle = course.mix(c.paper, c.line, 0.35);
      g.lineWidth = 1;
      for (const tick of ticks) rule(left, Math.round(Y(tick)) + 0.5, width - right, Math.round(Y(tick)) + 0.5);
      learners.forEach((learner, i) => {
        const [mean, lower, upper] = [learner.mean, learner.low, learner.high].map(of);
        g.fillStyle = theme.series(i);
        g.globalAlpha = 0.2;
        for (const part of measured(lower.map((v, j) => (v === null || upper[j] === null ? null : v)))) {
          g.beginPath();
          for (const j of part) g.lineTo(X(x[j]), Y(upper[j]));
          for (const j of part.toReversed()) g.lineTo(X(x[j]), Y(lower[j]));
          g.fill();
        }
        g.globalAlpha = 1;
        for (const part of measured(mean)) plain(part.map((j) => [X(x[j]), Y(mean[j])]), theme.series(i), course.series[i].dash);
      });
      if (best) plain(best.map((v, j) => [X(x[j]), Y(v)]), c.muted, [2, 4]);
      g.restore();
      g.setLineDash([]);
      g.strokeStyle = c.ink;
      g.lineWidth = 2;
      rule(X(x[here]), top, X(x[here]), low);
      learners.forEach((learner, i) => {
        const value = of(learner.mean)[here];
        if (value === null) return;
        g.beginPath();
        g.arc(X(x[here]), Math.min(low, Math.max(top, Y(value))), 7, 0, 7);
        g.fillStyle = theme.series(i);
        g.fill();
        g.strokeStyle = c.paper;
        g.stroke();
      });
      for (const [a, b] of dim) course.text(g, "outside training", (X(a) + X(b)) / 2, 18, { colour: c.ink, align: "center", weight: 600 });
      for (const tick of ticks) course.text(g, course.shortNumber(tick).replace("-", "−"), left - 8, Y(tick), { colour: c.muted, align: "right", baseline: "middle" });
      g.strokeStyle = c.line;
      g.lineWidth = 1;
      rule(left, low + 0.5, width - right, low + 0.5);
      x.forEach((v, j) => {
        rule(X(v), low, X(v), low + 5);
        course.text(g, names[j], X(v), low + 22, { colour: j === here ? c.ink : c.muted, weight: j === here ? 700 : 400, align: "center" });
      });
      course.text(g, label, (left + width - right) / 2, low + 44, { colour: c.muted, align: "center" });

      function plain(pixels, colour, dash) {
        g.strokeStyle = colour;
        g.lineWidth = 3;
        g.lineJoin = "round";
        g.setLineDash(dash);
        g.beginPath();
        for (const [px, py] of pixels) g.lineTo(px, py);
        g.stroke();
        g.setLineDash([]);
      }
    }

    const at = ({ shots: k, shift: f }) => [shots.indexOf(k), shifts.indexOf(f)];
    function paintCurves(tall = room().curves()) {
      const [k, f] = at(now.request), end = shifts[shifts.length - 1];
      const dim = [[shifts[0], Math.min(trained[0], end)], [Math.max(trained[1], shifts[0]), end]].filter(([a, b]) => a < b);
      curve(0, { x: shots.map((_, i) => i), names: shots.map(String), label: fixed.shots_label.toLowerCase(), here: k, of: (table) => table[f], best: told && shots.map(() => told[f]), dim: [] }, tall);
      curve(1, { x: shifts, names: shifts.map(String), label: `${fixed.shift_label.toLowerCase()} (times training)`, here: f, of: (table) => table.map((row) => row[k]), best: told, dim }, tall);
    }
    function paint() {
      if (!now.answer || !root.clientWidth) return;
      const { planes: high, curves: low } = room();
      each.forEach((one, i) => {
        ways(i, high);
        one.name.querySelector("svg").replaceWith(swatch(i, theme.series(i)));
      });
      paintCurves(low());
    }

    // --- words

    function tell() {
      const [k, f] = at(now.request);
      const order = fixed.order[f][k].replace(/ (\S+) \[([^,]*), /g, "\u00a0$1\u00a0[$2,\u00a0"); // each learner stays on its line
      says.textContent = `${fixed.where[f][k]}: ${order}.`;
      const words = (axis) => `Mean return of ${learners.map((one) => one.name).join(", ")} over ${axis}, with 95 % bands. ${says.textContent}`;
      curves[0].setAttribute("aria-label", words("the episodes of experience before"));
      curves[1].setAttribute("aria-label", words("the distance of the tasks from training"));
    }
    function tellWays() {
      const { returns, goals, of } = now.answer, [k, f] = at(of);
      shown.textContent = `The next episode in ${goals.length} tasks: ${fixed.where[f][k].toLowerCase()}`;
      each.forEach((one, i) => {
        const mean = returns[i].reduce((a, b) => a + b, 0) / returns[i].length, number = minus(mean, Math.abs(mean) >= 100 ? 0 : 1);
        one.name.replaceChildren(swatch(i, theme.series(i)), h("strong", {}, learners[i].name), h("span", {}, number));
        one.canvas.setAttribute("aria-label", `Ways of ${learners[i].name} in ${goals.length} tasks, ${fixed.where[f][k].toLowerCase()}; mean return ${number}.`);
      });
    }

    // --- what a person does

    function show() {
      const [k, f] = at(now.request);
      count.set(k);
      factor.set(shifts[f]);
      tell();
    }
    function change(part) {
      now.request = { ...now.request, ...part };
      show();
      paintCurves();
      course.painted((time) => course.tell(root, "curves", { at: time, of: now.request }));
      ask(now.request);
    }
    curves.forEach((canvas, n) => {
      const go = (event) => {
        const i = nearest(now.places[n], (event.clientX - canvas.getBoundingClientRect().left) / (canvas.em ?? 1));
        const part = n ? { shift: shifts[i] } : { shots: shots[i] };
        if (Object.entries(part).some(([name, value]) => now.request[name] !== value)) change(part);
      };
      canvas.addEventListener("pointerdown", (event) => {
        if (event.button !== 0) return;
        canvas.setPointerCapture(event.pointerId);
        go(event);
      });
      canvas.addEventListener("pointermove", (event) => { if (event.buttons & 1) go(event); });
      canvas.addEventListener("pointerup", () => (n ? factor : count).row.querySelector("input").focus({ preventScroll: true })); // for the arrow keys
    });

    function take(request) {
      now.request = request;
      show();
      if (now.answer) paintCurves();
    }
    function answered(answer) {
      const broken = Boolean(answer.problem.message);
      problem.replaceChildren(...(broken ? [course.errorBox("These ways could not be computed", answer.problem)] : []));
      if (broken && now.answer) return; // the last ones stay, under the words that say whose they are
      now.answer = answer;
      tellWays();
      paint();
      course.painted((time) => course.tell(root, "ways", { at: time, of: answer.of }));
    }

    const sizes = new ResizeObserver(() => paint());
    sizes.observe(root);
    return { take, answered, destroy() { sizes.disconnect(); theme.stop(); } };
  }

  course.shots_and_shift = { create, render: course.rendered(create), nearest, measured };
}
