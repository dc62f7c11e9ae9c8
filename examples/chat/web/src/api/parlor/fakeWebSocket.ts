// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import type { WebSocketLike } from "./options";

/** What the server does with a WebSocket of a client. */
export interface ServerEnd {
  /** A frame has arrived. */
  received(text: string): void;
  /** The client has closed the WebSocket. */
  closed(code: number): void;
}

const closeCode = (code: number) => code === 1000 || (code >= 3000 && code <= 4999);

/** A WebSocket without a network. Frames of the server arrive at once, frames of the client inside `send`. */
export class FakeWebSocket implements WebSocketLike {
  readyState = 0;
  protocol = "";
  readonly bufferedAmount = 0;
  onopen: WebSocketLike["onopen"] = null;
  onmessage: WebSocketLike["onmessage"] = null;
  onclose: WebSocketLike["onclose"] = null;
  onerror: WebSocketLike["onerror"] = null;
  readonly url: string;
  readonly protocols: readonly string[];
  /** Whether frames of both directions are lost, and neither side notices. */
  silent = false;
  serverEnd: ServerEnd | undefined;

  constructor(url: string, protocols: readonly string[] = []) {
    this.url = url;
    this.protocols = protocols;
  }

  send(text: string): void {
    if (this.readyState === 0) throw new Error("the WebSocket is not open yet");
    if (this.isOpen) this.serverEnd?.received(text);
  }

  close(code?: number, reason = ""): void {
    if (code !== undefined && !closeCode(code))
      throw new Error(`a client cannot close with the code ${code}`);
    if (this.readyState >= 2) return;
    const arrives = this.isOpen;
    this.readyState = 2;
    if (arrives) this.serverEnd?.closed(code ?? 1005);
    void Promise.resolve().then(() => this.end(arrives ? (code ?? 1005) : 1006, arrives ? reason : ""));
  }

  /** Whether frames arrive. */
  get isOpen(): boolean {
    return this.readyState === 1 && !this.silent;
  }

  /** The server accepts. */
  open(protocol: string): void {
    this.readyState = 1;
    this.protocol = protocol;
    this.onopen?.({});
  }

  /** A frame of the server arrives. */
  deliver(text: string): void {
    if (this.isOpen) this.onmessage?.({ data: text });
  }

  /** The connection ends for the client. */
  end(code: number, reason: string): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    if (code === 1006) this.onerror?.({});
    this.onclose?.({ code, reason });
  }
}
