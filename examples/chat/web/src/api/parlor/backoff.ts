// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import { finalCodes, lostCodes } from "./closeCodes";
import type { Options } from "./options";

/** Whether to connect again after the close code. Codes from 4000 on are judged by their range. */
export const redial = (code: number): boolean => code < 4500 && !finalCodes.includes(code);

/** Whether the server may still keep the session after the close code. */
export const resumes = (code: number): boolean => code < 4500 && !lostCodes.includes(code);

/**
 * The wait before the next attempt to connect, in ms: `reconnectInterval`, doubled for each of the
 * `attempts` so far, up to `maxReconnectInterval`. The jitter takes a random part off, so that clients
 * do not connect all at once. A close reason that ends in `retry in <ms> ms` replaces it: the server
 * has spread these waits.
 */
export const backoff = (
  attempts: number,
  reason: string,
  { reconnectInterval = 1000, maxReconnectInterval = 30_000, jitter = 1 }: Options,
): number => {
  const retryIn = /retry in (\d+) ms$/.exec(reason);
  if (retryIn) return Math.min(Number(retryIn[1]), maxReconnectInterval);
  return Math.min(reconnectInterval * 2 ** attempts, maxReconnectInterval) * (1 - jitter * Math.random());
};
