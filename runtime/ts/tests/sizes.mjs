// Prints the size of each library, minified and gzipped. Fails if the client exceeds the limit.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
// 5 KB, as the README says.
const maxClientBytes = 5300;

const size = async (entry) => {
  const { outputFiles } = await build({
    ...entry,
    bundle: true,
    define: { "process.env.NODE_ENV": '"production"' },
    minify: true,
    format: "esm",
    external: ["react", "./debug.js"],
    platform: "browser",
    write: false,
    logLevel: "error",
  });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length;
};
const text = (contents) => size({ stdin: { contents, resolveDir: here, loader: "ts" } });

const client = await text('export { createClient, connect, CallError } from "../src/client";');
const sizes = {
  "parlor: client": client,
  "parlor: client and hook": await text('export * from "../src/client"; export * from "../src/react";'),
  partysocket: await text('export { default } from "partysocket";'),
  phoenix: await text('export { Socket } from "phoenix";'),
  "socket.io-client": await text('export { io } from "socket.io-client";'),
};
for (const [name, bytes] of Object.entries(sizes))
  console.log(`${String(bytes).padStart(6)} bytes  ${name}`);
if (client > maxClientBytes) {
  console.error(`The client has ${client} bytes; the limit is ${maxClientBytes}.`);
  process.exit(1);
}
