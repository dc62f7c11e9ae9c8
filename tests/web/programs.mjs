// Builds the Rust programs that the tests start.
import { cargo } from "./cargo.mjs";

/** Their paths. */
export const programs = {
  chat: cargo("--package=parlor-examples", "--example=chat"),
  guide: cargo("--package=parlor-examples", "--example=guide"),
  // With the same features, so that Parlor is built once for all three.
  accounts: cargo("--package=parlor-tests", "--features=rustls,typescript", "--bin=accounts"),
  http2: cargo("--package=parlor-tests", "--features=rustls,typescript", "--bin=http2"),
  shapes: cargo("--package=parlor-tests", "--features=rustls,typescript", "--bin=shapes"),
};
