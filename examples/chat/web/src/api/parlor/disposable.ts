// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import type { Disposing } from "./contract";

/** Returns `target` with a `[Symbol.dispose]`, where the engine has one. */
export const disposable = <T extends object>(target: T, dispose: () => void): T & Disposing => {
  const { dispose: key } = Symbol as { dispose?: symbol };
  return (key ? Object.assign(target, { [key]: dispose }) : target) as T & Disposing;
};
