// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import type { Close } from "./close";
import type { ErrorCode } from "./errorCode";

/** Why a call has no answer. */
export class CallError extends Error {
  /**
   * The server's {@link ErrorCode}, or one of the client's own. A newer server may have others.
   *
   * - `refused`: the handler returned a typed error, which is in {@link details}
   * - `failed`: the server cannot send the answer; the call has run
   * - `timedOut`: no answer in time (also the server's code for a handler that took too long)
   * - `disconnected`: the session was lost before the answer; the call may have run
   * - `closed`: the socket is closed, and {@link close} tells why; a call that was sent before may have run
   * - `identity`: the identity changed before the answer; the call may have run as the last identity
   * - `invalid`, `tooLarge`, `full`: not sent, as in `SocketError`
   */
  readonly code:
    | ErrorCode
    | "disconnected"
    | "closed"
    | "identity"
    | "tooLarge"
    | "full"
    | (string & {});
  /**
   * The typed error (`Chat.Errors["joinRoom"]`) if the code is `refused`, a `Violation` if it is
   * `invalid`.
   */
  readonly details: unknown;
  /** How the last connection or attempt ended, if the code is `closed`, `disconnected` or `identity`. */
  readonly close: Close | undefined;

  constructor(code: string, message: string, details?: unknown, close?: Close) {
    super(message);
    this.name = "CallError";
    this.code = code;
    this.details = details;
    this.close = close;
  }
}
