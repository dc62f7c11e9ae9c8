import type { Message } from "./message.js";
import type { DebugFrame, Options } from "./options.js";

/** Reports a frame to the option `debug`. */
export function reportFrame(
  { debug, debugPayloads }: Options,
  url: string,
  direction: DebugFrame["direction"],
  text: string,
  [name, payload, id]: Message = [""],
  time: number,
): void {
  const frame: DebugFrame = {
    direction,
    time,
    url,
    name,
    length: text.length,
    ...(typeof id === "number" && { id }),
    ...(debugPayloads && { payload: name === "$welcome" ? masked(payload) : payload }),
  };
  if (typeof debug === "function") debug(frame);
  else print(frame);
}

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
