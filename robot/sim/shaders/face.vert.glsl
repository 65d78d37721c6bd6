#version 330
// One vertex of any part. Positions are mm in the head frame.
uniform mat4 world_from_head;
uniform mat4 clip_from_world;
uniform vec4 paint_extent;  // x0, x1, y0, y1 mm

in vec3 position;
in vec3 normal;
in vec3 albedo;    // sRGB 0..1
in vec3 local;     // eyes: rest position from the eye's centre, in radii; skin: picture coordinates in mm
in vec3 surface;   // material, front (how far the picture holds), ambient

out vec3 at_world;
out vec3 at_head;
out vec3 turned;
out vec3 tint;
out vec3 rest;
out vec2 paint_uv;
flat out int material;
out vec2 front_ambient;

void main() {
    vec4 world = world_from_head * vec4(position, 1.0);
    gl_Position = clip_from_world * world;
    at_world = world.xyz;
    at_head = position;
    turned = mat3(world_from_head) * normal;
    tint = albedo;
    rest = local;
    paint_uv = vec2((local.x - paint_extent.x) / (paint_extent.y - paint_extent.x),
                    (paint_extent.w - local.y) / (paint_extent.w - paint_extent.z));
    material = int(surface.x + 0.5);
    front_ambient = surface.yz;
}
