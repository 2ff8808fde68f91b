// The words of transfer as three switches over small grids: sources left, target right, between them what is
// carried, and under them the return after each number of tries. All numbers came with the page.

{
  const { h } = course;

  const SMALL = 118, LARGE = 180, PLOT = 300; // CSS pixels: a source, the target, the curves
  // Each rule begins with the widget's own class: a widget farther down brings theme.js's rules once more.
  const CSS = `
.course-task { padding: 10px; }
.course-task .course-task-head { display: flex; gap: 8px 12px; align-items: center; flex-wrap: wrap; margin-bottom: 6px; }
.course-task .course-task-title { font-weight: 700; font-size: 1.125em; flex: 1 1 12em; }
.course-task .course-task-switches { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 6px 14px; align-items: center; }
.course-task .course-task-switches > span { font-weight: 600; }
.course-task .course-task-options { display: flex; flex-wrap: wrap; gap: 6px; }
.course-task .course-task-options button { padding: 0 12px; }
.course-task .course-task-options button[aria-pressed=true] { background: var(--course-ink); color: var(--course-paper); border-color: var(--course-ink); }
.course-task .course-task-options canvas { width: 40px; height: 14px; flex: none; background: var(--course-paper); border-radius: 4px; }
.course-task .course-task-stage { display: flex; flex-wrap: wrap; gap: 10px 16px; align-items: center; justify-content: center; margin: 12px 0 8px; }
.course-task .course-task-stage h4 { font: inherit; font-weight: 700; margin: 0 0 4px; padding: 0; color: inherit; text-align: center; }
.course-task .course-task-stage figure { margin: 0; padding: 0; text-align: center; }
.course-task .course-task-sources { display: grid; grid-template-columns: repeat(2, auto); gap: 6px; justify-content: center; }
.course-task .course-task-stage canvas { border-radius: 6px; margin: 0 auto; }
.course-task .course-task-stage canvas[data-unused] { opacity: .22; }
.course-task .course-task-carry { flex: 0 1 11em; min-width: 7em; text-align: center; font-weight: 600; }
.course-task .course-task-carry svg { width: 100%; height: 34px; display: block; }
.course-task .course-task-known { min-height: 1.45em; }
.course-task .course-task-tries { min-height: 1.45em; }
.course-task .course-task-body { display: grid; grid-template-columns: minmax(0, 1fr); gap: 4px 20px; align-items: center; }
.course-task .course-task-says { font-size: 1.0625em; font-weight: 600; min-height: 1.5em; }
.course-task p { margin: 4px 0 8px; padding: 0; min-height: 3em; }
.course-task .course-task-hint { color: var(--course-muted); margin-top: 4px; }
@container (min-width: 960px) { .course-task .course-task-body { grid-template-columns: minmax(0, 1.35fr) minmax(0, 1fr); } .course-task .course-task-stage { flex-wrap: nowrap; } }
@container (max-width: 520px) { .course-task .course-task-switches { grid-template-columns: minmax(0, 1fr); } }
`;
  const SHOTS = [
    { name: "0-shot", says: "0-shot: what was learned is just run in the target." },
    { name: "1-shot", says: "1-shot: it tries the target once, and is judged then." },
    { name: "few-shot", says: (few) => `Few-shot: it tries the target ${few} times, and is judged then.` },
  ];

  const through = (turn, [row, column]) => turn.map(([a, b]) => a * row + b * column);
  // Where things are in the picture of a task: its goal, where each action leads, and which edge was the upper one.
  const seen = ({ goal, moves, turned }) => ({
    goal: through(turned, goal), moves: moves.map((move) => through(turned, move)), top: through(turned, [-1, 0]),
  });
  const signed = (value) => value.toFixed(1).replace("-", "−");
  // The place after or before, round the ring.
  const along = (place, count, by) => (place + by + count) % count;

  function create(root, data) {
    const { side, few, best, nothing } = data;
    const names = { difference: Object.keys(data.differences), kind: Object.keys(data.kinds), shot: SHOTS.map(({ name }) => name) };
    const now = { difference: 0, kind: 0, shot: 0 }, tries = [0, 1, few];

    root.classList.add("course-task");
    const theme = course.dress(root, () => show());
    const lecture = course.lecture(root, () => show());

    // --- elements

    const titles = { difference: "What differs (D)", kind: "How it learned (K)", shot: "Shots (S)" }, buttons = {}, rows = [];
    for (const [part, title] of Object.entries(titles)) {
      buttons[part] = names[part].map((name, i) => h("button", { type: "button", onclick: () => turn(part, i) }, name));
      const id = course.id("switch");
      rows.push(h("span", { id }, title), h("div", { class: "course-task-options", role: "group", "aria-labelledby": id }, ...buttons[part]));
    }
    const most = Math.max(...Object.values(data.differences).map(({ tasks }) => tasks.length - 1));
    const sources = Array.from({ length: most }, () => h("canvas", { role: "img" })), target = h("canvas", { role: "img" });
    const from = h("h4", {}), carried = h("div", {}), known = h("div", { class: "course-task-known" }), dots = h("div", { class: "course-task-tries" });
    const arrow = document.createElementNS("http://www.w3.org/2000/svg", "svg"), line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    arrow.setAttribute("viewBox", "0 0 200 34");
    arrow.setAttribute("preserveAspectRatio", "none");
    arrow.setAttribute("aria-hidden", "true");
    line.setAttribute("d", "M2 12h164v-11l32 16-32 16v-11H2z");
    line.setAttribute("fill", "currentColor");
    arrow.append(line);
    const says = h("div", { class: "course-task-says", role: "status" }), more = h("p", {}), canvas = h("canvas", { role: "img" });
    root.append(
      h("style", {}, CSS),
      h("div", { class: "course-task-head" }, h("div", { class: "course-task-title" }, data.title), lecture.button),
      h("div", { role: "group", "aria-label": data.title },
        h("div", { class: "course-task-switches" }, ...rows),
        h("div", { class: "course-task-body" },
          h("div", { class: "course-task-stage" },
            h("figure", {}, from, h("div", { class: "course-task-sources" }, ...sources)),
            h("div", { class: "course-task-carry" }, carried, arrow),
            h("figure", {}, h("h4", {}, "target task"), target, known, dots)),
          canvas),
        says, more,
        h("div", { class: "course-task-hint" }, "A grid is a task: a disc where each try begins, a star at the goal, digits where the buttons 1, 2, 3, 4 lead from there, a thick edge on the side that really is up.")),
    );

    // --- picture

    function star(g, x, y, size, colour, rim) {
      g.beginPath();
      for (let i = 0; i < 10; i += 1) {
        const angle = (i * Math.PI) / 5 - Math.PI / 2, far = i % 2 ? 0.45 * size : size;
        g.lineTo(x + far * Math.cos(angle), y + far * Math.sin(angle));
      }
      g.closePath();
      g.fillStyle = colour;
      g.strokeStyle = rim;
      g.lineWidth = 1.5;
      g.fill();
      g.stroke();
    }

    function card(to, task, css, words) {
      const em = parseFloat(getComputedStyle(root).fontSize) / 16, c = theme.colours;
      to.style.width = to.style.height = `${Math.round(css * em)}px`;
      to.em = null;
      const ratio = Math.min(3, window.devicePixelRatio || 1), px = Math.round(css * em * ratio), g = to.getContext("2d");
      if (to.width !== px) to.width = to.height = px;
      g.setTransform(px / css, 0, 0, px / css, 0, 0);
      const air = 7, size = (css - 2 * air) / side, middle = (side - 1) / 2, { goal, moves, top } = seen(task);
      const at = ([row, column]) => [air + (column + middle + 0.5) * size, air + (row + middle + 0.5) * size];
      g.clearRect(0, 0, css, css);
      g.fillStyle = c.panel;
      g.fillRect(air, air, side * size, side * size);
      g.strokeStyle = c.line;
      g.lineWidth = 1;
      g.setLineDash([]);
      g.beginPath();
      for (let i = 0; i <= side; i += 1) {
        g.moveTo(air + i * size, air); g.lineTo(air + i * size, css - air);
        g.moveTo(air, air + i * size); g.lineTo(css - air, air + i * size);
      }
      g.stroke();
      const half = (side * size) / 2, [x, y] = at(top.map((v) => v * (middle + 0.5))), wide = Math.abs(top[0]) * half, tall = Math.abs(top[1]) * half;
      course.capsule(g, x - wide, y - tall, x + wide, y + tall, 6, c.ink);
      const start = at([0, 0]);
      moves.forEach((move, i) => course.text(g, String(i + 1), ...at(move), { colour: c.ink, size: Math.max(16, 0.5 * size), weight: 600, align: "center", baseline: "middle" }));
      g.fillStyle = c.ink;
      g.beginPath(); g.arc(...start, 0.26 * size, 0, 7); g.fill();
      star(g, ...at(goal), 0.46 * size, theme.series(1), c.ink);
      const place = ([row, column]) => [[row, "up", "down"], [column, "left", "right"]].filter(([v]) => v).map(([v, less, above]) => `${Math.abs(v)} ${v < 0 ? less : above}`).join(" ");
      to.setAttribute("aria-label", `${words}: goal ${place(goal)} of the start; buttons 1 to ${moves.length} lead ${moves.map((move) => place(move).slice(2)).join(", ")}; the upper edge lies ${place(top).slice(2)}.`);
    }

    function icon(i) { // 40 x 14 CSS pixels, sharp on a screen with twice as many
      const small = h("canvas", { width: 80, height: 28, "aria-hidden": "true" }), g = small.getContext("2d");
      g.scale(2, 2);
      g.strokeStyle = theme.series(i);
      g.lineWidth = 3.5;
      g.setLineDash(course.series[i].dash);
      g.beginPath(); g.moveTo(2, 7); g.lineTo(38, 7); g.stroke();
      return small;
    }

    function curves(difference) {
      const em = Math.max(1, parseFloat(getComputedStyle(root).fontSize) / 16), all = names.kind.map((kind) => difference.returns[kind]), c = theme.colours;
      canvas.em = null;
      canvas.style.height = `${Math.round(PLOT * em)}px`;
      const { context: g, width, height } = course.fit(canvas, Math.round(PLOT * em));
      const low = Math.min(nothing, ...all.flat()), high = Math.max(best, ...all.flat()), last = all[0].length - 1;
      const top = 32, bottom = height - 50, right = 16, left = 54, air = 0.06 * (high - low || 1);
      const X = (t) => left + (t / last) * (width - left - right), Y = (v) => bottom - ((v - low + air) / (high - low + 2 * air)) * (bottom - top);
      g.clearRect(0, 0, width, height);
      course.text(g, "return in the target", 0, 18, { colour: c.muted });
      g.lineWidth = 1;
      g.setLineDash([]);
      for (const tick of course.ticks(low, high, 5).filter((v) => v >= low - air && v <= high + air)) {
        g.strokeStyle = course.mix(c.paper, c.line, 0.4);
        g.beginPath(); g.moveTo(left, Y(tick)); g.lineTo(width - right, Y(tick)); g.stroke();
        course.text(g, course.shortNumber(tick).replace("-", "−"), left - 8, Y(tick), { colour: c.muted, align: "right", baseline: "middle" });
      }
      for (const tick of course.ticks(0, last, width < 500 ? 4 : 10)) {
        if (tick > last || tick % 1) continue;
        course.text(g, String(tick), X(tick), bottom + 22, { colour: c.muted, align: "center" });
      }
      course.text(g, "tries in the target before", (left + width - right) / 2, bottom + 44, { colour: c.muted, align: "center" });
      g.strokeStyle = c.line;
      g.beginPath(); g.moveTo(X(tries[now.shot]), top); g.lineTo(X(tries[now.shot]), bottom); g.stroke();
      g.setLineDash([2, 6]);
      g.lineWidth = 2.5;
      g.strokeStyle = c.ink;
      for (const v of [best, nothing]) { g.beginPath(); g.moveTo(left, Y(v)); g.lineTo(width - right, Y(v)); g.stroke(); }
      const order = [...all.keys()].filter((i) => i !== now.kind);
      for (const i of [...order, now.kind]) {
        const chosen = i === now.kind;
        g.strokeStyle = chosen ? theme.series(i) : course.mix(c.paper, theme.series(i), 0.75);
        g.lineWidth = chosen ? 5 : 2;
        g.lineJoin = "round";
        g.setLineDash(course.series[i].dash);
        g.beginPath();
        all[i].forEach((v, t) => g.lineTo(X(t), Y(v)));
        g.stroke();
      }
      g.setLineDash([]);
      course.text(g, "knows the target", width - right, Y(best) - 7, { colour: c.ink, align: "right", halo: c.paper });
      course.text(g, "knows nothing yet", width - right, Y(nothing) + 19, { colour: c.ink, align: "right", halo: c.paper });
      const value = all[now.kind][tries[now.shot]], x = X(tries[now.shot]), y = Y(value);
      g.fillStyle = theme.series(now.kind);
      g.strokeStyle = c.ink;
      g.lineWidth = 2.5;
      g.beginPath(); g.arc(x, y, 8, 0, 7); g.fill(); g.stroke();
      const end = x > width - 90;
      course.text(g, signed(value), end ? x - 14 : x + 14, y + (value > (low + high) / 2 ? 26 : -12), { colour: c.ink, halo: c.paper, size: 20, weight: 700, align: end ? "right" : "left" });
      canvas.setAttribute("aria-label", `Return after ${tries[now.shot]} tries: ${names.kind.map((kind, i) => `${kind} ${signed(all[i][tries[now.shot]])}`).join(", ")}; the best is ${signed(best)}.`);
    }

    function show() {
      const difference = data.differences[names.difference[now.difference]], name = names.kind[now.kind], kind = data.kinds[name];
      for (const [part, list] of Object.entries(buttons)) list.forEach((button, i) => button.setAttribute("aria-pressed", String(i === now[part])));
      buttons.kind.forEach((button, i) => button.replaceChildren(icon(i), h("span", {}, names.kind[i])));
      const { tasks } = difference, goal = tasks.length - 1;
      from.textContent = kind.many ? "many source tasks" : "one source task";
      sources.forEach((one, i) => {
        one.style.display = i < goal ? "" : "none";
        const unused = i > 0 && !kind.many;
        one.toggleAttribute("data-unused", unused);
        if (i < goal) card(one, tasks[i], SMALL, unused ? "Not learned from" : `Source ${i + 1}`);
      });
      card(target, tasks[goal], LARGE, "Target");
      carried.textContent = kind.carries;
      arrow.style.color = theme.series(now.kind);
      known.textContent = kind.told ? "told: which task" : "not told which task";
      const count = tries[now.shot], value = difference.returns[name][count];
      dots.textContent = count ? `${"●".repeat(Math.min(count, 10))} ${count === 1 ? "one try" : `${count} tries`}` : "no try before";
      says.textContent = `${names.difference[now.difference]}, ${name}, ${names.shot[now.shot]}: return ${signed(value)}. Who knows the target gets ${signed(best)}, who knows nothing ${signed(nothing)}.`;
      const shot = SHOTS[now.shot].says;
      more.replaceChildren(`${difference.says} ${kind.says} ${typeof shot === "string" ? shot : shot(few)} `, h("strong", {}, "In the course: "), difference.course[name]);
      curves(difference);
      course.painted((at) => course.tell(root, "task", { at, ...now }));
    }

    function turn(part, place) {
      now[part] = place;
      show();
    }
    root.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const part = { d: "difference", k: "kind", s: "shot" }[event.key.toLowerCase()];
      if (!part) return;
      turn(part, along(now[part], names[part].length, event.shiftKey ? -1 : 1));
      event.preventDefault();
      event.stopPropagation();
    });

    const sizes = new ResizeObserver(() => show());
    for (const one of [root, canvas]) sizes.observe(one); // columns may come after the first picture
    show();
    return { destroy() { sizes.disconnect(); theme.stop(); } };
  }

  function render({ model, el }) {
    const root = h("div");
    el.append(root);
    const view = create(root, model.get("data"));
    return () => view.destroy();
  }

  course.task_picture = { create, render, seen, along };
}
