// Reads the bytes of scenes and frames, which are laid out in scene.py. Nothing is taken from them
// before its size was checked.
"use strict";

const FaceBytes = (() => {
  const VERSION = 2, FRAME_HEAD = 20, MOST_BYTES = 1 << 24, MOST = 65536;

  const wrong = what => { throw new Error(`scene: ${what}`); };
  const count = (v, most = MOST) => Number.isInteger(v) && v >= 0 && v <= most ? v : wrong(`a count of ${v}`);

  class Reader {
    constructor(buffer, at) { this.buffer = buffer; this.at = at; }
    take(Kind, n) {
      const size = n * Kind.BYTES_PER_ELEMENT;
      if (this.at + size > this.buffer.byteLength) wrong("it ends too early");
      const out = new Kind(this.buffer, this.at, n);
      this.at += size + (-size & 3);
      return out;
    }
    end() { if (this.at !== this.buffer.byteLength) wrong("it is too long"); }
  }

  function opened(buffer, magic, least) {
    if (!(buffer instanceof ArrayBuffer) || buffer.byteLength < least) wrong("it is too short");
    const head = new Uint8Array(buffer, 0, 5);
    if (String.fromCharCode(...head.slice(0, 4)) !== magic) wrong(`it is no ${magic}`);
    if (head[4] !== VERSION) wrong(`version ${head[4]}, this page knows ${VERSION}: reload it`);
  }

  async function inflated(bytes) {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const chunks = [], reader = stream.getReader();
    let size = 0;
    for (;;) {
      const {done, value} = await reader.read();
      if (done) break;
      if ((size += value.length) > MOST_BYTES) { reader.cancel(); wrong("it is too large"); }
      chunks.push(value);
    }
    return new Blob(chunks).arrayBuffer();
  }

  const TABLE = Uint32Array.from({length: 256}, (_, n) => {
    for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
    return n;
  });
  function crc32(bytes) {
    let c = -1;
    for (const b of bytes) c = TABLE[(c ^ b) & 255] ^ (c >>> 8);
    return ~c >>> 0;
  }

  function parsed(buffer) {
    const r = new Reader(buffer, 0);
    const header = JSON.parse(new TextDecoder().decode(r.take(Uint8Array, r.take(Uint32Array, 1)[0])));
    const parts = header.parts.map(p => {
      const v = count(p.vertices), t = count(p.triangles), n = count(p.rows, v);
      const steps = r.take(Int16Array, 3 * v);
      const given = p.normals ? r.take(Int16Array, 3 * v) : null;
      const part = {...p, drawn: count(p.drawn, t), triangles: r.take(Uint16Array, 3 * t),
        albedo: r.take(Uint8Array, 3 * v), share: r.take(Uint8Array, 2 * v), local: r.take(Float32Array, 3 * v),
        rows: n ? r.take(Uint16Array, n) : null,
        rest: Float32Array.from(steps, s => s * header.step),
        normal: given ? Float32Array.from(given, s => s / 32767) : null};
      if (part.triangles.some(k => k >= v) || (part.rows && part.rows.some(k => k >= v))) wrong(`${p.name} has no such vertex`);
      if (!Object.hasOwn(FACE_SHADERS, p.shader)) wrong(`no shader ${p.shader}`);
      return part;
    });
    const clouds = header.clouds.map(c => ({...c, count: count(c.count)}));
    const [width, height] = header.paint.map(v => count(v, 4096));
    const paint = {width, height, image: r.take(Uint8Array, 4 * width * height)};
    const [wide, tall] = header.folds.size.map(v => count(v, 4096));
    const folds = {depths: true, rows: r.take(Uint16Array, count(header.folds.rows)), width: wide, height: tall,
      image: r.take(Uint8Array, 3 * wide * tall)};
    const skin = parts.find(p => p.name === "skin");
    if (folds.rows.some(k => !skin || k >= skin.vertices)) wrong("folds of no such vertex");
    r.end();
    return {...header, parts, clouds, paint, folds};
  }

  /** What a scene's bytes say: JSON with the arrays of each part in it, and the CRC that frames name. */
  async function scene(buffer) {
    opened(buffer, "MISC", 8);
    return {...parsed(await inflated(new Uint8Array(buffer, 8))), crc: crc32(new Uint8Array(buffer))};
  }

  /** Hands a frame's blocks of this scene to `turned(block, matrix)` and `shifted(block, steps, colors)`,
   *  all of them or, where it is not sound, none. Returns how bright the mouth is. */
  function frame(buffer, scene, begin, turned, shifted) {
    opened(buffer, "MIFR", FRAME_HEAD);
    const head = new DataView(buffer);
    if (head.getUint32(8, true) !== scene.crc) wrong("a frame of another scene");
    const r = new Reader(buffer, FRAME_HEAD), bits = head.getUint32(12, true), todo = [];
    scene.blocks.forEach((block, k) => {
      if (!(bits >>> k & 1)) return;
      if (!block || block.rigid) {
        const matrix = r.take(Float32Array, 12);
        todo.push(() => turned(block, matrix));
        return;
      }
      if (block.depths) {
        const depths = r.take(Uint8Array, block.rows.length);
        todo.push(() => shifted(block, depths, null));
        return;
      }
      const n = block.rows ? block.rows.length : block.count;
      const steps = r.take(Int16Array, 3 * n);
      const colors = block.rows || block.color ? null : r.take(Uint8Array, 3 * n);
      todo.push(() => shifted(block, steps, colors));
    });
    r.end();
    if (bits >>> scene.blocks.length) wrong("a block that is not in this scene");
    begin();
    todo.forEach(act => act());
    return head.getFloat32(16, true);
  }

  const isFrame = buffer => buffer.byteLength > 3 && String.fromCharCode(...new Uint8Array(buffer, 0, 4)) === "MIFR";
  return {scene, frame, isFrame, crc32};
})();
