// Sliders over the physics beside the robot that feels them. Who answers is behind `link`: the kernel,
// piece by piece, or a grid that was computed before. The face is the same.

{
  const { h } = course;
  const MOST_KEPT = 3;

  const CSS = `
.course-panel { padding: 10px; }
.course-panel-grid { display: grid; grid-template-columns: minmax(0, 1fr); gap: 10px 20px; }
.course-panel-show { display: flex; flex-direction: column; gap: 6px; min-width: 0; order: -1; }
.course-panel-show .course-player { flex: 1 1 auto; }
.course-panel-controls { display: flex; flex-direction: column; gap: 6px; min-width: 0; }
.course-policy { display: grid; gap: 2px; }
.course-policy label { font-weight: 600; }
.course-policy select { width: 100%; }
.course-key { display: flex; flex-wrap: wrap; gap: 2px 18px; color: var(--course-muted); }
.course-key span { display: inline-flex; align-items: center; gap: 7px; }
.course-key i { position: relative; display: inline-block; width: 24px; height: 16px; }
.course-key i.course-key-mean { width: 14px; }
.course-key i > span { left: 0; width: 100%; top: 0; }
.course-key i.course-key-mean > span { left: 7px; width: 0; top: 4px; }
.course-actions { display: flex; gap: 8px; flex-wrap: wrap; }
.course-actions button { flex: 1 1 auto; }
.course-returns canvas { height: 100%; }
.course-kept { display: flex; flex-wrap: wrap; gap: 6px; }
.course-kept:empty { display: none; }
.course-kept button { font-weight: 500; padding: 2px 10px; }
@container (min-width: 700px) {
  .course-panel-grid { grid-template-columns: minmax(280px, 340px) minmax(0, 1fr); }
  .course-panel-show { order: 0; }
}
.course-panel[data-lecture] .course-panel-grid { height: calc(100vh - 20px); grid-template-columns: minmax(18em, 21em) minmax(0, 1fr); }
.course-panel[data-lecture] .course-panel-show { min-height: 0; }
`;

  // The returns of all rollouts as dots on one line; a cross for those that fell, a bar at the mean.
  function returnsStrip(theme) {
    const canvas = h("canvas", { role: "img", "aria-label": "Return of each rollout" });
    const element = h("div", { class: "course-returns" }, canvas);
    let scale = null;
    function draw(rows) {
      element.style.height = `${(58 + 40 * rows.length) / 16}em`;
      canvas.em = null;
      const { context, width, height } = course.fit(canvas, element.clientHeight);
      const c = theme.colours, left = 12, right = 14;
      const all = rows.flatMap((row) => row.result.returns);
      const low = Math.min(0, ...all), high = Math.max(...all, low + 1);
      // The scale grows with the data and shrinks only when most of it would be empty.
      const magnitude = 10 ** Math.floor(Math.log10(high));
      const nice = [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((m) => m * magnitude).find((m) => m >= high);
      if (!scale || nice > scale || nice < 0.4 * scale) scale = nice;
      const X = (value) => left + ((value - low) / (scale - low)) * (width - left - right);
      context.clearRect(0, 0, width, height);
      course.text(context, "return: ", left - 12, 16, { colour: c.muted });
      let pen = left - 12 + context.measureText("return: ").width;
      context.fillStyle = theme.series(0);
      context.beginPath();
      context.arc(pen + 7, 10.5, 5.5, 0, 7);
      context.fill();
      course.text(context, "standing", pen + 17, 16, { colour: c.muted });
      pen += 17 + context.measureText("standing").width + 14;
      course.cross(context, pen + 6, 10.5, 5, c.muted, 3);
      course.text(context, "fell", pen + 18, 16, { colour: c.muted });
      const axis = height - 25;
      context.strokeStyle = c.line;
      context.lineWidth = 1.5;
      context.setLineDash([]);
      context.beginPath();
      context.moveTo(left, axis);
      context.lineTo(width - right, axis);
      for (const share of [0, 0.5, 1]) {
        const x = X(low + share * (scale - low));
        context.moveTo(x, axis);
        context.lineTo(x, axis + 5);
      }
      context.stroke();
      [0, 0.5, 1].forEach((share, i) => course.text(context, `${Math.round(low + share * (scale - low))}`, [0, X(low + 0.5 * (scale - low)), width][i], height - 4, { colour: c.muted, align: ["left", "center", "right"][i] }));
      rows.forEach(({ result, series }, r) => {
        const hue = theme.series(series), y = 44 + 40 * r;
        result.returns.forEach((value, n) => {
          const x = X(value), dy = ((n * 5) % 7) * 3.6 - 10.8;
          if (result.fell[n]) course.cross(context, x, y + dy, 4, hue, 2.5);
          else {
            context.globalAlpha = 0.75;
            context.fillStyle = hue;
            context.beginPath();
            context.arc(x, y + dy, 5, 0, 7);
            context.fill();
            context.globalAlpha = 1;
          }
        });
        const mean = result.returns.reduce((sum, value) => sum + value, 0) / result.returns.length, x = X(mean);
        context.strokeStyle = c.ink;
        context.lineWidth = 3;
        context.setLineDash([]);
        context.beginPath();
        context.moveTo(x, y - 15);
        context.lineTo(x, y + 15);
        context.stroke();
        const rightmost = X(Math.max(...result.returns)), toRight = rightmost < width - 110;
        course.text(context, `mean ${mean.toFixed(0)}`, toRight ? rightmost + 14 : X(Math.min(...result.returns)) - 14, y + 6, { colour: c.ink, halo: c.paper, weight: 700, align: toRight ? "left" : "right" });
      });
      canvas.setAttribute("aria-label", rows.map(({ label, result }) => `${label}: returns from ${Math.min(...result.returns).toFixed(0)} to ${Math.max(...result.returns).toFixed(0)}`).join("; "));
    }
    return { element, draw };
  }

  //   scene, sliders, policies   from the kernel
  //   link.ask(id, values, policy)   asks for rollouts; answers come to `receive`
  //   line                           says when they do not come
  // Returns { receive, destroy }.
  function create(root, { scene, sliders: specs, policies, autoplay, values: start = {}, policy: startPolicy }, link, line) {
    let player = null;
    root.classList.add("course-panel");
    const theme = course.dress(root, () => { player?.redraw(); showReturns(); });
    const lecture = course.lecture(root);
    const view = course.id("view");
    const state = { asked: 0, answered: 0, waiting: null, current: null, kept: [], sent: new Map() };

    const policyId = course.id("policy");
    const picker = h("select", { id: policyId }, ...policies.map((name) => h("option", { value: name, selected: name === startPolicy }, name)));
    const sliders = specs.map((spec) => course.slider({ ...spec, value: start[spec.name] ?? spec.value }, () => ask()));
    const keepButton = course.button({ icon: "pin", text: "Keep as ghost", disabled: true, onclick: keep });
    const actions = h("div", { class: "course-actions" }, keepButton, course.button({ icon: "restart", text: "Reset", onclick: reset }));
    const kept = h("div", { class: "course-kept", role: "group", "aria-label": "Ghosts kept for comparison" });
    const strip = returnsStrip(theme);
    const sentence = h("div", { class: "course-says", role: "status" });
    const problem = h("div", { role: "alert" });
    const marked = specs.some((spec) => spec.range), meant = specs.some((spec) => spec.mean !== undefined && spec.mean !== null);
    const key = marked || meant ? h(
      "div", { class: "course-key", "aria-hidden": "true" },
      marked ? h("span", {}, h("i", {}, h("span", { class: "course-band" })), "training range") : null,
      meant ? h("span", {}, h("i", { class: "course-key-mean" }, h("span", { class: "course-mean" })), "mean") : null,
    ) : null;
    player = course.player.create({ scene, theme, says: false, extra: [lecture.button] });
    root.append(
      h("style", {}, CSS),
      h(
        "div", { class: "course-panel-grid", role: "group", "aria-label": `Physics of the ${scene.name}` },
        h(
          "div", { class: "course-panel-controls" },
          policies.length > 1 ? h("div", { class: "course-policy" }, h("label", { for: policyId }, "Policy"), picker) : null,
          ...sliders.map((slider) => slider.row), key, actions, strip.element,
        ),
        h("div", { class: "course-panel-show" }, sentence, problem, player.element, kept),
      ),
    );
    picker.addEventListener("change", () => ask());
    if (autoplay && !course.reducedMotion()) player.play();

    const values = () => Object.fromEntries(sliders.map((slider, i) => [specs[i].name, slider.value]));

    // --- asking: at most two questions are under way, so that a slow kernel never has to work off a
    // backlog; of those that wait only the newest is kept. One that has waited for long may have been lost.
    function ask() {
      state.asked += 1;
      const question = { id: `${view}:${state.asked}`, values: values(), policy: picker.value };
      if (state.sent.size < 2 || line.late) send(question);
      else state.waiting = question;
      line.asked();
    }
    function send(question) {
      state.sent.set(question.id, performance.now());
      state.waiting = null;
      course.tell(root, "asked", { id: question.id });
      link.ask(question);
    }
    const number = (id) => +id.split(":")[1];
    function answered(id) { // and with it all older ones, which the kernel has dropped
      if (!id.startsWith(`${view}:`)) return;
      for (const old of [...state.sent.keys()]) if (number(old) <= number(id)) state.sent.delete(old);
      if (state.waiting && state.sent.size < 2) send(state.waiting);
    }
    const allAnswered = () => !state.sent.size && !state.waiting; // an old answer may end while a newer question is under way
    function reset() {
      sliders.forEach((slider, i) => slider.set(specs[i].value ?? specs[i].mean ?? specs[i].low));
      picker.value = startPolicy;
      while (state.kept.length) drop(0);
      ask();
    }

    // --- answers

    const title = (message) => {
      const far = specs.filter((spec) => Math.abs(message.values[spec.name] - (spec.value ?? spec.mean)) > 1e-9);
      const words = far.slice(0, 2).map((spec) => {
        const digits = Math.max(course.decimals(spec.step ?? 1), Math.min(3, course.decimals(+message.values[spec.name].toFixed(3))));
        return `${spec.label} ${message.values[spec.name].toFixed(digits)}${spec.unit ? ` ${spec.unit}` : ""}`;
      });
      return [policies.length > 1 ? message.policy : "", ...words].filter(Boolean).join(", ") || "at the means";
    };
    function receive(message, buffer) {
      if (message.type === "error") {
        answered(message.id);
        line.heard(allAnswered());
        sentence.textContent = "";
        problem.replaceChildren(course.errorBox("The simulation stopped with an error.", message));
        course.tell(root, "failed", { id: message.id });
      } else if (message.type === "piece") {
        if (message.start === 0) {
          answered(message.id);
          state.current = message.id;
          if (!message.id.startsWith(`${view}:`)) { // another view of the same panel asked: follow it
            sliders.forEach((slider, i) => slider.set(message.values[specs[i].name]));
            picker.value = message.policy;
          }
          problem.replaceChildren();
          player.begin(message, { title: title(message) });
        }
        line.heard(false);
        if (message.id !== state.current) return;
        player.append(message, buffer);
        const { id, start: from } = message;
        if (from === 0) course.painted((at) => course.tell(root, "painted", { id, at, final: false }));
      } else if (message.type === "end" && message.id === state.current) {
        player.finish(message.result);
        line.heard(allAnswered());
        sentence.textContent = course.sentenceCase(player.state.now.sentence());
        keepButton.disabled = state.kept.length >= MOST_KEPT;
        showReturns();
        const { id } = message;
        course.painted((at) => course.tell(root, "painted", { id, at, final: true }));
      }
    }
    function showReturns() {
      const now = player?.state.now;
      if (!now?.result) return;
      strip.draw([{ label: player.state.title, result: now.result, series: 0 }, ...state.kept.map(({ label, series, recording }) => ({ label, series, result: recording.result }))]);
    }

    // --- ghosts kept for comparison

    function keep() {
      const recording = player.state.now;
      if (!recording?.result || state.kept.length >= MOST_KEPT) return;
      const series = [1, 2, 3].find((i) => !state.kept.some((ghost) => ghost.series === i));
      const ghost = { recording, series, label: player.state.title };
      const chip = h("button", { type: "button", "aria-label": `Remove ghost: ${ghost.label}` }, course.swatch(series), h("span", {}, ghost.label), course.icon("close"));
      chip.addEventListener("click", () => drop(state.kept.indexOf(ghost)));
      ghost.chip = chip;
      state.kept.push(ghost);
      kept.append(chip);
      player.pin(ghost.label, series);
      keepButton.disabled = state.kept.length >= MOST_KEPT;
      showReturns();
    }
    function drop(index) {
      const [ghost] = state.kept.splice(index, 1);
      ghost.chip.remove();
      player.unpin(index);
      keepButton.disabled = false;
      keepButton.focus({ preventScroll: true });
      showReturns();
    }

    const sizes = new ResizeObserver(() => showReturns());
    sizes.observe(strip.element);
    ask();
    return {
      receive,
      set(message) {
        sliders.forEach((slider, i) => { if (message.values[specs[i].name] !== undefined) slider.set(message.values[specs[i].name]); });
        if (message.policy) picker.value = message.policy;
        ask();
      },
      destroy() { theme.stop(); sizes.disconnect(); player.destroy(); },
    };
  }

  // A precomputed grid answers like a kernel. See baked.py for the bytes: low bytes of all numbers, then
  // the high ones; each path as differences over time.
  function precomputed({ axes, headers }, halves, { sliders, policies }) {
    const { rollouts, frames, bodies } = headers[0], count = halves.length / 2;
    const paths = rollouts * bodies * 3, size = count / headers.length;
    const number = (i) => ((halves[i] | (halves[i + count] << 8)) << 16) >> 16;
    function block(c) {
      const out = new Int16Array(size), base = c * size;
      for (let path = 0; path < paths; path += 1) {
        const n = Math.floor(path / (bodies * 3)), k = path % (bodies * 3);
        for (let t = 0, value = 0; t < frames; t += 1) {
          value += number(base + path * frames + t);
          out[(n * frames + t) * bodies * 3 + k] = value;
        }
      }
      for (let i = paths * frames; i < size; i += 1) out[i] = number(base + i);
      return out;
    }
    return ({ id, values, policy }, receive) => {
      let c = policies.indexOf(policy);
      axes.forEach((axis, i) => { c = c * axis.length + axis.indexOf(values[sliders[i].name]); });
      receive({ type: "piece", id, start: 0, values, policy, ...headers[c] }, block(c));
      receive({ type: "end", id, result: headers[c].result });
    };
  }

  async function render({ model, el }) {
    const root = h("div");
    el.append(root);
    const spec = Object.fromEntries(["scene", "sliders", "policies", "autoplay", "values", "policy"].map((name) => [name, model.get(name)]));
    const grid = model.get("grid"), line = course.line(root, model);
    let panel = null;
    if (grid) {
      const answer = precomputed(grid, await course.inflate(model.get("data")), spec);
      panel = create(root, spec, { ask: (question) => queueMicrotask(() => answer(question, panel.receive)) }, line);
      return () => { line.close(); panel.destroy(); };
    }
    const listen = (message, buffers) => (message.type === "set" ? panel?.set(message) : panel?.receive(message, buffers?.[0]));
    model.on("msg:custom", listen);
    panel = create(root, spec, { ask: (question) => line.send({ type: "ask", ...question }) }, line);
    return () => { model.off("msg:custom", listen); line.close(); panel.destroy(); };
  }

  course.physics_panel = { create, render, precomputed };
}
