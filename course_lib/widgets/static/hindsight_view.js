// One episode before and after its goals are replaced: the way with its goals, and under it the buffer, a cell
// for each stored transition. A chosen cell shows its own goal, and is read.

{
  const { h } = course;
  const { signed, words: placed } = course.place;

  const MEANINGS = {
    none: "the goals as they were", final: "where the episode ended", future: "a place reached later on",
    episode: "any place of the episode",
  };
  const CSS = `
.course-hind { padding: 10px; }
.course-hind-head { display: flex; gap: 8px 12px; align-items: center; margin-bottom: 8px; flex-wrap: wrap; }
.course-hind-title { font-weight: 700; font-size: 1.125em; flex: 1 1 12em; }
.course-hind-controls { display: flex; flex-wrap: wrap; gap: 8px 28px; align-items: end; margin-bottom: 8px; }
.course-hind-controls .course-slider { flex: 1 1 180px; max-width: 280px; }
.course-hind-choice { border: 0; padding: 0; margin: 0; min-width: 0; }
.course-hind-choice legend { font-weight: 600; padding: 0; margin-bottom: 4px; font-size: inherit; border: 0; color: inherit; width: auto; }
.course-hind-choice > div { display: flex; flex-wrap: wrap; gap: 8px; }
.course-hind button[aria-pressed=true]:not(.course-full) { background: var(--course-ink); color: var(--course-paper); border-color: var(--course-ink); }
.course-hind-count { font-size: 1.125em; font-weight: 600; margin-bottom: 8px; }
.course-hind-body { display: grid; grid-template-columns: minmax(0, 1fr); gap: 12px 16px; }
.course-hind-side > strong { display: block; margin-bottom: 2px; }
.course-hind canvas { touch-action: pan-y; border-radius: 4px; }
.course-hind-says { min-height: 3em; margin-top: 6px; font-variant-numeric: tabular-nums; }
.course-hind-key { display: flex; flex-wrap: wrap; gap: 2px 20px; color: var(--course-muted); margin-top: 2px; }
@container (min-width: 640px) { .course-hind-body { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
`;
  const HINT = "Point at a cell of the right buffer, or walk there with the arrow keys, to read a transition.";
  const ROW = 22, TAPE = 30; // height of a row of the buffer, and of its heading

  // Cells of a buffer: column is the transition, row counts its copies.
  function cells(stored) {
    const seen = new Map();
    return stored.transition.map((t) => { const row = seen.get(t) ?? 0; seen.set(t, row + 1); return { t, row }; });
  }
  const rewarded = (stored) => stored.reward.filter((r) => r === 0).length;
  const count = (before, now) => `${rewarded(before)} of ${before.reward.length} transitions carried a reward of 0; now ${rewarded(now)} of ${now.reward.length} ${rewarded(now) === 1 ? "does" : "do"}.`;

  function create(root, fixed, ask) {
    const plane = course.plane(fixed.plane), T = fixed.way.length - 1;
    const now = { request: null, answer: null, chosen: null };
    const middle = Array.from({ length: T }, (_, t) => [0, 1].map((k) => (fixed.way[t][k] + fixed.way[t + 1][k]) / 2));

    root.classList.add("course-hind");
    const theme = course.dress(root, () => paint());
    const lecture = course.lecture(root, () => paint());

    // --- elements

    const buttons = fixed.strategies.map((name) => h("button", { type: "button", "aria-pressed": "false", title: MEANINGS[name] ?? null, onclick: () => change({ strategy: name }) }, name));
    const slider = course.slider({ label: "New goals a transition: k", low: 1, high: fixed.k_max, step: 1, value: 1 }, (k) => change({ k }));
    const again = course.button({ icon: "restart", text: "Draw again", onclick: () => change({ seed: now.request.seed + 1 }) });
    const counted = h("div", { class: "course-hind-count", role: "status" });
    const says = h("div", { class: "course-hind-says", role: "status" }, HINT);
    const problem = h("div", { role: "alert" });
    function side(name) {
      const canvas = h("canvas", { role: "img", ...(name === "after" ? { tabindex: "0" } : {}) }), title = h("strong", {}, name);
      return { name, canvas, title, at: null, element: h("div", { class: `course-hind-side course-hind-${name}` }, title, canvas) };
    }
    const before = side("before"), after = side("after");
    before.title.textContent = "before: as it was lived";
    before.canvas.setAttribute("aria-label", `The episode as it was lived: ${T} transitions, goal ${placed(fixed.goal)}`);
    root.append(
      h("style", {}, CSS),
      h("div", { class: "course-hind-head" }, h("div", { class: "course-hind-title" }, fixed.title), again, lecture.button),
      h("div", { class: "course-hind-controls" },
        h("fieldset", { class: "course-hind-choice" }, h("legend", {}, "New goals"), h("div", {}, ...buttons)), slider.row),
      counted,
      h("div", { class: "course-hind-body", role: "group", "aria-label": fixed.title }, before.element, after.element),
      h("div", { class: "course-hind-key" }, h("span", {}, "☆ commanded goal"), h("span", {}, "○ new goal"), h("span", {}, "◆ reward 0"),
        h("span", {}, "− reward −1"), h("span", {}, "▌terminated")),
      says, problem,
    );

    // --- picture

    const green = () => theme.series(2);
    function diamond(context, x, y, size, fill, rim) {
      context.beginPath();
      context.moveTo(x, y - size); context.lineTo(x + size, y); context.lineTo(x, y + size); context.lineTo(x - size, y);
      context.closePath();
      context.fillStyle = fill;
      context.fill();
      context.lineWidth = 2;
      context.strokeStyle = rim;
      context.stroke();
    }
    function line(at, from, to, colour, width, dash, alpha) {
      const { context } = at;
      context.globalAlpha = alpha;
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.setLineDash(dash);
      context.beginPath();
      context.moveTo(at.X(from[0]), at.Y(from[1]));
      context.lineTo(at.X(to[0]), at.Y(to[1]));
      context.stroke();
      context.setLineDash([]);
      context.globalAlpha = 1;
    }

    function draw(one, stored, rows) {
      const lecturing = root.hasAttribute("data-lecture");
      const tape = TAPE + ROW * rows, around = 19 * parseFloat(getComputedStyle(root).fontSize); // words above and below
      const tall = lecturing ? Math.max(300 + tape, innerHeight - around) : 330 + tape;
      const at = one.at = plane.view(one.canvas, tall, tape), { context } = at;
      plane.ground(at, theme);
      plane.walls(at, theme);
      const orange = theme.series(1), ink = theme.colours.ink, paper = theme.colours.paper;
      const lit = (m) => now.chosen !== null && (one === after ? m === now.chosen : m === now.answer.transition[now.chosen]);
      const chosen = now.chosen !== null;
      stored.transition.forEach((t, m) => {
        if (!lit(m)) line(at, middle[t], stored.goal[m], stored.reward[m] === 0 ? green() : ink, 1.3, [3, 4], chosen ? 0.15 : 0.45);
      });
      plane.way(at, fixed.way, orange, theme, { width: 3 });
      for (const place of fixed.way) plane.disc(at, place, 3, paper, orange, 1.6);
      plane.goal(at, fixed.goal, fixed.radius, theme, { size: 14 });
      const drawn = new Set();
      stored.goal.forEach((goal) => {
        const name = goal.join();
        if (drawn.has(name) || name === fixed.goal.join()) return;
        drawn.add(name);
        plane.disc(at, goal, 5, paper, ink, 1.8);
      });
      stored.transition.forEach((t, m) => { if (stored.reward[m] === 0) diamond(context, at.X(middle[t][0]), at.Y(middle[t][1]), 6.5, green(), paper); });
      plane.disc(at, fixed.way[0], 7, ink, paper, 2.5);
      stored.transition.forEach((t, m) => {
        if (!lit(m)) return;
        const colour = stored.reward[m] === 0 ? green() : ink;
        plane.way(at, [fixed.way[t], fixed.way[t + 1]], colour, theme, { width: 6 });
        line(at, middle[t], stored.goal[m], paper, 6, [], 1);
        line(at, middle[t], stored.goal[m], colour, 3, [7, 4], 1);
        const goal = stored.goal[m];
        if (goal.join() === fixed.goal.join()) plane.goal(at, goal, fixed.radius, theme, { size: 16, fill: colour });
        else {
          context.lineWidth = 2;
          context.strokeStyle = ink;
          context.setLineDash([5, 4]);
          context.beginPath();
          context.arc(at.X(goal[0]), at.Y(goal[1]), fixed.radius * at.scale, 0, 2 * Math.PI);
          context.stroke();
          context.setLineDash([]);
          plane.disc(at, goal, 7, colour, paper, 2);
        }
      });

      // The buffer.
      const left = 16, wide = at.width - left - 10, top = at.bottom + TAPE - 8, cell = wide / T;
      course.text(context, `buffer: ${stored.reward.length} transitions, in the order of the episode`, left, at.bottom + 12, { colour: theme.colours.muted });
      one.tape = { left, top, cell };
      cells(stored).forEach(({ t, row }, m) => {
        const x = left + t * cell, y = top + row * ROW, good = stored.reward[m] === 0;
        context.fillStyle = good ? course.mix(paper, green(), 0.35) : theme.colours.panel;
        context.fillRect(x + 0.5, y + 0.5, cell - 1, ROW - 2);
        if (good) diamond(context, x + cell / 2, y + ROW / 2, Math.min(6, 0.4 * cell), green(), ink);
        else {
          context.fillStyle = theme.colours.muted;
          context.fillRect(x + 0.3 * cell, y + ROW / 2 - 1, 0.4 * cell, 2);
        }
        if (stored.terminated[m]) {
          context.fillStyle = ink;
          context.fillRect(x + cell - Math.min(4, 0.25 * cell) - 0.5, y + 0.5, Math.min(4, 0.25 * cell), ROW - 2);
        }
        if (lit(m)) {
          context.strokeStyle = ink;
          context.lineWidth = 3;
          context.strokeRect(x, y - 0.5, cell, ROW);
        }
      });
    }

    function paint() {
      if (!now.answer) return;
      const rows = Math.max(...cells(now.answer).map((cell) => cell.row)) + 1;
      draw(before, fixed.before, rows);
      draw(after, now.answer, rows);
      course.painted((time) => course.tell(root, "hindsight", { at: time, of: now.answer.of }));
    }

    // --- words

    function sentence(m) {
      const { transition, goal, reward, terminated } = now.answer, t = transition[m];
      const action = fixed.action ? `a ${placed(fixed.action[t])}, ` : "";
      return `Transition ${t + 1} of ${T}: s ${placed(fixed.way[t])}, ${action}s′ ${placed(fixed.way[t + 1])}, g′ ${placed(goal[m])}: `
        + `r = ${signed(reward[m], 0)}, ${terminated[m] ? "terminated" : "not terminated"}.`;
    }
    function choose(m) {
      if (m === now.chosen) return;
      now.chosen = m;
      if (m !== null) says.textContent = sentence(m);
      paint();
    }

    // --- what a person does

    function change(part) {
      now.request = { ...now.request, ...part };
      show();
      ask(now.request);
    }
    function show() {
      buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(fixed.strategies[i] === now.request.strategy)));
      slider.set(now.request.k);
    }
    const found = (t, row) => cells(now.answer).findIndex((cell) => cell.t === t && cell.row === row);
    after.canvas.addEventListener("pointermove", (event) => {
      const [x, y] = plane.pixel(after.canvas, event), { left, top, cell } = after.tape;
      const m = found(Math.floor((x - left) / cell), Math.floor((y - top) / ROW));
      choose(m < 0 ? null : m);
    });
    after.canvas.addEventListener("pointerleave", () => choose(null));
    after.canvas.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const { t, row } = now.chosen === null ? { t: -1, row: 0 } : cells(now.answer)[now.chosen];
      const to = { ArrowRight: [t + 1, row], ArrowLeft: [t - 1, row], ArrowUp: [t, row - 1], ArrowDown: [t, row + 1], Home: [0, row], End: [T - 1, row] }[event.key];
      if (!to) return;
      const m = found(Math.min(T - 1, Math.max(0, to[0])), Math.max(0, to[1]));
      if (m >= 0) choose(m);
      event.preventDefault();
      event.stopPropagation();
    });

    function take(request) {
      now.request = request;
      show();
    }
    function answered(answer) {
      now.answer = answer;
      now.chosen = null;
      says.textContent = HINT;
      const words = count(fixed.before, answer);
      counted.textContent = words;
      after.title.textContent = `after: ${answer.of.strategy}${MEANINGS[answer.of.strategy] ? `, ${MEANINGS[answer.of.strategy]}` : ""}`;
      after.canvas.setAttribute("aria-label", `The buffer after relabelling with ${answer.of.strategy}: ${words} Arrow keys walk through its transitions.`);
      problem.replaceChildren(...(answer.problem.message ? [course.errorBox("These goals could not be drawn", answer.problem)] : []));
      paint();
    }

    const sizes = new ResizeObserver(() => paint());
    sizes.observe(root);
    return { take, answered, destroy() { sizes.disconnect(); theme.stop(); } };
  }

  course.hindsight_view = { create, render: course.rendered(create), cells, count };
}
