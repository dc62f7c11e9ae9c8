import { parseMessage } from "./message.js";
import type { DebugFrame, Options } from "./options.js";
import { withoutSecrets } from "./url.js";

/** Reports a frame. */
export type ReportFrame = (direction: DebugFrame["direction"], data: unknown) => void;

/** Reports the frames of a connection to the option `debug`. Errors of its function are printed. */
export const createReporter =
  ({ debug, debugPayloads }: Options, url: string): ReportFrame =>
  (direction, data) => {
    const [name, payload, id] = parseMessage(data) ?? [""];
    const frame: DebugFrame = {
      direction,
      time: Date.now(),
      url: withoutSecrets(url),
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
