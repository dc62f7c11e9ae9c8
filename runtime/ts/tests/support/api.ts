/** What the generator writes as `index.ts`. */

export * from "../../src/client.js";
export type * from "./contract.js";
