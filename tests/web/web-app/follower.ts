import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";

import { Program } from "../support/program";
import type { Block } from "./blocks";

const repository = resolve("../..");
const target = process.env.CARGO_TARGET_DIR ?? join(repository, "target");

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((listening) => server.once("listening", listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

/** The settings of the programs that the guide starts. */
const environment = {
  CARGO_TARGET_DIR: target,
  NO_COLOR: "1",
  npm_config_audit: "false",
  npm_config_fund: "false",
  npm_config_omit_lockfile_registry_resolved: "true",
  npm_config_prefer_offline: "true",
};

/**
 * Follows a guide in an empty folder, as a reader in one terminal would. It differs from a reader in this:
 *
 * - `parlor` is this repository, and other crates have the versions of its `Cargo.lock`.
 * - Cargo builds into the repository's target folder, without optimisation.
 * - npm installs the versions of the lock files beside this file. `PARLOR_UPDATE_LOCKS=1` writes them anew.
 * - The server has a free port instead of 3000.
 */
export class Follower {
  readonly #root = mkdtempSync(join(tmpdir(), "parlor-guide-"));
  readonly #changes: [RegExp, string][];
  #folder = this.#root;
  /** The exported variables, as commands of the shell. */
  #exported = "";
  #background = "";
  /** The programs of background commands, in order. */
  readonly programs: Program[] = [];

  constructor(serverPort: number) {
    this.#changes = [
      [/^(parlor = \{) version = "[^"]*"/m, `$1 path = ${JSON.stringify(join(repository, "runtime"))}`],
      [/^cargo build --release$/m, "cargo build"],
      [/\.\/target\/release\//g, `${target}/debug/`],
      [/\b127\.0\.0\.1:3000\b/g, `127.0.0.1:${serverPort}`],
    ];
  }

  /** The path of a file in the folder of the project. */
  path(file: string): string {
    return join(this.#root, "chat", file);
  }

  /** Writes the file of a block, or runs its commands. Fails if a command fails. */
  follow(blocks: Block[]): void {
    for (const block of blocks) {
      if (block.kind === "heading") continue;
      const text = this.#changes.reduce((text, [from, to]) => text.replace(from, to), block.text);
      if (block.kind === "file") this.write(block.path, text);
      else if (block.kind === "background") {
        this.#background = text;
        this.startAgain();
      }
      else this.#run(text);
    }
  }

  /** Writes a file of the project. */
  write(path: string, text: string): void {
    const file = this.path(path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    if (path === "Cargo.toml") cpSync(join(repository, "Cargo.lock"), this.path("Cargo.lock"));
    const lock = lockOf(dirname(path));
    if (basename(path) === "package.json" && existsSync(lock)) cpSync(lock, this.path(join(dirname(path), "package-lock.json")));
  }

  #run(commands: string): void {
    const script = `${this.#exported}\n${commands}\npwd >&3\nexport -p >&3`;
    const { status, stdout, stderr, output } = spawnSync("bash", ["-e", "-c", script], {
      cwd: this.#folder,
      env: { ...process.env, ...environment },
      encoding: "utf8",
      maxBuffer: 1 << 28,
      stdio: ["ignore", "pipe", "pipe", "pipe"],
    });
    assert.equal(status, 0, `${commands}\n${stdout}\n${stderr}`);
    const [folder = "", ...exported] = output[3]!.split("\n");
    this.#folder = folder;
    this.#exported = exported.join("\n");
    if (commands.includes("npm install")) this.#checkLock();
  }

  /** Fails if npm has changed the lock file. */
  #checkLock(): void {
    const lock = lockOf(relative(this.path("."), this.#folder));
    const installed = readFileSync(join(this.#folder, "package-lock.json"), "utf8");
    if (process.env.PARLOR_UPDATE_LOCKS === "1") writeFileSync(lock, installed);
    assert.ok(readFileSync(lock, "utf8") === installed, `${lock} is stale: run this with PARLOR_UPDATE_LOCKS=1`);
  }

  #start(command: string): Program {
    return new Program("bash", ["-e", "-c", `${this.#exported}\nexec ${command}`], environment, this.#folder);
  }

  /** Runs the last background command again. */
  startAgain(): Program {
    const program = this.#start(this.#background);
    this.programs.push(program);
    return program;
  }

  /** Ends all programs and removes the folder. */
  async end(): Promise<void> {
    await Promise.all(this.programs.map((program) => program.kill()));
    rmSync(this.#root, { recursive: true, force: true });
  }
}

/** The lock file for the `package.json` in this folder of the guide. */
const lockOf = (folder: string): string => resolve("web-app", `${folder}.lock.json`);
