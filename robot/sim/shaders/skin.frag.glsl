#version 330
// Skin pixel: the painted albedo under the light of the vertices, and a gleam that is broad on dry skin and narrow on lips.
uniform sampler2D paint;  // rgb albedo, a gloss
uniform sampler2D folds;  // r depth of the folds at their deepest, gb slope of the skin about 127/255
uniform mat4 world_from_head;
uniform vec3 key_direction;
uniform vec3 key_color;

in vec3 light;
in vec3 turned;
in vec3 halfway;
in vec4 tint;
in vec3 paint_uv;
in float folded;
out vec4 color;

const float RELIEF = 0.9;
const vec3 GROUND = vec3(0.55, 0.66, 0.70);

void main() {
#ifdef NO_PAINT  // where the picture does not hold (tint.a is 0)
    vec4 picture = vec4(0.0);
#else
    vec4 picture = texture(paint, paint_uv.xy);
#endif
    vec3 albedo = mix(tint.rgb, picture.rgb, tint.a);
    float gloss = picture.a * tint.a;
    // Interpolated unit vectors are a little short; their product is close enough for a cosine.
    float s = max(dot(turned, halfway), 0.0) * inversesqrt(dot(turned, turned));
    s *= s;
    s *= s;
    s *= s;          // 8
    float broad = s * s;
    float narrow = broad * broad;
    narrow *= broad; // 48
    vec3 shade = light;
#ifndef NO_FOLDS
    if (folded > 0.004) {
        // Light falls on the slopes of a crease and does not reach its ground, blue least of all.
        vec3 fold = texture(folds, paint_uv.xy).rgb;
        vec2 slope = (fold.gb - 127.0 / 255.0) * 2.0 * folded;
        float facing = dot(mat3(world_from_head) * vec3(-slope, 0.0), key_direction);
        shade *= (1.0 + RELIEF * facing) * (1.0 - GROUND * (fold.r * folded));
    }
#endif
    vec3 lit = albedo * albedo * shade + key_color * (paint_uv.z * (0.05 * broad + 0.33 * gloss * narrow));
    lit = lit / (1.0 + 0.22 * lit);
    color = vec4(sqrt(lit), 1.0);
}
