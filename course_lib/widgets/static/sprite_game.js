// A small world walked by hand, over the tables that a learner walks: only the drawings differ. With sprites they
// mean what they show, as textures they mean nothing (and the room is mirrored, so that memory of it is no map),
// and where meanings are exchanged they lie. All of it came with the page.

{
  const { h } = course;

  const MODES = [
    { name: "sprites", label: "Sprites", words: "with sprites", mark: "circle" },
    { name: "textures", label: "Textures", words: "with textures", mark: "square", mirrored: true, mute: true },
    { name: "exchanged", label: "Exchanged", words: "with meanings exchanged", mark: "triangle", mute: true },
  ];
  // Which texture stands for which kind: in no order that would tell.
  const TEXTURES = { air: "slants", wall: "rings", ladder: "checks", key: "bars", door: "zigzags", skull: "dots", you: "posts" };
  const WAYS = ["up", "right", "down", "left"], ARROWS = ["↑", "→", "↓", "←"], STEPS = [[-1, 0], [0, 1], [1, 0], [0, -1]];
  const MIRRORED = [0, 3, 2, 1]; // the action that a mirrored board shows as each of the four
  const KEYS = { ArrowUp: 0, ArrowRight: 1, ArrowDown: 2, ArrowLeft: 3 };
  const BOARD = 432, PLOT = 250, SLIDE = 0.07; // CSS pixels, at most; seconds a cell
  const CSS = `
.course-sprite { padding: 10px; }
.course-sprite-head, .course-sprite-row { display: flex; gap: 8px 10px; align-items: center; flex-wrap: wrap; }
.course-sprite-title { font-weight: 700; font-size: 1.125em; flex: 1 1 10em; }
.course-sprite-row { margin: 8px 0; }
.course-sprite-walk { margin-left: auto; display: flex; gap: 4px; }
.course-sprite-walk button { padding: 0 4px; }
.course-sprite button[aria-pressed=true]:not(.course-full) { background: var(--course-ink); color: var(--course-paper); border-color: var(--course-ink); }
.course-sprite-says { font-size: 1.125em; font-weight: 600; min-height: 1.45em; margin: 6px 0; }
.course-sprite-body { display: grid; grid-template-columns: minmax(0, 1fr); gap: 10px 24px; align-items: start; }
.course-sprite-body canvas:focus-visible { outline: 3px solid var(--course-accent); outline-offset: 2px; }
.course-sprite table { border-collapse: collapse; width: 100%; table-layout: fixed; font: inherit; color: inherit; margin: 0 0 8px; }
.course-sprite th, .course-sprite td { text-align: right; padding: 4px 6px; border: 0; border-bottom: 1px solid var(--course-line); background: var(--course-paper);
  font-size: inherit; font-variant-numeric: tabular-nums; white-space: normal; vertical-align: middle; max-width: none; line-height: 1.25; }
.course-sprite th:first-child { text-align: left; width: 31%; }
.course-sprite thead th { font-weight: 400; color: var(--course-muted); vertical-align: bottom; }
.course-sprite tbody th { font-weight: 600; }
.course-sprite-keys { display: flex; flex-wrap: wrap; gap: 2px 18px; }
.course-sprite-keys span { display: inline-flex; align-items: center; gap: 8px; }
.course-sprite-keys svg { width: 40px; height: 10px; flex: none; }
.course-sprite-hint { color: var(--course-muted); margin-top: 6px; }
@container (min-width: 800px) { .course-sprite-body { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); } }
`;

  // --- drawings, in a square of side s at x, y

  const SPRITES = {
    air() {},
    wall(g, x, y, s, c) {
      g.fillStyle = c.edge;
      g.fillRect(x, y, s, s);
      g.strokeStyle = c.panel;
      g.lineWidth = Math.max(1, s / 24);
      g.beginPath();
      for (const [a, b, d, e] of [[0, 1 / 3, 1, 1 / 3], [0, 2 / 3, 1, 2 / 3], [0.5, 0, 0.5, 1 / 3], [0.25, 1 / 3, 0.25, 2 / 3], [0.75, 1 / 3, 0.75, 2 / 3], [0.5, 2 / 3, 0.5, 1]]) { g.moveTo(x + a * s, y + b * s); g.lineTo(x + d * s, y + e * s); }
      g.stroke();
    },
    ladder(g, x, y, s, c) {
      for (const a of [0.25, 0.75]) course.capsule(g, x + a * s, y, x + a * s, y + s, s / 11, c.ink);
      for (const b of [0.15, 0.4, 0.65, 0.9]) course.capsule(g, x + 0.25 * s, y + b * s, x + 0.75 * s, y + b * s, s / 16, c.ink);
    },
    key(g, x, y, s, c) {
      for (const [width, colour] of [[s / 6, c.ink], [s / 12, "#E69F00"]]) {
        course.capsule(g, x + 0.4 * s, y + 0.5 * s, x + 0.88 * s, y + 0.5 * s, width, colour);
        for (const a of [0.7, 0.86]) course.capsule(g, x + a * s, y + 0.5 * s, x + a * s, y + 0.66 * s, width, colour);
        g.lineWidth = width;
        g.strokeStyle = colour;
        g.beginPath(); g.arc(x + 0.28 * s, y + 0.5 * s, 0.15 * s, 0, 7); g.stroke();
      }
    },
    door(g, x, y, s, c, series) {
      g.fillStyle = series(3);
      g.strokeStyle = c.ink;
      g.lineWidth = s / 16;
      g.beginPath(); g.rect(x + 0.18 * s, y + 0.05 * s, 0.64 * s, 0.94 * s); g.fill(); g.stroke();
      g.lineWidth = s / 24;
      for (const b of [0.15, 0.56]) g.strokeRect(x + 0.28 * s, y + b * s, 0.44 * s, 0.3 * s);
      g.fillStyle = c.ink;
      g.beginPath(); g.arc(x + 0.7 * s, y + 0.51 * s, 0.055 * s, 0, 7); g.fill();
    },
    skull(g, x, y, s) {
      g.fillStyle = "#ffffff";
      g.strokeStyle = "#18212d";
      g.lineWidth = s / 18;
      g.beginPath(); g.rect(x + 0.34 * s, y + 0.6 * s, 0.32 * s, 0.28 * s); g.fill(); g.stroke();
      g.beginPath(); g.arc(x + 0.5 * s, y + 0.42 * s, 0.33 * s, 0, 7); g.fill(); g.stroke();
      g.fillRect(x + 0.36 * s, y + 0.58 * s, 0.28 * s, 0.14 * s); // the jaw belongs to the head
      g.fillStyle = "#18212d";
      for (const a of [0.37, 0.63]) { g.beginPath(); g.arc(x + a * s, y + 0.43 * s, 0.09 * s, 0, 7); g.fill(); }
      g.beginPath();
      for (const a of [0.44, 0.5, 0.56]) { g.moveTo(x + a * s, y + 0.74 * s); g.lineTo(x + a * s, y + 0.87 * s); }
      g.lineWidth = s / 28;
      g.stroke();
    },
    you(g, x, y, s, c, series) {
      const lines = [[0.5, 0.4, 0.5, 0.66], [0.5, 0.66, 0.36, 0.93], [0.5, 0.66, 0.64, 0.93], [0.3, 0.5, 0.7, 0.5]];
      for (const [width, colour] of [[s / 6, c.paper], [s / 10, series(0)]]) {
        for (const [a, b, d, e] of lines) course.capsule(g, x + a * s, y + b * s, x + d * s, y + e * s, width, colour);
        g.fillStyle = colour;
        g.beginPath(); g.arc(x + 0.5 * s, y + 0.22 * s, 0.16 * s + (colour === c.paper ? s / 30 : 0), 0, 7); g.fill();
      }
    },
  };

  function texture(g, name, x, y, s, c) {
    const shade = { slants: 0, rings: 0.35, checks: 0.1, bars: 0.5, zigzags: 0.2, dots: 0.05, posts: 0.3 }[name];
    g.save();
    g.beginPath(); g.rect(x, y, s, s); g.clip();
    g.fillStyle = course.mix(c.paper, c.line, shade);
    g.fillRect(x, y, s, s);
    g.strokeStyle = g.fillStyle = c.ink;
    g.lineWidth = s / 14;
    g.beginPath();
    const line = (a, b, d, e) => { g.moveTo(x + a * s, y + b * s); g.lineTo(x + d * s, y + e * s); };
    if (name === "slants") { for (const a of [-0.75, -0.25, 0.25, 0.75]) line(a, 1, a + 1, 0); }
    if (name === "bars") for (const b of [0.125, 0.375, 0.625, 0.875]) line(0, b, 1, b);
    if (name === "posts") for (const a of [0.125, 0.375, 0.625, 0.875]) line(a, 0, a, 1);
    if (name === "zigzags") for (const b of [0.1, 0.43, 0.76]) for (const a of [0, 0.5]) { line(a, b + 0.16, a + 0.25, b); line(a + 0.25, b, a + 0.5, b + 0.16); }
    if (name === "rings") for (const r of [0.14, 0.34]) { g.moveTo(x + (0.5 + r) * s, y + 0.5 * s); g.arc(x + 0.5 * s, y + 0.5 * s, r * s, 0, 7); }
    g.stroke();
    if (name === "checks") for (let i = 0; i < 16; i += 1) if ((i + Math.floor(i / 4)) % 2) g.fillRect(x + (i % 4) * s / 4, y + Math.floor(i / 4) * s / 4, s / 4, s / 4);
    if (name === "dots") for (const a of [0.2, 0.5, 0.8]) for (const b of [0.2, 0.5, 0.8]) { g.beginPath(); g.arc(x + a * s, y + b * s, 0.085 * s, 0, 7); g.fill(); }
    g.restore();
  }

  function mark(g, kind, x, y, size) {
    g.beginPath();
    if (kind === "circle") g.arc(x, y, size, 0, 7);
    else if (kind === "square") g.rect(x - size, y - size, 2 * size, 2 * size);
    else { g.moveTo(x, y - 1.3 * size); g.lineTo(x + 1.3 * size, y + size); g.lineTo(x - 1.3 * size, y + size); g.closePath(); }
    g.fill();
    g.stroke();
  }

  const many = (n, word) => `${n.toLocaleString("en")}\u00a0${word}${n === 1 ? "" : "s"}`; // never broken between the two
  const told = (one) => (one ? `${many(one.steps, "step")}${one.deaths ? `, ${many(one.deaths, "death")}` : ""}` : "–");

  // One mode's tries: a step of the tables, and what is counted. `first` is all that was spent until the end was
  // first reached, tries that were given up included.
  function begin(data) {
    return { state: data.start, steps: 0, deaths: 0, spent: { steps: 0, deaths: 0 }, first: null, best: null, ends: [], fell: null };
  }
  function step(data, one, action) {
    const from = one.state;
    one.state = data.next[from][action];
    one.steps += 1;
    one.fell = data.deadly[from][action] ? data.reached[from][action] : null;
    if (one.fell) one.deaths += 1;
    if (!data.terminal[one.state]) return;
    one.ends.push(one.steps);
    one.first ??= { steps: one.spent.steps + one.steps, deaths: one.spent.deaths + one.deaths };
    if (!one.best || one.steps < one.best.steps) one.best = { steps: one.steps, deaths: one.deaths };
  }
  function again(data, one) {
    if (!one.first) one.spent = { steps: one.spent.steps + one.steps, deaths: one.spent.deaths + one.deaths };
    Object.assign(one, { state: data.start, steps: 0, deaths: 0, fell: null });
  }

  function create(root, data) {
    const rows = data.tiles[0].length, columns = data.tiles[0][0].length, curves = data.learners;
    const now = { mode: MODES.findIndex((mode) => mode.name === data.mode), tries: MODES.map(() => begin(data)), slide: null };
    const mode = () => MODES[now.mode], play = () => now.tries[now.mode];
    const over = () => data.terminal[play().state];

    root.classList.add("course-sprite");
    const theme = course.dress(root, () => show());
    const lecture = course.lecture(root, () => show());

    // --- elements

    const fresh = course.button({ icon: "restart", text: "New try", label: "New try (N)", onclick: () => retry() });
    const reset = h("button", { type: "button", onclick: () => { now.tries = MODES.map(() => begin(data)); now.slide = null; show("All tries are forgotten."); } }, "Forget all");
    const modes = MODES.map(({ label }, i) => h("button", { type: "button", "aria-pressed": "false", onclick: () => choose(i) }, label));
    const walk = [3, 0, 2, 1].map((way) => h("button", { type: "button", "aria-label": `Walk ${WAYS[way]}`, title: `Walk ${WAYS[way]}`, onclick: () => go(way) }, ARROWS[way]));
    const board = h("canvas", { tabindex: "0", role: "img" }), plot = h("canvas", { role: "img" });
    const says = h("div", { class: "course-sprite-says" }), aloud = h("div", { class: "course-hidden", role: "status" });
    const scores = h("tbody", {}), legend = h("div", { class: "course-sprite-keys" });
    const chance = data.random && h("div", { class: "course-sprite-hint" }, `Keys pressed at random: the end within ${data.random[0].toLocaleString("en")} steps with probability ${probability(data.random[1])}.`);
    root.append(
      h("style", {}, CSS),
      h("div", { class: "course-sprite-head" }, h("div", { class: "course-sprite-title" }, data.title), fresh, reset, lecture.button),
      h("div", { class: "course-sprite-body" },
        h("div", {},
          h("div", { class: "course-sprite-row" }, h("div", { class: "course-sprite-row", style: "margin: 0", role: "group", "aria-label": "Drawings" }, ...modes),
            h("div", { class: "course-sprite-walk", role: "group", "aria-label": "Walk" }, ...walk)),
          board, says, aloud),
        h("div", {},
          h("table", {}, h("thead", {}, h("tr", {}, ...["you", "this try", "until the first success", "best try"].map((words) => h("th", { scope: "col" }, words)))), scores),
          curves.length ? plot : null, legend, chance,
          h("div", { class: "course-sprite-hint" }, "Arrow keys walk, N begins a new try, 1 to 3 choose the drawings."))),
    );

    // --- board

    const kindAt = (r, c) => data.kinds[data.tiles[data.board[play().state]][r][c]];
    const seen = (kind) => (mode().name === "exchanged" ? data.kinds[data.drawn_as[data.kinds.indexOf(kind)]] : kind);
    const column = (c) => (mode().mirrored ? columns - 1 - c : c);
    const named = (kind) => (mode().name === "textures" ? TEXTURES[kind] : seen(kind));

    function paintBoard() {
      board.em = null;
      const em = Math.max(1, (parseFloat(getComputedStyle(board).fontSize) || 16) / 16);
      const tall = lecture.on ? Math.max(BOARD, 0.68 * window.innerHeight) : BOARD;
      const wide = board.parentElement.clientWidth, side = Math.max(20, Math.floor(Math.min(wide / columns, tall / rows)));
      board.style.width = `${side * columns}px`;
      board.style.height = `${side * rows}px`;
      const { context: g } = course.fit(board, side * rows), s = side / em, c = theme.colours;
      g.fillStyle = c.panel;
      g.fillRect(0, 0, s * columns, s * rows);
      const draw = (kind, x, y) => (mode().name === "textures" ? texture(g, TEXTURES[kind], x * s, y * s, s, c) : SPRITES[kind](g, x * s, y * s, s, c, theme.series));
      for (let r = 0; r < rows; r += 1) for (let k = 0; k < columns; k += 1) draw(seen(kindAt(r, k)), column(k), r);
      const [r, k] = now.slide ? now.slide.place() : data.cell[play().state];
      draw("you", column(k), r);
      if (play().fell && !now.slide) course.cross(g, (column(play().fell[1]) + 0.5) * s, (play().fell[0] + 0.5) * s, 0.36 * s, c.ink, s / 8);
      g.strokeStyle = c.line;
      g.lineWidth = 2;
      g.strokeRect(1, 1, s * columns - 2, s * rows - 2);
    }

    // What a person would see, in words: where one stands, and what is drawn on the four tiles round it.
    function around() {
      const [r, c] = data.cell[play().state];
      const tiles = WAYS.map((way, a) => {
        const [down, right] = STEPS[mode().mirrored ? MIRRORED[a] : a], y = r + down, x = c + right;
        return `${way} ${y >= 0 && y < rows && x >= 0 && x < columns ? named(kindAt(y, x)) : "the rim"}`;
      });
      return `Row ${r + 1}, column ${column(c) + 1}, on ${named(kindAt(r, c))}; ${tiles.join(", ")}.`;
    }

    // A fall is seen as one: aside first, and then down.
    const film = course.animation(board, (seconds) => {
      if (!now.slide) return false;
      now.slide.at += seconds / SLIDE;
      if (now.slide.at >= now.slide.length) now.slide = null;
      paintBoard();
      return now.slide !== null;
    });
    function slideTo(from, to) {
      if (course.reducedMotion()) return;
      const path = from[1] !== to[1] && from[0] !== to[0] ? [from, [from[0], to[1]], to] : [from, to];
      const far = path.slice(1).map((p, i) => Math.abs(p[0] - path[i][0]) + Math.abs(p[1] - path[i][1]));
      now.slide = {
        at: 0, length: far.reduce((a, b) => a + b, 0),
        place() {
          let at = this.at, i = 0;
          while (i < far.length - 1 && at > far[i]) { at -= far[i]; i += 1; }
          const share = far[i] ? Math.min(1, at / far[i]) : 1;
          return [0, 1].map((d) => path[i][d] + share * (path[i + 1][d] - path[i][d]));
        },
      };
      film.start();
    }

    // --- curves

    function probability(p) {
      if (p >= 0.001) return `${(100 * p).toFixed(p < 0.1 ? 1 : 0)} %`;
      return p > 0 ? `${p.toFixed(Math.min(9, 1 - Math.floor(Math.log10(p))))}, about 1 in ${(+(1 / p).toPrecision(2)).toLocaleString("en")}` : "0";
    }
    function paintPlot() {
      if (!curves.length) return;
      plot.em = null;
      const em = Math.max(1, (parseFloat(getComputedStyle(plot).fontSize) || 16) / 16);
      plot.style.height = `${Math.round(PLOT * em)}px`;
      const { context: g, width, height } = course.fit(plot, Math.round(PLOT * em)), c = theme.colours;
      g.clearRect(0, 0, width, height);
      const mine = now.tries.flatMap((one) => one.ends), last = curves[0].mean.length;
      const all = [...curves.flatMap((one) => [...one.low, ...one.high]), ...mine].filter((v) => v > 0);
      const low = Math.min(...all) / 1.25, high = Math.max(...all) * 1.25;
      const ticks = [1, 10, 100, 1000, 10000, 100000].flatMap((p) => [p, 3 * p]).filter((v) => v >= low && v <= high);
      g.font = course.font(16);
      const left = 12 + Math.max(...ticks.map((v) => g.measureText(v.toLocaleString("en")).width)), right = 14, top = 30, bottom = height - 48;
      const X = (n) => left + ((n - 1) / Math.max(1, last - 1)) * (width - left - right);
      const Y = (v) => bottom - (Math.log(v / low) / Math.log(high / low)) * (bottom - top);
      course.text(g, "steps until the end: learners (mean), and you", 0, 16, { colour: c.muted });
      g.lineWidth = 1;
      g.setLineDash([]);
      for (const tick of ticks) {
        const y = Math.round(Y(tick)) + 0.5;
        g.strokeStyle = course.mix(c.paper, c.line, 0.4);
        g.beginPath(); g.moveTo(left, y); g.lineTo(width - right, y); g.stroke();
        course.text(g, tick.toLocaleString("en"), left - 8, y, { colour: c.muted, align: "right", baseline: "middle" });
      }
      g.strokeStyle = c.line;
      g.beginPath(); g.moveTo(left, bottom); g.lineTo(width - right, bottom); g.stroke();
      for (const n of [1, ...course.ticks(0, last, width < 420 ? 3 : 6)]) if (n >= 1 && n <= last) course.text(g, String(n), X(n), bottom + 22, { colour: c.muted, align: "center" });
      course.text(g, "try", (left + width - right) / 2, bottom + 43, { colour: c.muted, align: "center" });
      curves.forEach((one, i) => { // a band as light as its line is strong
        g.fillStyle = theme.series(i);
        g.globalAlpha = 0.16;
        g.beginPath();
        one.low.forEach((v, n) => g.lineTo(X(n + 1), Y(v)));
        for (let n = last; n >= 1; n -= 1) g.lineTo(X(n), Y(one.high[n - 1]));
        g.fill();
        g.globalAlpha = 1;
      });
      curves.forEach((one, i) => { // the first is broad, so that one that is the same lies upon it and hides nothing
        g.strokeStyle = i ? theme.series(i) : course.mix(c.paper, theme.series(i), 0.7);
        g.lineWidth = i ? 3 : 8;
        g.lineJoin = "round";
        g.lineCap = "butt";
        g.setLineDash(course.series[i].dash);
        g.beginPath();
        one.mean.forEach((v, n) => g.lineTo(X(n + 1), Y(v)));
        g.stroke();
      });
      g.setLineDash([]);
      now.tries.forEach((one, m) => one.ends.forEach((steps, n) => {
        g.fillStyle = c.ink;
        g.strokeStyle = c.paper;
        g.lineWidth = 1.5;
        if (n < last) mark(g, MODES[m].mark, X(n + 1) + 8 * m, Y(steps), 6); // beside each other where they are equal
      }));
      plot.setAttribute("aria-label", `Steps of learners by try, mean over seeds: ${curves.map((one) => `${one.name}, ${Math.round(one.mean[0])} in the first and ${Math.round(one.mean[last - 1])} in try ${last}`).join("; ")}.`);
    }
    function key() {
      const SVG = "http://www.w3.org/2000/svg";
      legend.replaceChildren(...curves.map((one, i) => {
        const svg = document.createElementNS(SVG, "svg"), line = document.createElementNS(SVG, "path");
        svg.setAttribute("viewBox", "0 0 40 10");
        svg.setAttribute("aria-hidden", "true");
        line.setAttribute("d", "M0 5H40");
        line.setAttribute("stroke-width", i ? 3 : 8);
        line.setAttribute("stroke-dasharray", course.series[i].dash.join(" "));
        line.style.stroke = i ? `var(--course-series-${i})` : "color-mix(in srgb, var(--course-series-0) 70%, var(--course-paper))";
        svg.append(line);
        return h("span", {}, svg, one.name);
      }), ...(curves.length ? [h("span", {}, `you: ● ${MODES[0].words}, ■ ${MODES[1].words}, ▲ ${MODES[2].words}`)] : []));
    }

    // --- words

    function show(words) {
      modes.forEach((button, i) => button.setAttribute("aria-pressed", String(i === now.mode)));
      scores.replaceChildren(...MODES.map(({ words: name }, i) => {
        const one = now.tries[i];
        return h("tr", {}, h("th", { scope: "row" }, name), ...[one.steps ? told(one) : "–", told(one.first), told(one.best)].map((cell) => h("td", {}, cell)));
      }));
      if (words) says.textContent = words;
      aloud.textContent = `${says.textContent} ${over() ? "" : around()}`;
      board.setAttribute("aria-label", `The room ${mode().words}. ${around()} Arrow keys walk.`);
      paintBoard();
      paintPlot();
      course.painted((at) => course.tell(root, "sprite", { at, steps: play().steps }));
    }

    // --- what a person does

    function go(way) {
      if (over()) return;
      const one = play(), action = mode().mirrored ? MIRRORED[way] : way, from = one.state, board_ = data.board[from];
      step(data, one, action);
      if (one.state === from && !one.fell) now.slide = null;
      else slideTo(data.cell[from], data.reached[from][action]);
      const changed = data.board[one.state] !== board_ && !one.fell;
      const count = `Step ${one.steps}`;
      if (over()) show(`The end, after ${told(one)}.${mode().mirrored ? " It was the same room, mirrored." : ""} N begins a new try.`);
      else if (one.fell) show(mode().mute ? `${count}: back at the start.` : `${count}: a death, and back to the start.`);
      else if (changed) show(mode().mute ? `${count}: something has changed.` : `${count}: you have the ${taken(board_, data.board[one.state])}.`);
      else if (one.state === from) show(`${count}: nothing happens.`);
      else show(`${count}.`);
    }
    // The kind of the tile that is on the first board and no longer on the second.
    function taken(before, after) {
      for (let r = 0; r < rows; r += 1) for (let c = 0; c < columns; c += 1) if (data.tiles[before][r][c] !== data.tiles[after][r][c]) return data.kinds[data.tiles[before][r][c]];
      return "";
    }
    function retry() {
      again(data, play());
      now.slide = null;
      show("A new try, from the start.");
    }
    function choose(i) {
      now.mode = i;
      now.slide = null;
      show(`The room ${mode().words}: find out how it ends.`);
    }

    root.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key in KEYS) go(KEYS[event.key]);
      else if (event.key.toLowerCase() === "n") retry();
      else if (/^[1-3]$/.test(event.key)) choose(+event.key - 1);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });

    const sizes = new ResizeObserver(() => { paintBoard(); paintPlot(); });
    sizes.observe(root);
    key();
    choose(now.mode);
    return { destroy() { film.destroy(); sizes.disconnect(); theme.stop(); } };
  }

  function render({ model, el }) {
    const root = h("div");
    el.append(root);
    const view = create(root, model.get("data"));
    return () => view.destroy();
  }

  course.sprite_game = { create, render, begin, step, again };
}
