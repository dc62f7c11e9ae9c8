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
  /** Records that a message was received. */
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
  let lastReceived = Date.now();
  /** Whether nothing was received since the last ping. */
  let pinged = false;
  /** Whether that ping was repeated, because its timer was suspended. */
  let repeated = false;

  const schedule = (ms: number, run: (suspended: boolean) => void) => {
    clearTimeout(timer);
    firesAt = Date.now() + ms;
    timer = later(ms, () => run(Date.now() - firesAt > maxProbeTimeout));
  };
  const awaitSilence = () => {
    if (interval > 0)
      schedule(Math.min(interval, lastReceived + interval - Date.now()), onInterval);
  };
  const onInterval = (suspended: boolean) => {
    // `abs`: a clock that was set back must not delay the ping.
    if (Math.abs(Date.now() - lastReceived) < interval) awaitSilence();
    else sendPing(suspended ? probeTimeout : timeout);
  };
  const sendPing = (ms: number) => {
    pinged = true;
    ping();
    schedule(ms, onTimeout);
  };
  const onTimeout = (suspended: boolean) => {
    if (!pinged) awaitSilence();
    // Messages that arrived during a suspension are read after this timer: ping once more.
    else if (suspended && !repeated) {
      repeated = true;
      sendPing(probeTimeout);
    } else timedOut();
  };

  awaitSilence();
  return {
    received() {
      lastReceived = Date.now();
      pinged = repeated = false;
    },
    probe() {
      // Events of a page come together (online, visible, shown): one ping is enough.
      if (!pinged || firesAt > Date.now() + probeTimeout) sendPing(probeTimeout);
    },
    stop() {
      clearTimeout(timer);
    },
  };
}
