// Vehicles as rotated point sprites on a WebGL2 canvas of their own. Two position
// buffers change roles at each upload, so that one update costs one upload; the
// vertex shader mixes the older with the newer.

import type { Fleet } from '../live/fleet';
import { rgb } from './palette';
import { MARK_SIZE, symbolSize, type DrawInput, type VehicleRenderer } from './renderer';
import { markFragment, spriteFragment, spriteVertex, trailFragment, trailVertex } from './shaders';

interface Program { program: WebGLProgram; at: (name: string) => WebGLUniformLocation | null }

function build(gl: WebGL2RenderingContext, vertex: string, fragment: string): Program {
  const program = gl.createProgram();
  for (const [type, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]] as const) {
    const shader = gl.createShader(type)!;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
    const logs = gl.getAttachedShaders(program)?.map((s) => gl.getShaderInfoLog(s)).join('\n');
    throw new Error(`vehicle shader: ${gl.getProgramInfoLog(program)} ${logs}`);
  }
  const known = new Map<string, WebGLUniformLocation | null>();
  const at = (name: string) => {
    if (!known.has(name)) known.set(name, gl.getUniformLocation(program, name));
    return known.get(name)!;
  };
  return { program, at };
}

export class GlVehicles implements VehicleRenderer {
  readonly kind = 'webgl2';
  readonly omitted = 0;
  private sprite!: Program;
  private mark!: Program;
  private trail!: Program;
  private positions!: [WebGLBuffer, WebGLBuffer];
  private look!: WebGLBuffer;
  private marks!: WebGLBuffer;
  private trailBuffer!: WebGLBuffer;
  private arrays!: [WebGLVertexArrayObject, WebGLVertexArrayObject];
  private trailArray!: WebGLVertexArrayObject;
  /** Index of the buffer that holds the newest positions. */
  private newest: 0 | 1 = 0;
  private capacity = 0;
  private count = 0;
  private everything = true;
  private readonly onLost = (e: Event) => e.preventDefault();
  private readonly onRestored = () => {
    this.create();
    this.restored();
  };

  /** Null when the browser offers no WebGL2. */
  static create(canvas: HTMLCanvasElement, restored: () => void): GlVehicles | null {
    const gl = canvas.getContext('webgl2', { alpha: true, antialias: false, premultipliedAlpha: true, depth: false, stencil: false });
    return gl ? new GlVehicles(gl, canvas, restored) : null;
  }

  private constructor(
    private readonly gl: WebGL2RenderingContext,
    private readonly canvas: HTMLCanvasElement,
    private readonly restored: () => void,
  ) {
    canvas.addEventListener('webglcontextlost', this.onLost);
    canvas.addEventListener('webglcontextrestored', this.onRestored);
    this.create();
  }

