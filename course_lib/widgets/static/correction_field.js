// Two rooms side by side. In the source: the correction of every cell and action as triangles. In the target:
// walls that a hand builds. Cells are elements, so that a keyboard and a screen reader can walk them; triangles
// and ways are drawn above them.

{
  const { h } = course;

  const ACTIONS = ["up", "right", "down", "left"];
  const FULL = 10, VISIBLE = 0.02; // nats; correction_field.py has the same
  const WAYS = [{ series: 3, dash: [0.28, 0.2], shift: -0.16 }, { series: 0, dash: [], shift: 0 }, { series: 2, dash: [0.02, 0.2], shift: 0.16 }];
  const PUNISH = { light: "#D55E00", dark: "#E69F00" }, REWARD = { light: "#0072B2", dark: "#56B4E9" };
  const STUCK = 0.005;

  const CSS = `
.course-field { padding: 10px; }
.course-field-head { display: flex; gap: 8px 12px; align-items: center; margin-bottom: 8px; flex-wrap: wrap; }
.course-field-title { font-weight: 700; font-size: 1.125em; flex: 1 1 12em; }
.course-field-body { display: grid; grid-template-columns: minmax(0, 1fr); gap: 12px 20px; align-items: start; }
.course-field-controls { display: grid; gap: 4px 24px; grid-template-columns: repeat(auto-fit, minmax(210px, 1fr)); align-items: end; }
.course-field-room { min-width: 0; }
.course-field-room > strong { display: block; margin-bottom: 4px; }
.course-field-plane { position: relative; border: 3px solid var(--course-wall); border-radius: 6px; overflow: hidden; }
.course-field-cells { display: grid; background: var(--course-hair); gap: 1px; }
.course-field-row { display: grid; grid-auto-flow: column; grid-auto-columns: minmax(0, 1fr); gap: 1px; }
.course-field-cell { aspect-ratio: 1; background: var(--course-paper); user-select: none; }
.course-field-cell[data-mud] { background: radial-gradient(circle, var(--course-muted) 1.2px, transparent 1.7px) 0 0 / 8px 8px, var(--course-panel); }
.course-field-cell[data-wall] { background: var(--course-wall); }
.course-field-cell[data-wall=new] { background: repeating-linear-gradient(45deg, transparent 0 5px, var(--course-paper) 5px 7px),
  repeating-linear-gradient(-45deg, transparent 0 5px, var(--course-paper) 5px 7px), var(--course-wall); }
.course-field-cell[data-gone] { box-shadow: inset 0 0 0 2px var(--course-paper), inset 0 0 0 4px var(--course-wall); }
.course-field-target .course-field-cell { cursor: pointer; }
.course-field-target .course-field-cells { touch-action: pinch-zoom; }
.course-field-cell:hover { outline: 2px solid var(--course-ink); outline-offset: -2px; }
.course-field-cell:focus-visible { outline: 4px solid var(--course-accent); outline-offset: -4px; }
.course-field-plane svg { position: absolute; inset: 0; width: 100%; height: 100%; pointer-events: none; }
.course-field table { border-collapse: collapse; width: 100%; margin: 0; font: inherit; border: 0; color: var(--course-ink); table-layout: auto; }
.course-field :is(thead, tbody, tr, tr:nth-child(odd), tr:hover, th, td) { background: transparent; border: 0; color: inherit; font-size: inherit;
  text-align: left; padding: 3px 10px 3px 0; font-variant-numeric: tabular-nums; vertical-align: top; max-width: none; white-space: normal; }
.course-field thead th { color: var(--course-muted); font-weight: 400; border-bottom: 1px solid var(--course-line); }
.course-field tbody th { font-weight: 600; }
.course-field tbody td { font-weight: 700; }
.course-field td small { font-size: 16px; font-weight: 400; display: block; white-space: nowrap; }
.course-field .course-field-line { width: 46px; height: 16px; display: block; margin-top: 4px; }
.course-field-says { min-height: 1.45em; margin-top: 8px; }
.course-field-key { display: flex; flex-wrap: wrap; gap: 2px 18px; color: var(--course-muted); margin-top: 6px; }
.course-field-key > span { display: inline-flex; gap: 7px; align-items: center; }
.course-field-key svg { width: 20px; height: 18px; flex: none; }
.course-field-side { display: grid; gap: 10px; min-width: 0; }
.course-field-error { border: 3px solid var(--course-ink); border-left-width: 12px; border-radius: 9px; padding: 6px 12px; background: var(--course-panel); }
.course-field button[aria-pressed=true]:not(.course-full) { background: var(--course-ink); color: var(--course-paper); border-color: var(--course-ink); }
@container (min-width: 600px) {
  .course-field-body { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .course-field-side { grid-column: 1 / -1; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 10px 20px; }
}
@container (min-width: 960px) {
  .course-field-body { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr) 296px; }
  .course-field-side { grid-column: auto; grid-template-columns: minmax(0, 1fr); gap: 14px; }
}
.course-field[data-lecture] .course-field-plane { max-width: calc((100vh - 190px) * var(--course-shape)); }
@container (min-width: 1300px) { .course-field[data-lecture] .course-field-body { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr) 17em; } }
`;

  function svg(tag, attributes = {}) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  }
  function inkOn(hex) {
    const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000000" : "#ffffff";
  }
  const signed = (value, digits = 1) => (Math.abs(value) < 0.5 * 10 ** -digits ? "0" : value.toFixed(digits).replace("-", "−"));
  const grouped = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, "\u202f");

  // How strongly a correction is shown, from 0 to 1: a root, because most are small.
  const strength = (delta) => Math.sqrt(Math.min(1, Math.abs(delta) / FULL));
  // The arrowhead of one action: it points where the step would lead, and grows with the correction.
  function wedge(row, column, action, delta) {
    const size = 0.4 + 0.6 * strength(delta);
    const points = [[0, -0.48], [0.26, -0.21], [-0.26, -0.21]].map(([x, y]) => {
      let at = [size * x, -0.3 + size * (y + 0.3)];
      for (let turn = 0; turn < action; turn += 1) at = [-at[1], at[0]];
      return `${(column + 0.5 + at[0]).toFixed(3)},${(row + 0.5 + at[1]).toFixed(3)}`;
    });
    return points.join(" ");
  }

  function create(root, { room, title }, link) {
    const R = room.rows, C = room.columns, S = R * C;
    const at = (r, c) => r * C + c;
    const state = (cell) => at(cell[0], cell[1]);
    const START = state(room.start), GOAL = state(room.goal);
    const ours = new Set(room.walls.map(state)), mud = new Set(room.mud.map(state));
    const now = { walls: new Set(), friction: 0, shots: 0, values: false, answer: null, painting: null, scale: [0, 1] };

    root.classList.add("course-field");
    const theme = course.dress(root, () => paint());
    const lecture = course.lecture(root);
    root.style.setProperty("--course-shape", C / R);

    // --- elements

    const valuesButton = h("button", { type: "button", "aria-pressed": "false", onclick: () => { now.values = !now.values; paint(); } }, "Show values");
    const again = course.button({ icon: "restart", text: "Start again", onclick: () => { take(room.first); send(); } });
    const friction = course.slider({
      label: mud.size ? "Mud friction in target" : "Friction in target", low: 0, high: 0.95, step: 0.05, mean: room.friction, value: room.first.friction,
    }, (value) => { now.friction = value; send(); });
    friction.row.querySelector(".course-hidden").textContent = `the arrow marks the source's friction, ${room.friction}`;
    const names = [...room.shots.map(grouped), "exact"], counts = [...room.shots, 0];
    const shots = course.stops("Target transitions seen", names, names.length - 1, (i) => { now.shots = counts[i]; send(); });
    const problem = h("div", { role: "alert" });
    const says = h("div", { class: "course-field-says", role: "status" });

    function plane(kind, heading, label) {
      const cells = [], focus = { at: START };
      const grid = h("div", { class: "course-field-cells", role: "grid", "aria-label": label, "aria-rowcount": R, "aria-colcount": C });
      for (let r = 0; r < R; r += 1) {
        const row = h("div", { class: "course-field-row", role: "row" });
        for (let c = 0; c < C; c += 1) {
          cells.push(h("div", { class: "course-field-cell", role: "gridcell", tabindex: at(r, c) === START ? "0" : "-1", "data-state": at(r, c) }));
          row.append(cells[at(r, c)]);
        }
        grid.append(row);
      }
      const drawing = svg("svg", { viewBox: `0 0 ${C} ${R}`, "aria-hidden": "true", class: "course-dims" });
      const element = h("div", { class: `course-field-room course-field-${kind}` }, h("strong", {}, heading), h("div", { class: "course-field-plane" }, grid, drawing));
      const me = { kind, cells, grid, drawing, element, focus };
      function move(to) {
        cells[focus.at].tabIndex = -1;
        focus.at = to;
        cells[to].tabIndex = 0;
      }
      grid.addEventListener("focusin", (event) => { const i = event.target.dataset.state; if (i !== undefined) { move(+i); tell(me, +i); } });
      grid.addEventListener("pointerover", (event) => { const i = event.target.dataset.state; if (i !== undefined) tell(me, +i); });
      grid.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        const [r, c] = [Math.floor(focus.at / C), focus.at % C];
        const to = { ArrowUp: [r - 1, c], ArrowDown: [r + 1, c], ArrowLeft: [r, c - 1], ArrowRight: [r, c + 1], Home: [r, 0], End: [r, C - 1],
          PageUp: [0, c], PageDown: [R - 1, c] }[event.key];
        if (to) cells[at(Math.min(R - 1, Math.max(0, to[0])), Math.min(C - 1, Math.max(0, to[1])))].focus();
        else if (kind === "target" && (event.key === " " || event.key === "Enter")) build(focus.at, !now.walls.has(focus.at));
        else return;
        event.preventDefault();
        event.stopPropagation();
      });
      return me;
    }
    const source = plane("source", "Source: where it is trained", "Source: the correction in each cell");
    const target = plane("target", "Target: build walls here", "Target: click a cell to build a wall or take it away");

    // A press builds or takes away, and a drag goes on with the same.
    target.grid.addEventListener("pointerdown", (event) => {
      const i = event.target.dataset.state;
      if (i === undefined || event.button !== 0) return;
      event.target.releasePointerCapture?.(event.pointerId); // touch would keep all events in the first cell
      now.painting = !now.walls.has(+i);
      build(+i, now.painting);
    });
    target.grid.addEventListener("pointerover", (event) => {
      const i = event.target.dataset.state;
      if (now.painting !== null && event.buttons & 1 && i !== undefined) build(+i, now.painting);
    });
    const lift = () => { now.painting = null; };
    window.addEventListener("pointerup", lift);
    window.addEventListener("pointercancel", lift);

    const body = h("tbody");
    const key = h("div", { class: "course-field-key" });
    root.append(
      h("style", {}, CSS),
      h("div", { class: "course-field-head" }, h("div", { class: "course-field-title" }, title), valuesButton, again, lecture.button),
      h("div", { class: "course-field-body", role: "group", "aria-label": title },
        source.element, target.element,
        h("div", { class: "course-field-side" },
          h("div", {}, friction.row, shots.row),
          h("table", { "aria-label": "Returns in the target" },
            h("thead", {}, h("tr", {}, h("th", { colspan: "2" }, "trained in"), h("th", {}, "return in target"))), body))),
      says, key, problem,
    );

    // --- picture

    const colours = () => {
      const kind = theme.dark ? "dark" : "light";
      return { punish: PUNISH[kind], reward: REWARD[kind], paper: theme.colours.paper };
    };
    // Violet, blue and green beside the orange triangles.
    const wayColour = (i) => theme.series(WAYS[i].series);

    function drawWay(drawing, path, i) {
      const { dash, shift } = WAYS[i];
      const points = path.map((s) => [(s % C) + 0.5 + shift, Math.floor(s / C) + 0.5 + shift]);
      const list = points.map((p) => p.map((x) => x.toFixed(3)).join(",")).join(" ");
      const line = { points: list, fill: "none", "stroke-linejoin": "round", "stroke-linecap": "round" };
      drawing.append(svg("polyline", { ...line, stroke: theme.colours.paper, "stroke-width": 0.2 }));
      drawing.append(svg("polyline", { ...line, stroke: wayColour(i), "stroke-width": 0.11, "stroke-dasharray": dash.join(" ") }));
      if (path[path.length - 1] === GOAL) return;
      const [x, y] = points[points.length - 1], a = 0.17;
      const cross = `M${x - a},${y - a}L${x + a},${y + a}M${x - a},${y + a}L${x + a},${y - a}`;
      drawing.append(svg("path", { d: cross, stroke: theme.colours.paper, "stroke-width": 0.24, "stroke-linecap": "round" }));
      drawing.append(svg("path", { d: cross, stroke: wayColour(i), "stroke-width": 0.13, "stroke-linecap": "round", class: "course-field-stuck" }));
    }

    function drawEnds(drawing) {
      for (const [letter, s] of [["S", START], ["G", GOAL]]) {
        const x = (s % C) + 0.5, y = Math.floor(s / C) + 0.5;
        drawing.append(svg("circle", { cx: x, cy: y, r: 0.34, fill: theme.colours.paper, stroke: theme.colours.ink, "stroke-width": 0.06 }));
        const text = svg("text", { x, y: y + 0.165, "text-anchor": "middle", "font-size": 0.46, "font-weight": 700, fill: theme.colours.ink });
        text.textContent = letter;
        drawing.append(text);
      }
    }

    // Numbers stand above the ways, on a rim of their cell's colour.
    function drawNumbers({ drawing, cells }) {
      const size = Math.max(0.34, 15 / (cells[0].clientWidth + 1)); // cells
      for (let s = 0; s < S; s += 1) {
        const { number, colour } = cells[s].dataset;
        if (!number) continue;
        const text = svg("text", { x: (s % C) + 0.5, y: Math.floor(s / C) + 0.5 + 0.36 * size, "text-anchor": "middle", "font-size": size, "font-weight": 600,
          fill: inkOn(colour), stroke: colour, "stroke-width": 0.28 * size, "stroke-linejoin": "round", "paint-order": "stroke" });
        text.textContent = number;
        drawing.append(text);
      }
    }

    function ground(room_, values) {
      const [low, high] = now.scale;
      const isTarget = room_.kind === "target";
      const wide = room_.cells[0].clientWidth;
      for (let s = 0; s < S; s += 1) {
        const cell = room_.cells[s], wall = isTarget ? now.walls.has(s) : ours.has(s);
        const changed = isTarget && now.walls.has(s) !== ours.has(s);
        if (wall) cell.dataset.wall = changed ? "new" : "old";
        else delete cell.dataset.wall;
        cell.toggleAttribute("data-gone", changed && !wall);
        cell.toggleAttribute("data-mud", mud.has(s) && !wall);
        const shown = now.values && values && !wall;
        const colour = shown ? course.mix(theme.colours.paper, theme.colours.accent, 0.75 * ((values[s] - low) / (high - low || 1))) : "";
        cell.style.backgroundColor = cell.dataset.colour = colour;
        const number = shown && s !== START && s !== GOAL ? signed(values[s], 0) : "";
        cell.dataset.number = number.length * 9 < wide ? number : "";
        cell.setAttribute("aria-label", sentence(room_, s));
      }
    }

    function paint() {
      const wall = theme.dark ? "#8d9aa8" : "#48535f", hair = theme.dark ? "#33404e" : "#d9dfe6";
      root.style.setProperty("--course-wall", wall);
      root.style.setProperty("--course-hair", hair);
      const answer = now.answer;
      valuesButton.setAttribute("aria-pressed", String(now.values));
      source.drawing.replaceChildren();
      target.drawing.replaceChildren();
      const free = [];
      if (answer) {
        for (let s = 0; s < S; s += 1) {
          if (!ours.has(s)) free.push(answer.source_value[s]);
          if (!now.walls.has(s)) free.push(answer.target_value[s]);
        }
      }
      now.scale = [Math.min(...free), Math.max(...free)];
      ground(source, answer?.source_value);
      ground(target, answer?.target_value);
      if (!answer) return;
      const { punish, reward, paper } = colours();
      for (const i of [2, 0, 1]) { // the corrected way on top
        if (i < 2) drawWay(source.drawing, answer.outcomes[i].source_path, i);
        drawWay(target.drawing, answer.outcomes[i].target_path, i);
      }
      if (!now.values) {
        const drawn = document.createDocumentFragment();
        for (let s = 0; s < S; s += 1) {
          if (ours.has(s) || s === GOAL) continue;
          for (let a = 0; a < 4; a += 1) {
            const delta = answer.correction[4 * s + a];
            if (Math.abs(delta) < VISIBLE) continue;
            const colour = course.mix(paper, delta < 0 ? punish : reward, 0.45 + 0.55 * strength(delta));
            drawn.append(svg("polygon", { points: wedge(Math.floor(s / C), s % C, a, delta), fill: delta < 0 ? colour : paper, stroke: colour,
              "stroke-width": 0.03, "stroke-linejoin": "round", class: "course-field-wedge" }));
          }
        }
        source.drawing.append(drawn);
      }
      for (const one of [source, target]) {
        if (now.values) drawNumbers(one);
        drawEnds(one.drawing);
      }
      body.replaceChildren(...answer.outcomes.map((outcome, i) => {
        const line = svg("svg", { viewBox: "0 0 46 16", class: "course-field-line", "aria-hidden": "true" });
        line.append(svg("path", { d: "M4,8H42", stroke: wayColour(i), "stroke-width": 4.5, "stroke-linecap": "round", "stroke-dasharray": WAYS[i].dash.map((x) => x * 38).join(" ") }));
        const fate = outcome.arrival < STUCK ? "never arrives" : outcome.arrival < 1 - STUCK ? `arrives ${(100 * outcome.arrival).toFixed(0)} %` : null;
        return h("tr", {}, h("td", {}, line), h("th", { scope: "row" }, outcome.name), h("td", {}, signed(outcome.expected_return), fate ? h("small", {}, fate) : null));
      }));
      const triangle = (colour, hollow) => {
        const icon = svg("svg", { viewBox: "0 0 20 18", "aria-hidden": "true" });
        icon.append(svg("polygon", { points: "3,2 15,9 3,16", fill: hollow ? paper : colour, stroke: colour, "stroke-width": 2.5, "stroke-linejoin": "round" }));
        return icon;
      };
      key.replaceChildren(
        h("span", {}, triangle(punish, false), `filled: δr punishes (full size from −${FULL} nats)`),
        h("span", {}, triangle(reward, true), "hollow: δr rewards"),
        ...["✕ stuck", ...(mud.size ? ["dotted: mud"] : []),
          ...([...now.walls].some((s) => !ours.has(s)) ? ["hatched: wall in the target only"] : []),
          ...([...ours].some((s) => !now.walls.has(s)) ? ["framed: wall in the source only"] : [])].map((words) => h("span", {}, words)),
      );
    }

    // --- words

    function sentence(room_, s) {
      const place = `row ${Math.floor(s / C) + 1}, column ${(s % C) + 1}${s === START ? " (start)" : s === GOAL ? " (goal)" : ""}`;
      const answer = now.answer;
      if (room_.kind === "target") {
        const wall = now.walls.has(s), other = ours.has(s);
        const what = wall ? (other ? "wall" : "wall that only the target has") : other ? "free, in the source a wall" : mud.has(s) ? "mud" : "free";
        const worth = answer && !wall ? `, worth ${signed(answer.target_value[s])}` : "";
        return `Target, ${place}: ${what}${worth}`;
      }
      if (ours.has(s)) return `Source, ${place}: wall`;
      if (!answer) return `Source, ${place}`;
      if (s === GOAL) return `Source, ${place}: worth 0`;
      const deltas = ACTIONS.map((name, a) => `${name} ${signed(answer.correction[4 * s + a], 2)}`).join(", ");
      return `Source, ${place}: δr ${deltas} nats; worth ${signed(answer.source_value[s])} with it`;
    }
    let told = null;
    function tell(room_, s) {
      told = [room_, s];
      const fixed = s === START || s === GOAL;
      const hint = room_.kind === "target" && !fixed ? (now.walls.has(s) ? ". Click or space takes it away" : ". Click or space builds a wall") : "";
      says.textContent = sentence(room_, s) + hint;
    }

    // --- what a person does

    function build(s, wall) {
      if (s === START || s === GOAL || now.walls.has(s) === wall) return;
      if (wall) now.walls.add(s);
      else now.walls.delete(s);
      ground(target, now.answer?.target_value); // at once; ways and values follow with the answer
      tell(target, s);
      send();
    }
    const cells = () => [...now.walls].sort((a, b) => a - b).map((s) => [Math.floor(s / C), s % C]);
    function send() { link({ walls: cells(), friction: now.friction, shots: now.shots }); }
    function take(value) {
      now.walls = new Set(value.walls.map(state));
      now.friction = value.friction;
      now.shots = value.shots;
      friction.set(value.friction);
      shots.set(counts.indexOf(value.shots));
      paint();
    }
    function answered(answer) {
      now.answer = answer;
      paint();
      if (told) tell(...told);
      course.painted((time) => course.tell(root, "field", { at: time, of: answer.of }));
    }
    function failed(words) {
      problem.replaceChildren(...(words ? [h("div", { class: "course-field-error" }, h("strong", {}, "This room could not be computed: "), words)] : []));
    }

    says.textContent = "Click or drag in the target to build walls; point at a cell to read its numbers.";
    const sizes = new ResizeObserver(() => paint());
    sizes.observe(source.grid); // not the whole: a longer sentence below changes its height, and nothing to draw
    return { take, answered, failed, destroy() {
      sizes.disconnect(); theme.stop();
      window.removeEventListener("pointerup", lift); window.removeEventListener("pointercancel", lift);
    } };
  }

  function render({ model, el }) {
    const root = h("div");
    el.append(root);
    const line = course.line(root, model);
    let mine = null; // what this view has said last: its echo must not undo a newer stroke
    const view = create(root, { room: model.get("room"), title: model.get("title") }, (value) => {
      mine = JSON.stringify(value);
      line.asked();
      line.save({ target: value });
    });
    const follow = () => { if (mine !== JSON.stringify(model.get("target"))) view.take(model.get("target")); };
    const answer = () => view.answered(model.get("answer"));
    const problem = () => view.failed(model.get("problem"));
    const done = () => line.heard(course.words(model.get("worked_on")) === course.words(model.get("target")));
    model.on("change:target", follow);
    model.on("change:answer", answer);
    model.on("change:problem", problem);
    model.on("change:worked_on", done);
    view.take(model.get("target"));
    answer();
    problem();
    return () => { model.off("change:target", follow); model.off("change:answer", answer); model.off("change:problem", problem); model.off("change:worked_on", done); line.close(); view.destroy(); };
  }

  course.correction_field = { create, render };
}
