// A global WebSocket for Node 20. It connects to the test's server instead of `localhost:3000`.
import { WebSocket } from "ws";

Object.assign(globalThis, {
  WebSocket: class extends WebSocket {
    constructor(url: string, protocols?: string[]) {
      super(url.replace("localhost:3000", process.env.GUIDE ?? ""), protocols ?? []);
      // The test waits for this line; the guide's code prints none.
      this.once("message", () => console.log("open"));
    }
  },
});
