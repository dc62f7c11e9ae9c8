// Node, Bun and Deno: `process.mjs BUNDLE BASE_URL`.
import process from "node:process";
import { pathToFileURL } from "node:url";

const [bundle, baseUrl] = process.argv.slice(2);
await import(pathToFileURL(bundle).href);

// Node 20 has no global WebSocket.
const host = globalThis.WebSocket ? {} : { WebSocket: (await import("ws")).WebSocket };
await globalThis.runProgram({ ...host, baseUrl, print: (line) => console.log(line) });
