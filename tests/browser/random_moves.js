// What test_robust_widgets.py does in the page, under one name: random moves, the keyboard, and the state of every model.
{
  const listen = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function noted(name, ...rest) {
    if (this instanceof Element && /^(pointer(down|move|over)|click|dblclick)$/.test(name)) this.dataset.pointed = '';
    return listen.call(this, name, ...rest);
  };
}

window.moves = {
  // Of each widget its view, in the order in which they are shown.
  roots: () => [...document.querySelectorAll('.jp-OutputArea-output .course')]
    .filter((root) => !root.parentElement.closest('.course')),

  random(seed) { // mulberry32
    return () => {
      seed = (seed + 0x6D2B79F5) | 0;
      let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
  },

  KEYS: ['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight', 'Home', 'End', 'Enter', ' ', ...'npgrva12'],

  controls: (root) => [...root.querySelectorAll('button, input, select, canvas, [role=gridcell]')]
    .filter((one) => !one.disabled && !one.matches('.course-full') && one.getClientRects().length),

  move(root, random) {
    const any = (list) => list[Math.floor(random() * list.length)], one = any(this.controls(root));
    if (!one) return;
    const say = (Type, name, more) =>
      one.dispatchEvent(new Type(name, { bubbles: true, cancelable: true, ...more }));
    if (one.matches('button')) one.click();
    else if (one.matches('select')) {
      one.selectedIndex = Math.floor(random() * one.options.length);
      say(Event, 'change');
    } else if (one.matches('input')) {
      one.value = +one.min + random() * (one.max - one.min);
      say(Event, 'input');
      say(Event, 'change');
    } else if (random() < 0.5) say(KeyboardEvent, 'keydown', { key: any(this.KEYS) });
    else {
      const box = one.getBoundingClientRect();
      const at = () => ({ // the mouse is pointer 1, which may be captured
        clientX: box.left + random() * box.width, clientY: box.top + random() * box.height,
        pointerId: 1, button: 0, buttons: 1,
      });
      for (const name of ['pointerdown', 'pointermove', 'pointerup', 'click']) say(PointerEvent, name, at());
    }
  },

  // So many moves in each widget, four at a time: faster than any hand.
  async all(count, seed) {
    const random = this.random(seed);
    for (let i = 0; i < count; i += 1) {
      for (const root of this.roots()) this.move(root, random);
      if (i % 4 === 3) await new Promise((resolve) => setTimeout(resolve, 10));
    }
  },

  halt() { // what plays on by itself asks on by itself
    for (const root of this.roots()) {
      for (const button of root.querySelectorAll('button[aria-label^=Pause]')) button.click();
    }
  },

  unsettled: (what = '[aria-busy], [data-stale]') =>
    moves.roots().filter((root) => root.matches(what)).map((root) => root.className),

  // One question from each of these widgets: a click, or the slider's other end.
  ask(names, selectors) {
    for (const [i, root] of this.roots().entries()) {
      const selector = selectors[names[i]];
      if (!selector) continue;
      if (names[i] === 'BanditGame') root.querySelector('.course-bandit-head button').click(); // a new game
      const one = root.querySelector(selector);
      if (one.matches('input')) {
        one.value = +one.value > +one.min ? one.min : one.max;
        one.dispatchEvent(new Event('input', { bubbles: true }));
      } else one.click();
    }
  },

  // [request, answer] of every widget that a cell shows, as its view has them; null where it has none.
  async states(cell) {
    const area = harness.panel().content.widgets[cell].outputArea, found = [];
    for (const [i, output] of area.widgets.entries()) {
      const renderer = output.widgets.find((part) => part._manager), manager = await renderer._manager.promise;
      const id = area.model.get(i).data['application/vnd.jupyter.widget-view+json'].model_id;
      const { request, answer } = (await manager.get_model(id)).attributes;
      found.push(request ? JSON.parse(JSON.stringify([request, answer])) : null);
    }
    return found;
  },

  marks: () => moves.roots().map((root) => root.querySelector('.course-mark')?.textContent ?? ''),

  // --- by keyboard alone

  focusable: (root) => [...root.querySelectorAll('button, input, select, summary, [tabindex="0"]')]
    .filter((one) => !one.disabled && one.tabIndex >= 0 && one.getClientRects().length)
    .filter((one) => one.type !== 'radio' || one === moves.stop(root, one.name)),

  stop(root, name) { // Tab stops once at a group of radio buttons
    const group = [...root.querySelectorAll('input[type=radio]')].filter((one) => one.name === name);
    return group.find((one) => one.checked) ?? group[0];
  },

  called: (one) => one.getAttribute('aria-label') || [...(one.labels ?? [])].map((label) => label.textContent).join(' ')
    || one.textContent.trim() || one.title,

  sketch: (one) => one.outerHTML.slice(0, one.outerHTML.indexOf('>') + 1),

  // What a mouse can use and neither is a control nor can be reached by Tab with a role and a name.
  mouseOnly: (root) => [...root.querySelectorAll('[data-pointed]')]
    .filter((one) => !one.closest('button, input, select, label, summary') && one !== root)
    .filter((one) => !((one.tabIndex >= 0 || one.matches('[role=grid], [role=gridcell]')) && one.getAttribute('role')
      && (moves.called(one) || one.matches('[role=gridcell]')))),

  outlined(one) { // a slider's thumb is outlined by the style that all sliders share
    if (one.matches('input[type=range]')) {
      const rule = /input\[type=range\]:focus-visible::-webkit-slider-thumb \{ outline: 3px solid/;
      return [...one.closest('.course').querySelectorAll('style')].some((style) => rule.test(style.textContent));
    }
    const style = getComputedStyle(one);
    return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  },

  // Text that changes with anything that a person could notice.
  look(root) {
    const pictures = [...root.querySelectorAll('canvas')].map((canvas) => {
      const copy = new OffscreenCanvas(64, 64).getContext('2d', { willReadFrequently: true });
      copy.drawImage(canvas, 0, 0, 64, 64);
      return copy.getImageData(0, 0, 64, 64).data.reduce((hash, byte) => (Math.imul(hash, 31) + byte) | 0, 0);
    });
    const active = [...root.querySelectorAll('*')].indexOf(document.activeElement);
    return [root.innerText, active, ...pictures, ...[...root.querySelectorAll('[aria-label]')].map((one) => one.getAttribute('aria-label'))].join('|');
  },

  // Whether it looks other than `before`, soon: some keys ask the kernel.
  async changes(root) {
    for (let i = 0; i < 30; i += 1) {
      if (moves.look(root) !== moves.before) return true;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return false;
  },

  errors: () => [...document.querySelectorAll('.course [role=alert], .course-error')]
    .map((one) => one.innerText).filter(Boolean),
};
