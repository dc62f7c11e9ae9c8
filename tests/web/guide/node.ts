// Where Node has no WebSocket of its own. `localhost:3000` is wherever the test's server is.
import { WebSocket } from "ws";

Object.assign(globalThis, {
  WebSocket: class extends WebSocket {
    constructor(url: string, protocols?: string[]) {
      super(url.replace("localhost:3000", process.env.GUIDE ?? ""), protocols ?? []);
      // The test waits for it; the guide's code says nothing of it.
      this.once("message", () => console.log("open"));
    }
  },
});
