// Plays planar rollouts: a capsule seen from the side is a thick line with round ends, so a 2-D canvas
// draws every robot. The picture is remade from poses on each frame, which is what makes it scrub,
// follow, slow down and overlay without a video.

{
  const { h } = course;
  const POSITION_STEP = 5e-4, ANGLE_STEP = (2 * Math.PI) / 65536; // as in codec.py
  const wrapped = (difference) => (difference << 16) >> 16;

  // N rollouts that grow as pieces arrive. Poses are stored frame by frame, [T][N][B][x, z, pitch] in
  // metres and radians, so that growing is appending.
  course.recording = function recording({ rollouts, bodies, dt, labels = null }) {
    const perFrame = rollouts * bodies * 3;
    const it = {
      rollouts, bodies, dt, labels, frames: 0, final: false,
      pose: new Float32Array(256 * perFrame), reward: new Float32Array(256 * rollouts),
      alive: new Int32Array(rollouts), returns: new Float64Array(rollouts), lead: 0,
      rewardLow: 0, rewardHigh: 1e-6,
      last: null, // unwrapped counts of the newest frame, to continue from
    };
    const grow = (array, length) => {
      if (array.length >= length) return array;
      const bigger = new Float32Array(Math.max(length, array.length * 2));
      bigger.set(array);
      return bigger;
    };
    it.append = function append(header, buffer) {
      const data = course.int16(buffer), { frames } = header, stride = bodies * 3;
      const rewards = rollouts * frames * stride, lengths = rewards + rollouts * frames;
      it.pose = grow(it.pose, (it.frames + frames) * perFrame);
      it.reward = grow(it.reward, (it.frames + frames) * rollouts);
      const first = it.last === null;
      if (first) it.last = new Int32Array(perFrame);
      for (let n = 0; n < rollouts; n += 1) {
        for (let t = 0; t < frames; t += 1) {
          const from = (n * frames + t) * stride, to = (it.frames + t) * perFrame + n * stride;
          for (let b = 0; b < bodies; b += 1) {
            const i = n * stride + b * 3, source = from + b * 3;
            const start = first && t === 0;
            // The first frame's bodies are near the first body, every later frame is near the one before.
            const nearX = start ? (b ? it.last[n * stride] : 0) : it.last[i];
            const nearPitch = start ? 0 : it.last[i + 2];
            it.last[i] = nearX + wrapped(data[source] - nearX);
            it.last[i + 2] = nearPitch + wrapped(data[source + 2] - nearPitch);
            it.pose[to + b * 3] = it.last[i] * POSITION_STEP;
            it.pose[to + b * 3 + 1] = data[source + 1] * POSITION_STEP;
            it.pose[to + b * 3 + 2] = it.last[i + 2] * ANGLE_STEP;
          }
          const reward = data[rewards + n * frames + t] * header.reward_step;
          it.reward[(it.frames + t) * rollouts + n] = reward;
          it.returns[n] += reward;
          it.rewardLow = Math.min(it.rewardLow, reward);
          it.rewardHigh = Math.max(it.rewardHigh, reward);
        }
        it.alive[n] += data[lengths + n];
      }
      it.frames += frames;
    };
    // No piece follows. A precomputed grid brings the results of rollouts that it does not show.
    it.finish = function finish(result = null) {
      it.final = true;
      const order = [...it.returns.keys()].sort((a, b) => it.returns[a] - it.returns[b]);
      if (!labels) it.lead = order[Math.floor((rollouts - 1) / 2)]; // the solid robot is the typical one
      it.result = result ?? { returns: [...it.returns], fell: [...it.alive.keys()].map(it.fell) };
    };
    it.fell = (n) => it.alive[n] < it.frames;
    // x, z, pitch of a body between two frames.
    it.at = function at(out, n, frame, b) {
      const f0 = Math.max(0, Math.min(it.frames - 1, Math.floor(frame))), f1 = Math.min(it.frames - 1, f0 + 1);
      const w = Math.min(1, Math.max(0, frame - f0));
      const i = f0 * perFrame + (n * bodies + b) * 3, j = f1 * perFrame + (n * bodies + b) * 3;
      for (let k = 0; k < 3; k += 1) out[k] = it.pose[i + k] * (1 - w) + it.pose[j + k] * w;
      return out;
    };
    it.sentence = function sentence() {
      const { returns, fell } = it.result, n = returns.length;
      if (n === 1) return fate(it, 0);
      const standing = fell.filter((down) => !down).length;
      const who = standing === n ? `none of ${n} fell` : `${standing} of ${n} still standing`;
      return `${who}, mean return ${(returns.reduce((sum, value) => sum + value, 0) / n).toFixed(0)}`;
    };
    return it;
  };

  function fate(recording, n) {
    const seconds = (recording.alive[n] * recording.dt).toFixed(1);
    const what = recording.fell(n) ? `fell after ${seconds} s` : `lasted ${seconds} s`;
    return `${what}, return ${recording.returns[n].toFixed(0)}`;
  }
  const signed = (value, digits) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(digits)}`.replace(/^−(0\.?0*)$/, "+$1");
  course.fate = fate;
  course.sentenceCase = (words) => words[0].toUpperCase() + words.slice(1);

  // Ends of every geom in the world, [x0, z0, x1, z1] each.
  const body = new Float64Array(3);
  function skeleton(scene, recording, n, frame, out) {
    scene.geoms.forEach((geom, g) => {
      recording.at(body, n, frame, geom.body);
      const c = Math.cos(body[2]), s = Math.sin(body[2]);
      out[4 * g] = body[0] + c * geom.start[0] + s * geom.start[1];
      out[4 * g + 1] = body[1] - s * geom.start[0] + c * geom.start[1];
      out[4 * g + 2] = body[0] + c * geom.end[0] + s * geom.end[1];
      out[4 * g + 3] = body[1] - s * geom.end[0] + c * geom.end[1];
    });
    return out;
  }

  // The eye shows which way the robot faces: at the upper end of the first geom, or on the head if it has one.
  function eyeOf(scene) {
    const named = scene.geoms.findIndex((geom) => geom.name.includes("head"));
    const g = named >= 0 ? named : 0, geom = scene.geoms[g];
    const atEnd = geom.end[1] - geom.start[1] + 0.3 * (geom.end[0] - geom.start[0]) > 0;
    return { g, atEnd };
  }

  // Draws one robot. look: { fill, edge, dash, solid, fallen, eye }
  function robot(context, scene, points, view, look) {
    const width = (g) => Math.max(3, 2 * scene.geoms[g].radius * view.k);
    const { X, Y } = view;
    context.setLineDash([]);
    if (look.dash) { // a dashed silhouette: dash every outline, then cover what lies inside
      context.setLineDash(look.dash);
      context.lineCap = "butt";
      context.lineWidth = 5;
      context.strokeStyle = look.edge;
      scene.geoms.forEach((_, g) => {
        const x0 = X(points[4 * g]), y0 = Y(points[4 * g + 1]), x1 = X(points[4 * g + 2]), y1 = Y(points[4 * g + 3]);
        const angle = Math.atan2(y1 - y0, x1 - x0), r = width(g) / 2;
        context.beginPath();
        context.arc(x0, y0, r, angle + Math.PI / 2, angle + 1.5 * Math.PI);
        context.arc(x1, y1, r, angle - Math.PI / 2, angle + Math.PI / 2);
        context.closePath();
        context.stroke();
      });
      context.setLineDash([]);
    } else {
      scene.geoms.forEach((_, g) => course.capsule(context, X(points[4 * g]), Y(points[4 * g + 1]), X(points[4 * g + 2]), Y(points[4 * g + 3]), width(g) + look.border * 2, look.edge));
    }
    scene.geoms.forEach((geom, g) => course.capsule(context, X(points[4 * g]), Y(points[4 * g + 1]), X(points[4 * g + 2]), Y(points[4 * g + 3]), width(g), look.fills ? look.fills[geom.body % 2] : look.fill));
    if (look.solid) { // a light edge on the upper left gives the limbs volume
      scene.geoms.forEach((_, g) => {
        const w = width(g), dx = -0.16 * w, dy = -0.16 * w;
        course.capsule(context, X(points[4 * g]) + dx, Y(points[4 * g + 1]) + dy, X(points[4 * g + 2]) + dx, Y(points[4 * g + 3]) + dy, w * 0.26, look.light);
      });
    }
    if (!look.eye) return;
    const { g, atEnd } = view.eye, w = width(g), i = 4 * g;
    const from = atEnd ? i : i + 2, to = atEnd ? i + 2 : i;
    const ex = X(points[to]), ey = Y(points[to + 1]);
    // Forward is a quarter turn from "up along the body" for an upright body, and along it for a lying head.
    const angle = Math.atan2(Y(points[to + 1]) - Y(points[from + 1]), X(points[to]) - X(points[from]));
    const forward = Math.abs(scene.geoms[g].end[0] - scene.geoms[g].start[0]) > Math.abs(scene.geoms[g].end[1] - scene.geoms[g].start[1]) ? angle : angle + Math.PI / 2;
    const r = Math.max(4, 0.36 * w), cx = ex + Math.cos(forward) * 0.16 * w, cy = ey + Math.sin(forward) * 0.16 * w;
    context.fillStyle = "#ffffff";
    context.beginPath();
    context.arc(cx, cy, r, 0, 7);
    context.fill();
    context.lineWidth = 1.5;
    context.strokeStyle = look.edge;
    context.stroke();
    if (look.fallen) course.cross(context, cx, cy, 0.5 * r, "#18212d", Math.max(2, r * 0.28));
    else {
      context.fillStyle = "#18212d";
      context.beginPath();
      context.arc(cx + Math.cos(forward) * 0.35 * r, cy + Math.sin(forward) * 0.35 * r, 0.5 * r, 0, 7);
      context.fill();
    }
  }

  // The ground with its metre marks, hills and sky; view: { width, height, floor, k, X, camera }, c: the theme's colours.
  function landscape(context, c, { width, height, floor, k, X, camera }) {
    const sky = context.createLinearGradient(0, 0, 0, floor);
    sky.addColorStop(0, c.skyTop);
    sky.addColorStop(1, c.skyLow);
    context.fillStyle = sky;
    context.fillRect(0, 0, width, floor);
    context.fillStyle = c.hill; // far hills move a quarter as fast: depth without a second picture
    context.beginPath();
    context.moveTo(0, floor);
    for (let px = 0; px <= width + 8; px += 8) {
      const x = px / k + camera * 0.25;
      context.lineTo(px, floor - (0.16 + 0.075 * Math.sin(1.1 * x) + 0.05 * Math.sin(2.3 * x + 1)) * Math.min(height, 420));
    }
    context.lineTo(width, floor);
    context.fill();
    context.fillStyle = c.ground;
    context.fillRect(0, floor, width, height - floor);
    const first = Math.floor(camera - width / 2 / k) - 1, last = Math.ceil(camera + width / 2 / k) + 1;
    context.fillStyle = c.groundLow; // every other metre is darker
    for (let x = first; x <= last; x += 1) if (((x % 2) + 2) % 2) context.fillRect(X(x), floor, k, height - floor);
    context.strokeStyle = c.edge;
    context.setLineDash([]);
    context.lineCap = "butt";
    context.lineWidth = 3;
    context.beginPath();
    context.moveTo(0, floor + 1.5);
    context.lineTo(width, floor + 1.5);
    context.stroke();
    context.lineWidth = 2;
    const every = k < 62 ? 2 : 1;
    for (let x = first; x <= last; x += 1) {
      context.beginPath();
      context.moveTo(X(x), floor);
      context.lineTo(X(x), floor + 12);
      context.stroke();
      if (x % every === 0 && X(x) > 26 && X(x) < width - 26) course.text(context, `${x} m`, X(x), floor + 34, { colour: c.ink, align: "center", weight: x === 0 ? 700 : 400 });
    }
  }

  // A shadow below the robot whose skeleton is in points.
  function shade(context, scene, points, view, colour) {
    let low = Infinity, high = -Infinity, lowest = Infinity;
    scene.geoms.forEach((geom, g) => {
      low = Math.min(low, points[4 * g] - geom.radius, points[4 * g + 2] - geom.radius);
      high = Math.max(high, points[4 * g] + geom.radius, points[4 * g + 2] + geom.radius);
      lowest = Math.min(lowest, points[4 * g + 1] - geom.radius, points[4 * g + 3] - geom.radius);
    });
    context.globalAlpha = Math.max(0.25, 1 - 1.2 * Math.max(0, lowest));
    context.fillStyle = colour;
    context.beginPath();
    context.ellipse(view.X((low + high) / 2), view.floor + 7, ((high - low) / 2) * view.k + 4, 7, 0, 0, 7);
    context.fill();
    context.globalAlpha = 1;
  }

  // How the robot in front looks, fallen or not.
  function solidLook(c, hue, dark, fallen = false) {
    if (fallen) return { fill: c.fallen, fills: [c.fallen, course.mix(c.fallen, c.skyLow, 0.2)], edge: c.outline, border: 2.5, light: course.mix(c.fallen, "#ffffff", 0.4), solid: true, eye: true, fallen: true };
    return { fill: hue, fills: [hue, course.mix(hue, dark ? "#000000" : "#ffffff", 0.16)], edge: c.outline, border: 2.5, light: course.mix(hue, "#ffffff", 0.42), solid: true, eye: true };
  }

  course.scenery = { skeleton, eyeOf, robot, landscape, shade, solidLook };

  const CSS = `
