// A plane seen from above: places in metres on a canvas, with walls, goals and ways, for every widget that
// shows one. And how such a widget asks the kernel: one question on its way, the newest one after it.

{
  // Given what Plane.to_json() says; `names` are those of the axes. The canvas keeps a frame of pixels for the scale,
  // and `below` pixels under it.
  course.plane = function plane({ low, high, walls, unit, names = ["x", "y"], frame = { left: 58, right: 10, top: 8, bottom: 50 } }) {
    const shape = (high[0] - low[0]) / (high[1] - low[1]);
    const clamp = ([x, y]) => [Math.min(high[0], Math.max(low[0], x)), Math.min(high[1], Math.max(low[1], y))];

    // Fits the canvas to its width, at most `tall` CSS pixels high, and says where things lie in it.
    function view(canvas, tall, below = 0) {
      canvas.em = null;
      const em = Math.max(1, (parseFloat(getComputedStyle(canvas).fontSize) || 16) / 16);
      const inner = Math.max(100, canvas.clientWidth / em - frame.left - frame.right);
      const high_ = Math.min(tall, em * (inner / shape + frame.top + frame.bottom + below));
      canvas.style.height = `${Math.round(high_)}px`;
      const { context, width, height } = course.fit(canvas, Math.round(high_));
      const scale = Math.min((width - frame.left - frame.right) / (high[0] - low[0]), (height - frame.top - frame.bottom - below) / (high[1] - low[1]));
      const w = scale * (high[0] - low[0]), h = scale * (high[1] - low[1]);
      const left = frame.left + (width - frame.left - frame.right - w) / 2, top = frame.top;
      context.clearRect(0, 0, width, height);
      return {
        context, width, height, scale, left, top, w, h, bottom: top + h + frame.bottom,
        X: (x) => left + (x - low[0]) * scale, Y: (y) => top + (high[1] - y) * scale,
      };
    }

    function ground(at, theme) {
      at.context.fillStyle = theme.colours.panel;
      at.context.fillRect(at.left, at.top, at.w, at.h);
    }

    // Walls and scale, above the ground and whatever was painted on it.
    function walls_(at, theme) {
      const { context } = at, ink = theme.colours.ink;
      context.setLineDash([]);
      for (const [x0, y0, x1, y1] of walls) course.capsule(context, at.X(x0), at.Y(y0), at.X(x1), at.Y(y1), 7, ink);
      context.strokeStyle = theme.colours.line;
      context.lineWidth = 1;
      context.strokeRect(at.left + 0.5, at.top + 0.5, at.w - 1, at.h - 1);
      const signed = (v) => v.toFixed(course.decimals(v)).replace("-", "−");
      const inside = (i, most) => course.ticks(low[i], high[i], most).filter((v) => v >= low[i] && v <= high[i]);
      for (const x of inside(0, Math.max(2, Math.floor(at.w / 80)))) course.text(context, signed(x), at.X(x), at.top + at.h + 20, { colour: ink, align: "center" });
      for (const y of inside(1, Math.max(2, Math.floor(at.h / 60)))) course.text(context, signed(y), at.left - 7, at.Y(y) + 5, { colour: ink, align: "right" });
      const axis = (i) => (unit ? `${names[i]} (${unit})` : names[i]);
      course.text(context, axis(0), at.left + at.w / 2, at.top + at.h + 42, { colour: ink, align: "center" });
      context.save();
      context.translate(at.left - 46, at.top + at.h / 2);
      context.rotate(-Math.PI / 2);
      course.text(context, axis(1), 0, 0, { colour: ink, align: "center" });
      context.restore();
    }

    // A line through places, on a rim of the ground's colour.
    function way(at, places, colour, theme, { width = 4, dash = [] } = {}) {
      const { context } = at;
      context.lineJoin = context.lineCap = "round";
      for (const [line, ink, dashes] of [[width + 3, theme.colours.paper, []], [width, colour, dash]]) {
        context.strokeStyle = ink;
        context.lineWidth = line;
        context.setLineDash(dashes);
        context.beginPath();
        places.forEach(([x, y], i) => (i ? context.lineTo(at.X(x), at.Y(y)) : context.moveTo(at.X(x), at.Y(y))));
        context.stroke();
      }
      context.setLineDash([]);
    }

    // A line through pixels, on a rim where that is a colour.
    function stroke(at, pixels, colour, width, rim) {
      const { context } = at;
      context.lineJoin = context.lineCap = "round";
      for (const [ink, wide] of rim ? [[rim, width + 3], [colour, width]] : [[colour, width]]) {
        context.strokeStyle = ink;
        context.lineWidth = wide;
        context.beginPath();
        pixels.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
        context.stroke();
      }
    }

    function disc(at, place, radius, fill, rim, width = 2) {
      const { context } = at;
      context.beginPath();
      context.arc(at.X(place[0]), at.Y(place[1]), radius, 0, 2 * Math.PI);
      context.fillStyle = fill;
      context.fill();
      context.strokeStyle = rim;
      context.lineWidth = width;
      context.stroke();
    }

    // A star, and the ball of places that count as this goal.
    function goal(at, place, radius, theme, { size = 13, fill = theme.colours.paper } = {}) {
      const { context } = at, x = at.X(place[0]), y = at.Y(place[1]);
      context.strokeStyle = theme.colours.ink;
      context.lineWidth = 2;
      if (radius > 0) {
        context.setLineDash([6, 4]);
        context.beginPath();
        context.arc(x, y, radius * at.scale, 0, 2 * Math.PI);
        context.stroke();
        context.setLineDash([]);
      }
      context.beginPath();
      for (let i = 0; i < 10; i += 1) {
        const r = i % 2 ? 0.45 * size : size, angle = (Math.PI * i) / 5;
        context.lineTo(x + r * Math.sin(angle), y - r * Math.cos(angle));
      }
      context.closePath();
      context.fillStyle = fill;
      context.fill();
      context.lineJoin = "round";
      context.stroke();
    }

    // From a pixel in a direction (y downward), so many pixels long.
    function arrow(at, [x, y], [dx, dy], length, colour, theme, width = 5) {
      const { context } = at, size = Math.hypot(dx, dy) || 1, [a, b] = [dx / size, dy / size], x1 = x + length * a, y1 = y + length * b;
      context.lineCap = context.lineJoin = "round";
      context.setLineDash([]);
      for (const [ink, wide] of [[theme.colours.paper, width + 3], [colour, width]]) {
        context.strokeStyle = ink;
        context.lineWidth = wide;
        context.beginPath();
        context.moveTo(x, y);
        context.lineTo(x1, y1);
        for (const side of [1, -1]) { context.moveTo(x1, y1); context.lineTo(x1 - 11 * a + side * 8 * b, y1 - 11 * b - side * 8 * a); }
        context.stroke();
      }
    }

    // Where an event points, in canvas pixels.
    function pixel(canvas, event) {
      const box = canvas.getBoundingClientRect(), em = canvas.em ?? 1;
      return [(event.clientX - box.left) / em, (event.clientY - box.top) / em];
    }
    const place = (at, [x, y]) => [low[0] + (x - at.left) / at.scale, high[1] - (y - at.top) / at.scale];


    // A hand that presses and drags: `aim(place)` for every place, `rest()` when it lets go; `drawn()` is the last view.
    function hand(canvas, drawn, aim, rest = () => {}) {
      const state = { dragging: false }, point = (event) => aim(place(drawn(), pixel(canvas, event)));
      canvas.addEventListener("pointerdown", (event) => {
        if (event.button !== 0) return;
        canvas.setPointerCapture?.(event.pointerId);
        state.dragging = true;
        point(event);
      });
      canvas.addEventListener("pointermove", (event) => { if (state.dragging) point(event); });
      for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { state.dragging = false; rest(); });
      return state;
    }

    return { view, ground, walls: walls_, way, stroke, disc, goal, arrow, pixel, place, clamp, hand };
  };

  // A way moved to the right of where it leads: x to the right and y downward, in pixels.
  course.lanes = function lanes(pixels, lane) {
    const turns = pixels.filter(([x, y], i) => !i || x !== pixels[i - 1][0] || y !== pixels[i - 1][1]); // who stays makes no turn
    if (turns.length < 2) return turns;
    const right = turns.slice(1).map(([x, y], i) => { const dx = x - turns[i][0], dy = y - turns[i][1], length = Math.hypot(dx, dy); return [-dy / length, dx / length]; });
    return turns.flatMap(([x, y], i) => {
      const a = right[Math.max(0, i - 1)], b = right[Math.min(right.length - 1, i)], cosine = a[0] * b[0] + a[1] * b[1];
      if (cosine < -0.5) return [a, b].map((n) => [x + lane * n[0], y + lane * n[1]]); // back: to the other side
      return [[0, 1].map((k) => [x, y][k] + (lane * (a[k] + b[k])) / (1 + cosine))];
    });
  };

  // The task whose goal is the nearest one in a direction, or the same task where there is none.
  course.towards = function towards(goals, from, [x, y]) {
    let best = from, least = Infinity;
    goals.forEach((goal, i) => {
      const along = (goal[0] - goals[from][0]) * x + (goal[1] - goals[from][1]) * y;
      const aside = Math.abs((goal[0] - goals[from][0]) * y) + Math.abs((goal[1] - goals[from][1]) * x);
      if (along > 1e-9 && along + 2 * aside < least) { least = along + 2 * aside; best = i; }
    });
    return best;
  };
  course.nearest = (goals, place) => goals.reduce((best, goal, i) => (Math.hypot(goal[0] - place[0], goal[1] - place[1]) < Math.hypot(goals[best][0] - place[0], goals[best][1] - place[1]) ? i : best), 0);

  course.ARROWS = { ArrowUp: [0, 1], ArrowDown: [0, -1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

  const rounded = (place) => place.map((v) => +v.toFixed(3));
  const signed = (value, digits = 2) => value.toFixed(digits).replace("-", "−").replace(/^−(0\.?0*)$/, "$1");
  course.place = { rounded, signed, words: (place) => `(${place.map((v) => signed(v)).join(", ")})` };

  // Joins a widget's view to its model: `ask(request)` sends at once, or as soon as the last question is answered,
  // and of several that wait only the newest; `ask(null)` takes the question back. A kernel that lets one wait for
  // long is asked at once again: it may have lost the last one. `view` has take(request) and answered(answer).
  course.asking = function asking(model, line) {
    let sent = course.words(model.get("request")), under_way = false, next = null;
    function send(request) {
      const words = course.words(request);
      if (words === sent) return;
      sent = words;
      under_way = true;
      line.save({ request });
    }
    const settled = () => !next && course.words(model.get("answer").of) === sent;
    return {
      ask(request) {
        if (request === null) { next = null; line.heard(true); return; }
        next = request;
        if (!under_way || line.late) { next = null; send(request); }
        if (settled()) line.heard(true); // back to what is shown
        else line.asked();
      },
      follow(view) {
        const answer = () => {
          const got = model.get("answer");
          under_way = false;
          if (next) { const request = next; next = null; send(request); } // the kernel works while this is painted
          line.heard(settled());
          view.answered(got);
        };
        const take = () => {
          const words = course.words(model.get("request"));
          if (words === sent) return;
          sent = words;
          view.take(model.get("request"));
        };
        model.on("change:answer", answer);
        model.on("change:request", take);
        view.take(model.get("request"));
        answer();
        return () => { model.off("change:answer", answer); model.off("change:request", take); };
      },
    };
  };

  // A widget's `render` from its `create(root, fixed, ask)`, which returns a view that can be destroyed.
  course.rendered = (create) => ({ model, el }) => {
    const root = course.h("div");
    el.append(root);
    const line = course.line(root, model), asking = course.asking(model, line);
    const view = create(root, model.get("fixed"), asking.ask);
    const leave = asking.follow(view);
    return () => { leave(); line.close(); view.destroy(); };
  };
}
