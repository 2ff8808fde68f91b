// Robots that run on while the command is turned. The kernel makes a step only when this side asks for it,
// just before the last one has been shown: so the newest command is never far from the picture, and nobody
// computes what nobody sees.

{
  const { h } = course;
  const WINDOW = 8, SMOOTHING = 0.5; // seconds; command_panel.py has the same
  const PIECE = 0.04; // seconds asked for at once, at least: a browser cannot ask much more often
  const PATIENCE = 2; // seconds until a silent kernel is said to be busy, and asked again
  const SETTLED = 2.5; // seconds after which what came of a command is put into words
  const LANE = [230, 128, 116, 104]; // CSS pixels, by number of robots

  const CSS = `
.course-command { padding: 10px; }
.course-command-head { display: flex; gap: 8px 12px; align-items: center; margin-bottom: 6px; flex-wrap: wrap; }
.course-command-title { font-weight: 700; font-size: 1.125em; flex: 1 1 12em; }
.course-command-body { display: flex; flex-direction: column; gap: 8px; }
.course-command-controls { display: flex; flex-wrap: wrap; gap: 6px 16px; align-items: end; }
.course-command-controls .course-slider { flex: 1 1 260px; }
.course-command-controls .course-slider label, .course-command-controls .course-value { font-size: 1.125em; }
.course-command-buttons { display: flex; gap: 8px; padding-bottom: 2px; }
.course-command-stage { position: relative; border-radius: 10px; overflow: hidden; }
.course-command-stage canvas { position: absolute; inset: 0; height: 100%; cursor: pointer; }
.course-command-chart { position: relative; height: 11.25em; }
.course-command-chart canvas { position: absolute; inset: 0; height: 100%; }
.course-command-key { display: flex; flex-wrap: wrap; gap: 2px 22px; }
.course-command-key span { display: inline-flex; align-items: center; gap: 8px; }
.course-command-key b { font-variant-numeric: tabular-nums; min-width: 3.2ch; }
.course-command-key svg { width: 34px; height: 14px; fill: none; stroke-width: 5; }
.course-command-says { min-height: 1.45em; font-weight: 600; }
.course-command[data-lecture] { display: flex; flex-direction: column; }
.course-command[data-lecture] .course-command-body { flex: 1 1 auto; min-height: 0; }
.course-command[data-lecture] .course-command-stage { flex: 3 1 0; min-height: 0; height: auto !important; }
.course-command[data-lecture] .course-command-chart { flex: 2 1 0; min-height: 0; height: auto; }
`;

  // Means of each value and those before it, at most `steps` in all.
  function trailingMean(values, steps) {
    let sum = 0;
    return values.map((value, t) => {
      sum += value - (t >= steps ? values[t - steps] : 0);
      return sum / Math.min(t + 1, steps);
    });
  }

  // The steps that are known, oldest first, and how far they have been shown. `shown` counts steps and is
  // mostly between two of them.
  function timeline({ robots, bodies, dt }) {
    const it = { steps: [], shown: 0, get newest() { return it.steps.length ? it.steps[it.steps.length - 1].index : -1; } };
    const kept = Math.ceil((WINDOW + SMOOTHING) / dt) + 2;
    const size = robots * bodies * 3;
    it.take = function take({ start, commands, measured, fresh = false }, buffer) {
      if (fresh) it.steps = [];
      if (start + commands.length <= it.newest + 1) return false; // heard before
      const poses = course.float32(buffer);
      commands.forEach((command, t) => {
        const at = poses.length - (commands.length - t) * size; // a history has the last pose only
        it.steps.push({ index: start + t, command, measured: measured[t], pose: at >= 0 ? poses.subarray(at, at + size) : null });
      });
      it.steps.splice(0, Math.max(0, it.steps.length - kept));
      if (fresh || it.newest - it.shown > 8) it.shown = it.newest - commands.length + 1;
      return true;
    };
    it.forward = function forward(seconds) { it.shown = Math.min(it.newest, it.shown + seconds / dt); };
    // Pose of a body at the moment that is shown, as course.scenery.skeleton asks for it.
    it.at = function at(out, n, _, b) {
      const first = it.steps[0].index, i = Math.floor(it.shown) - first;
      const next = it.steps[Math.min(it.steps.length - 1, i + 1)];
      const now = it.steps[Math.max(0, i)]?.pose ? it.steps[Math.max(0, i)] : next;
      const k = (n * bodies + b) * 3, share = it.shown - Math.floor(it.shown);
      const jumped = Math.abs(next.pose[k] - now.pose[k]) > 1; // a robot that was put elsewhere did not fly there
      for (let j = 0; j < 3; j += 1) out[j] = jumped ? next.pose[k + j] : now.pose[k + j] * (1 - share) + next.pose[k + j] * share;
      return out;
    };
    it.seen = () => it.steps.filter((step) => step.index <= it.shown);
    return it;
  }

  function create(root, { scene, slider: spec, robots, dt, quantity, title, canReset, autoplay, command }, link, line) {
    const N = robots.length, unit = spec.unit ? ` ${spec.unit}` : "";
    const { skeleton, eyeOf, robot, landscape, shade, solidLook } = course.scenery;
    const time = timeline({ robots: N, bodies: scene.bodies.length, dt });
    const state = { playing: false, pending: null, rtt: 0.02, obey: null, settled: null, told: 0, range: null, reach: 0, length: 1, mean: null, cameras: robots.map(() => null) };
    root.classList.add("course-command");
    const theme = course.dress(root, () => redraw());
    const lecture = course.lecture(root, () => redraw());

    // --- elements

    const slider = course.slider({ ...spec, value: command }, (value) => turned(value));
    const play = course.button({ icon: "play", label: "Play (space)", class: "course-main" });
    const again = canReset ? course.button({ icon: "restart", text: "Start again", title: "Robots to their start; the command stays", onclick: () => { forget(); ask("reset"); } }) : null;
    const canvas = h("canvas", { role: "img", "aria-label": `${robots.join(", ")}: the ${scene.name}, seen from the side` });
    const stage = h("div", { class: "course-command-stage", style: `height:${N * LANE[N - 1]}px` }, canvas);
    const chartCanvas = h("canvas", { role: "img", "aria-label": `Commanded and actual ${quantity} of the last ${WINDOW} seconds` });
    const chart = h("div", { class: "course-command-chart" }, chartCanvas);
    const values = robots.map(() => h("b", {}, "–")), asked = h("b", {}, slider.spoken());
    const askedLine = course.swatch(0);
    askedLine.firstChild.setAttribute("stroke", "var(--course-ink)");
    const key = h("div", { class: "course-command-key" },
      h("span", {}, askedLine, "asked", asked), ...robots.map((name, n) => h("span", {}, course.swatch(n), name, values[n])));
    const says = h("div", { class: "course-command-says", role: "status" });
    const problem = h("div", { role: "alert" });
    root.append(
      h("style", {}, CSS),
      h("div", { class: "course-command-head" }, h("div", { class: "course-command-title" }, title), lecture.button),
      h("div", { class: "course-command-body", role: "group", "aria-label": title || `Command of the ${scene.name}` },
        h("div", { class: "course-command-controls" }, slider.row, h("div", { class: "course-command-buttons" }, play, again)),
        stage, problem, key, chart, says),
    );

    // --- asking for steps

    function ask(type = "ask") {
      state.pending = performance.now();
      // A kernel that answers late is asked for more at once: the robots keep their pace, and obey later.
      const steps = Math.max(1, Math.round(PIECE / dt), Math.min(4, Math.ceil(state.rtt / dt)));
      course.tell(root, "asked", { steps });
      line.asked(true);
      link.ask({ type, frame: time.newest < 0 ? null : time.newest + 1, command: slider.value, steps });
    }
    function receive(message, buffer) {
      if (message.type === "error") {
        state.pending = null;
        line.heard(true);
        setPlaying(false);
        problem.replaceChildren(course.errorBox("The simulation stopped with an error. Play goes on from there.", message));
        return;
      }
      if (message.type === "history") {
        if (time.newest >= 0 && message.end <= time.newest + 1) return;
        const start = message.end - message.commands.length;
        time.take({ ...message, start, fresh: true }, buffer);
        time.shown = time.newest;
      } else if (!time.take(message, buffer)) return;
      if (state.pending !== null) {
        const wait = Math.min(0.5, (performance.now() - state.pending) / 1000);
        state.rtt = Math.max(wait, 0.9 * state.rtt + 0.1 * wait); // late once: earlier for the next while
      }
      state.pending = null;
      line.heard(true);
      problem.replaceChildren();
      if (message.type === "piece" && state.obey && state.obey.step === null) {
        const t = message.commands.indexOf(state.obey.command);
        if (t >= 0) Object.assign(state.obey, { step: message.start + t, acted: performance.now() - state.obey.at });
      }
      if (!state.playing) { time.shown = time.newest; draw(0); }
    }
    function turned(value) {
      asked.textContent = slider.spoken();
      state.obey = { command: value, step: null, at: performance.now() };
      state.settled = 0;
      clearTimeout(state.told);
      state.told = setTimeout(() => link.command(slider.value), 150); // remembered, once the hand rests
      says.textContent = state.playing ? "" : "Paused: the robots hear it when you press play.";
      if (!state.playing) draw(0);
    }
    function forget() { // the camera jumps, the sentence is no longer true
      state.cameras = robots.map(() => null);
      says.textContent = "";
      state.settled = 0;
    }

    // --- time

    const animation = course.animation(stage, (elapsed) => {
      if (!state.playing) return false;
      time.forward(elapsed);
      const late = state.pending === null ? 0 : (performance.now() - state.pending) / 1000;
      const ahead = (time.newest - time.shown) * dt;
      if (state.pending === null && ahead <= Math.min(0.15, state.rtt + 0.02)) ask();
      else if (late > PATIENCE) ask(); // the last question may have been lost
      if (state.settled !== null && time.newest >= 0) {
        state.settled += elapsed;
        if (state.settled > SETTLED) { state.settled = null; tellWords(); }
      }
      draw(elapsed);
      return true;
    });
    function setPlaying(playing) {
      state.playing = playing;
      play.setIcon(playing ? "pause" : "play");
      const label = playing ? "Pause (space)" : "Play (space)";
      play.setAttribute("aria-label", label);
      play.title = label;
      state.pending = null;
      if (playing) { if (state.obey) says.textContent = ""; animation.start(); } else animation.stop();
    }
    play.addEventListener("click", () => setPlaying(!state.playing));
    canvas.addEventListener("click", () => setPlaying(!state.playing));
    root.addEventListener("keydown", (event) => {
      if (event.key !== " " || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("button, select, summary")) return;
      setPlaying(!state.playing);
      event.preventDefault();
      event.stopPropagation();
    });

    // --- the robots, a lane each

    const points = new Float64Array(4 * scene.geoms.length), body = new Float64Array(3), eye = eyeOf(scene);
    function drawLane(context, n, width, height, elapsed, mean) {
      skeleton(scene, time, n, 0, points);
      if (!state.reach) {
        let left = Infinity, right = -Infinity;
        scene.geoms.forEach((geom, g) => {
          state.reach = Math.max(state.reach, points[4 * g + 1] + geom.radius, points[4 * g + 3] + geom.radius);
          left = Math.min(left, points[4 * g], points[4 * g + 2]);
          right = Math.max(right, points[4 * g], points[4 * g + 2]);
        });
        state.reach = Math.max(0.5, state.reach);
        state.length = right - left;
      }
      const below = 42, k = Math.min((height - below - 6) / (1.4 * state.reach), (0.3 * width) / state.length);
      const wanted = time.at(body, n, 0, 0)[0] + (0.04 * width) / k;
      const before = state.cameras[n];
      const follow = before === null || elapsed === 0 || Math.abs(wanted - before) > 3 ? 1 : 1 - Math.exp(-elapsed / 0.15);
      const camera = (before ?? 0) + (wanted - (before ?? 0)) * follow;
      state.cameras[n] = camera;
      const floor = height - below, c = theme.colours;
      const view = { k, floor, width, height, eye, camera, X: (x) => width / 2 + (x - camera) * k, Y: (z) => floor - z * k };
      landscape(context, c, view);
      shade(context, scene, points, view, c.shadow);
      robot(context, scene, points, view, solidLook(c, theme.series(n), theme.dark));
      // Name on the left, what is measured on the right.
      context.font = course.font(18, 700);
      const half = context.measureText(robots[n]).width + 52;
      context.setLineDash([]);
      context.fillStyle = c.paper;
      context.strokeStyle = theme.series(n);
      context.lineWidth = 1.5;
      context.beginPath();
      context.roundRect(10, 10, half, 30, 15);
      context.fill();
      context.stroke();
      context.lineWidth = 5;
      context.lineCap = "butt";
      context.setLineDash(course.series[n % 4].dash.map((d) => d * 0.7));
      context.beginPath();
      context.moveTo(20, 25);
      context.lineTo(44, 25);
      context.stroke();
      context.setLineDash([]);
      course.text(context, robots[n], 51, 26, { colour: c.ink, size: 18, weight: 700, baseline: "middle" });
      course.text(context, `${format(mean)}${unit}`, width - 14, 33, { colour: c.ink, halo: c.skyTop, size: 24, weight: 700, align: "right" });
    }

    // --- the chart

    const digits = Math.max(1, course.decimals(spec.step) - 1); // a stride moves the digits behind that
    const format = (value) => (Number.isFinite(value) ? value.toFixed(digits).replace("-", "−") : "–");

    function drawChart(seen, smooth) {
      const { context: g, width, height } = course.fit(chartCanvas, chart.clientHeight || 200);
      const c = theme.colours, top = 30, bottom = 46, right = 12;
      const all = [spec.low, spec.high, ...smooth.flat()];
      const range = [Math.min(...all), Math.max(...all)];
      // The scale grows at once, and shrinks only when much of it would be empty: it should not breathe.
      const old = state.range, wide = range[1] - range[0];
      if (!old || range[0] < old[0] || range[1] > old[1] || wide < 0.6 * (old[1] - old[0])) state.range = [range[0] - 0.06 * wide, range[1] + 0.06 * wide];
      const [y0, y1] = state.range;
      const ticks = course.ticks(y0, y1, height < 190 ? 4 : 5).filter((t) => t >= y0 && t <= y1);
      g.font = course.font(16);
      const left = 12 + Math.max(...ticks.map((t) => g.measureText(course.shortNumber(t)).width));
      const X = (seconds) => width - right - (-seconds / WINDOW) * (width - left - right);
      const Y = (value) => height - bottom - ((value - y0) / (y1 - y0)) * (height - top - bottom);
      g.fillStyle = c.paper;
      g.fillRect(0, 0, width, height);
      course.text(g, `${quantity}${spec.unit ? ` (${spec.unit})` : ""}`, 0, 18, { colour: c.muted });
      g.setLineDash([]);
      g.lineWidth = 1;
      g.strokeStyle = course.mix(c.paper, c.line, 0.35);
      for (const tick of ticks) {
        const y = Math.round(Y(tick)) + 0.5;
        g.beginPath(); g.moveTo(left, y); g.lineTo(width - right, y); g.stroke();
        course.text(g, course.shortNumber(tick), left - 8, y, { colour: c.muted, align: "right", baseline: "middle" });
      }
      g.strokeStyle = c.line;
      g.beginPath(); g.moveTo(left, height - bottom); g.lineTo(width - right, height - bottom); g.stroke();
      for (let s = -WINDOW; s <= 0; s += 2) {
        const x = Math.round(X(s)) + 0.5;
        g.beginPath(); g.moveTo(x, height - bottom); g.lineTo(x, height - bottom + 6); g.stroke();
        course.text(g, s ? `−${-s} s` : "now", s ? x : width, height - bottom + 23, { colour: c.muted, align: s ? "center" : "right" });
      }
      if (!seen.length) return;
      g.save();
      g.beginPath();
      g.rect(left, 0, width - left - right + 2, height);
      g.clip();
      const seconds = seen.map((step) => (step.index - time.shown) * dt);
      g.lineJoin = "round";
      g.lineCap = "butt";
      g.strokeStyle = c.ink;
      g.lineWidth = 3;
      g.beginPath();
      seen.forEach((step, t) => { g.lineTo(X(seconds[t] - dt), Y(step.command)); g.lineTo(X(seconds[t]), Y(step.command)); });
      g.lineTo(X(0), Y(seen[seen.length - 1].command));
      g.lineTo(X(0), Y(slider.value));
      g.stroke();
      robots.forEach((_, n) => {
        g.strokeStyle = theme.series(n);
        g.globalAlpha = 0.4;
        g.lineWidth = 1;
        g.beginPath();
        seen.forEach((step, t) => g.lineTo(X(seconds[t]), Math.max(top - 8, Math.min(height - bottom, Y(step.measured[n])))));
        g.stroke();
        g.globalAlpha = 1;
        g.lineWidth = 3;
        // The dashes move with the curve: without an offset they would crawl along it.
        g.setLineDash(course.series[n % 4].dash);
        const period = course.series[n % 4].dash.reduce((a, b) => a + b, 0) || 1;
        g.lineDashOffset = -(X(0) - X((seen[0].index - time.shown) * dt)) % period;
        g.beginPath();
        smooth[n].forEach((value, t) => g.lineTo(X(seconds[t]), Y(value)));
        g.stroke();
        g.setLineDash([]);
        g.lineDashOffset = 0;
      });
      g.restore();
      g.fillStyle = c.ink; // where the slider stands now
      const y = Y(slider.value);
      g.beginPath(); g.moveTo(width - right - 1, y); g.lineTo(width, y - 7); g.lineTo(width, y + 7); g.fill();
    }

    function means(seen, seconds) { // over the last seconds, of each robot
      const last = seen.slice(-Math.max(1, Math.round(seconds / dt)));
      return robots.map((_, n) => last.reduce((sum, step) => sum + step.measured[n], 0) / last.length);
    }
    function tellWords() {
      const mean = means(time.seen(), 1);
      says.textContent = `Asked for ${slider.spoken()}: ${robots.map((name, n) => `${name} ${format(mean[n])}${unit}`).join(", ")}.`;
    }
    let numbersAt = 0;
    function draw(elapsed) {
      if (time.newest < 0 || !stage.clientHeight || !chart.clientHeight) return; // nothing yet, or out of the page
      const seen = time.seen(), smooth = robots.map((_, n) => trailingMean(seen.map((step) => step.measured[n]), Math.max(1, Math.round(SMOOTHING / dt))));
      const { context, width, height } = course.fit(canvas, stage.clientHeight);
      const now = performance.now();
      if (now - numbersAt > 250 || !elapsed) { // numbers that change faster cannot be read
        numbersAt = now;
        state.mean = means(seen, 1);
        state.mean.forEach((value, n) => { values[n].textContent = `${format(value)}${unit}`; });
      }
      const lane = height / N;
      robots.forEach((_, n) => {
        context.save();
        context.translate(0, n * lane);
        context.beginPath();
        context.rect(0, 0, width, lane - (n < N - 1 ? 3 : 0));
        context.clip();
        drawLane(context, n, width, lane, elapsed, state.mean[n]);
        context.restore();
      });
      drawChart(seen, smooth);
      if (state.obey?.step !== null && state.obey && time.shown > state.obey.step - 1) {
        const { command: value, acted } = state.obey;
        state.obey = null;
        course.painted((at) => course.tell(root, "obeyed", { command: value, acted, at }));
      }
    }
    function redraw() {
      canvas.em = chartCanvas.em = null;
      draw(0);
    }

    const sizes = new ResizeObserver(redraw);
    sizes.observe(stage);
    sizes.observe(chart);
    state.settled = 0;
    ask();
    if (autoplay && !course.reducedMotion()) setPlaying(true);
    return {
      receive,
      halt() { setPlaying(false); },
      set(value) {
        if (value === slider.value) return;
        slider.set(value);
        turned(value);
      },
      destroy() { clearTimeout(state.told); animation.destroy(); sizes.disconnect(); theme.stop(); },
    };
  }

  function render({ model, el }) {
    const root = h("div");
    el.append(root);
    const view = course.id("view");
    let panel = null;
    const line = course.line(root, model, () => panel?.halt());
    const listen = (message, buffers) => { if (message.type !== "history" || message.view === view) panel?.receive(message, buffers?.[0]); };
    const follow = () => panel?.set(model.get("command"));
    model.on("msg:custom", listen);
    model.on("change:command", follow);
    const spec = Object.fromEntries(["scene", "slider", "robots", "dt", "quantity", "title", "autoplay", "command"].map((name) => [name, model.get(name)]));
    panel = create(root, { ...spec, canReset: model.get("can_reset") }, {
      ask: (request) => line.send({ ...request, view }),
      command: (command_) => line.save({ command: command_ }),
    }, line);
    return () => { model.off("msg:custom", listen); model.off("change:command", follow); line.close(); panel.destroy(); };
  }

  course.command_panel = { create, render, timeline, trailingMean };
}
