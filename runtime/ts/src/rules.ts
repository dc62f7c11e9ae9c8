import type { Rules } from "./check.js";

/** The rules of each procedure, by its path. The generator replaces this file. */
export const rules: Record<string, Rules> = {};
