#version 330
uniform vec3 backdrop;  // sRGB of the middle
in vec2 at;
out vec4 color;

void main() {
    vec2 from_middle = at - vec2(0.5, 0.55);
    color = vec4(backdrop * (1.12 - 0.75 * dot(from_middle, from_middle)), 1.0);
}
