// One live connection to the server: hello, subscription, frames, control
// channel, acknowledgements, loss and return. It owns the socket and the timers;
// what the messages mean to the page is the business of its handlers.

import { now, since, type MonoMs, type Ms } from '../units';
import { Backoff } from './backoff';
import { FrameError, decodeHeader, type FrameHeader } from './frame';
import { isControl, parseServerMessage } from './messages';
import type { Bbox, ClientMessage, Resume, ServerMessage } from './messages';

export type LinkState = 'connecting' | 'live' | 'stale' | 'waiting' | 'signed_out' | 'refused';

/** Without frame or heartbeat for longer than this the picture is not live. */
export const STALE_AFTER = 2_000 as Ms;
/** A socket that is silent for this long is given up. */
const DEAD_AFTER = 6_000 as Ms;
const SUB_DEBOUNCE = 200;
const ALERT_ACK_DELAY = 100;

export interface LiveHandlers {
  frame(view: DataView, header: FrameHeader, receivedAt: MonoMs): void;
  message(m: ServerMessage, resumed: boolean): void;
  state(s: LinkState, closeCode: number): void;
  /** The socket closed before it opened: perhaps the session is gone. */
  unopened(): void;
}

export interface LiveOptions {
  url: string;
  lang: string;
  open?: (url: string, protocol: string) => WebSocket;
  backoff?: Backoff;
}

export class LiveConnection {
  state: LinkState = 'connecting';
  /** The last frame or heartbeat; what stale is judged by. */
  lastFrameAt: MonoMs = now();
  reconnects = 0;
  badFrames = 0;

  private ws: WebSocket | null = null;
  private aliveAt: MonoMs = now();
  private epoch = 0;
  private seq = 0;
  private cseq = 0;
  private head = 0;
  private wasOpened = false;
  private haveResume = false;
  private sub: { bbox: Bbox; maxHz: number; zoom: number } | null = null;
  private followIds: string[] = [];
  private subTimer = 0;
  private ackTimer = 0;
  private retryTimer = 0;
  private watch = 0;
  private readonly backoff: Backoff;

  constructor(private readonly opt: LiveOptions, private readonly on: LiveHandlers) {
    this.backoff = opt.backoff ?? new Backoff();
  }

  start(): void {
    this.lastFrameAt = now();
    this.watch = window.setInterval(() => this.check(), 250);
    window.addEventListener('online', this.retryNow);
    this.connect();
  }

  stop(): void {
    window.clearInterval(this.watch);
    window.clearTimeout(this.retryTimer);
    window.clearTimeout(this.subTimer);
    window.clearTimeout(this.ackTimer);
    window.removeEventListener('online', this.retryNow);
    const ws = this.ws;
    this.ws = null;
    ws?.close(1000);
  }

  /** What the user sees now; sent at most every 200 ms, and again after a reconnect. */
  subscribe(bbox: Bbox, zoom: number, maxHz: number): void {
    this.sub = { bbox, maxHz, zoom };
    if (this.subTimer) return;
    this.subTimer = window.setTimeout(() => this.sendSub(), SUB_DEBOUNCE);
  }

  private sendSub(): void {
    window.clearTimeout(this.subTimer);
    this.subTimer = 0;
    if (this.sub) this.send({ t: 'sub', ...this.sub });
  }

  follow(ids: string[]): void {
    if (ids.join('\n') === this.followIds.join('\n')) return;
    this.followIds = ids.slice(0, 32);
    this.send({ t: 'follow', ids: this.followIds });
  }

  /** Frame `seq` was decoded and handed to the renderer. */
  ack(seq: number, renderMs: Ms, queued: number): void {
    this.send({ t: 'ack', seq, renderMs: Math.round(renderMs * 10) / 10, queued });
  }

