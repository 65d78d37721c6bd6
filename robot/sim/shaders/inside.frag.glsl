// Teeth, tongue and the metal collar. Follows light.glsl.
const int METAL = 2;

uniform float mouth_light; // share of the light that comes in between the lips
uniform vec2 mouth_depth;  // z (head frame, mm) where the mouth is dark and where it is lit
uniform vec2 lip_shade;    // y (head frame, mm) of the upper lip's edge at rest, and how far below it its shadow ends

in vec3 tint;
in vec3 at_head;
flat in int material;      // 0 enamel, 1 tongue, 2 metal

void main() {
    vec3 n = normalize(turned);
    vec3 view = normalize(camera - at_world);
    float depth = clamp((at_head.z - mouth_depth.x) / (mouth_depth.y - mouth_depth.x), 0.0, 1.0);
    // Light falls off towards the throat, and the upper lip shades what is right behind it.
    float under = 0.45 + 0.55 * smoothstep(0.0, lip_shade.y, lip_shade.x - at_head.y);
    float shadow = material == METAL ? 1.0 : mouth_light * depth * depth * under;
    float shine = material == METAL ? 0.7 : 0.2;
    vec3 lit = tint * tint * all_diffuse(n, vec3(material == METAL ? 0.0 : 0.25), shadow, shadow);
    lit += shine * shadow * gleam(n, view, material == 0 ? 60.0 : 32.0);
    expose(lit);
}
