// The return over two parameters as a heat map; a chosen cell plays in the player beside it. Cells are
// elements and not pixels, so that a keyboard and a screen reader can walk them.

{
  const { h } = course;

  const CSS = `
.course-map { padding: 10px; }
.course-map-head { display: flex; flex-wrap: wrap; gap: 8px 18px; align-items: center; margin-bottom: 8px; }
.course-map-title { font-weight: 700; font-size: 18px; margin-right: auto; }
.course-map-head label { font-weight: 600; display: inline-flex; gap: 8px; align-items: center; }
.course-map-body { display: grid; grid-template-columns: minmax(0, 1fr); gap: 10px 22px; }
.course-map-left, .course-map-right { min-width: 0; display: flex; flex-direction: column; gap: 6px; }
.course-map-right .course-player { flex: 1 1 auto; }
.course-map-plot { display: grid; grid-template-columns: auto minmax(0, 1fr) auto; grid-template-rows: auto minmax(0, 1fr) auto auto; column-gap: 8px; }
.course-map-name { color: var(--course-muted); white-space: nowrap; padding-bottom: 6px; }
.course-map-name.course-map-of-columns { grid-area: 4 / 2; text-align: center; }
.course-map-name.course-map-of-rows { grid-area: 1 / 1 / 2 / 3; }
.course-map-name.course-map-of-values { grid-area: 1 / 2 / 2 / 4; text-align: right; }
.course-map-ticks { position: relative; color: var(--course-muted); font-variant-numeric: tabular-nums; }
.course-map-ticks > span { position: absolute; line-height: 20px; white-space: nowrap; }
.course-map-ticks.course-map-up { grid-area: 2 / 1; text-align: right; }
.course-map-ticks.course-map-up > span { right: 0; transform: translateY(50%); }
.course-map-ticks.course-map-along { grid-area: 3 / 2; height: 24px; }
.course-map-ticks.course-map-along > span { transform: translateX(-50%); top: 2px; }
.course-map-cells { grid-area: 2 / 2; position: relative; display: grid; gap: 1px; background: var(--course-paper); }
.course-map-row { display: grid; grid-auto-flow: column; grid-auto-columns: minmax(0, 1fr); gap: 1px; }
.course-map-cell { display: flex; align-items: center; justify-content: center; cursor: pointer; position: relative; overflow: hidden;
  font-variant-numeric: tabular-nums; line-height: 1; border-radius: 2px; user-select: none; }
.course-map-cell[data-empty] { background: repeating-linear-gradient(135deg, var(--course-panel) 0 6px, color-mix(in srgb, var(--course-line) 25%, var(--course-panel)) 6px 7px); }
.course-map-cell:hover { box-shadow: inset 0 0 0 2px var(--course-paper), inset 0 0 0 4px var(--course-ink); }
.course-map-cell[aria-selected=true] { box-shadow: inset 0 0 0 3px #fff, inset 0 0 0 6px #000; }
.course-map-cell:focus-visible { outline: 4px solid var(--course-accent); outline-offset: 1px; z-index: 3; overflow: visible; }
.course-map-trained { position: absolute; pointer-events: none; z-index: 2; margin: -3px; border: 5px solid #fff; border-radius: 4px; }
.course-map-trained::after { content: ""; position: absolute; inset: -4px; border: 3px dashed #000; border-radius: 3px; }
.course-map-bar { grid-area: 2 / 3; display: grid; grid-template-columns: 20px auto; column-gap: 6px; margin-left: 8px; }
.course-map-bar > i { border-radius: 4px; border: 1px solid var(--course-line); }
.course-map-bar .course-map-ticks { min-width: 3.2em; }
.course-map-bar .course-map-ticks > span { transform: translateY(50%); }
.course-map-foot { display: flex; flex-wrap: wrap; gap: 4px 18px; align-items: center; color: var(--course-muted); min-height: 28px; }
.course-map-foot i { display: inline-block; width: 26px; height: 18px; border: 3px dashed var(--course-ink); border-radius: 4px; }
.course-map-foot > span { display: inline-flex; gap: 8px; align-items: center; }
.course-map-foot progress { width: 110px; height: 10px; accent-color: var(--course-accent); }
.course-map-says { min-height: 3.2em; }
.course-map-says > strong { display: block; font-size: 18px; }
.course-map-error { border: 3px solid var(--course-ink); border-left-width: 12px; border-radius: 9px; padding: 8px 12px; background: var(--course-panel); }
.course-map-error summary { cursor: pointer; font-weight: 600; min-height: 32px; padding: 4px 0; }
.course-map-error pre { font: 16px/1.4 ui-monospace, "DejaVu Sans Mono", monospace; white-space: pre-wrap; overflow-wrap: anywhere;
  max-height: 220px; overflow: auto; margin: 0; color: var(--course-ink); background: transparent; }
@container (min-width: 760px) { .course-map-body { grid-template-columns: minmax(0, 1.2fr) minmax(0, 1fr); } }
.course-map[data-lecture] .course-map-body { height: calc(100vh - 90px); }
.course-map[data-lecture] .course-map-right { min-height: 0; }
.course-map[data-lecture] .course-map-plot { flex: 1 1 auto; }
`;

  const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255);
  // Black or white, whichever stands out more (WCAG's contrast).
  function inkOn(hex) {
    const [r, g, b] = rgb(hex).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000000" : "#ffffff";
  }
  const plain = (value) => String(+value.toPrecision(6));
  const withUnit = (axis, i) => `${axis.label} ${plain(axis.values[i])}${axis.unit ? ` ${axis.unit}` : ""}`;
  const axisName = (axis) => `${axis.label}${axis.unit ? ` (${axis.unit})` : ""}`;
  const shorter = (value) => (Math.abs(value) >= 1000 ? `${(value / 1000).toFixed(1)}k` : value.toFixed(0));

  // What is shown of a cell: its own value, or while it is unknown that of the coarse cell it belongs to.
  function coarse(values, r, c, columns) {
    for (let stride = 2; stride <= 256; stride *= 2) {
      const value = values[Math.floor(r / stride) * stride * columns + Math.floor(c / stride) * stride];
      if (value !== undefined) return value;
    }
    return undefined;
  }

  function create(root, { scene, rows, columns, policies, policy, title, valueLabel, limits, colours }, link, line) {
    const R = rows.values.length, C = columns.values.length;
    root.classList.add("course-map");
    let player = null;
    const theme = course.dress(root, () => { player?.redraw(); paint(); });
    const lecture = course.lecture(root);
    const state = {
      policy, values: Object.fromEntries(policies.map((name) => [name, new Array(R * C)])),
      focus: [Math.floor(R / 2), Math.floor(C / 2)], selected: null, asked: 0, begun: -1, touched: false, waits: false,
    };
    const values = () => state.values[state.policy];

    // --- elements

    const pickerId = course.id("policy");
    const picker = h("select", { id: pickerId, onchange: () => choose(picker.value) },
      ...policies.map((name) => h("option", { value: name, selected: name === policy }, name)));
    const cells = [];
    const grid = h("div", { class: "course-map-cells", role: "grid", "aria-rowcount": R, "aria-colcount": C,
      "aria-label": `${valueLabel} by ${axisName(rows)} and ${axisName(columns)}` });
    for (let r = R - 1; r >= 0; r -= 1) { // the highest row is at the top
      const row = h("div", { class: "course-map-row", role: "row" });
      for (let c = 0; c < C; c += 1) {
        const cell = h("div", { class: "course-map-cell", role: "gridcell", tabindex: "-1", onclick: () => { move(r, c); play(r, c); } });
        cells[r * C + c] = cell;
        row.append(cell);
      }
      grid.append(row);
    }
    const inside = (axis) => {
      if (!axis.range) return [0, axis.values.length - 1];
      const at = axis.values.map((v, i) => (v >= axis.range[0] - 1e-9 && v <= axis.range[1] + 1e-9 ? i : -1)).filter((i) => i >= 0);
      return at.length ? [at[0], at[at.length - 1]] : null;
    };
    const boxRows = inside(rows), boxColumns = inside(columns);
    const hasBox = (rows.range || columns.range) && boxRows && boxColumns;
    if (hasBox) {
      grid.append(h("div", { class: "course-map-trained", "aria-hidden": "true", style:
        `left:${(100 * boxColumns[0]) / C}%;right:${100 - (100 * (boxColumns[1] + 1)) / C}%;bottom:${(100 * boxRows[0]) / R}%;top:${100 - (100 * (boxRows[1] + 1)) / R}%` }));
    }
    const up = h("div", { class: "course-map-ticks course-map-up", "aria-hidden": "true" });
    const along = h("div", { class: "course-map-ticks course-map-along", "aria-hidden": "true" });
    const barTicks = h("div", { class: "course-map-ticks", "aria-hidden": "true" });
    const bar = h("div", { class: "course-map-bar" }, h("i", { style: `background:linear-gradient(to top, ${colours.join(", ")})` }), barTicks);
    const progress = h("progress", { max: R * C, value: 0, "aria-label": "Cells computed" });
    const count = h("span", {});
    const filling = h("span", {}, progress, count);
    const plot = h("div", { class: "course-map-plot" },
      h("div", { class: "course-map-name course-map-of-rows" }, axisName(rows)),
      h("div", { class: "course-map-name course-map-of-values" }, valueLabel),
      up, grid, bar, along,
      h("div", { class: "course-map-name course-map-of-columns" }, axisName(columns)));
    const says = h("strong", {}, "Choose a cell to watch the robot there"), fate = h("span", {});
    const problem = h("div", { role: "alert" });
    player = course.player.create({ scene, theme, says: false, extra: [lecture.button] });
    root.append(
      h("style", {}, CSS),
      h("div", { class: "course-map-head" },
        h("div", { class: "course-map-title" }, title || `Where does the ${scene.name} keep going?`),
        policies.length > 1 ? h("label", { for: pickerId }, "Policy", picker) : null),
      h("div", { class: "course-map-body", role: "group", "aria-label": title || `Robustness map of the ${scene.name}` },
        h("div", { class: "course-map-left" }, plot,
          h("div", { class: "course-map-foot" }, hasBox ? h("span", {}, h("i", { "aria-hidden": "true" }), "training range") : null, filling)),
        h("div", { class: "course-map-right" }, h("div", { class: "course-map-says", role: "status" }, says, fate), problem, player.element)),
    );

    // --- picture

    function scale() {
      if (limits.length) return limits;
      let low = Infinity, high = -Infinity;
      for (const list of Object.values(state.values)) {
        for (const value of list) {
          if (Number.isFinite(value)) { low = Math.min(low, value); high = Math.max(high, value); }
        }
      }
      return low < high ? [low, high] : Number.isFinite(low) ? [low, low + 1] : [0, 1];
    }
    const sentence = (r, c) => {
      const value = values()[r * C + c];
      const result = value === undefined ? "not computed yet" : Number.isFinite(value) ? `${valueLabel} ${value.toFixed(0)}` : "no return: the simulation diverged";
      return `${withUnit(rows, r)}, ${withUnit(columns, c)}: ${result}`;
    };

    function paint() {
      const [low, high] = scale(), list = values();
      const colourOf = (value) => colours[Math.round(Math.min(1, Math.max(0, (value - low) / (high - low))) * (colours.length - 1))];
      const room = grid.clientWidth / C - 4, tall = grid.clientHeight / R;
      const known = list.filter((value) => value !== undefined);
      const fits = (words) => tall >= 20 && Math.max(1, ...words.map((w) => w.length)) * 9.6 <= room;
      const finite = known.filter(Number.isFinite);
      const write = [(v) => v.toFixed(0), shorter].find((f) => fits(finite.map(f))) ?? (() => "");
      for (let r = 0; r < R; r += 1) {
        for (let c = 0; c < C; c += 1) {
          const cell = cells[r * C + c], value = list[r * C + c];
          const shown = value ?? coarse(list, r, c, C);
          const filled = Number.isFinite(shown);
          const colour = filled ? (value === undefined ? course.mix(colourOf(shown), theme.colours.paper, 0.35) : colourOf(shown)) : "";
          cell.style.background = colour;
          cell.style.color = filled ? inkOn(colour) : "";
          cell.toggleAttribute("data-empty", !filled);
          cell.textContent = value === undefined ? "" : Number.isFinite(value) ? write(value) : "×";
          cell.setAttribute("aria-label", sentence(r, c));
          const selected = state.selected && state.selected[0] === r && state.selected[1] === c;
          cell.setAttribute("aria-selected", String(Boolean(selected)));
          cell.tabIndex = r === state.focus[0] && c === state.focus[1] ? 0 : -1;
        }
      }
      barTicks.replaceChildren(...(finite.length || limits.length ? course.ticks(low, high, 5).filter((t) => t >= low - 1e-9 && t <= high + 1e-9) : []).map((tick) =>
        h("span", { style: `bottom:${(100 * (tick - low)) / (high - low)}%` }, course.shortNumber(tick))));
      filling.hidden = known.length === R * C;
      filling.style.display = filling.hidden ? "none" : "";
      progress.value = known.length;
      count.textContent = `${known.length} of ${R * C} cells`;
    }

    function layout() {
      const tall = root.hasAttribute("data-lecture") ? 0 : Math.round(Math.min(52, Math.max(22, 340 / R)));
      grid.style.gridAutoRows = tall ? `${tall}px` : "minmax(0, 1fr)";
      const width = grid.clientWidth / C, every = Math.ceil((Math.max(...columns.values.map((v) => plain(v).length)) * 9.5 + 10) / width);
      const skip = Math.ceil(20 / Math.max(1, grid.clientHeight / R));
      along.replaceChildren(...columns.values.map((v, i) => (i % every ? null : h("span", { style: `left:${(100 * (i + 0.5)) / C}%` }, plain(v)))).filter(Boolean));
      up.replaceChildren(...rows.values.map((v, i) => (i % skip ? null : h("span", { style: `bottom:${(100 * (i + 0.5)) / R}%` }, plain(v)))).filter(Boolean));
      up.style.width = `${Math.max(...rows.values.map((v) => plain(v).length)) * 9.6 + 2}px`;
      paint();
    }

    // --- what a person does

    function move(r, c, focus = false) {
      cells[state.focus[0] * C + state.focus[1]].tabIndex = -1;
      state.focus = [Math.min(R - 1, Math.max(0, r)), Math.min(C - 1, Math.max(0, c))];
      const cell = cells[state.focus[0] * C + state.focus[1]];
      cell.tabIndex = 0;
      if (focus) cell.focus();
    }
    function play(r, c) {
      state.selected = [r, c];
      state.touched = true;
      state.asked += 1;
      problem.replaceChildren();
      says.textContent = course.sentenceCase(sentence(r, c));
      fate.textContent = "";
      paint();
      state.waits = true;
      line.asked();
      link.play(`${root.dataset.view}:${state.asked}`, state.policy, r, c);
    }
    function choose(name) {
      if (name === state.policy) return;
      state.policy = picker.value = name;
      problem.replaceChildren();
      link.policy(name);
      if (state.selected) play(...state.selected);
      paint();
    }
    grid.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const [r, c] = state.focus;
      const to = { ArrowUp: [r + 1, c], ArrowDown: [r - 1, c], ArrowLeft: [r, c - 1], ArrowRight: [r, c + 1], Home: [r, 0], End: [r, C - 1],
        PageUp: [R - 1, c], PageDown: [0, c] }[event.key];
      if (to) move(...to, true);
      else if (event.key === "Enter" || event.key === " ") play(r, c);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });

    // --- what the kernel says

    function cellsCame(name, at, buffer) {
      const numbers = new Float64Array(course.bytes(buffer).slice().buffer);
      at.forEach((i, k) => { state.values[name][i] = numbers[k]; });
      if (state.selected && name === state.policy && at.includes(state.selected[0] * C + state.selected[1])) {
        says.textContent = course.sentenceCase(sentence(...state.selected));
      }
      paint();
      line.heard(!state.waits);
      if (name === state.policy && at.length && !state.touched) { // something moves before anybody has clicked
        const middle = ([a, b]) => Math.floor((a + b) / 2);
        const start = hasBox ? [middle(boxRows), middle(boxColumns)] : state.focus;
        move(...start);
        play(...start);
      }
      course.painted((time) => course.tell(root, "cells", { at: time, known: values().filter((v) => v !== undefined).length }));
    }
    const mine = (id) => id === `${root.dataset.view}:${state.asked}`;
    function piece(message, buffer) {
      if (!mine(message.id)) return;
      if (message.start === 0) {
        player.begin({ ...message, labels: null });
        state.begun = state.asked;
        if (!course.reducedMotion()) player.play();
      }
      line.heard(false);
      if (state.begun !== state.asked) return;
      player.append(message, buffer);
      if (message.start === 0) course.painted((time) => course.tell(root, "rollout", { at: time }));
    }
    function end(message) {
      if (!mine(message.id) || state.begun !== state.asked) return;
      player.finish(null);
      state.waits = false;
      line.heard(true);
      const now = player.state.now;
      fate.textContent = `${now.rollouts > 1 ? "These rollouts" : "This rollout"}: ${now.sentence()}`;
    }
    function error(message) {
      if (message.what === "rollout" && !mine(message.id)) return;
      if (message.what === "rollout") state.waits = false;
      line.heard(!state.waits);
      const again = message.what === "map"
        ? course.button({ icon: "restart", text: "Try again", onclick: () => { problem.replaceChildren(); link.policy(state.policy); } }) : null;
      problem.replaceChildren(h("div", { class: "course-map-error" },
        h("strong", {}, message.what === "map" ? `The map of “${message.policy}” stopped: ` : "This rollout failed: "), message.message,
        h("details", {}, h("summary", {}, "Where it happened"), h("pre", { tabindex: "0" }, message.details)), again));
    }

    root.dataset.view = course.id("view");
    line.asked(); // what it knows
    const sizes = new ResizeObserver(layout);
    sizes.observe(root);
    layout();
    return { choose, cellsCame, piece, end, error, destroy() { sizes.disconnect(); theme.stop(); player.destroy(); } };
  }

  function render({ model, el }) {
    const root = h("div");
    el.append(root);
    const line = course.line(root, model);
    const view = create(root, {
      scene: model.get("scene"), rows: model.get("rows"), columns: model.get("columns"), policies: model.get("policies"),
      policy: model.get("policy"), title: model.get("title"), valueLabel: model.get("value_label"), limits: model.get("limits"),
      colours: model.get("colours"),
    }, {
      policy: (name) => { line.save({ policy: name }); line.send({ type: "policy", policy: name }); },
      play: (id, policy, row, column) => line.send({ type: "play", id, policy, row, column }),
    }, line);
    function message(content, buffers) {
      if (content.type === "cells") view.cellsCame(content.policy, content.at, buffers[0]);
      else if (content.type === "piece") view.piece(content, buffers[0]);
      else if (content.type === "end") view.end(content);
      else if (content.type === "error") view.error(content);
    }
    const follow = () => view.choose(model.get("policy"));
    model.on("msg:custom", message);
    model.on("change:policy", follow);
    line.send({ type: "ready" });
    return () => { model.off("msg:custom", message); model.off("change:policy", follow); line.close(); view.destroy(); };
  }

  course.robustness_map = { create, render };
}
