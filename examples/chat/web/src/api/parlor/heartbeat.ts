// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import { later, type Timer } from "./timer";

/**
 * The longest that a probe waits for a message, in ms. A timer that is later than this was suspended
 * with its tab or machine.
 */
const maxProbeTimeout = 5000;

/** Checks whether the server still responds. */
export interface Heartbeat {
  /** Waits for silence again, since a message was received. */
  received(): void;
  /** Sends a ping now. */
  probe(): void;
  stop(): void;
}

/**
 * Calls `ping` after `interval` ms of silence (never, if that is 0), and `timedOut` if nothing is
 * received in the `timeout` ms after it.
 */
export function createHeartbeat(
  interval: number,
  timeout: number,
  ping: () => void,
  timedOut: () => void,
): Heartbeat {
  const probeTimeout = Math.min(timeout, maxProbeTimeout);
  let timer: Timer | undefined;
  /** When the timer should fire. */
  let firesAt = 0;
  /** Whether nothing was received since the last ping. */
  let pinged = false;

  const schedule = (ms: number, run: (suspended: boolean) => void) => {
    clearTimeout(timer);
    firesAt = Date.now() + ms;
    timer = later(ms, () => run(Date.now() - firesAt > maxProbeTimeout));
  };
  const sendPing = (ms: number, repeated?: boolean) => {
    pinged = true;
    // Before `ping`: the answer may arrive inside of it.
    schedule(ms, (suspended) => {
      // Messages that arrived during a suspension are read after this timer: ping once more.
      if (suspended && !repeated) sendPing(probeTimeout, true);
      else timedOut();
    });
    ping();
  };
  const received = () => {
    pinged = false;
    schedule(interval || Infinity, (suspended) => sendPing(suspended ? probeTimeout : timeout));
  };

  received();
  return {
    received,
    probe() {
      // Events of a page come together (online, visible, shown): one ping is enough.
      if (!pinged || firesAt > Date.now() + probeTimeout) sendPing(probeTimeout);
    },
    stop() {
      clearTimeout(timer);
    },
  };
}
