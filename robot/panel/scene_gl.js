// WebGL2 for scene.js: programs with their uniforms, buffers, and the shaders of dots.
"use strict";

const FaceGL = (() => {
  const ATTRIBUTES = ["position", "normal", "albedo", "local", "surface", "crease"];
  const UNITS = {paint: 0, folds: 1};   // of the textures
  const DOT = [`#version 300 es
precision highp float;
uniform mat4 clip_from_world;
uniform vec3 camera;
uniform float size, lift, pixels;
in vec3 position;
in vec3 albedo;
out vec3 tint;
void main() {
  vec3 at = position + lift * normalize(camera - position);
  gl_Position = clip_from_world * vec4(at, 1.0);
  gl_PointSize = max(2.0, size * pixels / gl_Position.w);
  tint = albedo;
}`, `#version 300 es
precision highp float;
in vec3 tint;
out vec4 color;
void main() {
  vec2 at = 2.0 * gl_PointCoord - 1.0;
  float r = dot(at, at);
  if (r > 1.0) discard;
  float up = sqrt(1.0 - r);
  color = vec4(tint * (0.45 + 0.55 * up) + 0.25 * pow(max(0.0, 0.6 * up - 0.45 * at.x - 0.55 * at.y), 6.0), 1.0);
}`];

  function program(gl, [vertex, fragment]) {
    const made = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) throw new Error(gl.getShaderInfoLog(shader));
      gl.attachShader(made, shader);
    }
    ATTRIBUTES.forEach((name, k) => gl.bindAttribLocation(made, k, name));
    gl.linkProgram(made);
    if (!gl.getProgramParameter(made, gl.LINK_STATUS) && !gl.isContextLost()) throw new Error(gl.getProgramInfoLog(made));
    const places = {};
    for (let k = 0, n = gl.getProgramParameter(made, gl.ACTIVE_UNIFORMS) ?? 0; k < n; k++) {
      const {name} = gl.getActiveUniform(made, k);
      places[name] = gl.getUniformLocation(made, name);
    }
    gl.useProgram(made);
    for (const name in UNITS) if (places[name]) gl.uniform1i(places[name], UNITS[name]);
    return {made, places};
  }

  function use(gl, {made, places}, uniforms) {
    gl.useProgram(made);
    for (const name in places) {
      const v = uniforms[name];
      if (v === undefined) continue;   // a texture
      if (v.length === 16) gl.uniformMatrix4fv(places[name], false, v);
      else gl[`uniform${v.length}fv`](places[name], v);
    }
  }

  function attribute(gl, place, size, data, how = gl.STATIC_DRAW) {
    const buffer = gl.createBuffer(), bytes = data instanceof Uint8Array;
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, data, how);
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, size, bytes ? gl.UNSIGNED_BYTE : gl.FLOAT, bytes, 0, 0);
    return buffer;
  }

  function write(gl, buffer, data) {
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferSubData(gl.ARRAY_BUFFER, 0, data);
  }

  function texture(gl, unit, {width, height, image}) {
    const kind = image.length === 4 * width * height ? gl.RGBA : gl.RGB;
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.texImage2D(gl.TEXTURE_2D, 0, kind, width, height, 0, kind, gl.UNSIGNED_BYTE, image);
    gl.generateMipmap(gl.TEXTURE_2D);
    for (const [what, how] of [["MIN_FILTER", "LINEAR_MIPMAP_LINEAR"], ["WRAP_S", "CLAMP_TO_EDGE"], ["WRAP_T", "CLAMP_TO_EDGE"]])
      gl.texParameteri(gl.TEXTURE_2D, gl[`TEXTURE_${what}`], gl[how]);
  }

  return {program, use, attribute, write, texture, DOT, UNITS};
})();
