// Pieces of knowledge, each with a switch: two grids side by side with what is carried from one to the other, and a row
// of a table for each choice that was tried. The kernel answers with all rows so far.

{
  const { h } = course;

  const CSS = `
.course-know { padding: 10px; }
.course-know-head, .course-know-row { display: flex; gap: 8px 12px; align-items: center; flex-wrap: wrap; margin-bottom: 8px; }
.course-know-title { font-weight: 700; font-size: 1.125em; flex: 1 1 12em; }
.course-know-row > span { font-weight: 600; min-width: 5.5em; }
.course-know button[aria-pressed=true]:not(.course-full) { background: var(--course-ink); color: var(--course-paper); border-color: var(--course-ink); }
.course-know button[role=switch] { gap: 10px; }
.course-know button[role=switch] i { flex: none; width: 40px; height: 22px; border: 2px solid var(--course-ink); border-radius: 11px; position: relative; background: var(--course-paper); }
.course-know button[role=switch] i::after { content: ""; position: absolute; left: 2px; top: 2px; width: 14px; height: 14px; border-radius: 50%; background: var(--course-ink); }
.course-know button[aria-checked=true] i { background: var(--course-accent); }
.course-know button[aria-checked=true] i::after { left: 20px; background: var(--course-paper); }
.course-know button[aria-checked=true] { border-color: var(--course-ink); }
.course-know-body { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 12px 20px; align-items: start; }
.course-know-body > .course-know-table { grid-column: 1 / -1; }
.course-know h4 { font: inherit; font-weight: 700; margin: 0 0 4px; padding: 0; color: inherit; }
.course-know canvas { border-radius: 4px; }
.course-know-maps { display: flex; gap: 8px; align-items: center; flex-wrap: wrap; margin-top: 8px; }
.course-know-maps[hidden] { display: none; }
.course-know-says { font-weight: 600; min-height: 3em; margin-bottom: 4px; }
.course-know table { border-collapse: collapse; width: 100%; font: inherit; color: inherit; margin: 0; table-layout: fixed; }
.course-know th, .course-know td { text-align: left; padding: 5px 6px; border: 0; border-bottom: 1px solid var(--course-line); background: var(--course-paper);
  font-size: inherit; white-space: normal; vertical-align: middle; max-width: none; line-height: 1.25; }
.course-know thead th { font-weight: 400; color: var(--course-muted); }
.course-know tbody th { font-weight: 600; }
.course-know thead th:last-child { width: 38%; }
.course-know tr[data-now] th, .course-know tr[data-now] td { background: var(--course-panel); }
.course-know tr[data-now] th::before { content: "▸ "; }
.course-know-bar { position: relative; height: 18px; border-left: 2px solid var(--course-ink); }
.course-know-bar b { position: absolute; left: 0; top: 2px; height: 14px; background: var(--course-accent); }
.course-know-bar i { position: absolute; top: 5px; height: 8px; border: solid var(--course-ink); border-width: 0 2px; background: linear-gradient(var(--course-ink), var(--course-ink)) center / 100% 2px no-repeat; }
.course-know-number { font-variant-numeric: tabular-nums; }
.course-know-hint { color: var(--course-muted); margin-top: 8px; }
@container (min-width: 1080px) { .course-know-body { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr) minmax(0, 1.15fr); }
  .course-know-body > .course-know-table { grid-column: auto; } }
`;

  const same = (a, b) => String(a) === String(b);
  // Rows of a pair as they stand in the table, the fastest first.
  const sorted = (rows) => [...rows].sort((a, b) => a.mean - b.mean);
  // What a row says: where not all solved it, its mean is a lower bound.
  function told({ mean, half, solved, of }) {
    const steps = `${Math.round(mean)} ± ${Math.round(half)} steps`;
    return solved === of ? steps : `over ${steps}, ${solved} of ${of} solved it`;
  }
  // Maps to turn over: what the switched-on pieces have to shade cells with.
  const maps = (pair, pieces) => [
    ...(pieces.includes("values") ? [{ words: "value of each cell", shade: pair.values }] : []),
    ...(pieces.includes("features") ? pair.features.map((shade, i) => ({ words: `feature ${i + 1} of ${pair.features.length}`, shade, signed: true })) : []),
  ];

  function create(root, fixed, ask) {
    const { pairs, pieces, controls } = fixed;
    const now = { request: null, answer: null, page: 0 };
    const pair = () => pairs.find(({ name }) => name === now.request.pair);
    const label = (name) => [...pieces, ...controls].find((one) => one.name === name).label;
    const called = (names) => names.map(label).join(" + ") || "Nothing";

    root.classList.add("course-know");
    const theme = course.dress(root, () => paint());
    const lecture = course.lecture(root, () => paint());

    // --- elements

    const choices = pairs.map(({ name }) => h("button", { type: "button", "aria-pressed": "false", onclick: () => change({ pair: name }) }, name));
    const switches = pieces.map(({ name, label: words }, i) => h("button", { type: "button", role: "switch", "aria-checked": "false", title: `Key ${i + 1}`, onclick: () => turn(name) }, h("i", { "aria-hidden": "true" }), h("span", {}, words)));
    const names = [h("h4", {}, "Learned here"), h("h4", {})], canvases = [0, 1].map(() => h("canvas", { role: "img" }));
    const page = h("span", { role: "status" });
    const pager = h("div", { class: "course-know-maps", role: "group", "aria-label": "Maps" },
      h("button", { type: "button", "aria-label": "Map before", title: "Map before (comma)", onclick: () => turnOver(-1) }, "‹"),
      h("button", { type: "button", "aria-label": "Next map", title: "Next map (full stop)", onclick: () => turnOver(1) }, "›"), page);
    const says = h("div", { class: "course-know-says", role: "status" }), rows = h("tbody", {}), problem = h("div", { role: "alert" });
    const hint = h("div", { class: "course-know-hint" });
    root.append(
      h("style", {}, CSS),
      h("div", { class: "course-know-head" }, h("div", { class: "course-know-title" }, fixed.title), lecture.button),
      h("div", { class: "course-know-row", role: "group", "aria-label": "What is different" }, h("span", {}, "Different"), ...choices),
      h("div", { class: "course-know-row", role: "group", "aria-label": "What is carried" }, h("span", {}, "Carried"), ...switches),
      h("div", { class: "course-know-body" },
        ...canvases.map((canvas, i) => h("div", {}, names[i], canvas, i ? hint : pager)),
        h("div", { class: "course-know-table" }, says,
          h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "carried"), h("th", { scope: "col" }, "steps until solved"), h("th", { scope: "col" }, "mean, 95 %"))), rows))),
      problem,
    );

    // --- picture

    function grid(canvas, which) {
      const { rows: R, columns: C, rooms, arrows, links, name } = pair(), room = rooms[which], on = now.request.pieces, c = theme.colours;
      const plane = course.plane({ low: [-0.5, -0.5], high: [C - 0.5, R - 0.5], walls: [], unit: "", frame: { left: 2, right: 2, top: 2, bottom: 2 } });
      const tall = root.hasAttribute("data-lecture") ? Math.max(220, innerHeight - 22 * parseFloat(getComputedStyle(root).fontSize)) : 400;
      const at = plane.view(canvas, tall), { context: g, scale: size } = at;
      const place = (s) => [s % C, R - 1 - Math.floor(s / C)], pixel = (s) => { const [x, y] = place(s); return [at.X(x), at.Y(y)]; };
      const walls = new Set(room.walls.map(([r, k]) => r * C + k)), shown = maps(pair(), on), map = shown[now.page], numbers = [];
      plane.ground(at, theme);
      const low = map ? Math.min(...map.shade) : 0, high = map ? Math.max(...map.shade) : 0;
      const goal = room.goal[0] * C + room.goal[1], start = room.start[0] * C + room.start[1];
      for (let s = 0; s < R * C; s += 1) {
        const [x, y] = pixel(s);
        let fill = walls.has(s) ? c.edge : c.panel;
        if (map && !walls.has(s)) {
          const v = map.shade[s];
          fill = map.signed ? course.mix(c.paper, v < 0 ? theme.series(1) : c.accent, 0.6 * Math.abs(v)) : course.mix(c.paper, c.accent, (0.6 * (v - low)) / (high - low || 1));
          const words = map.signed ? (Math.abs(v) < 0.05 ? "0" : v < 0 ? "−" : "+") : String(Math.round(v)).replace("-", "−");
          if (size >= 34 && s !== goal && s !== start) numbers.push([words, x - size / 2 + 4, y - size / 2 + 4, { colour: c.ink, halo: fill, baseline: "top" }]);
        }
        g.fillStyle = fill;
        g.fillRect(x - size / 2, y - size / 2, size, size);
        g.strokeStyle = c.line;
        g.lineWidth = 1;
        g.setLineDash([]);
        g.strokeRect(x - size / 2 + 0.5, y - size / 2 + 0.5, size - 1, size - 1);
      }
      if (on.includes("model")) {
        for (const ends of links) {
          const gone = ends.some((s) => walls.has(s));
          g.strokeStyle = gone ? theme.series(1) : c.ink;
          g.lineWidth = gone ? 4 : 2.5;
          g.lineCap = "butt";
          g.setLineDash(gone ? [4, 4] : []);
          g.beginPath();
          g.moveTo(...pixel(ends[0]));
          g.lineTo(...pixel(ends[1]));
          g.stroke();
        }
        g.setLineDash([]);
        for (const s of new Set(links.flat())) plane.disc(at, place(s), 4, c.paper, c.ink, 2);
      }
      if (on.includes("policy")) {
        arrows.forEach((best, s) => {
          if (walls.has(s) || s === goal) return;
          for (const a of best) {
            const [down, right] = room.moves[a], [x, y] = pixel(s), long = 0.32 * size;
            plane.arrow(at, [x - (right * long) / 2, y - (down * long) / 2], [right, down], long, c.ink, theme, 3);
          }
        });
      }
      for (const number of numbers) course.text(g, ...number);
      course.text(g, "S", at.X(place(start)[0]) - size / 2 + 5, at.Y(place(start)[1]) - size / 2 + 4, { colour: c.ink, halo: c.paper, weight: 700, baseline: "top" });
      plane.goal(at, place(goal), 0, theme, { size: Math.min(17, 0.32 * size) });
      const drawn = [map?.words, on.includes("policy") && "arrows of the policy", on.includes("model") && "links that the model knows"].filter(Boolean).join(", ");
      canvas.setAttribute("aria-label", `${which ? `Second grid, ${name}` : "First grid"}: ${R} by ${C} cells, start in row ${room.start[0] + 1}, column ${room.start[1] + 1}, goal in row ${room.goal[0] + 1}, column ${room.goal[1] + 1}, ${room.walls.length} cells of wall. Drawn: ${drawn || "nothing is carried"}.`);
    }
    function paint() {
      if (now.request) canvases.forEach(grid);
    }

    // --- words

    const waiting = () => !now.answer || now.answer.of.pair !== now.request.pair || !same(now.answer.of.pieces, now.request.pieces);
    function show() {
      const { request } = now, shown = maps(pair(), request.pieces);
      choices.forEach((button) => button.setAttribute("aria-pressed", String(button.textContent === request.pair)));
      switches.forEach((button, i) => button.setAttribute("aria-checked", String(request.pieces.includes(pieces[i].name))));
      names[1].textContent = `Carried here: ${request.pair}`;
      now.page = Math.min(now.page, Math.max(0, shown.length - 1));
      pager.hidden = shown.length < 2;
      page.textContent = shown.length ? `Shade: ${shown[now.page].words}` : "";
      const on = (piece) => request.pieces.includes(piece);
      hint.textContent = [
        on("model") ? "Lines: steps that the model knows; dashed: a wall stands there now. Whoever plans is told reward and goal; “Empty model” is that alone."
          : on("policy") ? "Arrows: what the carried policy does here." : "",
        on("features") ? "“All cells alike” spreads each lesson over all cells, as features do, and knows no map." : "",
      ].filter(Boolean).join(" ") || "S: start, star: goal.";
      const tried = now.answer ? sorted(now.answer.tried[request.pair]) : [], most = Math.max(1, ...tried.map(({ mean, half }) => mean + half)), share = (v) => (100 * v) / most;
      rows.replaceChildren(...tried.map((row) => h("tr", { "data-now": same(row.pieces, request.pieces) },
        h("th", { scope: "row" }, called(row.pieces)),
        h("td", {}, h("div", { class: "course-know-bar", "aria-hidden": "true" }, h("b", { style: `width:${share(row.mean)}%` }),
          row.half ? h("i", { style: `left:${share(Math.max(0, row.mean - row.half))}%;width:${share(Math.min(row.mean, row.half) + row.half)}%` }) : null)),
        h("td", { class: "course-know-number" }, told(row)))));
      const found = tried.find((row) => same(row.pieces, request.pieces)), plain = tried.find((row) => !row.pieces.length);
      const compared = controls.filter(({ of }) => on(of)).map(({ name, label: words }) => [words, tried.find((row) => same(row.pieces, [name]))]);
      root.toggleAttribute("data-waiting", waiting());
      if (waiting() && !found) says.textContent = `${called(request.pieces)} carried: the learners are learning …`;
      else if (found && !found.pieces.length) says.textContent = `Nothing carried: ${told(found)}.`;
      else if (found) says.textContent = `${called(found.pieces)} carried: ${told(found)}. ${[["Nothing", plain], ...compared].map(([words, row]) => `${words}: ${told(row)}.`).join(" ")}`;
      paint();
    }

    // --- what a person does

    function change(part) {
      now.request = { ...now.request, ...part };
      now.page = 0;
      problem.replaceChildren();
      show(); // the grids at once; the learners follow with the answer
      ask(now.request);
    }
    function turn(name) {
      const on = now.request.pieces.includes(name);
      change({ pieces: pieces.map((piece) => piece.name).filter((one) => (one === name ? !on : now.request.pieces.includes(one))) });
    }
    function turnOver(by) {
      const count = maps(pair(), now.request.pieces).length;
      if (count) now.page = (now.page + by + count) % count;
      show();
    }
    root.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const key = event.key.toLowerCase();
      if (/^[1-9]$/.test(key) && pieces[key - 1]) turn(pieces[key - 1].name);
      else if (key === "n") change({ pair: pairs[(pairs.indexOf(pair()) + 1) % pairs.length].name });
      else if (key === "," || key === ".") turnOver(key === "," ? -1 : 1);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });

    function take(request) { now.request = request; if (now.answer) show(); }
    function answered(answer) {
      problem.replaceChildren(...(answer.problem.message ? [course.errorBox("This could not be tried", answer.problem)] : []));
      now.answer = answer;
      show();
      course.painted((at) => course.tell(root, "knowledge", { at, of: answer.of }));
    }

    const sizes = new ResizeObserver(() => paint());
    sizes.observe(root);
    return { take, answered, destroy() { sizes.disconnect(); theme.stop(); } };
  }

  course.knowledge_switches = { create, render: course.rendered(create), sorted, told, maps };
}
