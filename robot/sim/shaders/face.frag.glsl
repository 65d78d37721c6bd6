#version 330
// Shading of one pixel. Light is added in linear colour; sRGB is taken as a square root, close enough and cheap on a CPU.
const int SKIN = 0;
const int EYE = 1;
const int TOOTH = 2;
const int WET = 3;
const int METAL = 4;

uniform sampler2D paint;     // rgb albedo, a gloss
uniform vec3 camera;
uniform vec3 key_direction;  // unit vectors toward the lights, world
uniform vec3 fill_direction;
uniform vec3 rim_direction;
uniform vec3 key_color;
uniform vec3 fill_color;
uniform vec3 rim_color;
uniform vec3 sky;
uniform vec3 ground;
uniform vec3 iris;           // sine of the pupil's and iris's half angle, of the limbus's outer edge
uniform vec2 mouth_depth;    // z (head frame, mm) where the mouth is black and where it is lit

in vec3 at_world;
in vec3 at_head;
in vec3 turned;
in vec3 tint;
in vec3 rest;
in vec2 paint_uv;
flat in int material;
in vec2 front_ambient;

out vec4 color;

// Light that wraps round the edge; red goes furthest under the skin.
vec3 diffuse(float cosine, vec3 wrap) {
    vec3 lit = clamp((vec3(cosine) + wrap) / (1.0 + wrap), 0.0, 1.0);
    return lit * lit * (1.0 - 0.5 * wrap) + lit * 0.5 * wrap;
}

float lobe(vec3 n, vec3 view, vec3 light, float power) {
    return pow(max(dot(n, normalize(view + light)), 0.0), power);
}

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
    vec3 albedo = tint;
    vec3 wrap = vec3(0.05);
    float shine = 0.0;
    float power = 20.0;
    float ambient = 1.0;
    float shadow = 1.0;

    if (material == SKIN) {
        vec4 picture = texture(paint, paint_uv);
        albedo = mix(tint, picture.rgb, front_ambient.x);
        wrap = vec3(0.42, 0.22, 0.16);
        shine = mix(0.05, 0.05 + 0.30 * picture.a, front_ambient.x);
        power = mix(14.0, 45.0, picture.a * front_ambient.x);
        ambient = front_ambient.y;
        shadow = mix(1.0, smoothstep(0.0, 0.6, ambient), 0.75);
        if (!gl_FrontFacing) shadow *= 0.25;
    } else if (material == EYE) {
        if (rest.z > 0.0) albedo = iris_albedo(rest.xy);
        float from_middle = abs(abs(at_head.x) - 31.0);
        // The upper lid and its lashes shade the ball below them.
        shadow = 1.0 - 0.62 * smoothstep(0.5, 6.5, at_head.y + 0.02 * from_middle * from_middle);
        shadow *= 1.0 - 0.45 * smoothstep(8.0, 14.0, from_middle);
        ambient = shadow;
        shine = 0.0;
    } else {
        float lit = clamp((at_head.z - mouth_depth.x) / (mouth_depth.y - mouth_depth.x), 0.0, 1.0);
        shadow = material == METAL ? 1.0 : lit * (0.35 + 0.5 * lit);
        ambient = shadow;
        shine = material == TOOTH ? 0.20 : material == WET ? 0.22 : 0.7;
        power = material == TOOTH ? 60.0 : 32.0;
        wrap = material == METAL ? vec3(0.0) : vec3(0.25);
    }
    albedo *= albedo;

    vec3 light = key_color * diffuse(dot(n, key_direction), wrap) * shadow
               + fill_color * diffuse(dot(n, fill_direction), wrap) * shadow
               + rim_color * diffuse(dot(n, rim_direction), wrap * 0.5) * shadow
               + mix(ground, sky, 0.5 + 0.5 * n.y) * ambient;
    vec3 lit = albedo * light;

    float grazing = 1.0 - max(dot(n, view), 0.0);
    float fresnel = 0.4 + 2.2 * grazing * grazing * grazing;
    if (shine > 0.0) {
        lit += shine * fresnel * shadow
             * (key_color * lobe(n, view, key_direction, power) + 0.6 * fill_color * lobe(n, view, fill_direction, power)
                + 0.5 * rim_color * lobe(n, view, rim_direction, power));
    }
    if (material == EYE) {
        // Tear film: a small window of the key light and a faint one of the fill.
        float glint = smoothstep(0.985, 0.992, dot(reflect(-view, n), key_direction));
        float second = smoothstep(0.975, 0.995, dot(reflect(-view, n), fill_direction));
        lit += vec3(0.9) * glint * max(shadow, 0.5) + vec3(0.06) * second + vec3(0.10) * lobe(n, view, key_direction, 30.0) * shadow;
    }
    // Shoulder: highlights roll off instead of clipping.
    lit = lit / (1.0 + 0.22 * lit);
    color = vec4(sqrt(clamp(lit, 0.0, 1.0)), 1.0);
}
