// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import type { Close } from "./close";
import type { Contract, Socket, Status } from "./contract";

/** The state of a connection. */
export interface ConnectionState {
  /** `closed` without a socket. */
  status: Status;
  /** Whether `status` is `connected`. */
  connected: boolean;
  /** How the last connection or attempt ended; undefined before the first end. */
  lastClose: Close | undefined;
}

/** The state of the socket now, as a new object. */
export const connectionState = <C extends Contract>(socket: Socket<C> | null): ConnectionState => ({
  status: socket ? socket.status : "closed",
  connected: !!socket && socket.connected,
  lastClose: socket ? socket.lastClose : undefined,
});
