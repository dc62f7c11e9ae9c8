import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/** A worker on a free port; the program may connect to this machine. */
const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [
        (name = "worker.mjs", esModule = embed "worker.mjs"),
        (name = "program.js", esModule = embed "program.js"),
      ],
      compatibilityDate = "2024-01-01",
    )),
    (name = "internet", network = (allow = ["private", "public"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`;

/** Starts workerd with the bundle and requests the worker. Returns the lines of the response, and `stop`. */
export async function startWorker(
  binary: string,
  bundle: string,
  baseUrl: string,
): Promise<{ lines: AsyncIterable<string>; stop: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), "parlor-workerd-"));
  writeFileSync(join(folder, "config.capnp"), config);
  copyFileSync(join(process.cwd(), "hosts/worker.mjs"), join(folder, "worker.mjs"));
  copyFileSync(bundle, join(folder, "program.js"));
  const child = spawn(binary, ["serve", "--control-fd=3", "config.capnp"], {
    cwd: folder,
    stdio: ["ignore", "inherit", "inherit", "pipe"],
  });
  const stop = () => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", stop);
  for await (const line of createInterface({ input: child.stdio[3] as Readable })) {
    const { event, port } = JSON.parse(line);
    if (event !== "listen") continue;
    const response = await fetch(`http://127.0.0.1:${port}/?baseUrl=${encodeURIComponent(baseUrl)}`);
    return { lines: linesOf(response), stop };
  }
  stop();
  throw new Error("workerd ended before it listened");
}

/** The lines of the body, as they arrive. */
async function* linesOf({ body }: Response): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest) yield rest;
}
