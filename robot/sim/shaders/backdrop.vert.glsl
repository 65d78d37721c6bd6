#version 330
// One triangle over the whole picture, behind everything.
out vec2 at;

void main() {
    vec2 corner = vec2((gl_VertexID << 1) & 2, gl_VertexID & 2);
    at = corner;
    gl_Position = vec4(corner * 2.0 - 1.0, 1.0, 1.0);
}
