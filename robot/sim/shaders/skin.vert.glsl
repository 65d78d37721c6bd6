#version 330
// Skin vertex. Positions are mm in the head frame. Diffuse light is slow to change over skin and is worked out here, once a
// vertex instead of once a pixel: red light travels furthest under the surface, so it wraps round further.
const vec3 WRAP = vec3(0.42, 0.22, 0.16);

uniform mat4 world_from_head;
uniform mat4 clip_from_world;
uniform vec4 paint_extent;  // x0, x1, y0, y1 mm
uniform vec3 camera;
uniform vec3 key_direction;
uniform vec3 fill_direction;
uniform vec3 rim_direction;
uniform vec3 key_color;
uniform vec3 fill_color;
uniform vec3 rim_color;
uniform vec3 sky;
uniform vec3 ground;

in vec3 position;
in vec3 normal;
in vec3 albedo;    // sRGB 0..1
in vec3 local;     // picture coordinates in mm
in vec3 surface;   // -, front (how far the picture holds), ambient
in float crease;   // depth of the folds drawn here, 0..1

out vec3 light;    // diffuse light on white
out vec3 turned;
out vec3 halfway;  // between the camera and the key light
out vec4 tint;     // vertex albedo, how far the picture holds
out vec3 paint_uv; // and how much of the gleam is left in hollows
out float folded;

vec3 diffuse(float cosine, vec3 wrap) {
    vec3 lit = clamp((vec3(cosine) + wrap) / (1.0 + wrap), 0.0, 1.0);
    return lit * (lit + 0.5 * wrap * (1.0 - lit));
}

void main() {
    vec4 world = world_from_head * vec4(position, 1.0);
    gl_Position = clip_from_world * world;
    turned = normalize(mat3(world_from_head) * normal);
    vec3 view = normalize(camera - world.xyz);
    float shadow = 0.25 + 0.75 * smoothstep(0.0, 0.6, surface.z);
    light = (key_color * diffuse(dot(turned, key_direction), WRAP) + fill_color * diffuse(dot(turned, fill_direction), WRAP)
             + rim_color * diffuse(dot(turned, rim_direction), WRAP * 0.5)) * shadow
            + mix(ground, sky, 0.5 + 0.5 * turned.y) * surface.z;
    halfway = normalize(view + key_direction);
    tint = vec4(albedo, surface.y);
    folded = crease;
    float grazing = 1.0 - max(dot(turned, view), 0.0);
    paint_uv = vec3((local.x - paint_extent.x) / (paint_extent.y - paint_extent.x),
                    (paint_extent.w - local.y) / (paint_extent.w - paint_extent.z),
                    shadow * (0.4 + 2.2 * grazing * grazing * grazing));
}
