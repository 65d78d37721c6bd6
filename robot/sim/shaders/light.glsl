#version 330
// What eyes, teeth, tongue and collar share: the lights, and how they are added up. Light is linear; sRGB is taken as a square root,
// close enough and cheap on a CPU.
uniform vec3 camera;
uniform vec3 key_direction;  // unit vectors toward the lights, world
uniform vec3 fill_direction;
uniform vec3 rim_direction;
uniform vec3 key_color;
uniform vec3 fill_color;
uniform vec3 rim_color;
uniform vec3 sky;
uniform vec3 ground;

in vec3 at_world;
in vec3 turned;
out vec4 color;

// Light that wraps round the edge, per colour channel.
vec3 diffuse(float cosine, vec3 wrap) {
    vec3 lit = clamp((vec3(cosine) + wrap) / (1.0 + wrap), 0.0, 1.0);
    return lit * (lit + 0.5 * wrap * (1.0 - lit));
}

vec3 all_diffuse(vec3 n, vec3 wrap, float shadow, float ambient) {
    return (key_color * diffuse(dot(n, key_direction), wrap) + fill_color * diffuse(dot(n, fill_direction), wrap)
            + rim_color * diffuse(dot(n, rim_direction), wrap * 0.5)) * shadow
           + mix(ground, sky, 0.5 + 0.5 * n.y) * ambient;
}

float lobe(vec3 n, vec3 view, vec3 light, float power) {
    return pow(max(dot(n, normalize(view + light)), 1e-4), power);
}

// Mirror-like part of the key and the fill light, stronger at grazing angles.
vec3 gleam(vec3 n, vec3 view, float power) {
    float grazing = 1.0 - max(dot(n, view), 0.0);
    float fresnel = 0.4 + 2.2 * grazing * grazing * grazing;
    return fresnel * (key_color * lobe(n, view, key_direction, power) + 0.6 * fill_color * lobe(n, view, fill_direction, power));
}

// Shoulder: highlights roll off instead of clipping.
void expose(vec3 lit) {
    lit = lit / (1.0 + 0.22 * lit);
    color = vec4(sqrt(clamp(lit, 0.0, 1.0)), 1.0);
}
