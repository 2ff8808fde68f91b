// What every widget shares: the object they register in, colours, elements, keys, lecture mode.
// Plain script: module.py joins it with the others, nothing is imported.

const course = {};

{
  // Okabe-Ito, the four that stay apart for every kind of colour blindness, one shade for light paper
  // and one for dark. Never colour alone: each has a dash pattern and stands beside its label.
  course.series = [
    { name: "blue", light: "#0072B2", dark: "#56B4E9", dash: [] },
    { name: "vermillion", light: "#D55E00", dark: "#E69F00", dash: [9, 5] },
    { name: "green", light: "#00835F", dark: "#2FC79A", dash: [3, 5] },
    { name: "purple", light: "#B8558C", dark: "#DD9BC2", dash: [12, 4, 3, 4] },
  ];

  course.palettes = {
    light: {
      ink: "#18212d", muted: "#48535f", paper: "#ffffff", panel: "#f3f6f9", line: "#8894a2", accent: "#0072B2",
      skyTop: "#dcebf7", skyLow: "#fbfdff", hill: "#cfdfec", ground: "#d9dfe6", groundLow: "#c6ced8",
      edge: "#5a6878", outline: "#18212d", fallen: "#7b8794", shadow: "rgba(24,33,45,.20)", band: "#a9cde6",
    },
    dark: {
      ink: "#eef2f6", muted: "#b9c4d0", paper: "#151b23", panel: "#1e2731", line: "#738294", accent: "#56B4E9",
      skyTop: "#101923", skyLow: "#22303f", hill: "#2a3b4c", ground: "#2f3c4b", groundLow: "#232e3a",
      edge: "#9aa9b9", outline: "#05080b", fallen: "#95a1ae", shadow: "rgba(0,0,0,.45)", band: "#2d6388",
    },
  };

  // An element; text children are escaped by the browser. Whatever can take the focus keeps its arrow
  // keys: Notebook 7 steals them otherwise, and it looks at the focused element only.
  const FOCUSABLE = new Set(["button", "input", "select", "summary"]);
  course.h = function h(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value === true) element.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
    }
    if (FOCUSABLE.has(tag) || "tabindex" in attributes) element.setAttribute("data-lm-suppress-shortcuts", "true");
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  };

  // Ids must be unique in the page: two views of one widget, or two widgets, share the document.
  let ids = 0;
  const salt = Math.random().toString(36).slice(2, 8);
  course.id = (prefix) => `course-${prefix}-${salt}-${ids++}`;

  course.reducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  // JupyterLab and Notebook say it on <body>; an iframe written by srcdoc may look at its parent's;
  // a page alone follows the system. Other hosts (VS Code) are read off the text's colour.
  function prefersDark(element) {
    for (const view of [window, window.parent]) {
      try {
        const flag = view.document.body.dataset.jpThemeLight;
        if (flag !== undefined) return flag === "false";
      } catch { /* a parent of another origin tells nothing */ }
    }
    const kind = document.body.dataset.vscodeThemeKind;
    if (kind) return kind.includes("dark");
    // A page that names no scheme is white, whatever the system prefers.
    const named = getComputedStyle(document.documentElement).colorScheme.includes("dark");
    return named && matchMedia("(prefers-color-scheme: dark)").matches;
  }

  // Dresses a widget's root element: style, light or dark, and says when that changes.
  course.dress = function dress(root, onchange = () => {}) {
    root.classList.add("course");
    root.prepend(course.h("style", {}, course.css));
    const theme = { dark: false, colours: course.palettes.light, series: (i) => "" };
    theme.series = (i) => course.series[i % course.series.length][theme.dark ? "dark" : "light"];
    function read() {
      theme.dark = prefersDark(root);
      theme.colours = course.palettes[theme.dark ? "dark" : "light"];
      root.toggleAttribute("data-dark", theme.dark);
      for (const [name, value] of Object.entries(theme.colours)) root.style.setProperty(`--course-${name}`, value);
      course.series.forEach((_, i) => root.style.setProperty(`--course-series-${i}`, theme.series(i)));
    }
    const watcher = new MutationObserver(() => { read(); onchange(theme); });
    watcher.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-vscode-theme-kind"] });
    try {
      if (window.parent !== window) {
        watcher.observe(window.parent.document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
      }
    } catch { /* another origin */ }
    read();
    theme.stop = () => watcher.disconnect();
    return theme;
  };

  const ICONS = {
    play: "M7 4.5v15l12.5-7.5z",
    pause: "M6.5 4.5h4v15h-4zM13.5 4.5h4v15h-4z",
    restart: "M12 5V1.5L6.5 6 12 10.5V7a5.5 5.5 0 1 1-5.5 5.5H4.5A7.5 7.5 0 1 0 12 5z",
    pin: "M9 3h6v2l-1 1v5l3 3v2h-4v5l-1 1-1-1v-5H7v-2l3-3V6L9 5z",
    close: "M6.4 5 12 10.6 17.6 5 19 6.4 13.4 12 19 17.6 17.6 19 12 13.4 6.4 19 5 17.6 10.6 12 5 6.4z",
    full: "M4 4h6v2H6v4H4zM14 4h6v6h-2V6h-4zM4 14h2v4h4v2H4zM18 14h2v6h-6v-2h4z",
    small: "M8 4h2v6H4V8h4zM14 4h2v4h4v2h-6zM4 14h6v6H8v-4H4zM14 14h6v2h-4v4h-2z",
    stop: "M6 6h12v12H6z",
  };
  course.icon = function icon(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", ICONS[name]);
    svg.append(path);
    return svg;
  };

  // A button with an icon, words, or both; without words the label is read aloud and shown on hover.
  course.button = function button({ icon, text, label, onclick, ...rest }) {
    const element = course.h("button", { type: "button", "aria-label": text ? null : label, title: label, ...rest });
    if (icon) element.append(course.icon(icon));
    if (text) element.append(course.h("span", {}, text));
    if (onclick) element.addEventListener("click", onclick);
    element.setIcon = (name) => element.querySelector("svg").replaceWith(course.icon(name));
    return element;
  };

  // A number as the sliders show it: as many decimals as the step has.
  course.decimals = (step) => {
    for (let digits = 0; digits < 6; digits += 1) {
      if (Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) < 1e-9) return digits;
    }
    return 6;
  };

  // One slider: name and value above, the track below with the range and the mean of the training
  // distribution marked on it. Arrows move a step, Shift with them a tenth, Page keys ten, Home and End
  // to the ends. With `values` the slider stops at these only (a precomputed grid has no others).
  course.slider = function slider(spec, onchange) {
    const stops = spec.values ?? null;
    const low = stops ? stops[0] : spec.low, high = stops ? stops[stops.length - 1] : spec.high;
    const step = stops ? null : spec.step;
    const digits = stops ? Math.max(...stops.map(course.decimals)) : course.decimals(step);
    const id = course.id("slider"), marksId = course.id("marks");
    const share = (value) => (100 * (value - low)) / (high - low || 1);
    const clamp = (value) => Math.min(high, Math.max(low, value));
    const format = (value) => value.toFixed(Math.max(digits, Math.min(6, course.decimals(+value.toFixed(6)))));
    const spoken = (value) => `${format(value)}${spec.unit ? ` ${spec.unit}` : ""}`;
    const nearest = (value) => stops.reduce((best, v, i) => (Math.abs(v - value) < Math.abs(stops[best] - value) ? i : best), 0);
    const snap = (value) => (stops ? stops[nearest(value)] : clamp(low + Math.round((value - low) / step) * step));

    const output = course.h("output", { for: id, class: "course-value" });
    const input = course.h("input", {
      id, type: "range", min: low, max: high, step: "any", "aria-describedby": spec.range || spec.mean !== undefined ? marksId : null,
    });
    const track = course.h("div", { class: "course-track" });
    const words = [];
    if (spec.range) {
      const from = share(clamp(spec.range[0])), to = share(clamp(spec.range[1]));
      track.append(course.h("span", { class: "course-band", style: `left:${from}%;width:${to - from}%` }));
      words.push(`training range ${spoken(spec.range[0])} to ${spoken(spec.range[1])}`);
    }
    if (stops) for (const stop of stops) track.append(course.h("span", { class: "course-stop", style: `left:${share(stop)}%` }));
    if (spec.mean !== undefined && spec.mean !== null) {
      track.append(course.h("span", { class: "course-mean", style: `left:${share(clamp(spec.mean))}%` }));
      words.push(`training mean ${spoken(spec.mean)}`);
    }
    const row = course.h(
      "div", { class: "course-slider" },
      course.h("label", { for: id }, spec.label),
      output,
      course.h("div", { class: "course-rail" }, track, input),
      course.h("span", { id: marksId, class: "course-hidden" }, words.join(", ")),
    );

    let current = stops ? snap(spec.value ?? low) : clamp(spec.value ?? spec.mean ?? low); // the mean need not be a step
    function show() {
      input.value = current;
      input.setAttribute("aria-valuetext", spoken(current));
      input.style.setProperty("--course-share", `${share(current)}%`);
      output.textContent = spoken(current);
    }
    function move(value, exact = false) {
      const next = exact ? +clamp(value).toFixed(9) : +snap(value).toFixed(9);
      if (next === current) { show(); return; }
      current = next;
      show();
      onchange(current);
    }
    input.addEventListener("input", () => move(+input.value));
    input.addEventListener("keydown", (event) => {
      const direction = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
      if (event.key === "Home") move(low, true);
      else if (event.key === "End") move(high, true);
      else if (direction && stops) {
        const jump = Math.abs(direction) > 1 ? Math.sign(direction) * Math.ceil(stops.length / 4) : direction;
        move(stops[Math.min(stops.length - 1, Math.max(0, nearest(current) + jump))]);
      } else if (direction) move(current + direction * step * (event.shiftKey ? 0.1 : 1), event.shiftKey);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    show();
    return {
      row, input, get value() { return current; }, spoken: () => spoken(current),
      set(value) { current = stops ? snap(value) : clamp(value); show(); },
    };
  };

  // A slider over a few named stops, looking like course.slider.
  course.stops = function stops(label, names, index, onchange) {
    const id = course.id("stops"), last = Math.max(1, names.length - 1);
    const output = course.h("output", { for: id, class: "course-value" });
    const input = course.h("input", { id, type: "range", min: 0, max: names.length - 1, step: 1 });
    const track = course.h("div", { class: "course-track" }, ...names.map((_, i) => course.h("span", { class: "course-stop", style: `left:${(100 * i) / last}%` })));
    const row = course.h("div", { class: "course-slider" }, course.h("label", { for: id }, label), output, course.h("div", { class: "course-rail" }, track, input));
    function show(i) {
      input.value = i;
      input.setAttribute("aria-valuetext", names[i]);
      output.textContent = names[i];
    }
    input.addEventListener("input", () => { show(+input.value); onchange(+input.value); });
    input.addEventListener("keydown", (event) => { if (event.key.startsWith("Arrow") || event.key === "Home" || event.key === "End") event.stopPropagation(); });
    show(index);
    return { row, set: show };
  };

  // Lecture mode: the whole screen, by button and by the key F. Where the browser has no full screen
  // (phones, some frames) the widget covers the page instead.
  course.lecture = function lecture(root, onchange = () => {}) {
    const on = () => root.hasAttribute("data-lecture");
    const button = course.button({ icon: "full", label: "Lecture mode: fill the screen (F)", "aria-pressed": "false", class: "course-full" });
    function set(state) {
      root.toggleAttribute("data-lecture", state);
      button.setIcon(state ? "small" : "full");
      button.setAttribute("aria-pressed", String(state));
      onchange(state);
    }
    async function toggle() {
      if (on()) {
        if (document.fullscreenElement === root) await document.exitFullscreen();
        set(false);
        return;
      }
      try { await root.requestFullscreen(); } catch { /* refused: cover the page instead */ }
      set(true);
    }
    const left = () => { if (on() && document.fullscreenElement !== root) set(false); };
    root.addEventListener("fullscreenchange", left);
    root.addEventListener("keydown", (event) => {
      const typing = event.target.matches("select, input:not([type=range])");
      if (event.key.toLowerCase() === "f" && !event.ctrlKey && !event.metaKey && !event.altKey && !typing) toggle();
      else if (event.key === "Escape" && on() && document.fullscreenElement !== root) set(false);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    button.addEventListener("click", toggle);
    return { button, toggle, get on() { return on(); } };
  };

  // What went wrong in the kernel, the traceback folded away.
  course.errorBox = function errorBox(headline, { message, details }) {
    return course.h(
      "div", { class: "course-error" }, course.h("strong", {}, headline), course.h("span", {}, message),
      course.h("details", {}, course.h("summary", {}, "Details"), course.h("pre", { tabindex: "0" }, details)),
    );
  };

  // Calls back once the browser has put the present frame on the screen.
  course.painted = function painted(callback) {
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => callback(performance.now());
      channel.port2.postMessage(0);
    });
  };

  // Tells tests and lecturers' scripts what has just been painted, without a global variable.
  course.tell = (root, name, detail) => root.dispatchEvent(new CustomEvent(`course:${name}`, { detail, bubbles: true, composed: true }));

  course.css = `
.course { font: 16px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; color: var(--course-ink);
  background: var(--course-paper); container-type: inline-size; border-radius: 12px; text-align: left; position: relative; }
.course *, .course *::before { box-sizing: border-box; }
.course canvas { display: block; width: 100%; }
.course-hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.course button, .course select { font: inherit; font-weight: 600; color: var(--course-ink); background: var(--course-paper);
  border: 2px solid var(--course-line); border-radius: 9px; min-height: 44px; min-width: 44px; padding: 0 10px; margin: 0;
  cursor: pointer; display: inline-flex; align-items: center; justify-content: center; gap: 8px; line-height: 1.2; }
.course button:hover, .course select:hover { border-color: var(--course-accent); background: var(--course-panel); }
.course button:disabled { opacity: .55; cursor: default; }
.course button svg { width: 22px; height: 22px; fill: currentColor; flex: none; }
.course button.course-main { background: var(--course-accent); border-color: var(--course-accent); color: var(--course-paper); }
.course button.course-main:hover { filter: brightness(1.08); }
.course select { padding: 0 4px 0 8px; }
.course :focus-visible { outline: 3px solid var(--course-accent); outline-offset: 2px; }
.course-slider { display: grid; grid-template-columns: 1fr auto; column-gap: 8px; align-items: baseline; }
.course-slider label { font-weight: 600; }
.course-value { font-weight: 700; font-variant-numeric: tabular-nums; }
.course-rail { grid-column: 1 / -1; position: relative; height: 42px; }
.course-track { position: absolute; left: 14px; right: 14px; top: 50%; height: 6px; margin-top: -3px; border-radius: 3px;
  background: color-mix(in srgb, var(--course-line) 45%, var(--course-paper)); }
.course-band { position: absolute; top: -5px; height: 16px; border-radius: 4px; border: 1px solid var(--course-accent);
  background: repeating-linear-gradient(115deg, var(--course-band) 0 5px, transparent 5px 8px), var(--course-paper); }
.course-mean { position: absolute; top: -19px; width: 0; height: 0; margin-left: -7px; border: 7px solid transparent;
  border-bottom-width: 0; border-top: 9px solid var(--course-ink); }
.course-stop { position: absolute; top: -2px; width: 4px; height: 10px; margin-left: -2px; border-radius: 2px; background: var(--course-muted); }
.course input[type=range] { appearance: none; -webkit-appearance: none; position: absolute; inset: 0; width: 100%; height: 100%;
  margin: 0; padding: 0; background: none; border: 0; cursor: grab; border-radius: 10px; touch-action: pan-y; }
.course input[type=range]:active { cursor: grabbing; }
.course input[type=range]:focus-visible { outline: none; }
.course input[type=range]:focus-visible::-webkit-slider-thumb { outline: 3px solid var(--course-ink); outline-offset: 3px; }
.course input[type=range]:focus-visible::-moz-range-thumb { outline: 3px solid var(--course-ink); outline-offset: 3px; }
.course input[type=range]::-webkit-slider-runnable-track { background: none; height: 100%; border: 0; }
.course input[type=range]::-moz-range-track { background: none; border: 0; }
.course input[type=range]::-webkit-slider-thumb { appearance: none; -webkit-appearance: none; width: 28px; height: 28px; margin-top: 7px;
  border-radius: 50%; border: 3px solid var(--course-paper); background: var(--course-accent); box-shadow: 0 0 0 1.5px var(--course-ink), 0 2px 4px rgba(0,0,0,.3); }
.course input[type=range]::-moz-range-thumb { width: 22px; height: 22px; border-radius: 50%; border: 3px solid var(--course-paper);
  background: var(--course-accent); box-shadow: 0 0 0 1.5px var(--course-ink), 0 2px 4px rgba(0,0,0,.3); }
.course-error { border: 3px solid var(--course-ink); border-left-width: 12px; border-radius: 9px; padding: 8px 12px; background: var(--course-panel); }
.course-error strong { display: block; }
.course-error summary { cursor: pointer; font-weight: 600; min-height: 32px; padding: 4px 0; }
.course-error pre { font: 16px/1.4 ui-monospace, "DejaVu Sans Mono", monospace; white-space: pre-wrap; overflow-wrap: anywhere; max-height: 240px;
  overflow: auto; margin: 0; color: var(--course-ink); background: transparent; }
.course-mark { border: 3px solid var(--course-ink); border-left-width: 12px; border-radius: 9px; padding: 6px 12px; margin: 0 0 8px;
  background: var(--course-paper); color: var(--course-ink); font-weight: 600; }
.course-mark:empty { position: absolute; border: 0; padding: 0; margin: 0; }
.course-mark[data-over] { position: absolute; left: 16px; max-width: min(40em, calc(100% - 32px)); z-index: 9; margin: 0; pointer-events: none; }
.course[data-stale] :is(canvas, [role=grid], .course-dims) { filter: grayscale(1) opacity(.5); }
.course[data-lecture] { font-size: clamp(16px, 2.2vh, 30px); position: fixed; inset: 0; z-index: 99999; width: 100vw; height: 100vh; border-radius: 0; overflow: auto; }
@media (prefers-reduced-motion: no-preference) { .course button { transition: background .12s, border-color .12s; } }
`;
}
