// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import type { Options } from "./options";

/** The smallest and the largest value of each option that is a number. */
const bounds: { [name: string]: [min: number, max: number] } = {
  heartbeatInterval: [0, Infinity],
  heartbeatTimeout: [1, Infinity],
  reconnectInterval: [1, Infinity],
  maxReconnectInterval: [1, Infinity],
  maxReconnectAttempts: [0, Infinity],
  jitter: [0, 1],
  connectTimeout: [1, Infinity],
  callTimeout: [1, Infinity],
  bufferSize: [0, Infinity],
};

/** Prints an error for each number that is out of its bounds, as NaN is. Only for development. */
export function checkOptions(options: Options): void {
  for (const [name, value] of Object.entries(options)) {
    const [min, max] = bounds[name] ?? [];
    if (value === undefined || min === undefined || max === undefined) continue;
    if (!(typeof value === "number" && value >= min && value <= max))
      console.error(`Parlor: the option ${name} is ${String(value)}, and not a number from ${min} to ${max}`);
  }
}
