// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import type { Contract, Options, Socket, Target } from "./contract";
import { connect } from "./client";
import { later, type Timer } from "./timer";

/** A share in a socket. */
export interface Held<C extends Contract> {
  readonly socket: Socket<C>;
  /** Replaces the functions among the options: the next attempt uses these. */
  use(target: Target, options: Options): void;
  /** Gives the share back. */
  release(): void;
}

interface Shared {
  socket: Socket<Contract>;
  use: Held<Contract>["use"];
  users: number;
  closing: Timer | undefined;
}

const sockets = new Map<string, Shared>();

const open = (key: string, target: Target, options: Options): Shared => {
  let latest = target;
  const current = { ...options };
  const shared: Shared = {
    socket: connect(
      typeof target === "string" ? target : () => (typeof latest === "string" ? latest : latest()),
      current,
    ),
    use(target, { url, auth, WebSocket }) {
      latest = target;
      Object.assign(current, { url, auth, WebSocket });
    },
    users: 0,
    closing: undefined,
  };
  sockets.set(key, shared);
  return shared;
};

/**
 * A share in the one socket with this key, which connects with its first user. It is closed one
 * macrotask after the last: StrictMode and changes of page release it and come back at once.
 */
export function hold<C extends Contract>(key: string, target: Target, options: Options): Held<C> {
  const shared = sockets.get(key) ?? open(key, target, options);
  shared.use(target, options);
  shared.users++;
  clearTimeout(shared.closing);
  return {
    socket: shared.socket as unknown as Socket<C>,
    use: shared.use,
    release() {
      if (--shared.users) return;
      shared.closing = later(0, () => {
        sockets.delete(key);
        shared.socket.close();
      });
    },
  };
}
