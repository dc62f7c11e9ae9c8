// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

/** A running timer. */
export type Timer = ReturnType<typeof setTimeout>;

/** The longest delay of a timer, about 25 days. A timer with a longer one fires at once. */
const longest = 2 ** 31 - 1;

/** Calls `run` after `ms`, or after about 25 days if that is sooner. */
export const later = (ms: number, run: () => void): Timer => setTimeout(run, Math.min(ms, longest));
