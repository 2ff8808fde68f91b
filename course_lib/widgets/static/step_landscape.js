// The loss over a plane of parameters as a map: bands of colour between lines that carry their loss, the way of
// the gradient steps on it, and beside it the loss over the steps. The kernel answers with map and way.

{
  const { h } = course;

  const FINE = 6; // painted pixels per place of the map
  const CSS = `
.course-steps { padding: 10px; }
.course-steps-head { display: flex; gap: 8px 12px; align-items: center; margin-bottom: 8px; flex-wrap: wrap; }
.course-steps-title { font-weight: 700; font-size: 1.125em; flex: 1 1 12em; }
.course-steps-body { display: grid; grid-template-columns: minmax(0, 1fr); gap: 12px 20px; align-items: start; }
.course-steps canvas { border-radius: 4px; }
.course-steps-side { display: grid; grid-template-columns: minmax(0, 1fr); gap: 10px; align-content: start; }
.course-steps-choice { border: 0; padding: 0; margin: 0; min-width: 0; }
.course-steps-choice legend { font-weight: 600; padding: 0; margin-bottom: 4px; font-size: inherit; border: 0; color: inherit; width: auto; }
.course-steps-row { display: flex; flex-wrap: wrap; gap: 8px; }
.course-steps button[aria-pressed=true]:not(.course-full) { background: var(--course-ink); color: var(--course-paper); border-color: var(--course-ink); }
.course-steps-numbers { display: grid; grid-template-columns: 34px minmax(0, 1fr) auto auto; gap: 2px 12px; align-items: center; font-variant-numeric: tabular-nums; }
.course-steps-numbers > .course-steps-number { text-align: right; }
.course-steps-numbers strong { font-size: 1.25em; }
.course-steps-numbers svg { width: 34px; height: 14px; stroke-width: 4; }
.course-steps-says { font-weight: 600; min-height: 3em; }
.course-steps-curves { height: 170px; }
.course-steps-hint { color: var(--course-muted); margin-top: 6px; }
@container (min-width: 640px) { .course-steps-body { grid-template-columns: minmax(0, 1fr) 320px; } }
@container (min-width: 1300px) { .course-steps[data-lecture] .course-steps-body { grid-template-columns: minmax(0, 1fr) 22em; } }
`;

  // Pieces of the line on which a field [R, C] has a level: pairs of places in cells, [[c, r], [c, r]].
  // `field` and `level` are logarithms, so that losses that differ a hundredfold are between places evenly.
  function contour(field, [R, C], level) {
    const pieces = [];
    for (let r = 0; r < R - 1; r += 1) {
      for (let c = 0; c < C - 1; c += 1) {
        const corners = [[c, r], [c + 1, r], [c + 1, r + 1], [c, r + 1]], values = corners.map(([i, j]) => field[j * C + i] - level);
        const cuts = [];
        for (let k = 0; k < 4; k += 1) {
          const a = values[k], b = values[(k + 1) % 4];
          if (a < 0 === b < 0) continue;
          const share = a / (a - b), [p, q] = [corners[k], corners[(k + 1) % 4]];
          cuts.push([p[0] + share * (q[0] - p[0]), p[1] + share * (q[1] - p[1])]);
        }
        for (let k = 0; k + 1 < cuts.length; k += 2) pieces.push([cuts[k], cuts[k + 1]]);
      }
    }
    return pieces;
  }

  // Where a line's number is written: on a ray, or in the middle of a line that does not meet it.
  function nearRay(pieces, [x0, y0], [dx, dy]) {
    const middles = pieces.map(([[ax, ay], [bx, by]]) => [(ax + bx) / 2, (ay + by) / 2]);
    let best = middles[middles.length >> 1] ?? null, least = 1; // cells
    for (const [x, y] of middles) {
      const along = (x - x0) * dx + (y - y0) * dy, aside = Math.abs((x - x0) * dy - (y - y0) * dx);
      if (along > 0 && aside < least) { least = aside; best = [x, y]; }
    }
    return best;
  }

  // What a way tells, in words.
  function verdict({ path, train_loss, low, high, of }) {
    const taken = path.length - 1, outside = path.findIndex(([x, y]) => x < low[0] || x > high[0] || y < low[1] || y > high[1]);
    const rise = train_loss.findIndex((loss, i) => i && loss > train_loss[i - 1]);
    if (!of.steps) return "No step yet. The dotted line leads downhill.";
    if (taken < of.steps) return `Step ${taken + 1} ends where the loss is beyond all bounds.`;
    const words = rise > 0 ? `Too long: step ${rise} makes the loss on the training points larger.` : `${of.steps === 1 ? "The step goes" : "All steps go"} downhill.`;
    return outside > 0 ? `${words} Step ${outside} leaves the map.` : words;
  }

  const number = (loss) => (loss < 1000 ? course.number(loss) : "> 1000");

  function create(root, fixed, ask) {
    const { rates, levels, starts } = fixed, places = rates.map((rate) => String(rate));
    const now = { request: null, answer: null };
    const ground = document.createElement("canvas"); // the bands of colour
    let plane = null, lines = [];

    root.classList.add("course-steps");
    const theme = course.dress(root, () => { spread(); list(); paint(); });
    const lecture = course.lecture(root, () => paint());

    // --- elements

    const canvas = h("canvas", { tabindex: "0", role: "img" }), curves = h("canvas", { class: "course-steps-curves", role: "img" });
    const another = course.button({ icon: "restart", text: "Another task", onclick: () => change({ task: now.request.task + 1 }) });
    const buttons = starts.map((name) => h("button", { type: "button", "aria-pressed": "false", onclick: () => change({ start: name }) }, name));
    const rate = course.stops("Inner learning rate α", places, 0, (i) => change({ inner_lr: rates[i] }));
    const steps = course.stops("Gradient steps", Array.from({ length: fixed.most_steps + 1 }, (_, i) => String(i)), 0, (count) => change({ steps: count }));
    const numbers = h("div", { class: "course-steps-numbers" });
    const says = h("div", { class: "course-steps-says", role: "status" }), problem = h("div", { role: "alert" });
    root.append(
      h("style", {}, CSS),
      h("div", { class: "course-steps-head" }, h("div", { class: "course-steps-title" }, fixed.title), another, lecture.button),
      h("div", { class: "course-steps-body", role: "group", "aria-label": fixed.title },
        h("div", {}, canvas, h("div", { class: "course-steps-hint" }, "Numbers: loss on the training points. Dotted: downhill at the start. Rings: after each step, in the colour of their own loss. Keys: ← → rate, ↑ ↓ steps, N another task.")),
        h("div", { class: "course-steps-side" },
          h("fieldset", { class: "course-steps-choice" }, h("legend", {}, "Start"), h("div", { class: "course-steps-row" }, ...buttons)),
          rate.row, steps.row, numbers, says, curves)),
      problem,
    );

    const series = () => [
      { name: "training points", key: "train_loss", colour: theme.series(1), dash: [] },
      { name: "test points", key: "test_loss", colour: theme.series(0), dash: [8, 5] },
    ];

    function list() {
      if (!now.answer) return;
      const { path } = now.answer, taken = path.length - 1;
      const rows = series().flatMap(({ name, key, colour, dash }) => {
        const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), line = document.createElementNS("http://www.w3.org/2000/svg", "path");
        svg.setAttribute("viewBox", "0 0 34 14");
        svg.setAttribute("aria-hidden", "true");
        line.setAttribute("d", "M1 7H33");
        line.setAttribute("stroke", colour);
        line.setAttribute("stroke-dasharray", dash.join(" "));
        svg.append(line);
        const losses = now.answer[key];
        return [svg, h("span", {}, name), h("span", { class: "course-steps-number" }, number(losses[0])), h("strong", { class: "course-steps-number" }, number(losses[taken]))];
      });
      numbers.replaceChildren(h("span", {}), h("b", {}, "Loss"), h("span", { class: "course-steps-number" }, "before"),
        h("span", { class: "course-steps-number" }, `after ${taken}`), ...rows);
    }

    // --- the map

    const tint = (loss) => course.mix(theme.colours.paper, theme.colours.accent, (0.8 * levels.filter((level) => level <= loss).length) / levels.length);

    // Bands and lines once per answer, not once per frame.
    function spread() {
      if (!now.answer) return;
      const [R, C] = now.answer.shape, field = now.answer.losses.map(Math.log), marks = levels.map(Math.log);
      const bands = [0, ...levels].map((loss) => [1, 3, 5].map((k) => parseInt(tint(loss).slice(k, k + 2), 16)));
      ground.width = FINE * (C - 1);
      ground.height = FINE * (R - 1);
      const context = ground.getContext("2d"), image = context.createImageData(ground.width, ground.height);
      for (let y = 0; y < ground.height; y += 1) {
        const v = (ground.height - y - 0.5) / FINE, r = Math.floor(v), fr = v - r;
        for (let x = 0; x < ground.width; x += 1) {
          const u = (x + 0.5) / FINE, c = Math.floor(u), fc = u - c, i = r * C + c;
          const value = (1 - fr) * ((1 - fc) * field[i] + fc * field[i + 1]) + fr * ((1 - fc) * field[i + C] + fc * field[i + C + 1]);
          let band = 0;
          while (band < marks.length && marks[band] <= value) band += 1;
          image.data.set([...bands[band], 255], 4 * (y * ground.width + x));
        }
      }
      context.putImageData(image, 0, 0);
      const lowest = field.indexOf(Math.min(...field)), origin = [lowest % C, Math.floor(lowest / C)];
      // The numbers stand on a ray from the bottom of the valley into the widest quarter above the way.
      const ray = [origin[0] > C / 2 ? -1 : 1, origin[1] > R / 2 ? -1 : 1].map((sign) => sign * Math.SQRT1_2);
      lines = levels.map((level, i) => {
        const pieces = contour(field, [R, C], marks[i]);
        return { level, pieces, label: nearRay(pieces, origin, ray) };
      });
    }

    function isolines(at) {
      const { context } = at, [R, C] = now.answer.shape, c = theme.colours;
      const X = (u) => at.left + (u / (C - 1)) * at.w, Y = (v) => at.top + at.h - (v / (R - 1)) * at.h;
      context.strokeStyle = c.ink;
      context.globalAlpha = 0.75;
      context.lineWidth = 1.2;
      context.setLineDash([]);
      for (const { pieces } of lines) {
        context.beginPath();
        for (const [a, b] of pieces) { context.moveTo(X(a[0]), Y(a[1])); context.lineTo(X(b[0]), Y(b[1])); }
        context.stroke();
      }
      context.globalAlpha = 1;
      const written = [];
      for (const { level, label } of lines) {
        if (!label) continue;
        const x = Math.min(at.left + at.w - 20, Math.max(at.left + 20, X(label[0]))), y = Math.min(at.top + at.h - 12, Math.max(at.top + 12, Y(label[1])));
        if (written.some(([a, b]) => Math.abs(a - x) < 34 && Math.abs(b - y) < 20)) continue;
        written.push([x, y]);
        course.text(context, String(level), x, y, { colour: c.ink, halo: tint(level), align: "center", baseline: "middle" });
      }
    }

    // Downhill at the start, as far as the map goes: it shows how much of this way a step takes.
    function ray(at, [x, y], [dx, dy]) {
      const { context } = at, far = (2 * (at.w + at.h)) / (Math.hypot(dx, dy) || 1);
      for (const [ink, wide] of [[theme.colours.paper, 5], [theme.colours.ink, 2.5]]) {
        context.strokeStyle = ink;
        context.lineWidth = wide;
        context.setLineDash([3, 8]);
        context.lineCap = "round";
        context.beginPath();
        context.moveTo(x, y);
        context.lineTo(x + far * dx, y - far * dy);
        context.stroke();
      }
      context.setLineDash([]);
    }

    function way(at) {
      const { context } = at, { path, train_loss, downhill } = now.answer, orange = theme.series(1), c = theme.colours;
      const pixels = path.map(([x, y]) => [at.X(x), at.Y(y)]), last = pixels.length - 1;
      context.save();
      context.beginPath();
      context.rect(at.left, at.top, at.w, at.h);
      context.clip();
      ray(at, pixels[0], downhill);
      plane.way(at, path, orange, theme, { width: 4 });
      pixels.forEach(([x, y], i) => {
        if (i && i < last) plane.disc(at, path[i], 6, tint(train_loss[i]), orange, 3);
      });
      if (last) plane.disc(at, path[last], 9, tint(train_loss[last]), orange, 4);
      plane.disc(at, path[0], 8, c.ink, c.paper, 2.5);
      context.restore();
      // Where a step leaves the map, an arrow on the rim.
      const outside = pixels.findIndex(([x, y]) => x < at.left || x > at.left + at.w || y < at.top || y > at.top + at.h);
      if (outside < 1) return;
      const [x0, y0] = pixels[outside - 1], [x1, y1] = pixels[outside], dx = x1 - x0, dy = y1 - y0;
      const reach = (from, by, least, most) => (by > 0 ? (most - from) / by : by < 0 ? (least - from) / by : Infinity);
      const share = Math.max(0, Math.min(reach(x0, dx, at.left, at.left + at.w), reach(y0, dy, at.top, at.top + at.h)));
      const size = Math.hypot(dx, dy), edge = [x0 + share * dx, y0 + share * dy], back = Math.min(24, share * size);
      plane.arrow(at, [edge[0] - (back * dx) / size, edge[1] - (back * dy) / size], [dx, dy], back, orange, theme);
    }

    function paint() {
      if (!now.answer) return;
      const tall = root.hasAttribute("data-lecture") ? Math.max(320, innerHeight - 9 * parseFloat(getComputedStyle(root).fontSize)) : 540;
      plane = course.plane({ low: now.answer.low, high: now.answer.high, walls: [], unit: "", names: fixed.axes });
      const at = plane.view(canvas, tall);
      at.context.imageSmoothingEnabled = true;
      at.context.drawImage(ground, at.left, at.top, at.w, at.h);
      isolines(at);
      way(at);
      plane.walls(at, theme);
      drawCurves();
    }

    // --- the loss over the steps

    function drawCurves() {
      curves.em = null;
      const tall = 170 * Math.max(1, parseFloat(getComputedStyle(curves).fontSize) / 16);
      curves.style.height = `${tall}px`;
      const { context, width, height } = course.fit(curves, tall), c = theme.colours;
      const low = levels[0] / 3, high = levels[levels.length - 1] * 1.5, left = 44, right = 12, top = 12, bottom = 46;
      const X = (i) => left + (i / fixed.most_steps) * (width - left - right);
      const Y = (loss) => top + ((Math.log(high) - Math.log(Math.min(high, Math.max(low, loss)))) / (Math.log(high) - Math.log(low))) * (height - top - bottom);
      context.clearRect(0, 0, width, height);
      context.setLineDash([]);
      context.lineWidth = 1;
      context.strokeStyle = course.mix(c.paper, c.line, 0.5);
      for (const mark of levels.filter((level) => /^[0.]*10*$/.test(String(level)))) { // powers of ten
        context.beginPath();
        context.moveTo(left, Y(mark));
        context.lineTo(width - right, Y(mark));
        context.stroke();
        course.text(context, String(mark), left - 8, Y(mark), { colour: c.ink, align: "right", baseline: "middle" });
      }
      const apart = Math.ceil((26 * fixed.most_steps) / (width - left - right));
      for (let i = 0; i <= fixed.most_steps; i += apart) course.text(context, String(i), X(i), height - bottom + 20, { colour: c.ink, align: "center" });
      course.text(context, "gradient steps", (left + width - right) / 2, height - 5, { colour: c.ink, align: "center" });
      for (const { key, colour, dash } of series().reverse()) {
        context.strokeStyle = context.fillStyle = colour;
        context.lineWidth = 3;
        context.setLineDash(dash);
        context.beginPath();
        now.answer[key].forEach((loss, i) => (i ? context.lineTo(X(i), Y(loss)) : context.moveTo(X(i), Y(loss))));
        context.stroke();
        context.setLineDash([]);
        now.answer[key].forEach((loss, i) => {
          context.beginPath();
          if (dash.length) context.rect(X(i) - 4.5, Y(loss) - 4.5, 9, 9); else context.arc(X(i), Y(loss), 5, 0, 2 * Math.PI);
          context.fill();
        });
      }
    }

    // --- words

    function tell() {
      const { of, train_loss, test_loss } = now.answer, taken = train_loss.length - 1;
      says.textContent = verdict(now.answer);
      const after = `after ${taken} ${number(train_loss[taken])} on the training points and ${number(test_loss[taken])} on the test points`;
      canvas.setAttribute("aria-label", `Map of the loss round the start ${of.start}, task ${of.task + 1}, with the gradient steps. ${says.textContent} Loss ${after}. Left and right turn the rate, up and down the number of steps.`);
      const spoken = (values) => values.map(number).join(", ");
      curves.setAttribute("aria-label", `Loss over the steps. Training points: ${spoken(train_loss)}. Test points: ${spoken(test_loss)}.`);
    }

    // --- what a person does

    const nearest = () => rates.reduce((best, value, i) => (Math.abs(Math.log(value / now.request.inner_lr)) < Math.abs(Math.log(rates[best] / now.request.inner_lr)) ? i : best), 0);
    function show() {
      buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(starts[i] === now.request.start)));
      rate.set(nearest());
      steps.set(now.request.steps);
    }
    function change(part) {
      now.request = { ...now.request, ...part };
      show();
      ask(now.request);
    }
    canvas.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const turn = { ArrowRight: 1, ArrowLeft: -1 }[event.key], count = { ArrowUp: 1, ArrowDown: -1 }[event.key];
      if (turn) change({ inner_lr: rates[Math.min(rates.length - 1, Math.max(0, nearest() + turn))] });
      else if (count) change({ steps: Math.min(fixed.most_steps, Math.max(0, now.request.steps + count)) });
      else if (event.key.toLowerCase() === "n") change({ task: now.request.task + 1 });
      else return;
      event.preventDefault();
      event.stopPropagation();
    });

    function take(request) {
      now.request = request;
      show();
    }
    function answered(answer) {
      const broken = Boolean(answer.problem.message);
      problem.replaceChildren(...(broken ? [course.errorBox("This landscape could not be drawn", answer.problem)] : []));
      if (broken && now.answer) return; // the last one stays
      const same = now.answer && now.answer.of.task === answer.of.task && now.answer.of.start === answer.of.start;
      now.answer = answer;
      if (!same) spread();
      list();
      tell();
      paint();
      course.painted((time) => course.tell(root, "steps", { at: time, of: answer.of }));
    }

    const sizes = new ResizeObserver(() => paint());
    sizes.observe(root);
    return { take, answered, destroy() { sizes.disconnect(); theme.stop(); } };
  }

  course.step_landscape = { create, render: course.rendered(create), contour, nearRay, verdict };
}
