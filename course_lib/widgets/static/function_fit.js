// Points that a hand puts into a plane, and the lines that learners draw through them as soon as the kernel
// has answered. The first ones are read, the others wait: a slider says how many.

{
  const { h } = course;
  const { rounded, signed, words: placed } = course.place;

  const FRAME = { left: 52, right: 12, top: 10, bottom: 48 };
  const NEAR = 16; // pixels within which a click means a point that is there
  const CSS = `
.course-fit { padding: 10px; }
.course-fit-head { display: flex; gap: 8px 12px; align-items: center; margin-bottom: 8px; flex-wrap: wrap; }
.course-fit-title { font-weight: 700; font-size: 1.125em; flex: 1 1 12em; }
.course-fit-body { display: grid; grid-template-columns: minmax(0, 1fr); gap: 12px 20px; align-items: start; }
.course-fit canvas { touch-action: pinch-zoom; cursor: crosshair; border-radius: 4px; }
.course-fit-side { display: grid; gap: 12px; align-content: start; }
.course-fit-lines { border: 0; padding: 0; margin: 0; min-width: 0; display: grid; gap: 6px; }
.course-fit-lines legend { font-weight: 600; padding: 0; margin-bottom: 4px; font-size: inherit; border: 0; color: inherit; width: auto; }
.course-fit-lines button { display: grid; grid-template-columns: 44px minmax(0, 1fr) auto; column-gap: 10px; overflow-wrap: anywhere; text-align: left; justify-content: stretch; width: 100%; }
.course-fit-lines button[aria-pressed=false] { color: var(--course-muted); font-weight: 400; text-decoration: line-through; }
.course-fit-lines svg.course-fit-dash { width: 44px; height: 14px; fill: none; stroke-width: 4; stroke-linecap: round; }
.course-fit-lines button[aria-pressed=false] svg { opacity: .4; }
.course-fit-off { font-variant-numeric: tabular-nums; }
.course-fit-says { font-weight: 600; min-height: 3em; }
.course-fit-hint { color: var(--course-muted); margin-top: 6px; }
.course-fit-row { display: flex; flex-wrap: wrap; gap: 8px; }
@container (min-width: 640px) { .course-fit-body { grid-template-columns: minmax(0, 1fr) 270px; } }
@container (min-width: 1300px) { .course-fit[data-lecture] .course-fit-body { grid-template-columns: minmax(0, 1fr) 19em; } }
`;

  function create(root, fixed, ask) {
    const { low, high, most } = fixed;
    const step = [0, 1].map((i) => 0.025 * (high[i] - low[i]));
    const now = { request: null, answer: null, points: [], chosen: -1, dragging: false, hidden: new Set(), added: 0 };
    let at = null; // how places become pixels in the last picture

    root.classList.add("course-fit");
    const theme = course.dress(root, () => { list(); paint(); });
    const lecture = course.lecture(root, () => paint());

    // --- elements

    const canvas = h("canvas", { tabindex: "0", role: "img" });
    const another = h("button", { type: "button", onclick: () => change({ task: (now.task ?? -1) + 1, points: null }) }, "Another function");
    const remove = h("button", { type: "button", onclick: () => take_away(now.chosen < 0 ? now.points.length - 1 : now.chosen) }, "Remove point");
    const clear = h("button", { type: "button", onclick: () => edit([], 0) }, "Clear");
    const names = Array.from({ length: most + 1 }, (_, i) => String(i));
    const shots = course.stops("Points that are read (shots)", names, 0, (k) => change({ shots: k }));
    const sliders = fixed.sliders.map((spec) => ({ name: spec.name, ...course.slider(spec, (value) => change({ settings: { ...now.request.settings, [spec.name]: value } })) }));
    const lines = h("fieldset", { class: "course-fit-lines" });
    const says = h("div", { class: "course-fit-says", role: "status" });
    const problem = h("div", { role: "alert" });
    root.append(
      h("style", {}, CSS),
      h("div", { class: "course-fit-head" }, h("div", { class: "course-fit-title" }, fixed.title), fixed.tasks ? another : null, remove, clear, lecture.button),
      h("div", { class: "course-fit-body", role: "group", "aria-label": fixed.title },
        h("div", {}, canvas, h("div", { class: "course-fit-hint" }, "Click: a point. Drag: move it. Double click: remove. Keys: N next point, arrows move it, A adds, Delete removes.")),
        h("div", { class: "course-fit-side" }, shots.row, ...sliders.map((slider) => slider.row), lines, says)),
      problem,
    );

    // One button a line: shows its dash, hides it, and says how far it is off where that is known. The buttons
    // stay while the lines keep their names: making them anew at each answer would cost a layout.
    const off = (name) => (now.answer.off[name] === undefined ? "" : `± ${now.answer.off[name].toFixed(2)}`);
    const listed = { names: "", legend: h("legend"), rows: [] };
    function list() {
      if (!now.answer) return;
      const names = Object.keys(now.answer.lines);
      if (listed.names !== JSON.stringify(names)) {
        listed.names = JSON.stringify(names);
        listed.rows = names.map(row);
        lines.replaceChildren(listed.legend, ...listed.rows.map((one) => one.button));
      }
      listed.legend.textContent = now.answer.truth.length ? "Learners, and how far off on average" : "Learners";
      listed.rows.forEach((one, i) => {
        one.off.textContent = off(names[i]);
        one.path.setAttribute("stroke", theme.series(i));
        one.button.setAttribute("aria-pressed", String(!now.hidden.has(names[i])));
      });
    }
    function row(name, i) {
      const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      svg.setAttribute("class", "course-fit-dash");
      svg.setAttribute("aria-hidden", "true");
      path.setAttribute("d", "M3 7H41");
      path.setAttribute("stroke-dasharray", course.series[i].dash.join(" "));
      svg.append(path);
      const words = h("span", { class: "course-fit-off" }), button = h("button", { type: "button" }, svg, h("span", {}, name), words);
      button.addEventListener("click", () => {
        if (!now.hidden.delete(name)) now.hidden.add(name);
        list();
        paint();
      });
      return { button, path, off: words };
    }

    // --- picture

    function view() {
      canvas.em = null;
      const em = Math.max(1, (parseFloat(getComputedStyle(canvas).fontSize) || 16) / 16);
      const tall = root.hasAttribute("data-lecture") ? Math.max(320, innerHeight - 9 * 16 * em) : Math.min(460, 0.8 * canvas.clientWidth + 40);
      canvas.style.height = `${Math.round(tall)}px`;
      const { context, width, height } = course.fit(canvas, Math.round(tall));
      const w = width - FRAME.left - FRAME.right, tall_ = height - FRAME.top - FRAME.bottom;
      context.clearRect(0, 0, width, height);
      return {
        context, w, h: tall_, left: FRAME.left, top: FRAME.top,
        X: (x) => FRAME.left + (w * (x - low[0])) / (high[0] - low[0]),
        Y: (y) => FRAME.top + (tall_ * (high[1] - y)) / (high[1] - low[1]),
        place: ([px, py]) => [low[0] + ((px - FRAME.left) / w) * (high[0] - low[0]), high[1] - ((py - FRAME.top) / tall_) * (high[1] - low[1])],
      };
    }

    function scale() {
      const { context } = at, { ink, panel, line } = theme.colours;
      context.fillStyle = panel;
      context.fillRect(at.left, at.top, at.w, at.h);
      context.setLineDash([]);
      context.strokeStyle = line;
      context.lineWidth = 1;
      context.strokeRect(at.left + 0.5, at.top + 0.5, at.w - 1, at.h - 1);
      const inside = (i, count) => course.ticks(low[i], high[i], count).filter((v) => v >= low[i] && v <= high[i]);
      const label = (v) => signed(v, course.decimals(v));
      for (const x of inside(0, Math.max(2, Math.floor(at.w / 80)))) course.text(context, label(x), at.X(x), at.top + at.h + 20, { colour: ink, align: "center" });
      for (const y of inside(1, Math.max(2, Math.floor(at.h / 60)))) course.text(context, label(y), at.left - 7, at.Y(y) + 5, { colour: ink, align: "right" });
      course.text(context, "x", at.left + at.w / 2, at.top + at.h + 42, { colour: ink, align: "center" });
      course.text(context, "y", at.left - 44, at.top + 14, { colour: ink });
      if (low[1] < 0 && high[1] > 0) {
        context.beginPath();
        context.moveTo(at.left, at.Y(0));
        context.lineTo(at.left + at.w, at.Y(0));
        context.stroke();
      }
    }

    function curve(values, colour, width, dash) {
      const { context } = at;
      context.lineJoin = context.lineCap = "round";
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.setLineDash(dash);
      context.beginPath();
      values.forEach((y, i) => {
        const px = at.X(low[0] + (i / (values.length - 1)) * (high[0] - low[0]));
        if (i) context.lineTo(px, at.Y(y)); else context.moveTo(px, at.Y(y));
      });
      context.stroke();
      context.setLineDash([]);
    }

    function disc([x, y], radius, fill, rim, width) {
      const { context } = at;
      context.beginPath();
      context.arc(at.X(x), at.Y(y), radius, 0, 2 * Math.PI);
      if (fill) { context.fillStyle = fill; context.fill(); }
      context.strokeStyle = rim;
      context.lineWidth = width;
      context.stroke();
    }

    function paint() {
      at = view();
      scale();
      if (!now.answer) return;
      const { context } = at, { ink, paper, muted } = theme.colours;
      context.save();
      context.beginPath();
      context.rect(at.left, at.top, at.w, at.h);
      context.clip();
      if (now.answer.truth.length) { context.globalAlpha = 0.35; curve(now.answer.truth, muted, 11, []); context.globalAlpha = 1; }
      Object.entries(now.answer.lines).forEach(([name, values], i) => {
        if (now.hidden.has(name)) return;
        curve(values, paper, 7, []);
        curve(values, theme.series(i), 4, course.series[i].dash);
      });
      context.restore();
      const read = Math.min(now.request.shots, now.points.length);
      now.points.forEach((place, i) => {
        if (i < read) disc(place, 8, ink, paper, 2.5);
        else disc(place, 5.5, paper, muted, 2);
      });
      if (now.chosen >= 0) disc(now.points[now.chosen], 13, null, theme.colours.accent, 3);
    }

    // --- words

    function tell() {
      const read = Math.min(now.request.shots, now.points.length), place = now.points[now.chosen];
      const words = `${read} of ${now.points.length} points read.${place ? ` Point ${now.chosen + 1}: ${placed(place)}.` : ""}`;
      says.textContent = words;
      const off = Object.entries(now.answer?.off ?? {}).map(([name, error]) => `${name} is off by ${error.toFixed(2)}`).join(", ");
      canvas.setAttribute("aria-label", `Points and the lines through them. ${words} ${off} N chooses the next point, arrow keys move it.`);
      remove.disabled = clear.disabled = !now.points.length;
    }

    // --- what a person does

    function change(part) {
      now.request = { task: now.request.task, points: now.request.points, shots: now.request.shots, settings: now.request.settings, ...part };
      if (now.request.points) now.points = now.request.points;
      else if (part.task !== undefined) { now.task = part.task; now.chosen = -1; }
      ask(now.request); // first, so that the kernel works while the points are painted; the lines follow
      shots.set(Math.min(most, now.request.shots));
      tell();
      paint();
    }
    // Whoever moves a point has made a function of their own.
    const edit = (points, read) => {
      now.chosen = Math.min(now.chosen, points.length - 1);
      change({ task: null, points, shots: read });
    };
    const clamp = (place) => rounded(place.map((v, i) => Math.min(high[i], Math.max(low[i], v))));
    const read_now = () => Math.min(now.request.shots, now.points.length);
    const move = (i, place) => edit(now.points.map((old, j) => (j === i ? clamp(place) : old)), read_now());
    function add(place) {
      if (now.points.length >= most) return;
      const i = read_now(); // the newest of those that are read
      now.chosen = i;
      now.added = performance.now();
      edit([...now.points.slice(0, i), clamp(place), ...now.points.slice(i)], i + 1);
    }
    function take_away(i) {
      if (i < 0) return;
      const read = read_now();
      now.chosen = -1;
      edit(now.points.filter((_, j) => j !== i), i < read ? read - 1 : read);
    }

    function found(pixel) {
      const away = now.points.map(([x, y]) => Math.hypot(at.X(x) - pixel[0], at.Y(y) - pixel[1]));
      const i = away.indexOf(Math.min(...away));
      return i >= 0 && away[i] <= NEAR ? i : -1;
    }
    function pixel(event) {
      const box = canvas.getBoundingClientRect(), em = canvas.em ?? 1;
      return [(event.clientX - box.left) / em, (event.clientY - box.top) / em];
    }
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !at) return;
      const hit = found(pixel(event));
      canvas.setPointerCapture?.(event.pointerId);
      now.dragging = true;
      if (hit < 0) { add(at.place(pixel(event))); return; }
      now.chosen = hit;
      tell();
      paint();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (now.dragging && now.chosen >= 0 && event.buttons) move(now.chosen, at.place(pixel(event)));
    });
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { now.dragging = false; });
    canvas.addEventListener("dblclick", (event) => {
      if (performance.now() - now.added < 600) return; // its first click has only just put the point there
      take_away(found(pixel(event)));
    });
    canvas.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const way = { ArrowUp: [0, 1], ArrowDown: [0, -1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key];
      const size = event.shiftKey ? 0.2 : 1, count = now.points.length, letter = event.key.toLowerCase();
      if (way) {
        if (now.chosen >= 0) move(now.chosen, now.points[now.chosen].map((v, i) => v + size * step[i] * way[i]));
        else if (count) { now.chosen = 0; tell(); paint(); } // which one moves is seen before it does
      } else if (letter === "n") {
        if (count) now.chosen = (now.chosen + (event.shiftKey ? -1 : 1) + count + (now.chosen < 0 && event.shiftKey ? 1 : 0)) % count;
        tell();
        paint();
      } else if (letter === "a") add([0, 1].map((i) => (low[i] + high[i]) / 2));
      else if (event.key === "Delete" || event.key === "Backspace") take_away(now.chosen);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });

    function take(request) {
      now.request = request;
      if (request.points) now.points = request.points;
      now.task = request.task ?? now.task;
      now.chosen = -1;
      shots.set(request.shots);
      for (const slider of sliders) slider.set(request.settings[slider.name]);
      paint();
    }
    function answered(answer) {
      now.answer = answer;
      problem.replaceChildren(...(answer.problem.message ? [course.errorBox("These points could not be answered", answer.problem)] : []));
      // A hand that still drags has newer points than this answer.
      if (JSON.stringify(answer.of) === JSON.stringify(now.request) && !answer.problem.message) now.points = answer.points;
      list();
      tell();
      paint();
      course.painted((time) => course.tell(root, "fit", { at: time, of: answer.of }));
    }

    const sizes = new ResizeObserver(() => paint());
    sizes.observe(root);
    return { take, answered, destroy() { sizes.disconnect(); theme.stop(); } };
  }

  course.function_fit = { create, render: course.rendered(create) };
}
