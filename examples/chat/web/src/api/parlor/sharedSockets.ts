// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import type { Contract, Socket } from "./contract";
import { connect } from "./client";
import type { Options, Target } from "./options";
import { later, type Timer } from "./timer";

/** A counted reference to a shared socket. */
export interface SocketReference<C extends Contract> {
  readonly socket: Socket<C>;
  /** Replaces the functions among the options, from the next attempt to connect on. */
  update(target: Target, options: Options): void;
  release(): void;
}

interface SharedSocket {
  socket: Socket<Contract>;
  update: SocketReference<Contract>["update"];
  /** The number of references. */
  count: number;
  closing: Timer | undefined;
}

const sockets = new Map<string, SharedSocket>();

const open = (key: string, target: Target, options: Options): SharedSocket => {
  let latest = target;
  const current = { ...options };
  const shared: SharedSocket = {
    socket: connect(
      typeof target === "string" ? target : () => (typeof latest === "string" ? latest : latest()),
      current,
    ),
    update(target, { url, auth, WebSocket }) {
      latest = target;
      Object.assign(current, { url, auth, WebSocket });
    },
    count: 0,
    closing: undefined,
  };
  sockets.set(key, shared);
  return shared;
};

/**
 * Returns a reference to the socket with this key, and connects it if there is none. The socket is
 * closed one macrotask after its last reference is released: StrictMode and navigation release and
 * acquire it in one task.
 */
export function acquireSocket<C extends Contract>(
  key: string,
  target: Target,
  options: Options,
): SocketReference<C> {
  const shared = sockets.get(key) ?? open(key, target, options);
  shared.update(target, options);
  shared.count++;
  clearTimeout(shared.closing);
  return {
    socket: shared.socket as unknown as Socket<C>,
    update: shared.update,
    release() {
      if (--shared.count) return;
      shared.closing = later(0, () => {
        sockets.delete(key);
        shared.socket.close();
      });
    },
  };
}
