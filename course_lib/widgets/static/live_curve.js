// A training curve that grows while you watch; its Python side rations the pictures.

{
  const HEIGHT = 300;
  const STATES = {
    waiting: "Not started", running: "Training", stopping: "Stopping after this iteration", done: "Done",
    stopped: "Stopped", failed: "Failed", ended: "Ended with its kernel",
  };

  // Round numbers that cover [low, high], at most about `most` of them.
  course.ticks = function ticks(low, high, most = 6) {
    const span = high - low || Math.abs(high) || 1;
    const power = 10 ** Math.floor(Math.log10(span / most));
    const step = power * [1, 2, 5, 10].find((m) => span / (power * m) <= most);
    const first = Math.floor(low / step + 1e-9), last = Math.ceil(high / step - 1e-9);
    return Array.from({ length: last - first + 1 }, (_, i) => +((first + i) * step).toPrecision(12));
  };

  course.shortNumber = function shortNumber(value) {
    for (const [size, letter] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
      if (Math.abs(value) >= size * 10 || (Math.abs(value) >= size && letter !== "k")) return `${+(value / size).toPrecision(4)}${letter}`;
    }
    return (+value.toPrecision(6)).toLocaleString("en");
  };

  course.number = function number(value) {
    if (!Number.isFinite(value)) return "–";
    if (value === 0 || Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en");
    return String(+value.toFixed(Math.min(8, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value)))))));
  };

  const dash = (i) => course.series[(i + Math.floor(i / course.series.length)) % course.series.length].dash;

  function swatch(i) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 34 10");
    svg.setAttribute("class", "course-curve-swatch");
    svg.setAttribute("aria-hidden", "true");
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    line.setAttribute("d", "M1 5H33");
    line.style.stroke = `var(--course-series-${i % course.series.length})`;
    line.setAttribute("stroke-dasharray", dash(i).join(" "));
    svg.append(line);
    return svg;
  }

  function create(root, { title, xLabel, yLabel, total, canStop, onstop }) {
    const legend = course.h("div", { class: "course-curve-legend" });
    const canvas = course.h("canvas", { role: "img", "aria-label": "Training curve, no points yet" });
    const stop = course.button({
      icon: "stop", text: "Stop", class: "course-curve-stop", onclick: () => { onstop(); stop.disabled = true; },
    });
    const state = course.h("strong", {});
    const status = course.h("span", {}, "");
    const progress = course.h("progress", { max: "1", value: "0", "aria-label": "Progress" });
    const hint = course.h("span", { class: "course-curve-hint" }, "To stop: interrupt the kernel (press I twice).");
    const body = course.h(
      "div", { class: "course-curve", role: "group", "aria-label": title || "Training curve" },
      course.h("style", {}, CSS),
      course.h("div", { class: "course-curve-head" }, title ? course.h("div", { class: "course-curve-title" }, title) : null, legend),
      canvas, progress,
      course.h("div", { class: "course-curve-foot" }, canStop ? stop : hint,
        course.h("div", { class: "course-curve-status", role: "status" }, state, " ", status)),
    );
    root.append(body);
    const theme = course.dress(root, () => draw());
    let lines = [], best = null, mark = null, waiting = 0, closed = false;

    function setState(name) {
      state.textContent = `${STATES[name] ?? name}:`;
      const running = name === "running";
      stop.disabled = !running;
      stop.hidden = hint.hidden = name === "done" || name === "stopped" || name === "failed" || name === "ended";
      progress.hidden = !total || stop.hidden;
      body.dataset.state = name;
    }

    function take(message, buffer) {
      if (message.everything || lines.length !== message.labels.length) {
        if (message.everything) lines = [];
        while (lines.length < message.labels.length) lines.push({ label: message.labels[lines.length], x: [], y: [] });
        legend.replaceChildren(...lines.map((line, i) => {
          line.value = course.h("b", {}, "–");
          return course.h("span", { class: "course-curve-key" }, swatch(i), line.label, line.value);
        }));
      }
      const numbers = new Float64Array(course.bytes(buffer).slice().buffer);
      let at = 0;
      message.counts.forEach((count, i) => {
        for (let j = 0; j < count; j += 1) {
          lines[i].x.push(numbers[at + j]);
          lines[i].y.push(numbers[at + count + j]);
        }
        at += 2 * count;
        const last = lines[i].y.findLast(Number.isFinite);
        lines[i].value.textContent = last === undefined ? "–" : course.number(last);
      });
      ({ best, mark } = message);
      status.textContent = message.text;
      const far = Math.max(0, ...lines.map((line) => line.x.at(-1) ?? 0));
      if (total) progress.value = Math.min(1, far / total);
      canvas.setAttribute("aria-label", `Training curve of ${lines.map((l) => l.label).join(", ")} over ${xLabel}. ${message.text}`);
      if (!waiting) waiting = requestAnimationFrame(() => { waiting = 0; draw(); });
    }

    function draw() {
      if (closed || !canvas.isConnected) return;
      const { context: g, width, height } = course.fit(canvas, HEIGHT);
      canvas.style.height = `${HEIGHT}px`;
      const c = theme.colours;
      g.fillStyle = c.paper;
      g.fillRect(0, 0, width, height);
      let xMin = 0, xMax = -Infinity, yMin = Infinity, yMax = -Infinity, points = 0;
      for (const line of lines) {
        for (let i = 0; i < line.x.length; i += 1) {
          const x = line.x[i], y = line.y[i];
          if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
          points += 1;
          if (x < xMin) xMin = x;
          if (x > xMax) xMax = x;
          if (y < yMin) yMin = y;
          if (y > yMax) yMax = y;
        }
      }
      if (!points) { xMin = 0; xMax = 1; yMin = 0; yMax = 1; }
      const right = 20, top = 34, bottom = 54;
      const xTicks = course.ticks(xMin, total || xMax, width < 500 ? 4 : 7), air = 0.06 * (yMax - yMin || Math.abs(yMax) || 1);
      const y0 = yMin - air, y1 = yMax + air; // a little air, and round numbers inside
      const yTicks = course.ticks(y0, y1, 5).filter((t) => t >= y0 && t <= y1);
      g.font = course.font(16);
      const left = 12 + Math.max(...yTicks.map((t) => g.measureText(course.shortNumber(t)).width));
      const x0 = xTicks[0], x1 = total || (xMax > x0 ? xMax : x0 + 1);
      const X = (x) => left + ((x - x0) / (x1 - x0)) * (width - left - right);
      const Y = (y) => height - bottom - ((y - y0) / (y1 - y0)) * (height - top - bottom);
      const label = (words, x, y, options = {}) => course.text(g, words, x, y, { colour: c.muted, ...options });

      label(yLabel, 0, 18);
      g.lineWidth = 1;
      g.setLineDash([]);
      g.strokeStyle = course.mix(c.paper, c.line, 0.35);
      for (const tick of yTicks) {
        const y = Math.round(Y(tick)) + 0.5;
        g.beginPath(); g.moveTo(left, y); g.lineTo(width - right, y); g.stroke();
        if (points) label(course.shortNumber(tick), left - 8, y, { align: "right", baseline: "middle" });
      }
      g.strokeStyle = c.line;
      g.beginPath(); g.moveTo(left, height - bottom); g.lineTo(width - right, height - bottom); g.stroke();
      for (const tick of xTicks) {
        if (tick > x1 * (1 + 1e-9)) continue;
        const x = Math.round(X(tick)) + 0.5;
        g.beginPath(); g.moveTo(x, height - bottom); g.lineTo(x, height - bottom + 6); g.stroke();
        if (points || total) {
          const half = g.measureText(course.shortNumber(tick)).width / 2;
          label(course.shortNumber(tick), Math.min(x, width - half), height - bottom + 23, { align: "center" });
        }
      }
      label(xLabel, (left + width - right) / 2, height - 8, { align: "center" });
      if (!points) label("The first numbers come after one iteration", (left + width - right) / 2, (top + height - bottom) / 2, { align: "center" });

      lines.forEach((line, i) => {
        g.strokeStyle = theme.series(i);
        g.lineWidth = 2.5;
        g.lineJoin = "round";
        g.lineCap = "butt";
        g.setLineDash(dash(i));
        g.beginPath();
        const stride = Math.max(1, Math.floor(line.x.length / (2 * width)));
        let pen = false, last = null;
        for (let j = 0; j < line.x.length; j += 1) {
          if (j % stride && j !== line.x.length - 1) continue;
          const y = line.y[j];
          if (!Number.isFinite(y)) { pen = false; continue; }
          last = [X(line.x[j]), Y(y)];
          if (pen) g.lineTo(...last); else g.moveTo(...last);
          pen = true;
        }
        g.stroke();
        if (last) {
          g.setLineDash([]);
          g.fillStyle = theme.series(i);
          g.beginPath(); g.arc(...last, 5, 0, 7); g.fill();
        }
      });
      g.setLineDash([]);
      if (best) {
        const [bx, by, words] = best, x = X(bx), y = Y(by);
        g.strokeStyle = c.ink;
        g.lineWidth = 2.5;
        g.beginPath(); g.arc(x, y, 8, 0, 7); g.stroke();
        const flip = x > width - 140;
        label(words, x + (flip ? -13 : 13), Math.max(top + 12, y - 10), { colour: c.ink, weight: 600, halo: c.paper, align: flip ? "right" : "left" });
      }
      if (mark) {
        const [mx, words] = mark, x = X(mx), flip = x > width / 2;
        g.strokeStyle = c.ink;
        g.lineWidth = 2;
        g.beginPath(); g.moveTo(x, top); g.lineTo(x, height - bottom); g.stroke();
        label(words, x + (flip ? -8 : 8), height - bottom - 10, { colour: c.ink, weight: 600, halo: c.paper, align: flip ? "right" : "left" });
      }
      course.tell(root, "curve", { points });
    }

    const watcher = new ResizeObserver(draw);
    watcher.observe(canvas);
    return {
      take, setState, draw,
      destroy() { closed = true; watcher.disconnect(); theme.stop(); },
    };
  }

  function render({ model, el }) {
    const root = course.h("div");
    el.append(root);
    let view = null;
    const line = course.line(root, model, () => { if (/running|stopping/.test(model.get("state"))) view?.setState("ended"); });
    view = create(root, {
      title: model.get("title"), xLabel: model.get("x_label"), yLabel: model.get("y_label"), total: model.get("total"),
      canStop: model.get("can_stop"), onstop: () => { line.asked(); line.send({ type: "stop" }); },
    });
    const message = (content, buffers) => {
      if (content.type !== "points") return;
      line.heard(true);
      view.take(content, buffers[0]);
    };
    const state = () => { line.heard(true); view.setState(model.get("state")); };
    model.on("msg:custom", message);
    model.on("change:state", state);
    state();
    view.draw();
    line.asked();
    line.send({ type: "ready" });
    return () => { model.off("msg:custom", message); model.off("change:state", state); line.close(); view.destroy(); };
  }

  const CSS = `
.course-curve { padding: 10px 12px; max-width: 60rem; display: grid; gap: 6px; }
.course-curve-head { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 4px 24px; align-items: baseline; }
.course-curve-title { font-weight: 700; font-size: 18px; }
.course-curve-legend { display: flex; flex-wrap: wrap; gap: 4px 20px; }
.course-curve-key { display: inline-flex; align-items: center; gap: 8px; }
.course-curve-key b { font-variant-numeric: tabular-nums; min-width: 4ch; }
.course-curve-swatch { width: 34px; height: 10px; fill: none; stroke-width: 3; }
.course-curve-foot { display: flex; gap: 14px; align-items: center; min-height: 48px; }
.course-curve-foot button { flex: none; }
.course-curve-foot [hidden], .course-curve progress[hidden] { display: none; }
.course-curve progress { width: 100%; height: 10px; accent-color: var(--course-accent); }
.course-curve-status { font-variant-numeric: tabular-nums; }
.course-curve[data-state=failed] .course-curve-status { border-left: 5px solid var(--course-series-1); padding-left: 10px; }
`;

  course.live_curve = { create, render };
}
