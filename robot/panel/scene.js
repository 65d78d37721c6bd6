// Draws the face: meshes with the shaders of the film, and clouds of dots.
//
//   const scene = new FaceScene(canvas);   throws where there is no WebGL2
//   await scene.load(buffer);              a scene; throws on bytes that are none
//   scene.frame(buffer);                   a frame; throws on bytes that are none, or are of another scene
//   scene.fade(0.3); scene.show("target", true); scene.reset(); scene.whenLoaded(() => ...);
"use strict";

const FaceScene = (() => {
  const clamp = (v, low, high) => Math.min(high, Math.max(low, v));
  // Pixels drawn for each of the page's, and each way: more than one smooths edges. The browser's own
  // smoothing is not used, as that of software renderers leaves holes between triangles.
  const SCALE = [2, 3];
  const SLOW_MS = 45, REST_MS = 400;                 // a slow machine draws fewer while the face moves
  const CALM_MS = [30, 250];                         // shortest and longest time between frames
  const {program, use, attribute, write, texture, DOT, UNITS} = FaceGL;

  // Area-weighted unit normals of all vertices.
  function normals(at, corners, out) {
    out.fill(0);
    for (let k = 0; k < corners.length; k += 3) {
      const a = 3 * corners[k], b = 3 * corners[k + 1], c = 3 * corners[k + 2];
      const ux = at[b] - at[a], uy = at[b + 1] - at[a + 1], uz = at[b + 2] - at[a + 2];
      const vx = at[c] - at[a], vy = at[c + 1] - at[a + 1], vz = at[c + 2] - at[a + 2];
      const x = uy * vz - uz * vy, y = uz * vx - ux * vz, z = ux * vy - uy * vx;
      for (const i of [a, b, c]) { out[i] += x; out[i + 1] += y; out[i + 2] += z; }
    }
    for (let i = 0; i < out.length; i += 3) {
      const s = 1 / Math.max(1e-12, Math.hypot(out[i], out[i + 1], out[i + 2]));
      out[i] *= s; out[i + 1] *= s; out[i + 2] *= s;
    }
  }

  function blend(now, from, to, share) {
    for (let k = 0; k < now.length; k++) now[k] = from[k] + share * (to[k] - from[k]);
  }

  class FaceScene {
    constructor(canvas) {
      this.canvas = canvas;
      this.gl = canvas.getContext("webgl2", {alpha: false, antialias: false});
      if (!this.gl) throw new Error("this browser has no WebGL2, so it cannot draw the face");
      this.alpha = 1;
      this._bytes = null; this._scene = null; this._loading = 0; this._hearers = []; this._asked = false;
      this._drawn = -Infinity; this._pace = 0; this._sharper = 0;
      new ResizeObserver(() => this._ask()).observe(canvas);
      canvas.addEventListener("webglcontextlost", e => { e.preventDefault(); this._ready = false; });
      canvas.addEventListener("webglcontextrestored", () => { this._build(); });
      this.camera = new FaceCamera(canvas, () => this._ask());
    }

    async load(buffer) {
      if (this._scene && this._scene.crc === FaceBytes.crc32(new Uint8Array(buffer))) return;   // after a lost connection
      const turn = ++this._loading;
      const scene = await FaceBytes.scene(buffer);
      if (turn !== this._loading) return;   // another one came meanwhile
      scene.place = moving([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]);
      scene.mouth_light = 1;   // until the first frame
      for (const p of scene.parts) {
        p.at = moving(p.rest);
        p.normal ??= new Float32Array(p.rest.length);
        p.fresh = !p.normals;
      }
      for (const c of scene.clouds) { c.at = moving(new Float32Array(3 * c.count)); c.known = false; }
      const {folds} = scene;
      folds.at = moving(new Float32Array(folds.rows.length));
      scene.blocks = [null, ...scene.parts.filter(p => p.rows || p.rigid), ...(folds.rows.length ? [folds] : []), ...scene.clouds];
      this._scene = scene;
      this._build();
      this._hearers.forEach(hear => hear());
    }

    whenLoaded(hear) { this._hearers.push(hear); if (this._scene) hear(); }

    frame(buffer) {
      const scene = this._scene;
      if (!scene) return false;   // still loading; the next one comes soon
      const begin = () => {
        const now = performance.now();
        scene.calm = clamp(now - (scene.came ?? -1e9), ...CALM_MS);
        scene.came = now;
        for (const moved of [scene.place, ...scene.blocks.slice(1).map(b => b.at)]) moved.from.set(moved.now);
      };
      scene.mouth_light = FaceBytes.frame(buffer, scene, begin,
        (block, matrix) => turned(scene, block, matrix), (block, steps, colors) => shifted(block, steps, colors, scene.step));
      this._ask();
      return true;
    }

    fade(alpha) { this.alpha = clamp(alpha, 0.05, 1); this._ask(); }
    show(name, on) {
      for (const c of this._scene?.clouds ?? []) if (c.name === name) c.shown = !!on;
      this._ask();
    }
    get still() { return !this._asked && !this._sharper && !!this._ready; }   // the newest frame is what is seen
    shows(name) { return !!this._scene?.clouds.some(c => c.name === name && c.shown); }
    reset() { this.camera.reset(); }

    _build() {
      const gl = this.gl, scene = this._scene;
      this._ready = false;
      if (!scene || gl.isContextLost()) return;
      this._programs = {};
      for (const [name, text] of [...Object.entries(FACE_SHADERS), ["dot", DOT]]) this._programs[name] = program(gl, text);
      for (const p of scene.parts) {
        p.vao = gl.createVertexArray();
        gl.bindVertexArray(p.vao);
        p.buffers = [p.at.now, p.normal].map((data, k) => attribute(gl, k, 3, data, gl.DYNAMIC_DRAW));
        attribute(gl, 2, 3, p.albedo);
        attribute(gl, 3, 3, p.local);
        const surface = new Float32Array(p.rest.length);
        for (let v = 0; v < p.vertices; v++) surface.set([p.material, p.share[2 * v] / 255, p.share[2 * v + 1] / 255], 3 * v);
        attribute(gl, 4, 3, surface);
        if (p.name === "skin") {
          p.folded = new Float32Array(p.vertices);
          p.creases = attribute(gl, 5, 1, p.folded, gl.DYNAMIC_DRAW);
        }
        gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
        gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, p.triangles, gl.STATIC_DRAW);
        p.fresh = true;
      }
      for (const c of scene.clouds) {
        c.vao = gl.createVertexArray();
        gl.bindVertexArray(c.vao);
        c.colors ??= new Uint8Array(3 * c.count).map((_, k) => c.color ? c.color[k % 3] : 128);
        c.buffers = [attribute(gl, 0, 3, c.at.now, gl.DYNAMIC_DRAW), attribute(gl, 2, 3, c.colors, gl.DYNAMIC_DRAW)];
      }
      gl.bindVertexArray(null);
      for (const name in UNITS) texture(gl, UNITS[name], scene[name]);
      this._ready = true;
      this._ask();
    }

    _ask() {
      if (this._asked) return;
      this._asked = true;
      requestAnimationFrame(now => { this._asked = false; if (this._ready) this._draw(now); });
    }

    _draw(now) {
      const gl = this.gl, scene = this._scene, canvas = this.canvas;
      const scale = this._scale(now);
      const width = Math.max(1, Math.round(canvas.clientWidth * scale)), height = Math.max(1, Math.round(canvas.clientHeight * scale));
      if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
      this._advance(now);
      this.seen = this.camera.uniforms(width, height);   // what the newest picture was seen through
      const m = scene.place.now;
      const uniforms = {...scene.uniforms, ...this.seen, mouth_light: [scene.mouth_light], backdrop: scene.backdrop,
        world_from_head: [m[0], m[4], m[8], 0, m[1], m[5], m[9], 0, m[2], m[6], m[10], 0, m[3], m[7], m[11], 1]};
      gl.viewport(0, 0, width, height);
      gl.depthMask(true); gl.colorMask(true, true, true, true); gl.disable(gl.BLEND);
      gl.clear(gl.DEPTH_BUFFER_BIT);
      gl.disable(gl.DEPTH_TEST); gl.disable(gl.CULL_FACE);
      use(gl, this._programs.backdrop, uniforms);
      gl.drawArrays(gl.TRIANGLES, 0, 3);
      gl.enable(gl.DEPTH_TEST); gl.enable(gl.CULL_FACE); gl.depthFunc(gl.LEQUAL);
      const clear = this.alpha < 1;
      const skins = scene.parts.filter(p => p.shader === "skin"), rest = scene.parts.filter(p => p.shader !== "skin");
      if (!clear) for (const p of skins) this._mesh(p, uniforms);
      for (const p of rest) this._mesh(p, uniforms);
      for (const c of scene.clouds) if (c.shown && c.known) this._dots(c, uniforms);
      if (clear) {   // only the nearest layer of the skin, over what lies behind it
        gl.colorMask(false, false, false, false);
        for (const p of skins) this._mesh(p, uniforms);
        gl.colorMask(true, true, true, true);
        gl.enable(gl.BLEND); gl.blendColor(0, 0, 0, this.alpha);
        gl.blendFunc(gl.CONSTANT_ALPHA, gl.ONE_MINUS_CONSTANT_ALPHA);
        for (const p of skins) this._mesh(p, uniforms);
      }
      gl.bindVertexArray(null);
    }

    // Pixels for each of the page's, and each way.
    _scale(now) {
      const gap = now - this._drawn, moving = now - (this._scene.came ?? -1e9) < REST_MS;
      this._drawn = now;
      if (gap < 500) this._pace += 0.1 * (gap - this._pace);
      const coarse = moving && this._pace > SLOW_MS;
      clearTimeout(this._sharper);
      this._sharper = coarse ? setTimeout(() => { this._sharper = 0; this._ask(); }, REST_MS) : 0;
      return coarse ? 1 : clamp(devicePixelRatio || 1, ...SCALE);
    }

    // Where everything is at `now`: on its way from the frame before to the newest one.
    _advance(now) {
      const gl = this.gl, scene = this._scene;
      const share = scene.came === undefined ? 1 : clamp((now - scene.came) / scene.calm, 0, 1);
      if (share < 1) this._ask();
      blend(scene.place.now, scene.place.from, scene.place.to, share);
      for (const b of [...scene.parts, ...scene.clouds]) {
        if (!b.fresh) continue;
        blend(b.at.now, b.at.from, b.at.to, share);
        write(gl, b.buffers[0], b.at.now);
        if (b.triangles) {
          if (!b.normals) normals(b.at.now, b.triangles, b.normal);
          write(gl, b.buffers[1], b.normal);
          if (b.folded) this._fold(b, share);
        } else write(gl, b.buffers[1], b.colors);
        b.fresh = share < 1;
      }
    }

    _fold(skin, share) {
      const {rows, at} = this._scene.folds;
      blend(at.now, at.from, at.to, share);
      rows.forEach((row, k) => { skin.folded[row] = at.now[k]; });
      write(this.gl, skin.creases, skin.folded);
    }

    _mesh(p, uniforms) {
      const gl = this.gl;
      use(gl, this._programs[p.shader], uniforms);
      gl.bindVertexArray(p.vao);
      gl.drawElements(gl.TRIANGLES, 3 * p.drawn, gl.UNSIGNED_SHORT, 0);
    }

    _dots(c, uniforms) {
      const gl = this.gl;
      use(gl, this._programs.dot, {...uniforms, size: [c.size_mm], lift: [c.lift_mm]});
      gl.bindVertexArray(c.vao);
      gl.drawArrays(gl.POINTS, 0, c.count);
    }

  }

  const moving = at => ({now: Float32Array.from(at), from: Float32Array.from(at), to: Float32Array.from(at)});

  function turned(scene, part, m) {
    if (!part) { scene.place.to.set(m); if (!scene.placed) { scene.place.from.set(m); scene.placed = true; } return; }
    const {rest, at} = part;
    for (let i = 0; i < rest.length; i += 3)
      for (let k = 0; k < 3; k++)
        at.to[i + k] = m[4 * k] * rest[i] + m[4 * k + 1] * rest[i + 1] + m[4 * k + 2] * rest[i + 2] + m[4 * k + 3];
    part.fresh = true;
  }

  function shifted(block, steps, colors, step) {
    const to = block.at.to;
    if (block.depths) { steps.forEach((s, k) => { to[k] = s / 255; }); return; }
    if (block.rows) block.rows.forEach((row, k) => { for (let x = 0; x < 3; x++) to[3 * row + x] = step * steps[3 * k + x]; });
    else steps.forEach((s, k) => { to[k] = step * s; });
    if (colors) block.colors = Uint8Array.from(colors);
    if (block.known === false) { block.at.from.set(to); block.known = true; }
    block.fresh = true;
  }

  return FaceScene;
})();
