// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import { later, type Timer } from "./timer";

/**
 * How long a probe waits for an answer at most, in ms. A timer that fires so much too late has
 * slept with its tab or machine.
 */
const short = 5000;

/** Finds out whether the other side is still there. */
export interface Heartbeat {
  /** Something came: the other side lives. */
  heard(): void;
  /** Asks at once, because there is reason to doubt. */
  probe(): void;
  stop(): void;
}

/**
 * Calls `ping` after `interval` ms of silence (never, if that is 0), and `dead` if nothing comes in
 * the `timeout` ms after it.
 */
export function createHeartbeat(
  interval: number,
  timeout: number,
  ping: () => void,
  dead: () => void,
): Heartbeat {
  const soon = Math.min(timeout, short);
  let timer: Timer | undefined;
  /** When the timer should fire. */
  let due = 0;
  let last = Date.now();
  let asked = false;
  /** Whether a verdict was put off because it came too late. */
  let spared = false;

  const wait = (ms: number, then: (slept: boolean) => void) => {
    clearTimeout(timer);
    due = Date.now() + ms;
    timer = later(ms, () => then(Date.now() - due > short));
  };
  const listen = () => {
    if (interval > 0) wait(Math.min(interval, last + interval - Date.now()), silence);
  };
  const silence = (slept: boolean) => {
    // A clock that was set back must not put off the question for as long.
    if (Math.abs(Date.now() - last) < interval) listen();
    else ask(slept ? soon : timeout);
  };
  const ask = (ms: number) => {
    asked = true;
    ping();
    wait(ms, judge);
  };
  // What came while everything slept is read after this timer fires: ask once more before judging.
  const judge = (slept: boolean) => {
    if (!asked) listen();
    else if (slept && !spared) {
      spared = true;
      ask(soon);
    } else dead();
  };

  listen();
  return {
    heard() {
      last = Date.now();
      asked = spared = false;
    },
    probe() {
      // Several doubts at once (online, visible, page shown) are one question.
      if (!asked || due > Date.now() + soon) ask(soon);
    },
    stop() {
      clearTimeout(timer);
    },
  };
}
