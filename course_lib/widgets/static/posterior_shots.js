// A belief over tasks as an ellipse in the plane of what is inferred, its samples, and beside it the world with the
// way that each sample causes. A hand hides the task; the kernel answers with the belief.

{
  const { h } = course;
  const { rounded, signed } = course.place;

  const NUMBERED = 9; // samples that carry a number
  const TURN = (5 * Math.PI) / 180; // of a direction by an arrow key
  const CSS = `
.course-shots { padding: 10px; }
.course-shots-head { display: flex; gap: 8px 12px; align-items: center; margin-bottom: 8px; flex-wrap: wrap; }
.course-shots-title { font-weight: 700; font-size: 1.125em; flex: 1 1 12em; }
.course-shots-body, .course-shots-turns { display: grid; grid-template-columns: minmax(0, 1fr); gap: 8px 20px; align-items: start; }
.course-shots canvas { border-radius: 4px; touch-action: pinch-zoom; }
.course-shots-body strong { display: block; }
.course-shots canvas.course-shots-world { cursor: crosshair; }
.course-shots-turns { margin-top: 6px; gap: 2px 40px; }
.course-shots-says { font-size: 1.125em; font-weight: 600; min-height: 1.5em; }
.course-shots-hint { color: var(--course-muted); margin-top: 6px; }
@container (min-width: 560px) { .course-shots-body, .course-shots-turns:has(> :nth-child(2)) { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
`;

  // Colour of a direction: a wheel of four that are told apart, right, up, left and down; between them it is mixed.
  function hue([x, y], wheel) {
    const quarters = (((Math.atan2(y, x) / (Math.PI / 2)) % 4) + 4) % 4, before = Math.floor(quarters) % 4;
    return course.mix(wheel[before], wheel[(before + 1) % 4], quarters % 1);
  }
  const led = (path) => [0, 1].map((k) => path[path.length - 1][k] - path[0][k]);

  // The place that an arrow key leads to: a direction turns round the start, a goal moves.
  function moved(task, [x, y], share, { arrow, step }, [x0, y0]) {
    if (!arrow) return [task[0] + share * step[0] * x, task[1] + share * step[1] * y];
    const turn = share * TURN * (x < 0 || y > 0 ? 1 : -1), dx = task[0] - x0, dy = task[1] - y0;
    return [x0 + dx * Math.cos(turn) - dy * Math.sin(turn), y0 + dx * Math.sin(turn) + dy * Math.cos(turn)];
  }

  function create(root, fixed, ask) {
    const { variants } = fixed, world = course.plane(fixed.plane);
    const step = [0, 1].map((i) => 0.025 * (fixed.plane.high[i] - fixed.plane.low[i]));
    const now = { request: null, answer: null, task: null };
    let drawn = null;

    root.classList.add("course-shots");
    const theme = course.dress(root, () => paint());
    const lecture = course.lecture(root, () => paint());
    const of = (way) => hue(way, [0, 2, 1, 3].map((i) => theme.series(i))); // blue, green, vermillion, purple

    // --- elements

    const left = h("canvas", { tabindex: "0", role: "img" }), right = h("canvas", { class: "course-shots-world", tabindex: "0", role: "img" });
    const another = course.button({ icon: "restart", text: "Another sample", onclick: () => change({ seed: now.request.seed + 1 }) });
    const shots = course.stops(fixed.shots_label, fixed.shots, 0, (count) => change({ shots: count }));
    const variant = course.stops(fixed.variant_label, variants, 0, (i) => change({ variant: variants[i] }));
    const says = h("div", { class: "course-shots-says", role: "status" }), problem = h("div", { role: "alert" });
    const key = `Ellipse: the belief, 1 and 2 σ (dashed); dotted: the prior. Needles: training tasks, each in its direction and its direction’s colour. Rings: samples of the belief and where they lead; grey: what was seen before. ${fixed.arrow ? "Arrow" : "Star"}: the hidden task; click or drag to put it elsewhere.`;
    root.append(
      h("style", {}, CSS),
      h("div", { class: "course-shots-head" }, h("div", { class: "course-shots-title" }, fixed.title), another, lecture.button),
      h("div", { role: "group", "aria-label": fixed.title },
        h("div", { class: "course-shots-body" },
          h("div", {}, h("strong", {}, "What is believed"), left), h("div", {}, h("strong", {}, "What the samples do"), right)),
        h("div", { class: "course-shots-turns" }, shots.row, variants.length > 1 ? variant.row : null),
        says, h("div", { class: "course-shots-hint" }, key)),
      problem,
    );

    // --- picture

    function within(at, draw) {
      at.context.save();
      at.context.beginPath();
      at.context.rect(at.left, at.top, at.w, at.h);
      at.context.clip();
      draw(at.context);
      at.context.restore();
    }
    // A direction as a short line with a head, on the place where it belongs.
    function needle(at, place, way) {
      const { context } = at, size = Math.hypot(...way) || 1, x = at.X(place[0]), y = at.Y(place[1]);
      context.strokeStyle = context.fillStyle = of(way);
      context.lineWidth = 3;
      context.lineCap = "round";
      context.setLineDash([]);
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(x + (15 * way[0]) / size, y - (15 * way[1]) / size);
      context.stroke();
      context.beginPath();
      context.arc(x, y, 4, 0, 2 * Math.PI);
      context.fill();
    }
    function ring(plane, at, place, i, colour, numbered) {
      plane.disc(at, place, numbered ? 11 : 6, theme.colours.paper, colour, numbered ? 3.5 : 3);
      if (numbered) course.text(at.context, String(i + 1), at.X(place[0]), at.Y(place[1]) + 1, { colour: theme.colours.ink, align: "center", baseline: "middle", weight: 700 });
    }
    function ellipse(at, [x, y], axes, sigma) {
      const { context } = at;
      context.beginPath();
      for (let i = 0; i <= 72; i += 1) {
        const turn = (Math.PI * i) / 36, place = [x, y].map((v, k) => v + sigma * (axes[0][k] * Math.cos(turn) + axes[1][k] * Math.sin(turn)));
        context.lineTo(at.X(place[0]), at.Y(place[1]));
      }
    }

    const tall = () => (root.hasAttribute("data-lecture") ? Math.max(280, innerHeight - 17 * parseFloat(getComputedStyle(root).fontSize)) : 430);

    function belief() {
      const { mean, half_axes, samples, paths, of: asked } = now.answer, c = theme.colours, chosen = variants.indexOf(asked.variant), side = fixed.reach[chosen];
      const plane = course.plane({ low: [-side, -side], high: [side, side], walls: [], unit: "", names: fixed.latent_axes });
      const at = plane.view(left, tall());
      plane.ground(at, theme);
      within(at, (context) => {
        context.strokeStyle = c.muted;
        context.lineWidth = 2;
        context.setLineDash([2, 6]);
        for (const sigma of [1, 2]) { ellipse(at, [0, 0], [[1, 0], [0, 1]], sigma); context.stroke(); }
        fixed.inferred[chosen].forEach((place, i) => needle(at, place, fixed.tasks[i]));
        for (const [sigma, dash] of [[2, [9, 5]], [1, []]]) {
          ellipse(at, mean, half_axes, sigma);
          context.globalAlpha = 0.1;
          context.fillStyle = c.ink;
          context.fill();
          context.globalAlpha = 1;
          for (const [ink, wide] of [[c.paper, 5], [c.ink, 2.5]]) {
            context.strokeStyle = ink;
            context.lineWidth = wide;
            context.setLineDash(ink === c.ink ? dash : []);
            context.stroke();
          }
        }
        context.setLineDash([]);
        // Numbers have room in a wide belief only; a narrow one would be hidden by them.
        const room = samples.length <= NUMBERED && at.scale * Math.max(...half_axes.map((axis) => Math.hypot(...axis))) > 22;
        samples.forEach((place, i) => ring(plane, at, place, i, of(led(paths[i])), room));
      });
      plane.walls(at, theme);
    }

    function ways() {
      const { paths, gathered } = now.answer, c = theme.colours, start = paths[0][0];
      const at = drawn = world.view(right, tall());
      world.ground(at, theme);
      within(at, (context) => {
        for (const task of fixed.tasks) needle(at, task, task);
        context.strokeStyle = course.mix(c.panel, c.line, 0.7);
        context.lineWidth = 1.5;
        for (const path of gathered) {
          context.beginPath();
          for (const [x, y] of path) context.lineTo(at.X(x), at.Y(y));
          context.stroke();
        }
        for (const path of paths) world.way(at, path, of(led(path)), theme, { width: 3.5 });
        paths.forEach((path, i) => ring(world, at, path[path.length - 1], i, of(led(path)), paths.length <= NUMBERED));
        if (fixed.arrow) {
          const [x0, y0, x1, y1] = [at.X(start[0]), at.Y(start[1]), at.X(now.task[0]), at.Y(now.task[1])];
          world.arrow(at, [x0, y0], [x1 - x0, y1 - y0], Math.hypot(x1 - x0, y1 - y0), c.ink, theme);
        } else world.goal(at, now.task, fixed.radius, theme, { size: 17 });
        world.disc(at, start, 7, c.ink, c.paper, 2.5);
      });
      world.walls(at, theme);
    }
    function paint() {
      if (!now.answer) return;
      belief();
      ways();
    }

    // --- words

    function tell() {
      const { information, returns, task, mean, half_axes, of: asked } = now.answer, average = returns.reduce((a, b) => a + b, 0) / returns.length;
      const known = information === null ? "A point is believed, for certain." : `Known of the task: ${signed(information, 2)} nats.`;
      says.textContent = `${known} ${returns.length === 1 ? "The sample returns" : `The ${returns.length} samples return`} ${signed(average, 1)}${returns.length === 1 ? "" : " on average"}.`;
      const spread = half_axes.map((axis) => Math.hypot(...axis)).map((size) => signed(size)).reverse().join(" and ");
      const seen = `${fixed.shots_label}: ${fixed.shots[asked.shots]}.`;
      left.setAttribute("aria-label", `The belief: an ellipse round ${course.place.words(mean)} with standard deviations ${spread}. ${seen} ${says.textContent} Left and right turn the shots${variants.length > 1 ? ", up and down the variant" : ""}.`);
      right.setAttribute("aria-label", `The world with the task at ${course.place.words(task)} and the ways of the samples. ${seen} ${says.textContent} Arrow keys move the task.`);
    }

    // --- what a person does

    function show() {
      shots.set(now.request.shots);
      variant.set(variants.indexOf(now.request.variant));
    }
    function change(part) {
      now.request = { ...now.request, ...part };
      show();
      ask(now.request);
    }
    function aim(place) {
      now.task = rounded(world.clamp(place));
      change({ task: now.task });
    }
    world.hand(right, () => drawn, aim);
    const within_ = (i, length) => Math.min(length - 1, Math.max(0, i));
    function keys(canvas, act) {
      canvas.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        const way = course.ARROWS[event.key];
        if (way) act(way, event.shiftKey ? 0.2 : 1);
        else if (event.key.toLowerCase() === "n") change({ seed: now.request.seed + 1 });
        else return;
        event.preventDefault();
        event.stopPropagation();
      });
    }
    keys(left, ([x, y]) => {
      if (x) change({ shots: within_(now.request.shots + x, fixed.shots.length) });
      else change({ variant: variants[within_(variants.indexOf(now.request.variant) + y, variants.length)] });
    });
    keys(right, (way, share) => aim(moved(now.task, way, share, { arrow: fixed.arrow, step }, now.answer.paths[0][0])));

    function take(request) {
      now.request = request;
      show();
    }
    function answered(answer) {
      const broken = Boolean(answer.problem.message);
      problem.replaceChildren(...(broken ? [course.errorBox("This task could not be explored", answer.problem)] : []));
      if (broken && now.answer) return; // the last one stays
      now.answer = answer;
      if (String(answer.of.task) === String(now.request.task)) now.task = answer.task; // unless a hand has moved on
      tell();
      paint();
      course.painted((time) => course.tell(root, "shots", { at: time, of: answer.of }));
    }

    const sizes = new ResizeObserver(() => paint());
    sizes.observe(root);
    return { take, answered, destroy() { sizes.disconnect(); theme.stop(); } };
  }

  course.posterior_shots = { create, render: course.rendered(create), hue, moved };
}
