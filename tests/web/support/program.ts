import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { createInterface } from "node:readline";

const running = new Set<ChildProcess>();
// Whatever happens to the tests, nothing stays behind.
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(1));

/** A program that runs beside the tests, and what it prints. */
export class Program {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #heard = new Set<() => void>();
  /** All that it has printed, by lines. */
  readonly lines: string[] = [];

  constructor(file: string, args: string[], env: Record<string, string> = {}) {
    const child = spawn(file, args, {
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
        for (const heard of this.#heard) heard();
      });
    });
    lines.on("line", (line) => {
      this.lines.push(line);
      for (const heard of this.#heard) heard();
    });
  }

  /** The first line that matches, of those from `from` on. */
  async line(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    let over = false;
    void this.#ended.then(() => {
      over = true;
    });
    for (;;) {
      for (const line of this.lines.slice(from)) {
        const found = pattern.exec(line);
        if (found) return found;
      }
      if (over) throw new Error(`it ended before it said ${pattern}:\n${this.lines.join("\n")}`);
      await new Promise<void>((resolve) => {
        const heard = () => {
          this.#heard.delete(heard);
          resolve();
        };
        this.#heard.add(heard);
      });
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Stops it in the middle of whatever it does; `SIGCONT` lets it go on. */
  async stop(): Promise<void> {
    this.signal("SIGSTOP");
    // The signal is on its way: the threads stop one after the other, and one may still answer.
    const threads = `/proc/${this.#child.pid}/task`;
    const stands = (thread: string) => / T /.test(readFileSync(`${threads}/${thread}/stat`, "utf8"));
    while (!readdirSync(threads).every(stands)) await new Promise(setImmediate);
  }

  /** Ends it at once, as a crash does. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.#ended;
  }

  /** Waits until it has ended by itself. */
  ended(): Promise<void> {
    return this.#ended;
  }
}

/** A server that is one of the Rust programs that `run.mjs` has built. */
export class Server extends Program {
  readonly #name: string;
  port = 0;

  private constructor(name: string, port: number) {
    const programs: Record<string, string> = JSON.parse(process.env.PARLOR_PROGRAMS ?? "{}");
    super(programs[name] ?? name, ["--addr", `127.0.0.1:${port}`]);
    this.#name = name;
  }

  /** Starts it, on a free port unless told, and waits until it listens. */
  static async start(name: "chat" | "guide" | "shapes", port = 0): Promise<Server> {
    const server = new Server(name, port);
    const [, found] = await server.line(/:\/\/127\.0\.0\.1:(\d+)/);
    server.port = Number(found);
    return server;
  }

  /** Starts it again on the same port, after it was killed. */
  restart(): Promise<Server> {
    return Server.start(this.#name as "chat", this.port);
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }
}
