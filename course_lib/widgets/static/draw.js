// Canvas and bytes: sharp on every screen, text that stays readable on any ground, buffers from the kernel.

{
  // Fits a canvas to its box at the screen's resolution; returns a context that counts in CSS pixels, or,
  // where the text around it is larger than 16 px (a lecture on a large screen), in sixteenths of its size.
  // Set canvas.em to null when that may have changed: asking the style on every frame is slow.
  course.fit = function fit(canvas, cssHeight) {
    const cssWidth = Math.max(160, canvas.clientWidth || canvas.parentElement?.clientWidth || 640);
    const ratio = Math.min(3, window.devicePixelRatio || 1);
    const w = Math.round(cssWidth * ratio), h = Math.round(cssHeight * ratio);
    if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
    canvas.em ??= Math.max(1, (parseFloat(getComputedStyle(canvas).fontSize) || 16) / 16);
    const context = canvas.getContext("2d"), scale = ratio * canvas.em;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    return { context, width: cssWidth / canvas.em, height: cssHeight / canvas.em, ratio: scale };
  };

  course.FONT = '"Segoe UI", system-ui, -apple-system, Roboto, "Noto Sans", sans-serif';
  course.font = (size, weight = 400) => `${weight} ${size}px ${course.FONT}`;

  // Text with a halo of the ground's colour; never below 16 px.
  course.text = function text(context, words, x, y, { colour, halo, size = 16, weight = 400, align = "left", baseline = "alphabetic" }) {
    context.font = course.font(Math.max(16, size), weight);
    context.textAlign = align;
    context.textBaseline = baseline;
    if (halo) {
      context.lineJoin = "round";
      context.lineWidth = 4;
      context.strokeStyle = halo;
      context.setLineDash([]);
      context.strokeText(words, x, y);
    }
    context.fillStyle = colour;
    context.fillText(words, x, y);
  };

  // A colour between two "#rrggbb" colours: 0 gives the first, 1 the second.
  course.mix = function mix(a, b, share) {
    const part = (hex, i) => parseInt(hex.slice(1 + 2 * i, 3 + 2 * i), 16);
    const byte = (i) => Math.round(part(a, i) + (part(b, i) - part(a, i)) * share);
    return `#${[0, 1, 2].map((i) => byte(i).toString(16).padStart(2, "0")).join("")}`;
  };

  // A capsule is a thick line with round ends.
  course.capsule = function capsule(context, x0, y0, x1, y1, width, colour) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.lineCap = "round";
    context.beginPath();
    context.moveTo(x0, y0);
    context.lineTo(x1 === x0 && y1 === y0 ? x1 + 0.01 : x1, y1);
    context.stroke();
  };

  course.cross = function cross(context, x, y, size, colour, width = 3) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.lineCap = "round";
    context.setLineDash([]);
    context.beginPath();
    context.moveTo(x - size, y - size);
    context.lineTo(x + size, y + size);
    context.moveTo(x + size, y - size);
    context.lineTo(x - size, y + size);
    context.stroke();
  };

  // Kernel buffers arrive as DataView (JupyterLab), Uint8Array or ArrayBuffer (other hosts), at any
  // offset: an Int16Array needs an even one, so the bytes are copied.
  course.bytes = function bytes(buffer) {
    if (buffer instanceof ArrayBuffer) return new Uint8Array(buffer);
    return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  };
  course.int16 = (buffer) => new Int16Array(course.bytes(buffer).slice().buffer);
  course.float32 = (buffer) => new Float32Array(course.bytes(buffer).slice().buffer);
  course.base64 = (words) => Uint8Array.from(atob(words), (c) => c.charCodeAt(0));
  course.inflate = async function inflate(compressed) {
    const stream = new Blob([compressed]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };

  // Repeats `draw(seconds since the last call)` while it returns true and somebody can see it.
  course.animation = function animation(element, draw) {
    let handle = 0, last = 0, wanted = false, visible = true;
    function frame(now) {
      handle = 0;
      const elapsed = last ? Math.min(0.1, (now - last) / 1000) : 0;
      last = now;
      wanted = element.isConnected && draw(elapsed) === true;
      schedule();
    }
    function schedule() {
      if (wanted && visible && !handle) handle = requestAnimationFrame(frame);
      if (!wanted || !visible) last = 0;
    }
    const watcher = new IntersectionObserver((entries) => { visible = entries[entries.length - 1].isIntersecting; schedule(); });
    watcher.observe(element);
    return {
      start() { wanted = true; schedule(); },
      stop() { wanted = false; last = 0; if (handle) cancelAnimationFrame(handle); handle = 0; },
      destroy() { this.stop(); watcher.disconnect(); },
    };
  };
}
