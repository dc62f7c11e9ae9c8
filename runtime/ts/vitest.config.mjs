import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { defineConfig } from "vitest/config";

import "./tests/docs.mjs";

const tests = join(import.meta.dirname, "tests");
const ofDocs = readdirSync(join(tests, "docs"))
  .map((file) => join("tests/docs", file))
  .filter((file) => readFileSync(join(import.meta.dirname, file), "utf8").includes('from "vitest"'));

export default defineConfig({
  test: { include: ["tests/vitest/*.test.{ts,tsx}", ...ofDocs] },
});
