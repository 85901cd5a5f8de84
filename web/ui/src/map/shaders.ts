// Shaders of the vehicle canvas. One point sprite per vehicle, turned in the
// fragment shader: several times cheaper than a mesh per vehicle on software GL.

const KIND = `
const int UNVERIFIED = 128, HIDDEN = 256, FLASH = 2048, SELECTED = 4096, FOLLOWED = 8192, NOHEADING = 16384, TRAFFIC = 32768;
int cls(int k) { return k & 3; }
int phase(int k) { return (k >> 2) & 7; }
int stale(int k) { return (k >> 5) & 3; }
int level(int k) { return (k >> 9) & 3; }
`;

export const spriteVertex = `#version 300 es
precision highp float;
precision highp int;
layout(location = 0) in vec2 aPrev;
layout(location = 1) in vec2 aNext;
layout(location = 2) in vec2 aLook;
uniform mat4 uMatrix;
uniform float uT;
uniform float uSize;
uniform float uBearing;
flat out int vKind;
flat out vec2 vRot;
${KIND}
void main() {
  vKind = int(aLook.y + 0.5);
  float a = aLook.x - uBearing;
  vRot = vec2(cos(a), sin(a));
  gl_Position = (vKind & HIDDEN) != 0 ? vec4(2.0, 2.0, 2.0, 1.0) : uMatrix * vec4(mix(aPrev, aNext, uT), 0.0, 1.0);
  gl_PointSize = uSize;
}`;

/** shape() is the signed distance to the silhouette of the class; nose towards +y. */
export const spriteFragment = `#version 300 es
precision highp float;
precision highp int;
flat in int vKind;
flat in vec2 vRot;
uniform vec3 uPhase[8];
uniform vec3 uLate, uOld, uOutline, uCore, uTraffic;
uniform float uPx;
uniform bool uPlain;
out vec4 frag;
${KIND}
float line(vec2 p, vec2 a, vec2 n) { return dot(p - a, normalize(n)); }
float shape(int c, vec2 p) {
  vec2 q = vec2(abs(p.x), p.y);
  if (c == 0) return max(line(q, vec2(0.0, 0.86), vec2(1.5, 0.62)), line(q, vec2(0.0, -0.34), vec2(-0.36, -0.62)));
  if (c == 1) return max(max(q.x - 0.4, abs(q.y) - 0.72), line(q, vec2(0.4, 0.34), vec2(0.5, 0.3)));
  if (c == 2) return max(max(q.x - 0.4, -q.y - 0.72), line(q, vec2(0.4, 0.06), vec2(0.86, 0.4)));
  return length(p) - 0.6;
}
void main() {
  vec2 c = vec2(gl_PointCoord.x * 2.0 - 1.0, 1.0 - gl_PointCoord.y * 2.0);
  vec2 p = vec2(c.x * vRot.x - c.y * vRot.y, c.x * vRot.y + c.y * vRot.x);
  int st = stale(vKind);
  vec3 colour = st >= 2 ? uOld : st == 1 ? mix(uPhase[phase(vKind)], uLate, 0.6) : uPhase[phase(vKind)];
  if ((vKind & TRAFFIC) != 0 && st < 2) colour = uTraffic;
  if (level(vKind) == 3) colour = uPhase[6];
  float d = uPlain ? length(p) - 0.7 : shape((vKind & NOHEADING) != 0 ? 3 : cls(vKind), p);
  float aa = uPx;
  float body = 1.0 - smoothstep(-aa, aa, d);
  float halo = 1.0 - smoothstep(0.12, 0.12 + 2.0 * aa, d);
  if (halo <= 0.0) discard;
  bool hollow = (vKind & (UNVERIFIED | TRAFFIC)) != 0 || st == 3;
  float inner = hollow && !uPlain ? 1.0 - smoothstep(-aa, aa, d + 2.6 * uPx) : 0.0;
  vec3 fill = mix(colour, uCore, inner * (st == 3 ? 1.0 : 0.82));
  vec3 rgb = mix(uOutline, fill, body);
  float alpha = halo * (st == 3 ? 0.75 : st == 2 ? 0.85 : 1.0);
  frag = vec4(rgb * alpha, alpha);
}`;

/** The level has its own shape as well as its colour: triangle, diamond, circle. */
export const markFragment = `#version 300 es
precision highp float;
precision highp int;
flat in int vKind;
flat in vec2 vRot;
uniform vec3 uLevels[4];
uniform vec3 uOld, uSelect;
uniform float uPx;
uniform bool uDimFlash;
out vec4 frag;
${KIND}
float ring(float d, float w) { return 1.0 - smoothstep(w * 0.5, w * 0.5 + uPx, abs(d)); }
void main() {
  vec2 p = vec2(gl_PointCoord.x * 2.0 - 1.0, 1.0 - gl_PointCoord.y * 2.0);
  int lv = level(vKind);
  vec2 q = vec2(abs(p.x), p.y);
  vec4 o = vec4(0.0);
  float d = lv == 3 ? max(dot(q - vec2(0.0, 0.86), normalize(vec2(0.86, 0.5))), -q.y - 0.46)
    : lv == 2 ? (q.x + abs(q.y) - 0.78) * 0.7071 : length(p) - 0.58;
  bool dim = uDimFlash && (vKind & FLASH) != 0;
  if (lv > 0) {
    float a = ring(d, lv == 3 ? 3.4 * uPx : 2.6 * uPx) * (dim ? 0.25 : 1.0);
    o = vec4(uLevels[lv] * a, a);
  } else if (stale(vKind) >= 2) {
    float dash = step(0.0, sin(atan(p.y, p.x) * 7.0));
    float a = ring(length(p) - 0.58, 1.6 * uPx) * dash * 0.9;
    o = vec4(uOld * a, a);
  }
  if ((vKind & SELECTED) != 0) {
    vec2 b = abs(p);
    float m = max(b.x, b.y);
    float corner = step(0.52, min(b.x, b.y)) + ((vKind & FOLLOWED) != 0 ? step(min(b.x, b.y), 0.2) : 0.0);
    float a = ring(m - 0.88, 2.4 * uPx) * min(corner, 1.0);
    o = o * (1.0 - a) + vec4(uSelect * a, a);
  }
  if (o.a <= 0.0) discard;
  frag = o;
}`;

export const trailVertex = `#version 300 es
precision highp float;
layout(location = 0) in vec3 aPoint;
uniform mat4 uMatrix;
out float vAlpha;
void main() {
  vAlpha = aPoint.z;
  gl_Position = uMatrix * vec4(aPoint.xy, 0.0, 1.0);
}`;

export const trailFragment = `#version 300 es
precision highp float;
in float vAlpha;
uniform vec3 uColour;
out vec4 frag;
void main() { frag = vec4(uColour * vAlpha, vAlpha); }`;
