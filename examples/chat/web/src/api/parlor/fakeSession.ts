// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import { resumes } from "./backoff";
import type { Unrecovered } from "./contract";
import type { FakeWebSocket } from "./fakeWebSocket";
import { parseMessage } from "./message";

/** The server acknowledges after this many counted messages, or this many characters of them. */
const ackEvery = 128;
const ackEveryLength = 1 << 15;

/** What the server does with a session. */
export interface SessionHandler {
  /** The client sent an event or, with an id, a call. */
  received(event: string, data: unknown, id: unknown): void;
  /** The session lost its connection. */
  detached(): void;
}

/** The server's half of a session, as `docs/wire.md` of Parlor defines it. */
export class ServerSession {
  /** The connection; undefined while the session is detached. */
  webSocket: FakeWebSocket | undefined;
  /** Why it cannot be resumed; undefined if it can. */
  lost: Unrecovered | undefined;
  /** The secret of its latest welcome. */
  secret = "";
  /** The counted messages that were received, and how many of them are not acknowledged. */
  private received = 0;
  private unacked = 0;
  private unackedLength = 0;
  /** The number of frames that the client has confirmed, and the frames after them. */
  private confirmed = 0;
  private readonly unconfirmed: string[] = [];
  /** The number of frames that were sent, up to the newest connection. Infinity: send none yet. */
  private sent = 0;
  private readonly handler: SessionHandler;

  constructor(handler: SessionHandler) {
    this.handler = handler;
  }

  /** Whether the client may have received `count` frames. */
  canHaveSent(count: number): boolean {
    return count >= this.confirmed && count <= this.confirmed + this.unconfirmed.length;
  }

  /**
   * Attaches a connection: sends the welcome, and what the client has not received.
   *
   * @param secret the new resume secret
   * @param count the number of frames that the client has received; undefined for a fresh session
   * @param reason why the session that the client wanted is not resumed
   */
  attach(webSocket: FakeWebSocket, secret: string, count?: number, reason?: Unrecovered): void {
    this.webSocket?.end(1006, "");
    this.webSocket = webSocket;
    this.secret = secret;
    this.confirm(count ?? 0);
    this.unacked = this.unackedLength = 0;
    webSocket.serverEnd = {
      received: (text) => this.receive(text),
      closed: (code) => this.detach(webSocket, code),
    };
    const welcome = {
      resume: secret,
      received: this.received,
      recovered: count !== undefined,
      heartbeat: 25_000,
      maxMessage: 65_536,
      ...(reason && { reason }),
    };
    this.sent = Infinity;
    webSocket.deliver(JSON.stringify(["$welcome", welcome]));
    this.sent = this.confirmed;
    this.flush();
  }

  /** Sends a counted frame; without a connection, once the session is resumed. */
  send(...frame: unknown[]): void {
    this.unconfirmed.push(JSON.stringify(frame));
    this.flush();
  }

  get connected(): boolean {
    return this.webSocket?.isOpen === true;
  }

  /** Closes the connection. 1006 loses it without a close frame. */
  close(code: number, reason: string): void {
    const { webSocket } = this;
    if (!webSocket) return;
    if (code !== 1006) this.ack();
    this.detach(webSocket, code);
    webSocket.end(code, reason);
  }

  private flush(): void {
    while (this.webSocket && this.sent < this.confirmed + this.unconfirmed.length)
      this.webSocket.deliver(this.unconfirmed[this.sent++ - this.confirmed] as string);
  }

  private detach(webSocket: FakeWebSocket, code: number): void {
    if (this.webSocket !== webSocket) return;
    this.webSocket = undefined;
    if (!resumes(code)) this.lost = "ended";
    this.handler.detached();
  }

  private receive(text: string): void {
    const [name, data, id] = parseMessage(text) ?? [""];
    if (name === "$ack") this.confirm(data as number);
    else if (name === "ping") {
      this.ack();
      this.webSocket?.deliver(JSON.stringify(["pong", data]));
    } else {
      this.received++;
      this.unackedLength += text.length;
      if (++this.unacked >= ackEvery || this.unackedLength >= ackEveryLength) this.ack();
      this.handler.received(name, data, id);
    }
  }

  private confirm(count: number): void {
    this.unconfirmed.splice(0, count - this.confirmed);
    this.confirmed = count;
  }

  /** Acknowledges what was received. */
  ack(): void {
    if (!this.unacked) return;
    this.unacked = this.unackedLength = 0;
    this.webSocket?.deliver(JSON.stringify(["$ack", this.received]));
  }
}
