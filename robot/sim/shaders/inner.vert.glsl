#version 330
// A vertex of an eye, of teeth, tongue or collar. Positions are mm in the head frame.
uniform mat4 world_from_head;
uniform mat4 clip_from_world;

in vec3 position;
in vec3 normal;
in vec3 albedo;    // sRGB 0..1
in vec3 local;     // eyes: rest position from the eye's centre, in radii
in vec3 surface;   // material, -, -

out vec3 at_world;
out vec3 at_head;
out vec3 turned;
out vec3 tint;
out vec3 rest;
flat out int material;

void main() {
    vec4 world = world_from_head * vec4(position, 1.0);
    gl_Position = clip_from_world * world;
    at_world = world.xyz;
    at_head = position;
    turned = mat3(world_from_head) * normal;
    tint = albedo;
    rest = local;
    material = int(surface.x + 0.5);
}
