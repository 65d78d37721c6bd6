// Eyeball: iris and pupil drawn on it, lids' shadow, tear film. Follows light.glsl.
uniform vec3 iris;       // radii of the pupil, the iris and the limbus's soft outer edge, in eye radii
uniform float eye_x;     // distance of the eyes' centres from the middle of the face, mm

in vec3 at_head;
in vec3 rest;            // place on the ball at rest, from its centre, in eye radii

vec3 iris_albedo(vec2 at) {
    float r = length(at);
    float around = atan(at.y, at.x);
    float fibre = 0.5 + 0.25 * sin(around * 23.0 + 3.0 * sin(around * 5.0)) + 0.25 * sin(around * 41.0 + 17.0 * r);
    float depth = clamp((r - iris.x) / (iris.y - iris.x), 0.0, 1.0);
    vec3 base = mix(vec3(0.36, 0.30, 0.20), vec3(0.16, 0.33, 0.42), smoothstep(0.0, 0.45, depth));
    base *= mix(0.65, 1.25, fibre) * (1.0 - 0.35 * smoothstep(0.55, 1.0, depth));
    base = mix(vec3(0.015), base, smoothstep(iris.x * 0.93, iris.x * 1.12, r));
    vec3 white = vec3(0.80, 0.775, 0.755) - vec3(0.06, 0.16, 0.16) * smoothstep(0.5, 0.95, r);
    return mix(base, white, smoothstep(iris.y * 0.96, iris.z, r));
}

void main() {
    vec3 n = normalize(turned);
    vec3 view = normalize(camera - at_world);
    vec3 albedo = iris_albedo(rest.xy);
    float aside = abs(at_head.x) - eye_x;
    // The upper lid and its lashes shade the ball below them; so do the corners of the eye.
    float shadow = 1.0 - 0.62 * smoothstep(0.5, 6.5, at_head.y + 0.02 * aside * aside);
    shadow *= 1.0 - 0.45 * smoothstep(8.0, 14.0, abs(aside));
    vec3 lit = albedo * albedo * all_diffuse(n, vec3(0.05), shadow, shadow);
    // Tear film: a small window of the key light, hung low enough to show under the upper lid, and a faint one of the fill.
    vec3 window = normalize(key_direction * vec3(0.75, 0.40, 1.3));
    vec3 mirrored = reflect(-view, n);
    lit += vec3(0.9) * smoothstep(0.988, 0.993, dot(mirrored, window)) * max(shadow, 0.6);
    lit += vec3(0.05) * smoothstep(0.975, 0.995, dot(mirrored, fill_direction));
    lit += vec3(0.08) * lobe(n, view, key_direction, 30.0) * shadow;
    expose(lit);
}
