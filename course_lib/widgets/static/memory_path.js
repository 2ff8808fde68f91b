// Memories of many trials in a plane, and a slider over the steps: all begin on one point. All numbers came with
// the page; nobody has to answer.

{
  const { h } = course;

  const MARKS = ["circle", "square", "diamond", "up", "down"], TRAIL = 3; // steps back that a tail shows
  const HEIGHT = 400, KNOWN = 142; // CSS pixels: the plane, and the curve of what can be read
  const CSS = `
.course-memory { padding: 10px; }
.course-memory-head { display: flex; gap: 8px 12px; align-items: center; flex-wrap: wrap; margin-bottom: 6px; }
.course-memory-title { font-weight: 700; font-size: 1.125em; flex: 1 1 12em; }
.course-memory-key { display: flex; flex-wrap: wrap; gap: 2px 22px; }
.course-memory-key span { display: inline-flex; align-items: center; gap: 8px; }
.course-memory .course-memory-key canvas { width: 22px; height: 18px; flex: none; }
.course-memory-says { font-weight: 600; min-height: 2.9em; }
.course-memory-hint { color: var(--course-muted); }
`;

  function shape(g, kind, x, y, size) {
    g.beginPath();
    const up = kind === "down" ? -1 : 1;
    if (kind === "circle") g.arc(x, y, size, 0, 7);
    else if (kind === "square") g.rect(x - 0.9 * size, y - 0.9 * size, 1.8 * size, 1.8 * size);
    else if (kind === "diamond") { g.moveTo(x, y - 1.3 * size); g.lineTo(x + 1.3 * size, y); g.lineTo(x, y + 1.3 * size); g.lineTo(x - 1.3 * size, y); g.closePath(); }
    else { g.moveTo(x, y - 1.2 * up * size); g.lineTo(x + 1.2 * size, y + 0.9 * up * size); g.lineTo(x - 1.2 * size, y + 0.9 * up * size); g.closePath(); }
  }
  const percent = (share) => `${Math.round(100 * share)} %`;

  function create(root, data) {
    const { places, label, names, steps } = data, last = places.length - 1;
    const now = { t: 0, shown: 0 }; // the slider's step, and the moment between steps that the picture shows
    root.classList.add("course-memory");
    const theme = course.dress(root, () => { key_(); paint(); });
    const lecture = course.lecture(root, () => paint());
    const colour = (i) => (i < 4 ? theme.series(i) : theme.colours.ink);

    const slider = course.stops("Step", steps, 0, (t) => { film.stop(); playing(false); go(t); });
    const play = course.button({ icon: "play", text: "Play", label: "Play (P)", onclick: () => toggle() });
    const key = h("div", { class: "course-memory-key" });
    const canvas = h("canvas", { role: "img" });
    const says = h("div", { class: "course-memory-says", role: "status" });
    root.append(
      h("style", {}, CSS),
      h("div", { class: "course-memory-head" }, h("div", { class: "course-memory-title" }, data.title), play, lecture.button),
      h("div", { role: "group", "aria-label": data.title }, slider.row, key, canvas, says,
        h("div", { class: "course-memory-hint" }, `Two of ${data.dimensions} dimensions, the two in which memories differ most: ${percent(data.share)} of the variance. A tail shows where a memory was ${TRAIL} steps before.`)),
    );

    const xs = places.flat().map((p) => p[0]), ys = places.flat().map((p) => p[1]);
    const low = [Math.min(...xs), Math.min(...ys)], high = [Math.max(...xs), Math.max(...ys)];

    function key_() {
      key.replaceChildren(...names.map((name, i) => {
        const small = h("canvas", { width: 44, height: 36, "aria-hidden": "true" }), g = small.getContext("2d");
        g.scale(2, 2);
        g.fillStyle = colour(i);
        shape(g, MARKS[i], 11, 9, 6.5);
        g.fill();
        return h("span", {}, small, name);
      }));
    }

    function paint() {
      const em = parseFloat(getComputedStyle(root).fontSize) / 16;
      const lecturing = root.hasAttribute("data-lecture");
      const tall = lecturing ? Math.max(420, (innerHeight - canvas.offsetTop) / em - 130) : HEIGHT + KNOWN;
      canvas.em = null;
      canvas.style.height = `${Math.round(tall * em)}px`;
      const { context: g, width, height } = course.fit(canvas, Math.round(tall * em));
      const c = theme.colours, bottom = height - KNOWN, air = 22;
      const X = (x) => air + ((x - low[0]) / (high[0] - low[0] || 1)) * (width - 2 * air);
      const Y = (y) => bottom - air - ((y - low[1]) / (high[1] - low[1] || 1)) * (bottom - 2 * air);
      g.clearRect(0, 0, width, height);
      g.setLineDash([]);
      g.fillStyle = c.panel;
      g.fillRect(0, 0, width, bottom);
      const at = (n, t) => {
        const s = Math.min(last, Math.max(0, t)), i = Math.floor(s), j = Math.min(last, i + 1);
        return [0, 1].map((k) => places[i][n][k] + (s - i) * (places[j][n][k] - places[i][n][k]));
      };
      g.lineCap = "round";
      label.forEach((l, n) => { // tails first, so that no mark is crossed out
        g.strokeStyle = colour(l);
        g.globalAlpha = 0.28;
        g.lineWidth = 1.5;
        g.beginPath();
        for (let s = TRAIL; s >= 0; s -= 0.5) { const [x, y] = at(n, now.shown - s); g.lineTo(X(x), Y(y)); }
        g.stroke();
      });
      g.globalAlpha = 1;
      const middle = names.map(() => [0, 0, 0]);
      label.forEach((l, n) => {
        const [x, y] = at(n, now.shown);
        middle[l][0] += X(x); middle[l][1] += Y(y); middle[l][2] += 1;
        g.fillStyle = colour(l);
        g.strokeStyle = c.panel;
        g.lineWidth = 1.2;
        shape(g, MARKS[l], X(x), Y(y), 5.5);
        g.fill();
        g.stroke();
      });
      const centres = middle.map(([x, y, n]) => [x / n, y / n]), taken = [];
      centres.forEach(([x, y], i) => { // names where the marks of a label lie, if they lie apart
        if (taken.some(([a, b]) => Math.abs(a - x) < 90 && Math.abs(b - y) < 26)) return;
        const apart = centres.every(([a, b], j) => j === i || Math.hypot(a - x, b - y) > 30);
        if (!apart) return;
        taken.push([x, y]);
        course.text(g, names[i], Math.min(width - 60, Math.max(60, x)), y, { colour: c.ink, halo: c.paper, size: 18, weight: 700, align: "center", baseline: "middle" });
      });

      // What can be read off all dimensions.
      const top = bottom + 40, floor = height - 28, left = 56, right = 14;
      const U = (t) => left + (t / last) * (width - left - right), V = (v) => floor - v * (floor - top);
      course.text(g, "label read off the whole memory", 0, bottom + 20, { colour: c.muted });
      for (const v of [0, 1]) {
        g.strokeStyle = course.mix(c.paper, c.line, v ? 0.4 : 1);
        g.lineWidth = 1;
        g.beginPath(); g.moveTo(left, Math.round(V(v)) + 0.5); g.lineTo(width - right, Math.round(V(v)) + 0.5); g.stroke();
        course.text(g, percent(v), left - 8, V(v), { colour: c.muted, align: "right", baseline: "middle" });
      }
      g.setLineDash([5, 5]);
      g.strokeStyle = c.muted;
      g.lineWidth = 1.5;
      g.beginPath(); g.moveTo(left, V(data.chance)); g.lineTo(width - right, V(data.chance)); g.stroke();
      g.setLineDash([]);
      course.text(g, "guessing", width - right, V(data.chance) - 5, { colour: c.muted, align: "right", halo: c.paper });
      g.strokeStyle = c.accent;
      g.lineWidth = 3;
      g.lineJoin = "round";
      g.beginPath();
      data.readable.forEach((v, t) => g.lineTo(U(t), V(v)));
      g.stroke();
      const i = Math.floor(now.shown), j = Math.min(last, i + 1), known = data.readable[i] + (now.shown - i) * (data.readable[j] - data.readable[i]);
      g.fillStyle = c.ink;
      g.strokeStyle = c.paper;
      g.lineWidth = 2;
      shape(g, "circle", U(now.shown), V(known), 7);
      g.fill();
      g.stroke();
    }

    function say() {
      const words = `${steps[now.t][0].toUpperCase()}${steps[now.t].slice(1)}: what the task is can be read off the memory in ${percent(data.readable[now.t])} of ${label.length} trials; guessing is right in ${percent(data.chance)}.`;
      says.textContent = words;
      canvas.setAttribute("aria-label", `Memories of ${label.length} trials in a plane. ${words}`);
    }
    function go(t) {
      now.t = now.shown = t;
      say();
      paint();
      course.painted((at) => course.tell(root, "memory", { at, t }));
    }
    const film = course.animation(canvas, (elapsed) => {
      now.shown = Math.min(last, now.shown + elapsed * Math.max(2.5, last / 10));
      const t = Math.round(now.shown);
      if (t !== now.t) { now.t = t; slider.set(t); }
      const more = now.shown < last;
      if (!more) { go(last); playing(false); }
      else paint();
      return more;
    });
    function playing(on) {
      now.playing = on;
      play.setIcon(on ? "pause" : "play");
      play.querySelector("span").textContent = on ? "Pause" : "Play";
      if (!on) say();
    }
    function toggle() {
      if (now.playing) { film.stop(); playing(false); slider.set(now.t); go(now.t); return; }
      if (now.t === last) { slider.set(0); go(0); }
      playing(true);
      film.start();
    }
    root.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.key.toLowerCase() !== "p") return;
      toggle();
      event.preventDefault();
      event.stopPropagation();
    });

    const sizes = new ResizeObserver(() => paint());
    sizes.observe(root);
    key_();
    go(0);
    return { destroy() { film.destroy(); sizes.disconnect(); theme.stop(); } };
  }

  function render({ model, el }) {
    const root = h("div");
    el.append(root);
    const view = create(root, model.get("data"));
    return () => view.destroy();
  }

  course.memory_path = { create, render };
}
