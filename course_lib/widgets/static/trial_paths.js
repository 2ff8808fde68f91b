// A trial on a map: the path of one episode, those before it faint under it, and beside them a bar of the return of
// each. A slider chooses how many episodes came before; the kernel answers with whole trials.

{
  const { h } = course;
  const { lanes, towards, nearest } = course;
  const { rounded, signed } = course.place;

  const LANE = 3.5; // pixels to the right of the way, so that there and back lie beside each other
  const CSS = `
.course-trial { padding: 10px; }
.course-trial-head { display: flex; gap: 8px 12px; align-items: center; margin-bottom: 8px; flex-wrap: wrap; }
.course-trial-title { font-weight: 700; font-size: 1.125em; flex: 1 1 12em; }
.course-trial-body { display: grid; grid-template-columns: minmax(0, 1fr); gap: 12px 20px; align-items: start; }
.course-trial canvas { border-radius: 4px; touch-action: pinch-zoom; }
.course-trial-chosen canvas.course-trial-map { cursor: crosshair; }
.course-trial-side { display: grid; gap: 12px; align-content: start; }
.course-trial-row { display: flex; flex-wrap: wrap; gap: 8px; }
.course-trial button[aria-pressed=true]:not(.course-full) { background: var(--course-ink); color: var(--course-paper); border-color: var(--course-ink); }
.course-trial-says { font-size: 1.125em; font-weight: 600; min-height: 5.8em; }
.course-trial-bars strong { display: block; }
.course-trial-bars canvas { height: 190px; cursor: pointer; }
.course-trial-hint { color: var(--course-muted); margin-top: 6px; }
@container (min-width: 640px) { .course-trial-body { grid-template-columns: minmax(0, 1fr) 270px; } }
@container (min-width: 1300px) { .course-trial[data-lecture] .course-trial-body { grid-template-columns: minmax(0, 1fr) 20em; } }
`;

  function create(root, fixed, ask) {
    let plane = course.plane(fixed.plane), drawn = null, slider = null, hand = { dragging: false };
    const now = { request: null, answer: null, episode: 0, steps: 0, goal: true, playing: false };
    const { words } = fixed, step = [0, 1].map((i) => 0.025 * (fixed.plane.high[i] - fixed.plane.low[i]));
    const film = { wait: 0 };

    root.classList.add("course-trial");
    root.classList.toggle("course-trial-chosen", fixed.goals !== null || fixed.anywhere);
    const theme = course.dress(root, () => paint());
    const lecture = course.lecture(root, () => paint());

    // --- elements

    const canvas = h("canvas", { class: "course-trial-map", tabindex: "0", role: "img" });
    const bars = h("canvas", { role: "img" });
    const play = course.button({ icon: "play", text: "Play the trial", class: "course-main", onclick: () => whole() });
    const another = course.button({ icon: "restart", text: "Another task", onclick: () => next() });
    const goal = h("button", { type: "button", "aria-pressed": "true", onclick: () => reveal() }, "Show goal");
    const reset = h("button", { type: "button", "aria-pressed": "false", onclick: () => change({ reset_memory: !now.request.reset_memory }) }, words.switch ?? "");
    const shots = h("div", {});
    const says = h("div", { class: "course-trial-says", role: "status" }), problem = h("div", { role: "alert" });
    const hint = `${fixed.anywhere ? "Click or drag: the goal. Arrow keys move it. " : fixed.goals ? "Click: another goal. Arrow keys move it. " : ""}${fixed.region ? `${words.region} ` : ""}The agent is not told the goal.`;
    root.append(
      h("style", {}, CSS),
      h("div", { class: "course-trial-head" }, h("div", { class: "course-trial-title" }, fixed.title),
        goal, fixed.tasks > 1 ? another : null, lecture.button),
      h("div", { class: "course-trial-body", role: "group", "aria-label": fixed.title },
        h("div", {}, canvas, h("div", { class: "course-trial-hint" }, hint)),
        h("div", { class: "course-trial-side" }, h("div", { class: "course-trial-row" }, play, words.switch === null ? null : reset), shots, says,
          h("div", { class: "course-trial-bars" }, h("strong", {}, words.bars), bars))),
      problem,
    );

    // --- picture

    function cells(at) {
      if (fixed.cell === null) return;
      const { context } = at, [x0, y0] = fixed.plane.low, [x1, y1] = fixed.plane.high;
      context.strokeStyle = theme.colours.paper;
      context.lineWidth = 2;
      context.beginPath();
      for (let x = x0 + fixed.cell; x < x1 - 1e-9; x += fixed.cell) { context.moveTo(at.X(x), at.top); context.lineTo(at.X(x), at.top + at.h); }
      for (let y = y0 + fixed.cell; y < y1 - 1e-9; y += fixed.cell) { context.moveTo(at.left, at.Y(y)); context.lineTo(at.left + at.w, at.Y(y)); }
      context.stroke();
    }
    function region(at) {
      if (!fixed.region) return;
      const { context } = at, [[x0, y0], [x1, y1]] = fixed.region;
      context.strokeStyle = theme.colours.ink;
      context.lineWidth = 2;
      context.setLineDash([8, 6]);
      context.strokeRect(at.X(x0), at.Y(y1), at.X(x1) - at.X(x0), at.Y(y0) - at.Y(y1));
      context.setLineDash([]);
    }
    // An episode's way up to a number of steps, and where it then stands.
    function walked(path, steps) {
      const whole_ = Math.min(path.length - 1, Math.floor(steps)), part = steps - whole_;
      const places = path.slice(0, whole_ + 1);
      if (part > 0 && whole_ < path.length - 1) places.push([0, 1].map((k) => path[whole_][k] + part * (path[whole_ + 1][k] - path[whole_][k])));
      return places;
    }
    function paint() {
      const tall = root.hasAttribute("data-lecture") ? Math.max(320, innerHeight - 8 * parseFloat(getComputedStyle(root).fontSize)) : 480;
      const at = drawn = plane.view(canvas, tall);
      plane.ground(at, theme);
      cells(at);
      region(at);
      plane.walls(at, theme);
      if (!now.answer) return;
      const { paths } = now.answer, c = theme.colours, orange = theme.series(1);
      const inPixels = (places) => places.map(([x, y]) => [at.X(x), at.Y(y)]);
      for (let e = 0; e < now.episode; e += 1) plane.stroke(at, lanes(inPixels(paths[e]), -LANE), course.mix(c.panel, c.line, 0.7), 2.5);
      const places = walked(paths[now.episode], now.steps);
      if (now.goal) plane.goal(at, fixed.anywhere ? now.request.task : now.answer.goal, fixed.radius, theme, { size: 20 });
      plane.stroke(at, lanes(inPixels(places), LANE), orange, 4, c.paper);
      plane.disc(at, paths[now.episode][0], 7, c.ink, c.paper, 2.5);
      plane.disc(at, places[places.length - 1], 8, orange, c.ink, 2.5);
      drawBars();
    }
    function drawBars() {
      bars.em = null;
      const tall = 190 * Math.max(1, parseFloat(getComputedStyle(bars).fontSize) / 16);
      bars.style.height = `${tall}px`;
      const { context, width, height } = course.fit(bars, tall), c = theme.colours, { returns } = now.answer;
      const [low, high] = fixed.return_range, top = 24, bottom = 28, wide = width / returns.length;
      const Y = (value) => top + ((high - Math.min(high, Math.max(low, value))) / (high - low)) * (height - top - bottom);
      context.clearRect(0, 0, width, height);
      context.setLineDash([]);
      const zero = Y(0);
      returns.forEach((value, e) => {
        const bar = Math.min(54, 0.66 * wide), x = (e + 0.5) * wide, y = Y(value), past = e <= now.episode;
        context.fillStyle = e === now.episode ? theme.series(1) : theme.series(0);
        context.strokeStyle = c.line;
        context.lineWidth = 2;
        if (past) context.fillRect(x - bar / 2, Math.min(y, zero), bar, Math.max(2, Math.abs(y - zero)));
        else { context.setLineDash([4, 4]); context.strokeRect(x - bar / 2, Math.min(y, zero), bar, Math.max(2, Math.abs(y - zero))); context.setLineDash([]); }
        if (past && wide >= 44) course.text(context, signed(value, 1), x, value < 0 ? Math.max(y, zero) + 16 : y - 5, { colour: c.ink, halo: c.paper, align: "center", weight: e === now.episode ? 700 : 400 });
        if (wide >= 22 || e % 5 === 4 || e === 0) course.text(context, String(e + words.first), x, height - 6, { colour: c.ink, align: "center", weight: e === now.episode ? 700 : 400 });
      });
      context.strokeStyle = c.ink;
      context.lineWidth = 1;
      context.beginPath();
      context.moveTo(0, zero);
      context.lineTo(width, zero);
      context.stroke();
    }

    // --- the agent goes

    const moving = course.animation(canvas, (elapsed) => {
      const last = now.answer.paths[now.episode].length - 1;
      if (film.wait > 0) { // a breath between two episodes
        film.wait -= elapsed;
        if (film.wait <= 0) { show(now.episode + 1); now.steps = 0; }
      } else {
        now.steps = Math.min(last, now.steps + elapsed / fixed.seconds_a_step);
        if (now.steps >= last) {
          if (!now.playing || now.episode === now.answer.paths.length - 1) { halt(); paint(); return false; }
          film.wait = 0.7;
        }
      }
      paint();
      return true;
    });
    function halt() {
      moving.stop();
      now.playing = false;
      film.wait = 0;
      play.setIcon("play");
      play.querySelector("span").textContent = "Play the trial";
    }
    function go() {
      if (course.reducedMotion() || hand.dragging) now.steps = now.answer.paths[now.episode].length - 1; // a hand wants the whole way
      else { now.steps = 0; moving.start(); }
      paint();
    }
    function whole() {
      if (now.playing) { halt(); now.steps = now.answer.paths[now.episode].length - 1; paint(); return; }
      halt();
      if (course.reducedMotion()) { choose((now.episode + 1) % now.answer.paths.length); return; } // an episode a click
      show(0);
      now.playing = true;
      play.setIcon("stop");
      play.querySelector("span").textContent = "Stop";
      go();
    }

    // --- words

    function tell() {
      const { paths, returns, of } = now.answer, e = now.episode, steps = paths[e].length - 1;
      const numbered = words.one.replace("{n}", e + words.first).replace("(s)", e + words.first === 1 ? "" : "s");
      const [x, y] = paths[e][steps], away = Math.hypot(x - now.answer.goal[0], y - now.answer.goal[1]), there = away <= fixed.radius + 1e-6;
      const first = paths[e].findIndex(([a, b]) => Math.hypot(a - now.answer.goal[0], b - now.answer.goal[1]) <= fixed.radius + 1e-6);
      const fate = there ? `at the goal after ${first} step${first === 1 ? "" : "s"}` : first >= 0 ? `at the goal after ${first} steps, and away again` : `${steps} steps, goal not found`;
      const where = fixed.anywhere ? `Map with the goal at ${course.place.words(of.task)}` : `Map of task ${of.task + 1} of ${fixed.tasks}`;
      says.textContent = `${of.reset_memory ? `${words.switched} ` : ""}${numbered}: ${fixed.anywhere ? `ends ${signed(away)} ${fixed.plane.unit} from the goal` : fate}, return ${signed(returns[e], 2)}.`;
      canvas.setAttribute("aria-label", `${where}. ${says.textContent}${fixed.goals || fixed.anywhere ? " Arrow keys choose another goal." : ""}`);
      bars.setAttribute("aria-label", `Returns of the episodes: ${returns.map((value) => signed(value, 1)).join(", ")}`);
    }
    function show(episode) {
      now.episode = episode;
      slider?.set(episode);
      tell();
    }
    function choose(episode) {
      halt();
      show(episode);
      go();
      course.painted((time) => course.tell(root, "trial", { at: time, of: now.answer.of, episode }));
    }

    // --- what a person does

    function change(part) {
      const same = Object.entries(part).every(([name, value]) => String(now.request[name]) === String(value));
      if (same) { choose(now.episode); return; } // nothing to ask: once more
      halt();
      now.request = { ...now.request, ...part };
      reset.setAttribute("aria-pressed", String(now.request.reset_memory));
      if (fixed.anywhere) paint(); // the goal at once; the way follows with the answer
      ask(now.request);
    }
    const aim = (place) => change({ task: rounded(plane.clamp(place)) });
    const next = () => change({ task: (now.request.task + 1) % fixed.tasks });
    function reveal() {
      now.goal = !now.goal;
      goal.setAttribute("aria-pressed", String(now.goal));
      paint();
    }
    if (fixed.goals) {
      canvas.addEventListener("pointerdown", (event) => {
        if (event.button === 0) change({ task: nearest(fixed.goals, plane.place(drawn, plane.pixel(canvas, event))) });
      });
    }
    if (fixed.anywhere) {
      hand = plane.hand(canvas, () => drawn, aim, () => { if (String(now.answer.of.task) === String(now.request.task)) choose(now.episode); });
    }
    bars.addEventListener("pointerdown", (event) => {
      const episodes = now.answer.returns.length, box = bars.getBoundingClientRect();
      choose(Math.min(episodes - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * episodes))));
    });
    canvas.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const way = course.ARROWS[event.key], key = event.key.toLowerCase();
      if (way && fixed.anywhere) aim(now.request.task.map((v, i) => v + (event.shiftKey ? 0.2 : 1) * step[i] * way[i]));
      else if (way && fixed.goals) change({ task: towards(fixed.goals, now.request.task, way) });
      else if (key === "p") whole();
      else if (key === "g") reveal();
      else if (key === "n" && fixed.tasks > 1) next();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });

    function take(request) {
      halt();
      now.request = request;
      reset.setAttribute("aria-pressed", String(request.reset_memory));
    }
    function answered(answer) {
      const broken = Boolean(answer.problem.message);
      problem.replaceChildren(...(broken ? [course.errorBox("This trial could not be run", answer.problem)] : []));
      if (broken && now.answer) return; // the last trial that there is stays
      halt();
      now.answer = answer;
      plane = course.plane({ ...fixed.plane, walls: answer.walls });
      const episodes = answer.paths.length;
      if (shots.dataset.episodes !== String(episodes)) {
        slider = episodes > 1 ? course.stops(words.slider, answer.paths.map((_, e) => String(e)), 0, choose) : null;
        shots.replaceChildren(...(slider ? [slider.row] : []));
        shots.dataset.episodes = episodes;
      }
      show(Math.min(now.episode, episodes - 1));
      go();
      course.painted((time) => course.tell(root, "trial", { at: time, of: answer.of, episode: now.episode }));
    }

    const sizes = new ResizeObserver(() => paint());
    sizes.observe(root);
    return { take, answered, destroy() { sizes.disconnect(); theme.stop(); moving.destroy(); } };
  }

  course.trial_paths = { create, render: course.rendered(create), lanes, towards, nearest };
}
