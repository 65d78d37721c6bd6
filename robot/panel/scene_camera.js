// From where the face is seen: orbit and zoom by mouse, touch and keys. Lengths in mm.
"use strict";

const FaceCamera = (() => {
  const FOV = 0.36, NEAR = 50, FAR = 6000;
  const MIDDLE = [0, -36, -45], FIT = [225, 318];   // what the picture shows at zoom 1
  const HOME = {yaw: 0.0, pitch: 0.03, zoom: 1, x: 0, y: 0};
  const clamp = (v, low, high) => Math.min(high, Math.max(low, v));

  function product(a, b) {   // column-major 4x4
    return Float32Array.from({length: 16}, (_, k) => {
      let sum = 0;
      for (let i = 0; i < 4; i++) sum += a[(k & 3) + 4 * i] * b[i + (k & 12)];
      return sum;
    });
  }

  return class FaceCamera {
    /** `changed()` is called whenever the view is another one. */
    constructor(canvas, changed) {
      this.canvas = canvas;
      this.view = {...HOME};
      this._changed = changed;
      this._listen();
    }

    reset() { Object.assign(this.view, HOME); this._changed(); }

    /** Uniforms for a picture of so many pixels. */
    uniforms(width, height) {
      const focal = 1 / Math.tan(FOV / 2), {view} = this;
      const far = Math.max(FIT[1] / 2, FIT[0] / 2 * height / width) * focal / view.zoom;
      const [cy, sy, cp, sp] = [Math.cos(view.yaw), Math.sin(view.yaw), Math.cos(view.pitch), Math.sin(view.pitch)];
      const right = [cy, 0, -sy], up = [-sy * sp, cp, -cy * sp], back = [sy * cp, sp, cy * cp];
      const camera = [0, 1, 2].map(k => MIDDLE[k] + view.x * right[k] + view.y * up[k] + far * back[k]);
      const dot = a => a[0] * camera[0] + a[1] * camera[1] + a[2] * camera[2];
      const world = [right[0], up[0], back[0], 0, right[1], up[1], back[1], 0, right[2], up[2], back[2], 0, -dot(right), -dot(up), -dot(back), 1];
      const depth = (FAR + NEAR) / (NEAR - FAR);
      const lens = [focal * height / width, 0, 0, 0, 0, focal, 0, 0, 0, 0, depth, -1, 0, 0, 2 * FAR * NEAR / (NEAR - FAR), 0];
      return {clip_from_world: product(lens, world), camera, pixels: [focal * height / 2]};
    }

    _listen() {
      const {canvas, view} = this, held = new Map();
      canvas.tabIndex = 0;
      canvas.style.touchAction = "none";
      const on = (kind, act) => canvas.addEventListener(kind, e => { if (act(e) !== false) this._changed(); }, {passive: false});
      const turn = (x, y) => { view.yaw -= x; view.pitch = clamp(view.pitch + y, -1.4, 1.4); };
      const zoom = by => { view.zoom = clamp(view.zoom * by, 0.5, 8); };
      const pan = (x, y) => {
        const mm = Math.max(FIT[1] / canvas.clientHeight, FIT[0] / canvas.clientWidth) / view.zoom;
        view.x = clamp(view.x - x * mm, -150, 150); view.y = clamp(view.y + y * mm, -150, 150);
      };
      on("pointerdown", e => { canvas.setPointerCapture(e.pointerId); held.set(e.pointerId, [e.clientX, e.clientY]); });
      for (const kind of ["pointerup", "pointercancel", "lostpointercapture"]) on(kind, e => held.delete(e.pointerId));
      on("pointermove", e => {
        const before = held.get(e.pointerId);
        if (!before) return false;
        const [dx, dy] = [e.clientX - before[0], e.clientY - before[1]];
        if (held.size === 1) e.shiftKey || e.buttons & 6 ? pan(dx, dy) : turn(0.007 * dx, 0.007 * dy);
        const apart = () => { const [a, b] = [...held.values()]; return Math.hypot(a[0] - b[0], a[1] - b[1]); };
        const was = held.size === 2 ? apart() : 0;
        held.set(e.pointerId, [e.clientX, e.clientY]);
        if (held.size === 2) { zoom(apart() / Math.max(1, was)); pan(dx / 2, dy / 2); }
      });
      on("wheel", e => { e.preventDefault(); zoom(Math.exp(-clamp(e.deltaY, -300, 300) * (e.deltaMode ? 0.05 : 0.0015))); });
      on("contextmenu", e => { e.preventDefault(); return false; });
      on("dblclick", () => this.reset());
      const keys = {ArrowLeft: () => turn(0.1, 0), ArrowRight: () => turn(-0.1, 0), ArrowUp: () => turn(0, 0.1),
        ArrowDown: () => turn(0, -0.1), "+": () => zoom(1.15), "=": () => zoom(1.15), "-": () => zoom(1 / 1.15),
        Home: () => this.reset(), 0: () => this.reset()};
      on("keydown", e => { if (keys[e.key] && !e.ctrlKey && !e.metaKey && !e.altKey) { e.preventDefault(); keys[e.key](); } });
    }
  };
})();
