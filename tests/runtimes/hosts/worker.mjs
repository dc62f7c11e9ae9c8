// workerd: the program runs in a request, whose response has its lines.
import "./program.js";

export default {
  fetch(request) {
    const { readable, writable } = new TransformStream();
    const writer = writable.getWriter();
    const encoder = new TextEncoder();
    const print = (line) => void writer.write(encoder.encode(`${line}\n`));
    const baseUrl = new URL(request.url).searchParams.get("baseUrl");
    globalThis
      .runProgram({ baseUrl, print })
      .catch((error) => print(`${error?.stack ?? error}`))
      .finally(() => writer.close());
    return new Response(readable);
  },
};
