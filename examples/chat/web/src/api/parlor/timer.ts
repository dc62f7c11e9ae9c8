// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

/** A timer that waits. */
export type Timer = ReturnType<typeof setTimeout>;

/** The longest that timers can wait, about 25 days; they fire at once for anything longer. */
const longest = 2 ** 31 - 1;

/** Calls `run` after `ms`; for `Infinity`, as good as never. */
export const later = (ms: number, run: () => void): Timer => setTimeout(run, Math.min(ms, longest));
