// A plane with a goal that a hand moves: the values of all starts under the walls, and a point that sets out
// for the goal as soon as the kernel has answered.

{
  const { h } = course;
  const { rounded, signed, words: placed } = course.place;

  const LEVELS = 10; // steps of colour, so that equal values show as lines
  const FINE = 6; // painted cells per cell of the field
  const CSS = `
.course-goal { padding: 10px; }
.course-goal-head { display: flex; gap: 8px 12px; align-items: center; margin-bottom: 8px; flex-wrap: wrap; }
.course-goal-title { font-weight: 700; font-size: 1.125em; flex: 1 1 12em; }
.course-goal-body { display: grid; grid-template-columns: minmax(0, 1fr); gap: 12px 20px; align-items: start; }
.course-goal canvas { touch-action: pinch-zoom; cursor: crosshair; border-radius: 4px; }
.course-goal-side { display: grid; gap: 14px; align-content: start; }
.course-goal-choice { border: 0; padding: 0; margin: 0; min-width: 0; }
.course-goal-choice legend { font-weight: 600; padding: 0; margin-bottom: 4px; font-size: inherit; border: 0; color: inherit; width: auto; }
.course-goal-row { display: flex; flex-wrap: wrap; gap: 8px; }
.course-goal button[aria-pressed=true]:not(.course-full) { background: var(--course-ink); color: var(--course-paper); border-color: var(--course-ink); }
.course-goal-says { font-size: 1.125em; font-weight: 600; min-height: 3em; }
.course-goal-key { color: var(--course-muted); }
.course-goal-key i { display: block; height: 16px; border: 1px solid var(--course-line); border-radius: 3px; }
.course-goal-ends { display: flex; justify-content: space-between; font-variant-numeric: tabular-nums; }
.course-goal-hint { color: var(--course-muted); margin-top: 6px; }
@container (min-width: 640px) { .course-goal-body { grid-template-columns: minmax(0, 1fr) 240px; } }
@container (min-width: 1300px) { .course-goal[data-lecture] .course-goal-body { grid-template-columns: minmax(0, 1fr) 17em; } }
`;

  function create(root, fixed, ask) {
    const plane = course.plane(fixed.plane), unit = fixed.plane.unit, [least, most] = fixed.value_range;
    const step = 0.025 * Math.max(fixed.plane.high[0] - fixed.plane.low[0], fixed.plane.high[1] - fixed.plane.low[1]);
    const now = { request: null, answer: null, at: fixed.start, seconds: 0, shown: true, dragging: false };
    const field = document.createElement("canvas"); // the values, a few pixels a cell
    let drawn = null; // where things lie in the canvas

    root.classList.add("course-goal");
    const theme = course.dress(root, () => { spread(); paint(); });
    const lecture = course.lecture(root, () => paint());

    // --- elements

    const canvas = h("canvas", { tabindex: "0", role: "img" });
    const buttons = fixed.policies.map((name) => h("button", { type: "button", "aria-pressed": "false", onclick: () => change({ policy: name }) }, name));
    const values = h("button", { type: "button", "aria-pressed": "true", onclick: () => { now.shown = !now.shown; paint(); } }, "Values");
    const back = course.button({ icon: "restart", text: "Put the point back", onclick: () => home() });
    const radius = course.slider({ label: "Near enough: ε", low: fixed.radii[0], high: fixed.radii[1], step: 0.01, unit, value: fixed.radii[0] },
      (value) => change({ radius: value }));
    const says = h("div", { class: "course-goal-says", role: "status" });
    const ramp = h("i", { "aria-hidden": "true" }), problem = h("div", { role: "alert" });
    const key = h("div", { class: "course-goal-key" }, "value of starting here", ramp,
      h("div", { class: "course-goal-ends" }, h("span", {}, signed(least, 0)), h("span", {}, signed(most, 0))));
    root.append(
      h("style", {}, CSS),
      h("div", { class: "course-goal-head" }, h("div", { class: "course-goal-title" }, fixed.title), values, back, lecture.button),
      h("div", { class: "course-goal-body", role: "group", "aria-label": fixed.title },
        h("div", {}, canvas, h("div", { class: "course-goal-hint" }, "Click or drag: goal. Shift and click: point. Arrow keys move the goal.")),
        h("div", { class: "course-goal-side" },
          h("fieldset", { class: "course-goal-choice" }, h("legend", {}, "Policy"), h("div", { class: "course-goal-row" }, ...buttons)),
          radius.row, says, key)),
      problem,
    );

    // --- picture

    const tint = (share) => course.mix(theme.colours.paper, theme.colours.accent, 0.8 * Math.min(1, Math.max(0, share)));
    // The field once per answer, not once per frame: between the cells' middles values go over into each other.
    function spread() {
      if (!now.answer) return;
      const [R, C] = now.answer.shape, v = now.answer.values;
      field.width = FINE * C;
      field.height = FINE * R;
      const context = field.getContext("2d"), image = context.createImageData(field.width, field.height);
      const bands = Array.from({ length: LEVELS + 1 }, (_, i) => { const hex = tint(i / LEVELS); return [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16)); });
      const between = (x, n) => { const at = Math.min(n - 1, Math.max(0, (x + 0.5) / FINE - 0.5)), low = Math.min(n - 2, Math.floor(at)); return n > 1 ? [low, low + 1, at - low] : [0, 0, 0]; };
      for (let y = 0; y < field.height; y += 1) {
        const [r0, r1, fr] = between(field.height - 1 - y, R);
        for (let x = 0; x < field.width; x += 1) {
          const [c0, c1, fc] = between(x, C);
          const value = (1 - fr) * ((1 - fc) * v[r0 * C + c0] + fc * v[r0 * C + c1]) + fr * ((1 - fc) * v[r1 * C + c0] + fc * v[r1 * C + c1]);
          const [red, green, blue] = bands[Math.round(LEVELS * Math.min(1, Math.max(0, (value - least) / (most - least))))];
          image.data.set([red, green, blue, 255], 4 * (y * field.width + x));
        }
      }
      context.putImageData(image, 0, 0);
    }

    function numbers(at) {
      const [R, C] = now.answer.shape, across = 2 * Math.max(1, Math.round(at.w / 200)), up = 2 * Math.max(1, Math.round(at.h / 170)); // even: walls like the middle
      for (let j = 0; j < up; j += 1) {
        for (let i = 0; i < across; i += 1) {
          const r = Math.floor(((j + 0.5) / up) * R), c = Math.floor(((i + 0.5) / across) * C);
          course.text(at.context, signed(now.answer.values[r * C + c], 0), at.left + ((c + 0.5) / C) * at.w, at.top + ((R - r - 0.5) / R) * at.h,
            { colour: theme.colours.ink, halo: tint((now.answer.values[r * C + c] - least) / (most - least)), align: "center", baseline: "middle" });
        }
      }
    }

    function paint() {
      const tall = root.hasAttribute("data-lecture") ? Math.max(320, innerHeight - 9 * parseFloat(getComputedStyle(root).fontSize)) : 510;
      const at = drawn = plane.view(canvas, tall);
      plane.ground(at, theme);
      values.setAttribute("aria-pressed", String(now.shown));
      key.style.visibility = now.shown ? "visible" : "hidden";
      ramp.style.background = `linear-gradient(to right, ${Array.from({ length: LEVELS + 1 }, (_, i) =>
        `${tint(i / LEVELS)} ${(100 * i) / (LEVELS + 1)}% ${(100 * (i + 1)) / (LEVELS + 1)}%`).join(", ")})`;
      if (now.answer && now.shown) {
        at.context.imageSmoothingEnabled = true;
        at.context.drawImage(field, at.left, at.top, at.w, at.h);
        numbers(at);
      }
      plane.walls(at, theme);
      if (!now.answer) return;
      const orange = theme.series(1), way = now.answer.way;
      plane.way(at, way, orange, theme);
      for (const place of way) plane.disc(at, place, 2.2, theme.colours.paper, orange, 1.5);
      if (!now.answer.reached) {
        const [x, y] = way[way.length - 1];
        course.cross(at.context, at.X(x), at.Y(y), 13, theme.colours.paper, 9);
        course.cross(at.context, at.X(x), at.Y(y), 13, orange, 5);
      }
      plane.goal(at, now.request.goal, now.request.radius, theme);
      plane.disc(at, now.at, 9, theme.colours.ink, theme.colours.paper, 3);
    }

    // --- the point goes

    const film = course.animation(canvas, (elapsed) => {
      const way = now.answer.way, last = way.length - 1;
      now.seconds += elapsed;
      const t = Math.min(last, now.seconds / fixed.seconds_a_step), i = Math.min(last, Math.floor(t)), j = Math.min(last, i + 1);
      now.at = [0, 1].map((k) => way[i][k] + (t - i) * (way[j][k] - way[i][k]));
      paint();
      return t < last;
    });
    function go() {
      now.seconds = 0;
      now.at = now.answer.way[0];
      if (course.reducedMotion()) now.at = now.answer.way[now.answer.way.length - 1];
      else film.start();
    }

    // --- words

    function tell() {
      const { of, way, reached } = now.answer, [x, y] = way[way.length - 1];
      const away = Math.hypot(x - of.goal[0], y - of.goal[1]), steps = way.length - 1;
      const fate = reached ? `reached after ${steps} step${steps === 1 ? "" : "s"}` : `not reached in ${steps} steps, ${away.toFixed(2)} ${unit} away`;
      says.textContent = `Goal ${placed(of.goal)}: ${fate}.`;
      canvas.setAttribute("aria-label", `The plane from above. Policy ${of.policy}, start ${placed(of.start)}, goal ${placed(of.goal)}: ${fate}. Arrow keys move the goal.`);
    }

    // --- what a person does

    // Another policy or radius starts from where the last way began, so that ways can be compared.
    function change(part) {
      film.stop();
      now.request = { goal: now.request.goal, start: now.request.start, policy: now.request.policy, radius: now.request.radius, ...part };
      show();
      paint(); // the goal at once; values and way follow with the answer
      ask(now.request);
    }
    const aim = (place) => change({ goal: rounded(plane.clamp(place)), start: rounded(plane.clamp(now.at)) });
    function put(place) { now.at = rounded(plane.clamp(place)); change({ start: now.at }); }
    const home = () => put(fixed.start);

    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      const place = plane.place(drawn, plane.pixel(canvas, event));
      if (event.shiftKey) { put(place); return; }
      canvas.setPointerCapture?.(event.pointerId);
      now.dragging = true;
      aim(place);
    });
    canvas.addEventListener("pointermove", (event) => { if (now.dragging) aim(plane.place(drawn, plane.pixel(canvas, event))); });
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { now.dragging = false; });
    canvas.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const way = course.ARROWS[event.key];
      const size = step * (event.shiftKey ? 0.2 : 1);
      if (way) aim([now.request.goal[0] + size * way[0], now.request.goal[1] + size * way[1]]);
      else if (event.key.toLowerCase() === "r") home();
      else if (event.key.toLowerCase() === "v") { now.shown = !now.shown; paint(); }
      else return;
      event.preventDefault();
      event.stopPropagation();
    });

    function show() {
      buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(fixed.policies[i] === now.request.policy)));
      radius.set(now.request.radius);
    }
    function take(request) {
      film.stop();
      now.request = request;
      now.at = request.start;
      show();
      paint();
    }
    function answered(answer) {
      now.answer = answer;
      problem.replaceChildren(...(answer.problem.message ? [course.errorBox("This goal could not be answered", answer.problem)] : []));
      spread();
      if (!answer.problem.message) tell();
      const newest = JSON.stringify(answer.of) === JSON.stringify(now.request); // a hand that still drags asks anew
      if (newest && !answer.problem.message) go();
      paint();
      course.painted((time) => course.tell(root, "goal", { at: time, of: answer.of }));
    }

    const sizes = new ResizeObserver(() => paint());
    sizes.observe(root);
    return { take, answered, destroy() { sizes.disconnect(); theme.stop(); film.destroy(); } };
  }

  course.goal_field = { create, render: course.rendered(create) };
}
