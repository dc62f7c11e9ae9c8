import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { connect, type AddressInfo } from "node:net";

/** Serves one page with the script, and forwards its WebSockets to the port that `target` returns. */
export async function serveScript(script: string, target: () => number): Promise<Server & { port: number }> {
  const server = createServer(({ url }, response) => {
    const isScript = url === "/script.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
    response.end(
      isScript
        ? script
        : `<!doctype html><link rel="icon" href="data:,"><body><script type="module" src="/script.js"></script>`,
    );
  });
  server.on("upgrade", ({ method, url, rawHeaders }, near, head) => {
    const far = connect(target(), "127.0.0.1");
    far.write(`${method} ${url} HTTP/1.1\r\n`);
    for (let i = 0; i < rawHeaders.length; i += 2) far.write(`${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`);
    far.write("\r\n");
    far.write(head);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.pipe(to);
      from.on("error", () => to.destroy());
      from.on("close", () => to.destroy());
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(server, { port: (server.address() as AddressInfo).port });
}
