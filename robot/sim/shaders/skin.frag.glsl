// Skin: red light travels furthest under it. Follows light.glsl.
uniform sampler2D paint;  // rgb albedo, a gloss

in vec3 tint;
in vec2 paint_uv;
in vec2 front_ambient;

void main() {
    vec3 n = normalize(turned);
    vec3 view = normalize(camera - at_world);
    vec4 picture = texture(paint, paint_uv);
    float gloss = picture.a * front_ambient.x;
    vec3 albedo = mix(tint, picture.rgb, front_ambient.x);
    float shadow = 0.25 + 0.75 * smoothstep(0.0, 0.6, front_ambient.y);
    vec3 lit = albedo * albedo * all_diffuse(n, vec3(0.42, 0.22, 0.16), shadow, front_ambient.y);
    lit += (0.05 + 0.30 * gloss) * shadow * gleam(n, view, mix(14.0, 45.0, gloss));
    expose(lit);
}
