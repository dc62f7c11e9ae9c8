// React Native: `reactNative.mjs BUNDLE BASE_URL VERSION`. The program runs in a context that has the globals of
// React Native and nothing of Node.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createContext, runInContext } from "node:vm";

import { reactNativeGlobals } from "./reactNativeGlobals.mjs";

const [bundle, baseUrl, version] = process.argv.slice(2);
const old = version === "0.73";
const { AbortController, AbortSignal } = createRequire(import.meta.url)("abort-controller");
const context = createContext(
  reactNativeGlobals({
    old,
    // A package that runs code for the web may define a part of it.
    document: old ? undefined : { visibilityState: "visible" },
    abort: { AbortController, AbortSignal },
  }),
);
runInContext("globalThis.window = globalThis.self = globalThis.global = globalThis;", context);
runInContext(readFileSync(bundle, "utf8"), context, { filename: bundle });
await context.runProgram({ baseUrl, print: (line) => console.log(line) });
