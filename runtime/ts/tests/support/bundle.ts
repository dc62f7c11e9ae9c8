import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { build, type BuildOptions } from "esbuild";

/** The folder of the tests. This file is bundled to `node_modules/.tests`. */
export const tests = join(dirname(fileURLToPath(import.meta.url)), "../../tests");

let lastId = 0;

/**
 * Bundles a program and imports it: a framework reads the globals of a page when it is loaded, and has other
 * code for the server than for browsers.
 *
 * @param program TypeScript, with imports relative to the folder of the tests
 */
export async function load<T>(program: string, options: BuildOptions): Promise<T> {
  const folder = join(tests, "../node_modules/.programs");
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, `${process.pid}-${++lastId}.mjs`);
  await build({
    stdin: { contents: program, resolveDir: tests, loader: "tsx" },
    outfile,
    bundle: true,
    format: "esm",
    target: "node20",
    logLevel: "error",
    ...options,
  });
  return (await import(pathToFileURL(outfile).href)) as T;
}
