import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Backoff } from './backoff';
import { LiveConnection } from './connection';
import { FrameType } from './frame';
import type { ServerMessage } from './messages';
import { frameBytes } from './testing';

/** The browser's socket, played by hand. */
class FakeSocket {
  static readonly OPEN = 1;
  readyState = 0;
  binaryType = '';
  sent: { t: string; [k: string]: unknown }[] = [];
  closed: number | undefined;
  onopen: (() => void) | null = null;
  onmessage: ((e: { data: unknown }) => void) | null = null;
  onclose: ((e: { code: number }) => void) | null = null;

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(code = 1000): void {
    this.closed = code;
  }
  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }
  json(m: object): void {
    this.onmessage?.({ data: JSON.stringify(m) });
  }
  frame(seq = 1): void {
    this.onmessage?.({ data: frameBytes({ type: FrameType.heartbeat, seq }).buffer });
  }
  drop(code = 1006): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }
  types = () => this.sent.map((m) => m.t);
}

let sockets: FakeSocket[];
let messages: { m: ServerMessage; resumed: boolean }[];
let unopened: number;
let conn: LiveConnection;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
  vi.stubGlobal('window', globalThis);
  vi.stubGlobal('WebSocket', FakeSocket);
  vi.stubGlobal('addEventListener', () => {});
  vi.stubGlobal('removeEventListener', () => {});
  sockets = [];
  unopened = 0;
  messages = [];
  conn = new LiveConnection(
    {
      url: 'ws://x/v1/live', lang: 'en', backoff: new Backoff(() => 0.5),
      open: () => {
        const s = new FakeSocket();
        sockets.push(s);
        return s as unknown as WebSocket;
      },
    },
    { frame: (_v, h) => conn.ack(h.seq, 1 as never, 0), message: (m, resumed) => messages.push({ m, resumed }), state: () => {}, unopened: () => unopened++ },
  );
  conn.start();
});
afterEach(() => {
  conn.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const last = () => sockets[sockets.length - 1]!;
const welcome = (epoch = 5, cseq = 10) => last().json({ t: 'welcome', epoch, cseq, serverTimeUs: 1 });
const alert = (cseq: number) => last().json({ t: 'alert', cseq, alert: {} });

describe('opening', () => {
  it('says hello first, then what it wants to see, once', () => {
    conn.subscribe([1, 2, 3, 4], 12, 10);
    last().open();
    vi.advanceTimersByTime(1_000);
    expect(last().types()).toEqual(['hello', 'sub']);
    expect(last().sent[0]).toEqual({ t: 'hello', enc: ['packed'], lang: 'en' });
    expect(last().sent[1]).toEqual({ t: 'sub', bbox: [1, 2, 3, 4], zoom: 12, maxHz: 10 });
  });
  it('merges subscriptions of a moving map', () => {
    last().open();
    for (let i = 0; i < 20; i++) conn.subscribe([i, 0, i + 1, 1], 12, 10);
    vi.advanceTimersByTime(300);
    expect(last().types()).toEqual(['hello', 'sub']);
    expect(last().sent[1]!.bbox).toEqual([19, 0, 20, 1]);
  });
  it('acknowledges each frame', () => {
    last().open();
    last().frame(41);
    last().frame(42);
    expect(last().sent.slice(1)).toEqual([{ t: 'ack', seq: 41, renderMs: 1, queued: 0 }, { t: 'ack', seq: 42, renderMs: 1, queued: 0 }]);
  });
});

describe('control channel', () => {
  it('resumes from the last control message of the same epoch', () => {
    last().open();
    welcome(5, 10);
    alert(11);
    alert(12);
    last().frame(77);
    last().drop();
    vi.advanceTimersByTime(1_000);
    last().open();
    expect(last().sent[0]!.resume).toEqual({ epoch: 5, seq: 77, alertSeq: 12 });
    welcome(5, 14);
    expect(messages.at(-1)).toMatchObject({ m: { t: 'welcome' }, resumed: true });
    alert(13);
    expect(messages.map((x) => x.m.t)).not.toContain('reset');
  });
  it('is not resumed in a new epoch', () => {
    last().open();
    welcome(5, 10);
    last().drop();
    vi.advanceTimersByTime(1_000);
    last().open();
    welcome(6, 0);
    expect(messages.at(-1)).toMatchObject({ resumed: false });
  });
  it('takes a hole for an event of the server that is not for it', () => {
    last().open();
    welcome(5, 10);
    alert(12);
    last().drop();
    vi.advanceTimersByTime(1_000);
    last().open();
    expect(messages.map((x) => x.m.t)).toEqual(['welcome', 'alert']);
    expect(last().sent[0]!.resume).toMatchObject({ alertSeq: 12 });
  });
  it('confirms delivery, merged', () => {
    last().open();
    welcome(5, 10);
    for (let i = 11; i < 40; i++) alert(i);
    vi.advanceTimersByTime(500);
    expect(last().sent.filter((m) => m.t === 'alertAck')).toEqual([{ t: 'alertAck', alertSeq: 39 }]);
  });
});

describe('loss', () => {
  it('is stale after 2 s of silence, and live again with the next frame', () => {
    last().open();
    last().frame();
    vi.advanceTimersByTime(2_000);
    expect(conn.state).toBe('live');
    vi.advanceTimersByTime(500);
    expect(conn.state).toBe('stale');
    last().frame();
    expect(conn.state).toBe('live');
  });
  it('gives up a silent socket and opens another', () => {
    last().open();
    last().frame();
    vi.advanceTimersByTime(7_000);
    expect(sockets).toHaveLength(2);
    expect(sockets[0]!.closed).toBe(1000);
  });
  it('comes back by itself, later each time', () => {
    for (let i = 0; i < 4; i++) last().drop();
    expect(sockets).toHaveLength(1);
    const opened: number[] = [];
    for (let t = 0; t < 4_000; t += 25) {
      vi.advanceTimersByTime(25);
      if (sockets.length > opened.length + 1) {
        opened.push(t);
        last().drop();
      }
    }
    expect(opened.length).toBeGreaterThanOrEqual(4);
    const gaps = opened.slice(1).map((t, i) => t - opened[i]!);
    expect([...gaps].sort((a, b) => a - b)).toEqual(gaps);
  });
  it.each([[4401, 'signed_out'], [4403, 'refused'], [4409, 'refused']] as const)('stays away after close %i', (code, state) => {
    last().open();
    last().drop(code);
    vi.advanceTimersByTime(60_000);
    expect(sockets).toHaveLength(1);
    expect(conn.state).toBe(state);
  });
  it('says when a socket closed before it opened: the session may be gone', () => {
    last().drop();
    expect(unopened).toBe(1);
    vi.advanceTimersByTime(1_000);
    last().open();
    last().drop();
    expect(unopened).toBe(1);
  });
  it('closes with 4400 on a frame that contradicts itself', () => {
    last().open();
    last().onmessage?.({ data: new Uint8Array([0x5a, 1, 2]).buffer });
    expect(last().closed).toBe(4400);
    expect(conn.badFrames).toBe(1);
  });
  it('ignores text that is no message', () => {
    last().open();
    last().onmessage?.({ data: '{{{' });
    last().onmessage?.({ data: '[]' });
    last().onmessage?.({ data: 'null' });
    expect(messages).toEqual([]);
  });
});
