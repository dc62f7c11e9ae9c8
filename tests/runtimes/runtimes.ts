// The runtimes, from npm packages that contain their binaries.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The folder of this project; the tests run in it. */
const here = process.cwd();

/** A runtime that a test starts. */
export interface Runtime {
  name: string;
  /** The path of its binary; undefined if the package has none for this platform. */
  binary: string | undefined;
}

const installed = (path: string) => {
  const file = join(here, "node_modules", path);
  return existsSync(file) ? file : undefined;
};

/** The binary in the platform's package, which is an optional dependency of the package `name`. */
function inPlatformPackage(name: string, file: string): string | undefined {
  const manifest = installed(`${name}/package.json`);
  if (!manifest) return undefined;
  const { optionalDependencies } = JSON.parse(readFileSync(manifest, "utf8"));
  for (const platform of Object.keys(optionalDependencies)) {
    const found = installed(`${platform}/${file}`);
    if (found) return found;
  }
  return undefined;
}

export const node20: Runtime = { name: "Node 20", binary: installed("node-20/bin/node") };
export const node22: Runtime = { name: "Node 22", binary: installed("node-22/bin/node") };
export const node24: Runtime = { name: "Node 24", binary: installed("node-24/bin/node") };
export const bun: Runtime = { name: "Bun", binary: inPlatformPackage("bun", "bin/bun") };
export const deno: Runtime = { name: "Deno", binary: inPlatformPackage("deno", "deno") };
export const workerd: Runtime = { name: "workerd", binary: inPlatformPackage("workerd", "bin/workerd") };

/** The first line that the binary prints for `--version`. */
export function version(binary: string): string {
  const { stdout } = spawnSync(binary, ["--version"], { encoding: "utf8" });
  return stdout.trim().split("\n")[0] ?? "";
}
