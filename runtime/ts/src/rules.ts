import type { Rules } from "./check.js";

/** The rules of each procedure, by its path. The generator writes them here. */
export const rules: Record<string, Rules> = {};
