// Written by Parlor from the procedures of the server; do not edit.
/* eslint-disable */

import type { Message } from "./message";
import type { DebugFrame, Options } from "./options";

/** Reports a frame. */
export type ReportFrame = (direction: DebugFrame["direction"], data: unknown) => void;

/**
 * Reports the frames of a connection to the option `debug`. Errors of its function are printed.
 *
 * @param url without secrets
 * @param parse parses a frame. A parameter, so that bundlers put no module that the client needs, too, into
 * a file of its own
 */
export const createReporter =
  (
    { debug, debugPayloads }: Options,
    url: string,
    parse: (data: unknown) => Message | undefined,
  ): ReportFrame =>
  (direction, data) => {
    const [name, payload, id] = parse(data) ?? [""];
    const frame: DebugFrame = {
      direction,
      time: Date.now(),
      url,
      name,
      length: String(data).length,
      ...(typeof id === "number" && { id }),
      ...(debugPayloads && { payload: name === "$welcome" ? masked(payload) : payload }),
    };
    try {
      if (typeof debug === "function") debug(frame);
      else print(frame);
    } catch (cause) {
      console.error("Parlor: the function `debug` failed:", cause);
    }
  };

/** The welcome without its resume secret. */
const masked = (welcome: unknown) => ({ ...Object(welcome), resume: "***" });

const print = ({ direction, time, url, name, length, id, ...rest }: DebugFrame) => {
  const call = id === undefined ? "" : ` #${id}`;
  console.groupCollapsed(
    `Parlor ${direction === "in" ? "←" : "→"} ${name || "(not a frame)"}${call}, ${length} characters`,
  );
  console.log(new Date(time).toISOString(), url);
  if ("payload" in rest) console.log(rest.payload);
  console.groupEnd();
};
