import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** A TCP proxy that can reset connections, refuse new ones, and discard data. */
export class Proxy {
  readonly #server: Server;
  readonly #pairs = new Set<[Socket, Socket]>();
  #refuses = false;

  private constructor(target: number) {
    this.#server = createServer((near) => {
      if (this.#refuses) return void near.resetAndDestroy();
      const far = connect(target, "127.0.0.1");
      const pair: [Socket, Socket] = [near, far];
      this.#pairs.add(pair);
      for (const [from, to] of [pair, [far, near]] as [Socket, Socket][]) {
        from.pipe(to);
        from.on("error", () => to.destroy());
        from.on("close", () => {
          this.#pairs.delete(pair);
          to.destroy();
        });
      }
    });
  }

  /** Starts a proxy for the server at this local port. */
  static async to(port: number): Promise<Proxy> {
    const proxy = new Proxy(port);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resets all connections. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.resetAndDestroy();
  }

  /** Resets new connections at once; with false, accepts them again. */
  refuse(refuses = true): void {
    this.#refuses = refuses;
  }

  /**
   * Silently discards all data of the existing connections, or only that from the server.
   */
  discard(what: "all" | "answers" = "all"): void {
    for (const [near, far] of this.#pairs)
      for (const socket of what === "all" ? [near, far] : [far]) {
        socket.unpipe();
        socket.resume();
      }
    // A close of one side does not reach the other.
    for (const pair of this.#pairs) for (const socket of pair) socket.removeAllListeners("close");
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}