.course-player { display: flex; flex-direction: column; gap: 6px; min-width: 0; padding: 0; }
.course-stage { position: relative; width: 100%; aspect-ratio: 16 / 8; min-height: 240px; max-height: 430px; overflow: hidden; border-radius: 10px; }
.course-stage.course-stacked { aspect-ratio: auto; height: calc(11.5em * var(--course-strips)); max-height: none; }
.course-stage canvas { position: absolute; inset: 0; height: 100%; cursor: pointer; }
.course-rewards { position: relative; height: 4.75em; }
.course-rewards canvas { position: absolute; inset: 0; height: 100%; cursor: col-resize; touch-action: none; }
.course-bar { display: flex; align-items: center; gap: 6px; flex-wrap: wrap; }
.course-bar .course-scrub { position: relative; flex: 1 1 90px; height: 44px; min-width: 70px; }
.course-time { min-width: 6.5ch; text-align: right; font-variant-numeric: tabular-nums; }
.course-legend { display: flex; flex-wrap: wrap; gap: 6px; }
.course-legend button { font-weight: 500; justify-content: flex-start; padding: 2px 10px; text-align: left; }
.course button svg.course-swatch { width: 34px; height: 14px; fill: none; stroke-width: 5; }
.course-legend button[aria-pressed=false] { text-decoration: line-through; color: var(--course-muted); }
.course-says { font-weight: 700; font-size: 1.15em; min-height: 1.5em; }
.course-player-root { padding: 8px; }
.course-player-root[data-lecture] { padding: 12px; }
.course[data-lecture] .course-player { height: 100%; }
.course[data-lecture] .course-stage { flex: 1 1 auto; aspect-ratio: auto; max-height: none; min-height: 0; }
`;

  function swatch(i) {
    const ns = "http://www.w3.org/2000/svg", svg = document.createElementNS(ns, "svg"), line = document.createElementNS(ns, "line");
    svg.setAttribute("viewBox", "0 0 34 14");
    svg.setAttribute("class", "course-swatch");
    svg.setAttribute("aria-hidden", "true");
    for (const [name, value] of Object.entries({ x1: 1, y1: 7, x2: 33, y2: 7, stroke: `var(--course-series-${i})` })) line.setAttribute(name, value);
    line.setAttribute("stroke-dasharray", course.series[i % 4].dash.join(" "));
    svg.append(line);
    return svg;
  }
  course.swatch = swatch;

  // The player inside a dressed root.
  //   scene     bodies and geoms
  //   theme     what course.dress returned
  //   stacked   whether labelled robots have a strip each, one above the other, instead of one picture for all
  //   says      show the sentence under the player (a panel says it itself)
  //   extra     buttons at the end of the bar
  // Returns { element, begin, append, finish, load, play, pause, seek, pin, unpin, redraw, destroy }.
  function create({ scene, theme, stacked = false, says = true, extra = [], root = null }) {
    const canvas = h("canvas", { role: "img", "aria-label": "The robot, seen from the side" });
    const stage = h("div", { class: "course-stage" }, canvas);
    const rewardCanvas = h("canvas", { role: "img", "aria-label": "Reward of each step over time" });
    const rewards = h("div", { class: "course-rewards" }, rewardCanvas);
    const playButton = course.button({ icon: "play", label: "Play (space)", class: "course-main" });
    const scrub = h("input", { type: "range", min: 0, max: 1, step: "any", value: 0, "aria-label": "Time" });
    const scrubBox = h("div", { class: "course-scrub" }, h("div", { class: "course-track" }), scrub);
    const time = h("span", { class: "course-time", "aria-hidden": "true" }, "0.00 s");
    const speed = h("select", { "aria-label": "Speed" }, ...[["0.1", "0.1×"], ["0.25", "0.25×"], ["0.5", "0.5×"], ["1", "1×"], ["2", "2×"], ["4", "4×"]].map(([value, text]) => h("option", { value, selected: value === "1" }, text)));
    const bar = h("div", { class: "course-bar" }, playButton, scrubBox, time, speed, ...extra);
    const legend = h("div", { class: "course-legend", role: "group", "aria-label": "Rollouts shown", hidden: true });
    const sentence = h("div", { class: "course-says", role: "status" });
    const element = h("div", { class: "course-player", role: "group", "aria-label": `Player of ${scene.name} rollouts` }, h("style", {}, CSS), stage, rewards, bar, legend, says ? sentence : null);

    const eye = eyeOf(scene);
    const state = { now: null, frame: 0, playing: false, speed: 1, hold: 0, wanted: Infinity, pins: [], hidden: new Set(), camera: null, zoom: 1, total: 0, painted: 0 };
    const points = new Float64Array(4 * scene.geoms.length);
    let rewardPicture = null, looks = null;

    // --- what is shown: the newest recording's rollouts, and the leads of those pinned

    function overlays() { // labelled robots, in drawing order from back to front
      const list = [];
      const now = state.now;
      if (now.labels) {
        now.labels.forEach((label, n) => { if (!state.hidden.has(n)) list.push({ recording: now, n, series: n, label, solid: false }); });
        if (list.length) list[0].solid = true;
      } else list.push({ recording: now, n: now.lead, series: 0, label: state.pins.length ? state.title || "now" : "", solid: true });
      state.pins.forEach((pin) => list.push({ recording: pin.recording, n: pin.recording.lead, series: pin.series, label: pin.label, solid: false }));
      return list.reverse();
    }

    function style(series, solid) {
      const key = `${theme.dark}${series}${solid}`;
      looks ??= new Map();
      if (!looks.has(key)) {
        const c = theme.colours, hue = theme.series(series);
        looks.set(key, solid
          ? solidLook(c, hue, theme.dark)
          : { fill: course.mix(hue, c.skyLow, 0.62), edge: hue, border: 2.5, dash: course.series[series % 4].dash, eye: true });
        looks.set(`${key}fallen`, solid
          ? solidLook(c, hue, theme.dark, true)
          : { fill: course.mix(c.fallen, c.skyLow, 0.6), edge: hue, border: 2.5, dash: course.series[series % 4].dash, eye: true, fallen: true });
      }
      return (fallen) => looks.get(fallen ? `${key}fallen` : key);
    }
    function faint() {
      looks ??= new Map();
      if (!looks.has("faint")) {
        const c = theme.colours, hue = theme.series(0);
        looks.set("faint", { fill: course.mix(hue, c.skyLow, 0.78), edge: course.mix(hue, c.skyLow, 0.5), border: 1.5 });
        looks.set("faintfallen", { fill: course.mix(c.fallen, c.skyLow, 0.82), edge: course.mix(c.fallen, c.skyLow, 0.5), border: 1.5 });
      }
      return looks;
    }

    // --- the picture

    function measure() { // how high the robot reaches, and how long it is
      if (state.reach) return;
      const now = state.now;
      let top = 0, left = Infinity, right = -Infinity;
      skeleton(scene, now, now.lead, 0, points);
      scene.geoms.forEach((geom, g) => {
        top = Math.max(top, points[4 * g + 1] + geom.radius, points[4 * g + 3] + geom.radius);
        left = Math.min(left, points[4 * g], points[4 * g + 2]);
        right = Math.max(right, points[4 * g], points[4 * g + 2]);
      });
      state.reach = Math.max(0.5, top);
      state.length = right - left;
    }

    function framing(width, height, elapsed) {
      const list = overlays();
      // Room above the head for a jump, below the ground for the metre marks.
      measure();
      const lanes = list.filter((o) => o.label).length;
      const below = 46, above = 14 + 29 * lanes;
      const base = Math.min((height - below - above) / (state.reach * (lanes ? 1.18 : 1.32)), (0.36 * width) / state.length);
      const xs = list.map(({ recording, n }) => recording.at(body, n, state.frame, 0)[0]);
      const lead = xs[xs.length - 1];
      const low = Math.min(...xs), high = Math.max(...xs);
      const room = Math.max(1, width - 200);
      const wantedZoom = Math.max(0.5, Math.min(1, room / ((high - low) * base || 1)));
      let wanted = (high - low) * base * wantedZoom <= room ? (low + high) / 2 : Math.min(high - room / (2 * base * wantedZoom), Math.max(low + room / (2 * base * wantedZoom), lead));
      wanted += (0.06 * width) / base;
      const follow = state.camera === null || elapsed === 0 || Math.abs(wanted - state.camera) > 3 ? 1 : 1 - Math.exp(-elapsed / 0.1);
      state.camera = (state.camera ?? 0) + (wanted - (state.camera ?? 0)) * follow;
      state.zoom += (wantedZoom - state.zoom) * follow;
      const k = base * state.zoom, floor = height - below;
      return { k, floor, list, width, height, eye, camera: state.camera, X: (x) => width / 2 + (x - state.camera) * k, Y: (z) => floor - z * k };
    }

    function top() { // highest point of the robot whose skeleton was drawn last
      let x = 0, z = -Infinity;
      scene.geoms.forEach((geom, g) => {
        for (const i of [4 * g, 4 * g + 2]) if (points[i + 1] + geom.radius > z) { z = points[i + 1] + geom.radius; x = points[i]; }
      });
      return [x, z];
    }

    // Labels stand in lanes of their own, so that they never cover each other; a line leads to the robot.
    function drawTags(context, tags, width) {
      const c = theme.colours;
      context.font = course.font(17, 700);
      const placed = tags.filter((tag) => tag.label || tag.down).map((tag, lane) => {
        const outside = tag.x < 0 ? "◀ " : tag.x > width ? "▶ " : "";
        const fell = tag.down ? `fell ${tag.seconds.toFixed(1)} s` : "";
        let label = tag.label, words;
        do { // a long label gives way to a narrow screen, what happened does not
          words = outside + [label, fell].filter(Boolean).join(" · ");
          label = label && label.length > 3 ? `${label.slice(0, -2).trimEnd().replace(/…$/, "")}…` : "";
        } while (label && context.measureText(words).width > width - 60);
        const half = context.measureText(words).width / 2 + 25;
        const x = Math.min(width - half - 4, Math.max(half + 4, tag.x));
        return { ...tag, words, half, x0: x, y0: tag.label ? 20 + 29 * lane : Math.max(22, tag.y - 26), outside };
      });
      for (const { label, outside, x, y, x0, y0, half, series } of placed) {
        if (outside || !label) continue;
        context.strokeStyle = theme.series(series);
        context.lineWidth = 2;
        context.setLineDash([2, 4]);
        context.beginPath();
        context.moveTo(Math.min(x0 + half, Math.max(x0 - half, x)), y0);
        context.lineTo(x, Math.max(y0 + 12, y - 4));
        context.stroke();
      }
      for (const { words, down, x0, y0, half, series, label } of placed) {
        context.setLineDash([]);
        context.fillStyle = c.paper;
        context.strokeStyle = theme.series(series);
        context.lineWidth = 1.5;
        context.beginPath();
        context.roundRect(x0 - half, y0 - 13, 2 * half, 26, 13);
        context.fill();
        if (label) context.stroke();
        if (down) course.cross(context, x0 - half + 17, y0, 6, c.ink, 3.5);
        else {
          context.lineWidth = 5;
          context.lineCap = "butt";
          context.setLineDash(course.series[series % 4].dash.map((d) => d * 0.7));
          context.beginPath();
          context.moveTo(x0 - half + 9, y0);
          context.lineTo(x0 - half + 29, y0);
          context.stroke();
        }
        course.text(context, words, x0 - half + 36, y0 + 1, { colour: c.ink, size: 17, weight: 700, baseline: "middle" });
      }
      context.setLineDash([]);
    }

    // Robots that part company: each on a ground of its own that moves with it, its name and velocity above.
    function strips(context, width, height) {
      measure();
      const list = overlays().reverse(), c = theme.colours, tall = height / list.length, floor = tall - 44;
      const k = Math.min((floor - 34) / (1.1 * state.reach), (0.36 * width) / state.length);
      list.forEach(({ recording, n, series, label }, i) => {
        const at = (frame) => recording.at(body, n, Math.min(state.now.frames - 1, Math.max(0, frame)), 0)[0];
        const around = 0.25 / recording.dt; // a ground that does not shake with every stride
        const camera = (at(state.frame - around) + at(state.frame) + at(state.frame + around)) / 3;
        const view = { k, floor, width, height: tall, eye, camera, X: (x) => width / 2 + (x - camera) * k, Y: (z) => floor - z * k };
        const down = recording.fell(n) && state.frame >= recording.alive[n];
        context.save();
        context.translate(0, i * tall);
        context.beginPath();
        context.rect(0, 0, width, tall);
        context.clip();
        landscape(context, c, view);
        skeleton(scene, recording, n, state.frame, points);
        shade(context, scene, points, view, c.shadow);
        robot(context, scene, points, view, style(series, true)(down));
        context.strokeStyle = theme.series(series);
        context.lineWidth = 5;
        context.lineCap = "butt";
        context.setLineDash(course.series[series % 4].dash.map((d) => d * 0.7));
        context.beginPath();
        context.moveTo(12, 20);
        context.lineTo(40, 20);
        context.stroke();
        context.setLineDash([]);
        const past = Math.min(state.frame, 1 / recording.dt); // frames of the last second, if there were as many
        const speed = past * recording.dt < 0.2 ? "" : `${signed((at(state.frame) - at(state.frame - past)) / (past * recording.dt), 1)} m/s`;
        course.text(context, label, 48, 21, { colour: c.ink, halo: c.skyTop, size: 17, weight: 700, baseline: "middle" });
        course.text(context, down ? `fell ${(recording.alive[n] * recording.dt).toFixed(1)} s` : speed, width - 12, 21, { colour: c.ink, halo: c.skyTop, size: 17, weight: 700, align: "right", baseline: "middle" });
        if (i) { context.fillStyle = c.paper; context.fillRect(0, 0, width, 4); }
        context.restore();
      });
    }

    function draw(elapsed = 0) {
      if (!state.now || !state.now.frames) return;
      const { context, width, height } = course.fit(canvas, stage.clientHeight || 300);
      if (stacked && state.now.labels) strips(context, width, height);
      else together(context, width, height, elapsed);
      drawRewards(width);
      const seconds = state.frame * state.now.dt;
      time.textContent = `${seconds.toFixed(2)} s`;
      if (document.activeElement !== scrub || state.playing) scrub.value = state.frame;
      scrub.setAttribute("aria-valuetext", `${seconds.toFixed(2)} seconds`);
      state.painted += 1;
    }

    function together(context, width, height, elapsed) {
      const now = state.now, view = framing(width, height, elapsed), c = theme.colours;
      landscape(context, c, view);
      if (!now.labels) {
        const order = [...Array(now.rollouts).keys()].filter((n) => n !== now.lead);
        const fallen = (n) => state.frame >= now.alive[n] && now.fell(n);
        order.sort((a, b) => fallen(b) - fallen(a));
        for (const n of order) {
          skeleton(scene, now, n, state.frame, points);
          const [x, z] = top(), px = view.X(x);
          if (px < -80 || px > width + 80) continue;
          robot(context, scene, points, view, faint().get(fallen(n) ? "faintfallen" : "faint"));
          if (fallen(n)) course.cross(context, px, view.Y(z) - 10, 6, c.muted, 3);
        }
      }
      const tags = [];
      for (const overlay of view.list) {
        const { recording, n, series, solid, label } = overlay;
        const down = recording.fell(n) && state.frame >= recording.alive[n];
        skeleton(scene, recording, n, state.frame, points);
        if (solid) shade(context, scene, points, view, c.shadow);
        robot(context, scene, points, view, style(series, solid)(down));
        const [x, z] = top();
        tags.push({ x: view.X(x), y: view.Y(z), series, label, down, seconds: recording.alive[n] * recording.dt });
      }
      drawTags(context, tags.reverse(), width);
    }

    // --- the rewards: drawn once per change of data, the cursor on every frame

    function drawRewards() {
      const now = state.now;
      const { context, width, height, ratio } = course.fit(rewardCanvas, rewards.clientHeight || 76);
      const c = theme.colours, left = 10, right = 10, upper = 24, lower = 6;
      const total = Math.max(2, state.total);
      const X = (frame) => left + (frame / (total - 1)) * (width - left - right);
      if (!rewardPicture || rewardPicture.width !== rewardCanvas.width) {
        rewardPicture = document.createElement("canvas");
        rewardPicture.width = rewardCanvas.width;
        rewardPicture.height = rewardCanvas.height;
        const g = rewardPicture.getContext("2d");
        g.scale(ratio, ratio);
        const all = [now, ...state.pins.map((pin) => pin.recording)];
        const low = Math.min(0, ...all.map((r) => r.rewardLow)), high = Math.max(...all.map((r) => r.rewardHigh), low + 1e-6);
        const Y = (value) => height - lower - ((value - low) / (high - low)) * (height - upper - lower);
        g.fillStyle = c.panel;
        g.beginPath();
        g.roundRect(0, 0, width, height, 8);
        g.fill();
        g.strokeStyle = c.line;
        g.lineWidth = 1;
        g.beginPath();
        g.moveTo(left, Y(0));
        g.lineTo(width - right, Y(0));
        g.stroke();
        const curve = (recording, n, colour, thickness, dash) => {
          g.strokeStyle = colour;
          g.lineWidth = thickness;
          g.lineJoin = "round";
          g.setLineDash(dash);
          g.beginPath();
          const end = Math.max(1, Math.min(recording.frames, recording.alive[n]));
          for (let t = 0; t < end; t += 1) g.lineTo(X(t), Y(recording.reward[t * recording.rollouts + n]));
          g.stroke();
          g.setLineDash([]);
          if (recording.fell(n)) course.cross(g, X(end - 1), Y(recording.reward[(end - 1) * recording.rollouts + n]), thickness > 1.5 ? 5 : 3.5, thickness > 1.5 ? c.ink : colour, thickness > 1.5 ? 3 : 2);
        };
        if (!now.labels) for (let n = 0; n < now.rollouts; n += 1) if (n !== now.lead) curve(now, n, course.mix(theme.series(0), c.panel, 0.66), 1, []);
        for (const { recording, n, series } of overlays()) curve(recording, n, theme.series(series), 2.5, course.series[series % 4].dash);
        course.text(g, `reward per step, up to ${high.toFixed(1)}`, left, 18, { colour: c.muted, halo: c.panel });
      }
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, rewardCanvas.width, rewardCanvas.height);
      context.drawImage(rewardPicture, 0, 0);
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      const x = X(state.frame);
      context.strokeStyle = c.ink;
      context.lineWidth = 2;
      context.beginPath();
      context.moveTo(x, 4);
      context.lineTo(x, height - 2);
      context.stroke();
    }

    // --- time

    function end() { // nothing more happens half a second after the last robot has fallen
      const longest = Math.max(...overlays().map(({ recording, n }) => (recording.fell(n) ? recording.alive[n] + 0.7 / recording.dt : recording.frames)),
        ...(state.now.labels ? [] : [...state.now.alive].map((alive, n) => (state.now.fell(n) ? 0 : alive))));
      return Math.min(Math.max(state.now.frames, ...state.pins.map((pin) => pin.recording.frames)), longest) - 1;
    }
    const animation = course.animation(stage, (elapsed) => {
      if (!state.playing || !state.now) return false;
      if (!state.now.frames) return true;
      const last = end();
      state.frame += (elapsed * state.speed) / state.now.dt;
      if (state.frame >= last) {
        if (!state.now.final) state.frame = Math.min(state.frame, state.now.frames - 1);
        else {
          state.hold += elapsed;
          state.frame = last;
          if (state.hold > 1.2) { state.hold = 0; state.frame = 0; state.camera = null; }
        }
      }
      draw(elapsed);
      return true;
    });
    function setPlaying(playing) {
      state.playing = playing;
      playButton.setIcon(playing ? "pause" : "play");
      const label = playing ? "Pause (space)" : "Play (space)";
      playButton.setAttribute("aria-label", label);
      playButton.title = label;
      if (playing) {
        if (state.now && state.now.final && state.frame >= end()) state.frame = 0;
        state.hold = 0;
        animation.start();
      } else {
        animation.stop();
        state.wanted = state.frame;
      }
    }
    function seek(frame) {
      if (!state.now) return;
      setPlaying(false);
      state.wanted = frame;
      state.frame = Math.max(0, Math.min(state.now.frames - 1, frame));
      scrub.value = state.frame; // a key that is pressed on the slider moves it, too
      draw();
    }
    playButton.addEventListener("click", () => setPlaying(!state.playing));
    scrub.addEventListener("input", () => seek(+scrub.value));
    speed.addEventListener("change", () => { state.speed = +speed.value; });
    canvas.addEventListener("click", () => { setPlaying(!state.playing); scrub.focus({ preventScroll: true }); });
    const seekTo = (event) => {
      const box = rewardCanvas.getBoundingClientRect();
      const margin = 10 * (rewardCanvas.em ?? 1);
      seek(((event.clientX - box.left - margin) / (box.width - 2 * margin)) * (state.total - 1));
    };
    rewardCanvas.addEventListener("pointerdown", (event) => { rewardCanvas.setPointerCapture(event.pointerId); seekTo(event); });
    rewardCanvas.addEventListener("pointermove", (event) => { if (event.buttons) seekTo(event); });
    element.addEventListener("keydown", (event) => {
      if (!state.now || event.ctrlKey || event.metaKey || event.altKey) return;
      const onScrub = event.target === scrub;
      const step = event.shiftKey ? 1 : Math.max(1, Math.round(0.1 / state.now.dt));
      if (event.key === " " && event.target.tagName !== "BUTTON" && event.target.tagName !== "SELECT") setPlaying(!state.playing);
      else if (onScrub && (event.key === "ArrowRight" || event.key === "ArrowUp")) seek(Math.round(state.frame) + step);
      else if (onScrub && (event.key === "ArrowLeft" || event.key === "ArrowDown")) seek(Math.round(state.frame) - step);
      else if (onScrub && event.key === "Home") seek(0);
      else if (onScrub && event.key === "End") seek(Infinity);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });

    // --- data

    // A playing player starts again, a paused one stays at its time, as soon as the data reach it.
    function begin(header, { title = "" } = {}) {
      const before = state.now;
      state.now = course.recording(header);
      state.title = title;
      state.hidden.clear();
      if (state.playing) { state.frame = 0; state.camera = null; animation.start(); }
      state.hold = 0;
      if (!before || String(before.labels) !== String(header.labels)) state.total = 0;
      buildLegend();
    }
    function append(header, buffer) {
      const now = state.now;
      now.append(header, buffer);
      state.total = Math.max(state.total, now.frames, ...state.pins.map((pin) => pin.recording.frames));
      scrub.max = state.total - 1;
      rewardPicture = null;
      if (state.playing) return; // the next animation frame draws it
      state.frame = Math.max(0, Math.min(state.wanted, now.frames - 1));
      draw();
    }
    function finish(result) {
      const now = state.now;
      now.finish(result);
      state.total = Math.max(now.frames, ...state.pins.map((pin) => pin.recording.frames));
      scrub.max = state.total - 1;
      rewardPicture = null;
      if (says) sentence.textContent = now.labels && now.rollouts > 1 ? "" : course.sentenceCase(now.sentence());
      buildLegend();
      draw();
    }
    function buildLegend() {
      const now = state.now;
      const rows = now.labels ?? [];
      stage.classList.toggle("course-stacked", stacked && rows.length > 0);
      stage.style.setProperty("--course-strips", rows.length);
      legend.hidden = rows.length < 2;
      if (legend.hidden) { legend.replaceChildren(); return; }
      legend.replaceChildren(...rows.map((label, n) => {
        const result = now.final ? `: ${fate(now, n)}` : "";
        const button = h("button", { type: "button", "aria-pressed": String(!state.hidden.has(n)) }, swatch(n), h("span", {}, `${label}${result}`));
        button.addEventListener("click", () => {
          if (state.hidden.has(n)) state.hidden.delete(n);
          else if (state.hidden.size < now.rollouts - 1) state.hidden.add(n);
          button.setAttribute("aria-pressed", String(!state.hidden.has(n)));
          rewardPicture = null;
          draw();
        });
        return button;
      }));
    }

    const redraw = () => { looks = null; rewardPicture = null; canvas.em = rewardCanvas.em = null; draw(); };
    const sizes = new ResizeObserver(redraw);
    sizes.observe(stage);
    return {
      element, begin, append, finish, seek, state, redraw, overlays,
      play: () => setPlaying(true), pause: () => setPlaying(false),
      // A whole clip at once.
      load(header, buffer, options) { begin(header, options); append(header, buffer); finish(header.result); },
      // Keeps the present lead as a labelled ghost beside whatever comes next.
      pin(label, series) { state.pins.push({ recording: state.now, label, series }); redraw(); },
      unpin(index) { state.pins.splice(index, 1); redraw(); },
      destroy() { animation.destroy(); sizes.disconnect(); },
    };
  }

  function render({ model, el }) {
    const root = h("div", { class: "course-player-root" });
    let player = null;
    const theme = course.dress(root, () => player?.redraw());
    const lecture = course.lecture(root);
    player = create({ scene: model.get("scene"), theme, stacked: model.get("stacked"), extra: [lecture.button] });
    root.append(player.element);
    el.append(root);
    function load() {
      const header = model.get("header"), buffer = model.get("data");
      if (!header || !header.frames) return;
      const received = performance.now();
      if (model.get("autoplay") && !course.reducedMotion()) player.play();
      player.load(header, buffer);
      course.painted((at) => course.tell(root, "painted", { final: true, at, received, bytes: course.bytes(buffer).byteLength }));
    }
    model.on("change:data", load);
    load();
    return () => { model.off("change:data", load); theme.stop(); player.destroy(); };
  }

  course.player = { create, render };
}