  private create(): void {
    const gl = this.gl;
    this.sprite = build(gl, spriteVertex, spriteFragment);
    this.mark = build(gl, spriteVertex, markFragment);
    this.trail = build(gl, trailVertex, trailFragment);
    this.positions = [gl.createBuffer(), gl.createBuffer()];
    this.look = gl.createBuffer();
    this.marks = gl.createBuffer();
    this.trailBuffer = gl.createBuffer();
    this.arrays = [gl.createVertexArray(), gl.createVertexArray()];
    this.trailArray = gl.createVertexArray();
    const attribute = (at: number, buffer: WebGLBuffer, size: number) => {
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.enableVertexAttribArray(at);
      gl.vertexAttribPointer(at, size, gl.FLOAT, false, 0, 0);
    };
    for (const i of [0, 1] as const) {
      gl.bindVertexArray(this.arrays[i]);
      attribute(0, this.positions[1 - i]!, 2);
      attribute(1, this.positions[i], 2);
      attribute(2, this.look, 2);
      gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.marks);
    }
    gl.bindVertexArray(this.trailArray);
    attribute(0, this.trailBuffer, 3);
    gl.bindVertexArray(null);
    gl.disable(gl.DEPTH_TEST);
    gl.disable(gl.STENCIL_TEST);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    this.capacity = 0;
  }

  upload(fleet: Fleet, looks: Float32Array, positionsChanged: boolean): void {
    const gl = this.gl;
    if (gl.isContextLost()) return;
    this.count = fleet.n;
    if (this.capacity < fleet.capacity) {
      this.capacity = fleet.capacity;
      this.everything = true;
      for (const b of [...this.positions, this.look]) {
        gl.bindBuffer(gl.ARRAY_BUFFER, b);
        gl.bufferData(gl.ARRAY_BUFFER, 8 * this.capacity, gl.DYNAMIC_DRAW);
      }
    }
    const put = (buffer: WebGLBuffer, data: Float32Array) => {
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.bufferSubData(gl.ARRAY_BUFFER, 0, data, 0, 2 * fleet.n);
    };
    if (positionsChanged || this.everything) {
      this.newest = (1 - this.newest) as 0 | 1;
      if (fleet.prevDirty || this.everything) put(this.positions[1 - this.newest]!, fleet.prev);
      put(this.positions[this.newest], fleet.next);
      fleet.prevDirty = false;
      this.everything = false;
    }
    put(this.look, looks);
  }

  draw(input: DrawInput): void {
    const { gl } = this;
    if (gl.isContextLost()) return;
    const { camera: c, palette } = input;
    const w = Math.round(c.width * c.dpr);
    const h = Math.round(c.height * c.dpr);
    if (this.canvas.width !== w || this.canvas.height !== h) {
      this.canvas.width = w;
      this.canvas.height = h;
    }
    gl.viewport(0, 0, w, h);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    const matrix = Float32Array.from(c.matrix);
    if (input.trails && input.trails.length > 0) {
      gl.useProgram(this.trail.program);
      gl.uniformMatrix4fv(this.trail.at('uMatrix'), false, matrix);
      gl.uniform3fv(this.trail.at('uColour'), rgb(palette.trail));
      gl.bindVertexArray(this.trailArray);
      gl.bindBuffer(gl.ARRAY_BUFFER, this.trailBuffer);
      gl.bufferData(gl.ARRAY_BUFFER, input.trails, gl.STREAM_DRAW);
      gl.drawArrays(gl.LINES, 0, input.trails.length / 3);
    }
    if (input.vehicles && this.count > 0 && this.capacity > 0) {
      const size = symbolSize(input.visible);
      this.use(this.sprite, input, matrix, size);
      gl.uniform3fv(this.sprite.at('uPhase'), palette.phase.flatMap(rgb));
      gl.uniform3fv(this.sprite.at('uLate'), rgb(palette.late));
      gl.uniform3fv(this.sprite.at('uOutline'), rgb(palette.outline));
      gl.uniform3fv(this.sprite.at('uTraffic'), rgb(palette.label));
      gl.uniform3fv(this.sprite.at('uCore'), rgb(palette.core));
      gl.uniform1i(this.sprite.at('uPlain'), size < 10 ? 1 : 0);
      gl.bindVertexArray(this.arrays[this.newest]);
      gl.drawArrays(gl.POINTS, 0, this.count);
      this.drawMarked(input, matrix);
    }
    gl.bindVertexArray(null);
  }

  /** Selected and alarmed vehicles once more, on top, with their marks. */
  private drawMarked(input: DrawInput, matrix: Float32Array): void {
    const { gl } = this;
    const n = input.marked.length;
    if (n === 0) return;
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, Uint32Array.from(input.marked), gl.STREAM_DRAW);
    this.use(this.mark, input, matrix, MARK_SIZE);
    gl.uniform3fv(this.mark.at('uLevels'), input.palette.levels.flatMap(rgb));
    gl.uniform3fv(this.mark.at('uSelect'), rgb(input.palette.select));
    gl.uniform1i(this.mark.at('uDimFlash'), input.flashOff ? 1 : 0);
    gl.drawElements(gl.POINTS, n, gl.UNSIGNED_INT, 0);
    this.use(this.sprite, input, matrix, Math.max(20, symbolSize(input.visible)) + 2);
    gl.uniform1i(this.sprite.at('uPlain'), 0);
    gl.drawElements(gl.POINTS, n, gl.UNSIGNED_INT, 0);
  }

  private use(p: Program, input: DrawInput, matrix: Float32Array, size: number): void {
    const { gl } = this;
    gl.useProgram(p.program);
    gl.uniformMatrix4fv(p.at('uMatrix'), false, matrix);
    gl.uniform1f(p.at('uT'), input.t);
    gl.uniform1f(p.at('uSize'), size * input.camera.dpr);
    gl.uniform1f(p.at('uPx'), 2 / (size * input.camera.dpr));
    gl.uniform1f(p.at('uBearing'), input.camera.bearing);
    gl.uniform3fv(p.at('uOld'), rgb(input.palette.old));
  }

  destroy(): void {
    this.canvas.removeEventListener('webglcontextlost', this.onLost);
    this.canvas.removeEventListener('webglcontextrestored', this.onRestored);
    this.gl.getExtension('WEBGL_lose_context')?.loseContext();
  }
}
