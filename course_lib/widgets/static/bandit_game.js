// A bandit that a hand pulls, beside others who play the same arms with the same luck. The page knows all games
// beforehand; the kernel is asked only to let somebody finish a game that a hand began.

{
  const { h } = course;

  const MARKS = ["square", "diamond", "triangle", "down"]; // of the others, in the order of course.series
  const PLOT = 290, LEVEL = 9, HEADING = 27; // CSS pixels: the curves, an arm's level in a strip, a strip's name
  const CSS = `
.course-bandit { padding: 10px; }
.course-bandit-head { display: flex; gap: 8px 12px; align-items: center; flex-wrap: wrap; }
.course-bandit-title { font-weight: 700; font-size: 1.125em; flex: 1 1 10em; }
.course-bandit-arms { display: flex; flex-wrap: wrap; gap: 10px; margin: 10px 0; }
.course-bandit-arms button { flex: 1 1 92px; flex-direction: column; gap: 3px; padding: 10px 6px; border-width: 3px; }
.course-bandit-arms button[aria-disabled=true] { cursor: default; }
.course-bandit-arms b { font-size: 1.75em; line-height: 1.1; }
.course-bandit-arms i { font-style: normal; font-weight: 400; font-variant-numeric: tabular-nums; min-height: 1.3em; }
.course-bandit-arms .course-bandit-bar { display: block; width: 100%; height: 14px; border: 1px solid var(--course-line); border-radius: 4px; background: var(--course-panel); visibility: hidden; }
.course-bandit-bar span { display: block; height: 100%; background: var(--course-accent); border-radius: 3px 0 0 3px; }
.course-bandit-arms button[data-paid="1"] { border-color: var(--course-ink); background: var(--course-band); }
.course-bandit-arms button[data-paid="0"] { border-color: var(--course-ink); border-style: dashed; }
.course-bandit-arms button[data-best] { border-color: var(--course-ink); box-shadow: 0 0 0 2px var(--course-ink); }
.course-bandit-says { font-size: 1.125em; font-weight: 600; min-height: 1.45em; }
.course-bandit-body { display: grid; grid-template-columns: minmax(0, 1fr); gap: 10px 20px; align-items: start; }
.course-bandit-kind { display: flex; gap: 8px; align-items: center; flex-wrap: wrap; margin-bottom: 4px; }
.course-bandit button[aria-pressed=true]:not(.course-full) { background: var(--course-ink); color: var(--course-paper); border-color: var(--course-ink); }
.course-bandit table { border-collapse: collapse; width: 100%; font: inherit; color: inherit; margin: 0; table-layout: auto; }
.course-bandit th, .course-bandit td { text-align: right; padding: 4px 6px; border: 0; border-bottom: 1px solid var(--course-line); background: var(--course-paper);
  font-size: inherit; font-variant-numeric: tabular-nums; white-space: normal; vertical-align: middle; max-width: none; }
.course-bandit th:first-child { text-align: left; }
.course-bandit thead th { font-weight: 400; color: var(--course-muted); vertical-align: bottom; line-height: 1.2; }
.course-bandit tbody th { font-weight: 600; }
.course-bandit tbody th span { display: inline-flex; align-items: center; gap: 8px; }
.course-bandit tbody th canvas { width: 40px; height: 18px; flex: none; }
.course-bandit td button { padding: 0 8px; }
.course-bandit-hint { color: var(--course-muted); margin-top: 8px; }
@container (min-width: 860px) { .course-bandit-body { grid-template-columns: minmax(0, 1fr) minmax(0, 410px); } }
`;

  // What each pull paid: an arm's j-th pull pays what luck has for it in place j.
  function paid(luck, pulled) {
    const times = luck.map(() => 0);
    return pulled.map((arm) => luck[arm][times[arm]++]);
  }
  const sums = (values) => values.reduce((all, value) => [...all, all[all.length - 1] + value], [0]);
  const wins = (game, pulled) => sums(paid(game.luck, pulled));
  const regret = (game, pulled) => sums(pulled.map((arm) => Math.max(...game.arms) - game.arms[arm]));

  function mark(g, kind, x, y, size, colour, rim) {
    g.setLineDash([]);
    g.fillStyle = colour;
    g.strokeStyle = rim;
    g.lineWidth = 1.5;
    g.beginPath();
    const up = kind === "down" ? -1 : 1;
    if (kind === "circle") g.arc(x, y, size, 0, 7);
    else if (kind === "square") g.rect(x - size, y - size, 2 * size, 2 * size);
    else if (kind === "diamond") { g.moveTo(x, y - 1.4 * size); g.lineTo(x + 1.4 * size, y); g.lineTo(x, y + 1.4 * size); g.lineTo(x - 1.4 * size, y); g.closePath(); }
    else { g.moveTo(x, y - 1.3 * up * size); g.lineTo(x + 1.3 * size, y + up * size); g.lineTo(x - 1.3 * size, y + up * size); g.closePath(); }
    g.fill();
    g.stroke();
  }

  function create(root, fixed, ask) {
    const { pulls, players, games } = fixed, K = games[0].arms.length;
    const now = { number: 0, pulled: [], rest: null, kind: "wins", waits: null, answer: null, tally: [] };
    const game = () => games[now.number % games.length];
    const over = () => now.pulled.length === pulls;
    let timer = 0;

    root.classList.add("course-bandit");
    const theme = course.dress(root, () => paint());
    const lecture = course.lecture(root, () => paint());

    // --- elements

    const fresh = course.button({ icon: "restart", text: "New bandit", label: "New bandit (N)", onclick: () => next() });
    const arms = Array.from({ length: K }, (_, a) => {
      const tally = h("i", {}), bar = h("span", {}), track = h("span", { class: "course-bandit-bar", "aria-hidden": "true" }, bar);
      const button = h("button", { type: "button", onclick: () => pull(a) }, h("b", {}, String(a + 1)), tally, track);
      return { button, tally, bar, track };
    });
    const says = h("div", { class: "course-bandit-says", role: "status" });
    const kinds = { wins: "Wins", regret: "Regret" };
    const choices = Object.entries(kinds).map(([kind, words]) => h("button", { type: "button", "aria-pressed": "false", onclick: () => { now.kind = kind; paint(); } }, words));
    const canvas = h("canvas", { role: "img" });
    const head = h("tr", {}), rows = h("tbody", {});
    const problem = h("div", { role: "alert" });
    const keys = K === 10 ? "1 to 9 and 0" : `1 to ${K}`;
    root.append(
      h("style", {}, CSS),
      h("div", { class: "course-bandit-head" }, h("div", { class: "course-bandit-title" }, fixed.title), fresh, lecture.button),
      h("div", { class: "course-bandit-arms", role: "group", "aria-label": "The arms" }, ...arms.map((arm) => arm.button)),
      says,
      h("div", { class: "course-bandit-body" },
        h("div", {}, h("div", { class: "course-bandit-kind", role: "group", "aria-label": "What the curves count" }, ...choices), canvas),
        h("div", {}, h("table", {}, h("thead", {}, head), rows),
          h("div", { class: "course-bandit-hint" }, `Keys ${keys} pull an arm, N takes a new bandit. Luck is shared: what an arm pays at its third pull, say, is the same for all.`))),
      problem,
    );

    // --- who plays

    const everyone = () => [
      { name: "you", pulled: now.pulled, colour: theme.colours.ink, dash: [], mark: "circle", width: 3.5 },
      ...players.map((name, i) => ({
        name, pulled: game().played[i].slice(0, now.pulled.length), colour: theme.series(i), dash: course.series[i].dash, mark: MARKS[i], width: 2.5,
      })),
    ];
    const curve = (one) => (now.kind === "wins" ? wins : regret)(game(), one.pulled);

    // --- picture

    function icon(one) { // 40 x 18 CSS pixels, sharp on a screen with twice as many
      const small = h("canvas", { width: 80, height: 36, "aria-hidden": "true" }), g = small.getContext("2d");
      g.scale(2, 2);
      g.strokeStyle = one.colour;
      g.lineWidth = one.width;
      g.setLineDash(one.dash);
      g.beginPath(); g.moveTo(1, 9); g.lineTo(39, 9); g.stroke();
      mark(g, one.mark, 20, 9, 5, one.colour, theme.colours.paper);
      return small;
    }

    function paint() {
      const all = everyone(), strip = HEADING + LEVEL * K, whole = PLOT + (over() ? all.length * strip + 8 : 0);
      canvas.em = null;
      const em = Math.max(1, (parseFloat(getComputedStyle(canvas).fontSize) || 16) / 16);
      canvas.style.height = `${Math.round(whole * em)}px`;
      const { context: g, width, height } = course.fit(canvas, Math.round(whole * em));
      const c = theme.colours, curves = all.map(curve);
      const top = 30, bottom = PLOT - 52, right = 14;
      const most = over() ? Math.max(1, ...curves.flat()) : now.kind === "wins" ? pulls : 1;
      const ticks = course.ticks(0, most, 5).filter((t) => t <= most);
      g.clearRect(0, 0, width, height);
      g.font = course.font(16);
      const left = 14 + Math.max(...ticks.map((t) => g.measureText(course.shortNumber(t)).width));
      const X = (t) => left + (t / pulls) * (width - left - right), Y = (v) => bottom - (v / (1.04 * most)) * (bottom - top);
      course.text(g, now.kind === "wins" ? "wins so far" : "regret: wins given away, on average", 0, 16, { colour: c.muted });
      g.lineWidth = 1;
      g.setLineDash([]);
      for (const tick of ticks) {
        const y = Math.round(Y(tick)) + 0.5;
        g.strokeStyle = tick ? course.mix(c.paper, c.line, 0.4) : c.line;
        g.beginPath(); g.moveTo(left, y); g.lineTo(width - right, y); g.stroke();
        course.text(g, course.shortNumber(tick), left - 8, y, { colour: c.muted, align: "right", baseline: "middle" });
      }
      for (const tick of course.ticks(0, pulls, width < 500 ? 4 : 8)) {
        if (tick > pulls || tick % 1) continue;
        g.strokeStyle = c.line;
        g.beginPath(); g.moveTo(X(tick), bottom); g.lineTo(X(tick), bottom + 6); g.stroke();
        course.text(g, String(tick), X(tick), bottom + 24, { colour: c.muted, align: "center" });
      }
      course.text(g, "pulls", (left + width - right) / 2, bottom + 45, { colour: c.muted, align: "center" });
      [...all.keys()].reverse().forEach((i) => { // one's own on top
        const one = all[i];
        g.strokeStyle = one.colour;
        g.lineWidth = one.width;
        g.lineJoin = "round";
        g.lineCap = "butt";
        g.setLineDash(one.dash);
        g.beginPath();
        curves[i].forEach((v, t) => g.lineTo(X(t), Y(v)));
        g.stroke();
        if (now.pulled.length) mark(g, one.mark, X(now.pulled.length), Y(curves[i][now.pulled.length]), i ? 5.5 : 6.5, one.colour, c.paper);
      });
      if (over()) strips(g, all, X, width - right);
      canvas.setAttribute("aria-label", `${kinds[now.kind]} after ${now.pulled.length} of ${pulls} pulls: ${all.map((one, i) => `${one.name} ${round(curves[i][now.pulled.length])}`).join(", ")}.`);
      choices.forEach((button, i) => {
        const kind = Object.keys(kinds)[i];
        button.setAttribute("aria-pressed", String(kind === now.kind));
        button.disabled = kind === "regret" && !over();
        button.title = button.disabled ? "Regret would tell what the arms are worth: after the last pull" : "";
      });
      table(all);
    }

    // Who pulled what, the best arm on top: a filled mark paid, a hollow one did not.
    function strips(g, all, X, end) {
      const order = game().arms.map((p, a) => [p, a]).sort((x, y) => y[0] - x[0]).map(([, a]) => a);
      const size = Math.min(0.42 * (X(1) - X(0)), 0.45 * LEVEL);
      all.forEach((one, i) => {
        const top = PLOT + 8 + i * (HEADING + LEVEL * K), pays = paid(game().luck, one.pulled);
        course.text(g, `${one.name}: best arm on top, filled if it paid`.slice(0, i ? one.name.length : 80), X(0), top + 15, { colour: theme.colours.ink, weight: 600 });
        g.fillStyle = theme.colours.panel;
        g.fillRect(X(0), top + HEADING - 5, end - X(0), LEVEL * K);
        g.fillStyle = course.mix(theme.colours.paper, theme.colours.band, 0.8);
        g.fillRect(X(0), top + HEADING - 5, end - X(0), LEVEL);
        g.setLineDash([]);
        g.lineWidth = 1.5;
        one.pulled.forEach((arm, t) => {
          const x = (X(t) + X(t + 1)) / 2, y = top + HEADING - 5 + LEVEL * (order.indexOf(arm) + 0.5);
          g.fillStyle = g.strokeStyle = one.colour;
          g.beginPath();
          g.rect(x - size, y - size + 0.5, 2 * size, 2 * size - 1);
          if (pays[t]) g.fill();
          g.stroke();
        });
      });
    }

    // --- words

    const round = (v) => (Math.abs(v - Math.round(v)) < 1e-9 ? String(Math.round(v)) : v.toFixed(1));
    function table(all) {
      const n = now.tally.length, titles = ["player", "wins", ...(over() ? ["regret"] : []), ...(n > 1 ? [`mean wins of ${n} games`] : []), ...(over() ? [] : ["from here on"])];
      head.replaceChildren(...titles.map((title) => h("th", { scope: "col" }, title)));
      const focused = root.contains(document.activeElement) ? document.activeElement.dataset.player : undefined;
      rows.replaceChildren(...all.map((one, i) => {
        const cells = [String(wins(game(), one.pulled)[one.pulled.length])];
        if (over()) cells.push(regret(game(), one.pulled)[pulls].toFixed(1));
        if (n > 1) cells.push((now.tally.reduce((sum, each) => sum + each[i], 0) / n).toFixed(1));
        const button = i && fixed.kernel && !over() ? h("button", { type: "button", "data-player": one.name, title: `${one.name} plays the rest of this game for you`, onclick: () => finish(one.name) }, "plays for me") : null;
        return h("tr", {}, h("th", { scope: "row" }, h("span", {}, icon(one), one.name === "you" && now.rest ? `you, then ${now.rest}` : one.name)),
          ...cells.map((words) => h("td", {}, words)), over() ? null : h("td", {}, button));
      }));
      // A button that goes takes the focus with it, and the keys would then be the notebook's.
      if (focused) ([...rows.querySelectorAll("button")].find((button) => button.dataset.player === focused) ?? fresh).focus();
    }

    function show() {
      const pays = paid(game().luck, now.pulled), last = now.pulled.length - 1, best = Math.max(...game().arms);
      arms.forEach(({ button, tally, bar, track }, a) => {
        const mine = pays.filter((_, t) => now.pulled[t] === a), won = mine.filter(Boolean).length, p = game().arms[a];
        tally.textContent = over() ? `${won} of ${mine.length}; pays ${p.toFixed(2)}` : mine.length ? `${won} of ${mine.length}` : "not yet";
        button.setAttribute("aria-label", `Arm ${a + 1}: ${mine.length ? `paid ${won} of ${mine.length} times` : "not pulled yet"}${over() ? `, pays with probability ${p.toFixed(2)}` : ""}`);
        button.setAttribute("aria-disabled", String(over()));
        button.toggleAttribute("data-best", over() && p === best);
        if (now.pulled[last] === a && !over()) button.dataset.paid = pays[last];
        else delete button.dataset.paid;
        bar.style.width = `${100 * p}%`;
        track.style.visibility = over() ? "visible" : "hidden";
      });
      const total = pays.filter(Boolean).length, said = last < 0 ? "" : `Arm ${now.pulled[last] + 1} ${pays[last] ? "paid" : "did not pay"}. `;
      says.textContent = over() ? `The end: ${total} wins. The best arm was ${game().arms.indexOf(best) + 1}.`
        : last < 0 ? `Bandit ${now.number + 1}: ${pulls} pulls. Which arm first?` : `${said}Pull ${last + 2} of ${pulls} is next.`;
      paint();
      course.painted((at) => course.tell(root, "bandit", { at, pulled: now.pulled.length }));
    }

    // --- what a person does

    function put(arm) {
      now.pulled = [...now.pulled, arm];
      if (over()) {
        if (!now.rest) now.tally.push(everyone().map((one) => wins(game(), one.pulled)[pulls])); // a game of one's own
        now.kind = "regret";
      }
      show();
    }
    function pull(arm) {
      if (over() || timer || arm >= K) return;
      if (now.waits) { now.waits = null; ask(null); } // who does not want to wait plays on
      put(arm);
    }
    function next() {
      clearInterval(timer);
      timer = 0;
      if (now.waits) ask(null);
      Object.assign(now, { number: now.number + 1, pulled: [], rest: null, kind: "wins", waits: null });
      problem.replaceChildren();
      show();
    }
    function finish(player) {
      if (over() || now.waits || timer) return;
      const request = { game: now.number % games.length, pulled: now.pulled, player };
      now.waits = JSON.stringify(request);
      if (now.answer && JSON.stringify(now.answer.of) === now.waits) answered(now.answer);
      else ask(request);
    }
    function answered(answer) {
      now.answer = answer;
      if (JSON.stringify(answer.of) !== now.waits) return; // asked before a new bandit came, or by nobody
      now.waits = null;
      problem.replaceChildren(...(answer.problem.message ? [course.errorBox(`${answer.of.player} could not play`, answer.problem)] : []));
      if (answer.problem.message) return;
      now.rest = answer.of.player;
      const rest = [...answer.rest];
      const step = () => {
        if (rest.length) put(rest.shift());
        if (!rest.length) { clearInterval(timer); timer = 0; }
      };
      if (course.reducedMotion()) while (rest.length) step();
      else timer = setInterval(step, Math.min(120, 2500 / rest.length));
    }

    root.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key.toLowerCase() === "n") next();
      else if (/^[0-9]$/.test(event.key)) pull((+event.key + 9) % 10);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });

    const sizes = new ResizeObserver(() => paint());
    sizes.observe(root);
    show();
    return { take() {}, answered, destroy() { clearInterval(timer); sizes.disconnect(); theme.stop(); } };
  }

  course.bandit_game = { create, render: course.rendered(create) };
}
