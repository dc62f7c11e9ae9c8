import { finalCodes, lostCodes } from "./closeCodes.js";
import type { Options } from "./contract.js";

/** Whether to connect again after the close code. Those from 4000 are judged by their range. */
export const redial = (code: number): boolean => code < 4500 && !finalCodes.includes(code);

/** Whether the session may still be there after the close code. */
export const resumes = (code: number): boolean => code < 4500 && !lostCodes.includes(code);

/**
 * How long to wait before the next attempt to connect, in ms. The longest wait doubles with each
 * one that was made; the jitter spreads the waits of many clients below it. A server that is about
 * to go spreads them itself: the close reason ends in how long.
 */
export const backoff = (
  made: number,
  reason: string,
  { reconnectInterval = 1000, maxReconnectInterval = 30_000, jitter = 1 }: Options,
): number => {
  const told = /retry in (\d+) ms$/.exec(reason);
  if (told) return Math.min(Number(told[1]), maxReconnectInterval);
  return Math.min(reconnectInterval * 2 ** made, maxReconnectInterval) * (1 - jitter * Math.random());
};
