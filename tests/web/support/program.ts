import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { createInterface } from "node:readline";

const running = new Set<ChildProcess>();

/** Sends a signal to a program and to those that it has started. */
function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid!, signal);
  } catch {
    // The group has ended.
  }
}

// Kill all programs when the tests end in any way.
process.on("exit", () => {
  for (const child of running) signalGroup(child, "SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(1));

/** A running program, and its output. */
export class Program {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #listeners = new Set<() => void>();
  /** The lines that it has printed. */
  readonly lines: string[] = [];

  constructor(file: string, args: string[], env: Record<string, string> = {}, cwd = ".") {
    const child = spawn(file, args, {
      cwd,
      // It leads a group, which the signals go to.
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, ...env },
    });
    this.#child = child;
    running.add(child);
    const lines = createInterface({ input: child.stdout });
    this.#ended = new Promise((resolve) => {
      lines.on("close", () => {
        running.delete(child);
        resolve();
        for (const listener of this.#listeners) listener();
      });
    });
    lines.on("line", (line) => {
      this.lines.push(line);
      for (const listener of this.#listeners) listener();
    });
  }

  /** Waits for a line from index `from` on that matches. */
  async line(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    let ended = false;
    void this.#ended.then(() => {
      ended = true;
    });
    for (;;) {
      for (const line of this.lines.slice(from)) {
        const found = pattern.exec(line);
        if (found) return found;
      }
      if (ended) throw new Error(`the program ended before it printed ${pattern}:\n${this.lines.join("\n")}`);
      await new Promise<void>((resolve) => {
        const listener = () => {
          this.#listeners.delete(listener);
          resolve();
        };
        this.#listeners.add(listener);
      });
    }
  }

  get isRunning(): boolean {
    return running.has(this.#child);
  }

  signal(signal: NodeJS.Signals): void {
    signalGroup(this.#child, signal);
  }

  /** Stops it until `SIGCONT`. */
  async stop(): Promise<void> {
    this.signal("SIGSTOP");
    // The threads stop one after the other, and one may still answer.
    const threads = `/proc/${this.#child.pid}/task`;
    const isStopped = (thread: string) => / T /.test(readFileSync(`${threads}/${thread}/stat`, "utf8"));
    while (!readdirSync(threads).every(isStopped)) await new Promise(setImmediate);
  }

  /** Kills it, as a crash would. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.#ended;
  }

  /** Waits until it ends. */
  ended(): Promise<void> {
    return this.#ended;
  }
}

/** A server: one of the Rust programs that `programs.mjs` builds. */
export class Server extends Program {
  readonly #name: string;
  readonly #args: string[];
  port = 0;

  private constructor(name: string, port: number, args: string[]) {
    const programs: Record<string, string> = JSON.parse(process.env.PARLOR_PROGRAMS ?? "{}");
    super(programs[name] ?? name, ["--addr", `127.0.0.1:${port}`, ...args]);
    this.#name = name;
    this.#args = args;
  }

  /** Starts it on the port, by default a free one, and waits until it listens. */
  static async start(
    name: "accounts" | "chat" | "guide" | "http2" | "shapes",
    port = 0,
    ...args: string[]
  ): Promise<Server> {
    const server = new Server(name, port, args);
    const [, found] = await server.line(/:\/\/127\.0\.0\.1:(\d+)/);
    server.port = Number(found);
    return server;
  }

  /** Starts another one on the same port. */
  restart(): Promise<Server> {
    return Server.start(this.#name as "chat", this.port, ...this.#args);
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }
}
