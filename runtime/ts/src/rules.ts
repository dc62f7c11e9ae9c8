import type { CheckRules } from "./check.js";

/** Checks the rules of the contracts. The generator replaces this file if clients check any. */
export const checkRules: CheckRules | undefined = undefined;

/** The paths of the procedures, if clients check any rules. */
export const paths: readonly string[] = [];