  private connect(): void {
    this.setState(this.state === 'stale' || this.state === 'waiting' ? 'waiting' : 'connecting', 0);
    const open = this.opt.open ?? ((url, protocol) => new WebSocket(url, protocol));
    const ws = open(this.opt.url, 'zl.v1');
    ws.binaryType = 'arraybuffer';
    this.ws = ws;
    this.aliveAt = now();
    this.wasOpened = false;
    ws.onopen = () => this.opened(ws);
    ws.onmessage = (e) => this.ws === ws && this.received(ws, e.data);
    ws.onclose = (e) => this.ws === ws && this.closed(e.code);
  }

  private opened(ws: WebSocket): void {
    if (this.ws !== ws) return;
    this.wasOpened = true;
    const resume: Resume | undefined = this.haveResume
      ? { epoch: this.epoch, seq: this.seq, alertSeq: this.cseq }
      : undefined;
    this.aliveAt = now();
    this.send({ t: 'hello', ...(resume ? { resume } : {}), enc: ['packed'], lang: this.opt.lang });
    this.sendSub();
    if (this.followIds.length > 0) this.send({ t: 'follow', ids: this.followIds });
  }

  private received(ws: WebSocket, data: unknown): void {
    const at = now();
    this.aliveAt = at;
    if (data instanceof ArrayBuffer) {
      this.binary(ws, new DataView(data), at);
    } else if (typeof data === 'string') {
      this.text(data);
    }
  }

  private binary(ws: WebSocket, view: DataView, at: MonoMs): void {
    let h: FrameHeader;
    try {
      h = decodeHeader(view);
    } catch (err) {
      if (!(err instanceof FrameError)) throw err;
      this.badFrames++;
      ws.close(4400, 'bad frame');
      return;
    }
    this.lastFrameAt = at;
    this.backoff.reset();
    this.setState('live', 0);
    this.seq = h.seq;
    this.on.frame(view, h, at);
  }

  private text(data: string): void {
    const m = parseServerMessage(data);
    if (!m) return;
    let resumed = false;
    if (m.t === 'welcome') {
      resumed = this.haveResume && m.epoch === this.epoch;
      this.epoch = m.epoch;
      this.head = m.cseq;
      if (!resumed) this.cseq = m.cseq;
      this.haveResume = true;
    }
    if (m.t === 'reset') this.cseq = Math.max(this.cseq, this.head);
    this.on.message(m, resumed);
    if (!isControl(m)) return;
    // The channel is ordered and complete or closed; a hole in cseq is an event
    // that the live channel does not carry.
    this.cseq = Math.max(this.cseq, m.cseq);
    this.scheduleAlertAck();
  }

  private scheduleAlertAck(): void {
    if (this.ackTimer) return;
    this.ackTimer = window.setTimeout(() => {
      this.ackTimer = 0;
      this.send({ t: 'alertAck', alertSeq: this.cseq });
    }, ALERT_ACK_DELAY);
  }

  private closed(code: number): void {
    this.ws = null;
    if (!this.wasOpened) this.on.unopened();
    if (code === 4401 || code === 4403 || code === 4409) {
      this.setState(code === 4401 ? 'signed_out' : 'refused', code);
      return;
    }
    this.setState('waiting', code);
    this.retryTimer = window.setTimeout(() => {
      this.retryTimer = 0;
      this.reconnects++;
      this.connect();
    }, this.backoff.next());
  }

  private readonly retryNow = (): void => {
    if (!this.retryTimer) return;
    window.clearTimeout(this.retryTimer);
    this.retryTimer = 0;
    this.reconnects++;
    this.connect();
  };

  private check(): void {
    if (this.state === 'live' && since(this.lastFrameAt) > STALE_AFTER) this.setState('stale', 0);
    if (this.ws && since(this.aliveAt) > DEAD_AFTER) {
      // The close handshake of a dead network never ends: let go of the socket at once.
      const ws = this.ws;
      ws.onclose = ws.onmessage = null;
      ws.close();
      this.closed(1006);
    }
  }

  private send(m: ClientMessage): void {
    if (this.ws?.readyState === WebSocket.OPEN) this.ws.send(JSON.stringify(m));
  }

  private setState(s: LinkState, code: number): void {
    if (s === this.state && code === 0) return;
    this.state = s;
    this.on.state(s, code);
  }
}
