#version 330
// Skin pixel: the painted albedo under the light of the vertices, and a gleam that is broad on dry skin and narrow on lips.
uniform sampler2D paint;  // rgb albedo, a gloss
uniform vec3 key_color;

in vec3 light;
in vec3 turned;
in vec3 halfway;
in vec4 tint;
in vec3 paint_uv;
out vec4 color;

void main() {
    vec4 picture = texture(paint, paint_uv.xy);
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
    vec3 lit = albedo * albedo * light + key_color * (paint_uv.z * (0.05 * broad + 0.33 * gloss * narrow));
    lit = lit / (1.0 + 0.22 * lit);
    color = vec4(sqrt(lit), 1.0);
}
