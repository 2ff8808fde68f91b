// Explorers side by side on one gridworld: the way of each in this episode and what it believes, cell by cell. The
// kernel answers with whole explorations; a slider goes through their steps, and a hand hides the goal.

{
  const { h } = course;
  const { signed } = course.place;

  const LANE = 4; // pixels to the right of the way, so that there and back lie beside each other
  const DARKEST = 0.6; // of the accent, where the goal is certain: numbers stay readable
  const CSS = `
.course-grid { padding: 10px; }
.course-grid-head, .course-grid-row { display: flex; gap: 8px 12px; align-items: center; margin-bottom: 8px; flex-wrap: wrap; }
.course-grid-title { font-weight: 700; font-size: 1.125em; flex: 1 1 12em; }
.course-grid-body { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 15em), 1fr)); gap: 12px 20px; }
.course-grid canvas { cursor: crosshair; touch-action: pinch-zoom; border-radius: 4px; }
.course-grid h4 { font: inherit; font-weight: 700; margin: 0 0 4px; padding: 0; color: inherit; }
.course-grid-one p { margin: 4px 0 0; padding: 0; font-variant-numeric: tabular-nums; min-height: 2.9em; }
.course-grid-row > .course-slider { flex: 1 1 16em; }
.course-grid button[aria-pressed=true]:not(.course-full) { background: var(--course-ink); color: var(--course-paper); border-color: var(--course-ink); }
.course-grid-says { font-weight: 600; min-height: 1.5em; }
.course-grid-hint { color: var(--course-muted); margin-top: 6px; }
`;

  // Episode and step of a stop of the slider: every episode has its start and H steps.
  const moment = (stop, horizon) => [Math.floor(stop / (horizon + 1)), stop % (horizon + 1)];
  // What was earned in this episode up to a step, and in all so far.
  function earned(rewards, episode, step) {
    const sum = (values) => values.reduce((a, b) => a + b, 0), here = sum(rewards[episode].slice(0, step));
    return [here, here + sum(rewards.slice(0, episode).map(sum))];
  }
  // What a belief says in words; below `least` a cell is ruled out.
  function knows(belief, least) {
    const possible = belief.filter((chance) => chance >= least).length;
    if (possible === 1) return "believes in one cell";
    return possible ? `${possible} cells possible` : "believes in no cell";
  }
  const percent = (chance) => String(Math.max(1, Math.round(100 * chance)));

  function create(root, fixed, ask) {
    const { cells, side } = fixed, corner = { low: [-0.5, -0.5], high: [side - 0.5, side - 0.5] };
    const plane = course.plane({ ...corner, walls: [], unit: "", frame: { left: 2, right: 2, top: 2, bottom: 2 } });
    const now = { request: null, answer: null, stop: 0, goal: true, playing: false, waited: 0 };
    let shown = [], slider = null, horizon = 0;

    root.classList.add("course-grid");
    const theme = course.dress(root, () => paint());
    const lecture = course.lecture(root, () => paint());

    // --- elements

    const play = course.button({ icon: "play", text: "Play", class: "course-main", onclick: () => toggle() });
    const back = h("button", { type: "button", onclick: () => move(-1) }, "Step back"), on = h("button", { type: "button", onclick: () => move(1) }, "Step");
    const goal = h("button", { type: "button", "aria-pressed": "true", onclick: () => reveal() }, "Show goal");
    const another = course.button({ icon: "restart", text: "Another seed", onclick: () => change({ seed: now.request.seed + 1 }) });
    const body = h("div", { class: "course-grid-body" }), steps = h("div", { class: "course-grid-row" });
    const says = h("div", { class: "course-grid-says", role: "status" }), problem = h("div", { role: "alert" });
    root.append(
      h("style", {}, CSS),
      h("div", { class: "course-grid-head" }, h("div", { class: "course-grid-title" }, fixed.title), goal, another, lecture.button),
      h("div", { role: "group", "aria-label": fixed.title }, steps, says, body,
        h("div", { class: "course-grid-hint" }, "Numbers and shade: how likely it is, in %, that the goal is there; a cross: ruled out. Click a cell to hide the goal there.")),
      problem,
    );

    // Grids and slider for this answer's explorers and steps.
    function build() {
      const { explorers } = now.answer, episodes = explorers[0].path.length;
      horizon = explorers[0].rewards[0].length;
      const names = explorers.map(({ name }) => name);
      if (String(names) !== String(shown.map(({ name }) => name))) {
        shown = names.map((name) => {
          const one = { name, canvas: h("canvas", { tabindex: "0", role: "img" }), words: h("p", {}), drawn: null };
          one.canvas.addEventListener("pointerdown", (event) => {
            if (event.button === 0) hide(course.nearest(cells, plane.place(one.drawn, plane.pixel(one.canvas, event))));
          });
          one.canvas.addEventListener("keydown", (event) => {
            const way = course.ARROWS[event.key];
            if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
            hide(course.towards(cells, now.request.goal, way));
            event.preventDefault();
            event.stopPropagation();
          });
          return one;
        });
        body.replaceChildren(...shown.map(({ name, canvas, words }) => h("div", { class: "course-grid-one" }, h("h4", {}, name), canvas, words)));
      }
      const stops = episodes * (horizon + 1);
      if (steps.dataset.stops === String(stops)) return;
      steps.dataset.stops = stops;
      now.stop = Math.min(now.stop, stops - 1);
      slider = course.stops("Step", Array.from({ length: stops }, (_, i) => called(i)), now.stop, (stop) => { halt(); go(stop); });
      steps.replaceChildren(play, back, on, slider.row);
    }
    const called = (stop) => { const [episode, step] = moment(stop, horizon); return `episode ${episode + 1}, ${step ? `step ${step} of ${horizon}` : "start"}`; };

    // --- picture

    function grid(one, { path, belief }, episode, step) {
      const tall = root.hasAttribute("data-lecture") ? Math.max(220, innerHeight - 18 * parseFloat(getComputedStyle(root).fontSize)) : 380;
      const at = one.drawn = plane.view(one.canvas, tall), { context } = at, c = theme.colours, orange = theme.series(1), size = at.scale, numbers = [];
      plane.ground(at, theme);
      belief[episode][step].forEach((chance, i) => {
        const x = at.X(cells[i][0] - 0.5), y = at.Y(cells[i][1] + 0.5), out = chance < fixed.ruled_out;
        const shade = course.mix(c.paper, c.accent, out ? 0 : DARKEST * Math.sqrt(chance));
        context.fillStyle = shade;
        context.fillRect(x, y, size, size);
        if (out) course.cross(context, x + size / 2, y + size / 2, 0.22 * size, c.line, 2);
        else numbers.push([percent(chance), x + 5, y + 6, { colour: c.ink, halo: shade, baseline: "top", weight: chance > 0.2 ? 700 : 400 }]);
      });
      context.strokeStyle = c.line;
      context.lineWidth = 1;
      context.setLineDash([]);
      context.beginPath();
      for (let i = 0; i <= side; i += 1) {
        const x = at.X(i - 0.5), y = at.Y(i - 0.5);
        context.moveTo(x, at.top); context.lineTo(x, at.top + at.h);
        context.moveTo(at.left, y); context.lineTo(at.left + at.w, y);
      }
      context.stroke();
      const walked = path[episode].slice(0, step + 1), pixels = walked.map(([x, y]) => [at.X(x), at.Y(y)]);
      plane.stroke(at, course.lanes(pixels, LANE), orange, 4, c.paper);
      plane.disc(at, walked[0], 5, c.ink, c.paper, 2);
      plane.disc(at, walked[step], Math.min(13, 0.2 * size), orange, c.ink, 2.5);
      for (const number of numbers) course.text(context, ...number); // over the way
      if (now.goal) plane.goal(at, cells[now.request.goal].map((v) => v + 0.27), 0, theme, { size: Math.min(15, 0.2 * size) });
    }
    function paint() {
      if (!now.answer) return;
      const [episode, step] = moment(now.stop, horizon), { explorers } = now.answer;
      explorers.forEach((explorer, i) => grid(shown[i], explorer, episode, step));
    }

    // --- words

    function tell() {
      const [episode, step] = moment(now.stop, horizon), { explorers, of } = now.answer, there = [];
      explorers.forEach(({ path, belief, rewards }, i) => {
        const [here, all] = earned(rewards, episode, step), place = path[episode][step], found = String(place) === String(cells[of.goal]);
        const words = knows(belief[episode][step], fixed.ruled_out);
        if (found) there.push(shown[i].name);
        shown[i].words.textContent = `This episode ${signed(here, 1)}, all so far ${signed(all, 1)}. ${found ? "At the goal" : "Not there"}, ${words}.`;
        shown[i].canvas.setAttribute("aria-label", `${shown[i].name}, ${called(now.stop)}, in cell (${place.join(", ")}); the goal is in (${cells[of.goal].join(", ")}). ${shown[i].words.textContent} Arrow keys hide the goal in another cell.`);
      });
      const sentence = called(now.stop);
      says.textContent = `${sentence[0].toUpperCase()}${sentence.slice(1)}. At the goal: ${there.join(", ") || "nobody"}.`;
    }
    function go(stop) {
      now.stop = stop;
      slider.set(stop);
      tell();
      paint();
      course.painted((time) => course.tell(root, "grid", { at: time, of: now.answer.of, stop }));
    }

    // --- they go

    const last = () => Number(steps.dataset.stops) - 1;
    const film = course.animation(body, (elapsed) => {
      now.waited += elapsed;
      if (now.waited > (now.stop % (horizon + 1) === horizon ? 2 : 1) / fixed.steps_a_second) { // a breath between two episodes
        now.waited = 0;
        go(now.stop + 1);
      }
      if (now.stop < last()) return true;
      halt();
      return false;
    });
    function halt() {
      film.stop();
      showPlaying(false);
    }
    function showPlaying(playing) {
      now.playing = playing;
      play.setIcon(playing ? "pause" : "play");
      play.querySelector("span").textContent = playing ? "Pause" : "Play";
      says.setAttribute("aria-live", playing ? "off" : "polite"); // not every step aloud
    }
    function toggle() {
      if (now.playing) { halt(); tell(); return; }
      if (now.stop === last()) go(0);
      now.waited = 0;
      showPlaying(true);
      film.start();
    }
    function move(by) {
      halt();
      go(Math.min(last(), Math.max(0, now.stop + by)));
    }

    // --- what a person does

    function change(part) {
      now.request = { ...now.request, ...part };
      paint(); // the goal at once; the explorers follow with the answer
      ask(now.request);
    }
    const hide = (cell) => change({ goal: cell });
    function reveal() {
      now.goal = !now.goal;
      goal.setAttribute("aria-pressed", String(now.goal));
      paint();
    }
    root.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const act = { p: toggle, g: reveal, ",": () => move(-1), ".": () => move(1), n: () => change({ seed: now.request.seed + 1 }) }[event.key.toLowerCase()];
      if (!act) return;
      act();
      event.preventDefault();
      event.stopPropagation();
    });

    function take(request) { now.request = request; }
    function answered(answer) {
      const broken = Boolean(answer.problem.message);
      problem.replaceChildren(...(broken ? [course.errorBox("This goal could not be explored", answer.problem)] : []));
      if (broken && now.answer) return; // the last explorers stay
      now.answer = answer;
      build();
      go(now.stop);
    }

    const sizes = new ResizeObserver(() => paint());
    sizes.observe(root);
    return { take, answered, destroy() { sizes.disconnect(); theme.stop(); film.destroy(); } };
  }

  course.belief_grid = { create, render: course.rendered(create), moment, earned, knows, percent };
}
