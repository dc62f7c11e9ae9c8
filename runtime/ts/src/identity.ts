import type { Options } from "./options.js";

/** Reads the identity of the options; null without one. A function that throws counts as null. */
export const readIdentity = ({ identity }: Options): string | null => {
  try {
    return (typeof identity === "function" ? identity() : identity) ?? null;
  } catch {
    return null;
  }
};
