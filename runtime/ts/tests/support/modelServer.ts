import assert from "node:assert/strict";

import { lostCodes } from "../../src/closeCodes.js";

/** Whether the frame is counted. */
const isCounted = (text: string) => !/^\["(\$(welcome|ack|contract\??)|p[io]ng)"/.test(text);

/** How long a detached session is kept, in ms. */
export const recoveryWindow = 30_000;

/** A close frame in a pipe. */
interface Close {
  code: number;
  reason: string;
}

/** The server's half of a session. */
export class ModelSession {
  /** The resume secret, and the one before it until the client has used the new one. */
  secrets: string[] = [];
  connection: ModelConnection | undefined;
  detachedAt: number | undefined;
  /** The number of counted messages, and how many of them are acknowledged. */
  received = 0;
  private acknowledged = 0;
  private unackedBytes = 0;
  /** The number of confirmed frames, the frames in flight after them, and the pending frames. */
  private confirmed = 0;
  private inFlight: string[] = [];
  private pending: string[] = [];
  /** Whether the next message must be an `$ack`. */
  private awaitsAck = false;
  /** The number of `tick` events that were sent. */
  ticks = 0;

  readonly id: number;
  private readonly server: ModelServer;
  /** The number of messages after which an `$ack` is sent: 1 to 128. */
  private readonly ackEvery: number;

  constructor(server: ModelServer, id: number, ackEvery: number) {
    this.server = server;
    this.id = id;
    this.ackEvery = ackEvery;
  }

  tick(pad: string) {
    this.send(JSON.stringify(["tick", { session: this.id, k: this.ticks++, pad }]));
  }

  send(text: string) {
    this.pending.push(text);
    this.flush();
  }

  /** Sends pending frames up to a limit in flight that is smaller than the protocol allows. */
  private flush() {
    const bytes = () => this.inFlight.reduce((sum, text) => sum + text.length, 0);
    while (this.connection && this.pending.length && this.inFlight.length < 200 && bytes() < 1 << 16) {
      const text = this.pending.shift() as string;
      this.inFlight.push(text);
      this.connection.sendToClient(text);
    }
  }

  /** Whether the client can have received `count` counted frames. */
  isPossible(count: number) {
    return count >= this.confirmed && count <= this.confirmed + this.inFlight.length;
  }

  private confirm(count: number) {
    assert.ok(this.isPossible(count), `$ack ${count} of ${this.confirmed} + ${this.inFlight.length}`);
    this.inFlight.splice(0, count - this.confirmed);
    this.confirmed = count;
  }

  attach(connection: ModelConnection, recovered: boolean, count: number, reason?: string) {
    this.connection?.supersede();
    this.connection = connection;
    this.detachedAt = undefined;
    this.secrets = [...this.secrets, this.server.newSecret()].slice(-2);
    connection.session = this;
    this.awaitsAck = recovered;
    this.confirm(count);
    this.acknowledged = this.received;
    this.unackedBytes = 0;
    const resume = this.secrets.at(-1);
    const welcome = { resume, received: this.received, recovered, heartbeat: 0, maxMessage: 1 << 20, reason };
    connection.sendToClient(JSON.stringify(["$welcome", welcome]));
    for (const text of this.inFlight) connection.sendToClient(text);
    this.flush();
  }

  detach() {
    this.connection = undefined;
    this.detachedAt = Date.now();
  }

  private ack() {
    if (this.received === this.acknowledged) return;
    this.acknowledged = this.received;
    this.unackedBytes = 0;
    this.connection?.sendToClient(JSON.stringify(["$ack", this.received]));
  }

  receive(text: string) {
    const [name, data, id] = JSON.parse(text);
    if (this.awaitsAck) assert.equal(name, "$ack", "the first frame after a recovery");
    if (name === "$ack") {
      this.confirm(data);
      if (this.awaitsAck) this.secrets = this.secrets.slice(-1);
      this.awaitsAck = false;
      this.flush();
    } else if (name === "ping") {
      this.ack();
      this.connection?.sendToClient(JSON.stringify(["pong", data]));
    }
    if (!isCounted(text)) return;
    this.received++;
    this.unackedBytes += text.length;
    this.server.handle(name, this);
    if (id) this.send(JSON.stringify(["$ok", name, id]));
    if (this.received - this.acknowledged >= this.ackEvery || this.unackedBytes >= 1 << 15) this.ack();
  }
}

/** A WebSocket whose two pipes the test drives. */
export class ModelConnection {
  readyState = 0;
  protocol = "";
  onopen: ((event: unknown) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: Close) => void) | null = null;
  onerror: ((event: unknown) => void) | null = null;
  readonly toServer: (string | Close)[] = [];
  readonly toClient: (string | Close)[] = [];
  /** A cut direction silently drops its frames. */
  cutToServer = false;
  cutToClient = false;
  session: ModelSession | undefined;
  /** The counted frames whose confirmation the client has not received, and the number of the others. */
  private readonly inFlight: { name: string; bytes: number }[] = [];
  private confirmed = 0;
  /** The names of the frames whose confirmation the client has received. */
  readonly seen = new Set<string>();

  readonly protocols: string[];

  constructor(_: string, protocols: string[] = []) {
    this.protocols = protocols;
  }

  /** Nothing is buffered: `send` passes frames to the pipe at once. */
  get bufferedAmount() {
    return 0;
  }

  send(text: string) {
    assert.notEqual(this.readyState, 0, "sent before it is open");
    if (this.readyState !== 1) return;
    if (isCounted(text)) {
      const bytes = this.inFlight.reduce((sum, { bytes }) => sum + bytes, 0);
      assert.ok(this.inFlight.length < 4096 && bytes < 1 << 18, "more in flight than the limit");
      this.inFlight.push({ name: JSON.parse(text)[0], bytes: text.length });
    }
    if (!this.cutToServer) this.toServer.push(text);
  }

  close(code = 1005, reason = "") {
    if (this.readyState === 1 && !this.cutToServer) this.toServer.push({ code, reason });
    if (this.readyState < 2) this.readyState = 2;
  }

  /** The server accepts. */
  open() {
    this.readyState = 1;
    this.protocol = "parlor.v1.json";
    this.onopen?.({});
  }

  /** Ends the connection for the client. */
  end(code = 1006, reason = "") {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.cut();
    this.onclose?.({ code, reason });
  }

  /** Cuts both directions. Neither side notices. */
  cut() {
    this.cutToServer = this.cutToClient = true;
    this.toServer.length = this.toClient.length = 0;
  }

  /** Detaches it from its session, which has another connection. */
  supersede() {
    this.session = undefined;
  }

  sendToClient(item: string | Close) {
    if (!this.cutToClient) this.toClient.push(item);
  }

  /** The server closes it. */
  closeByServer(code: number, reason = "") {
    const { session } = this;
    this.session = undefined;
    if (session?.connection === this) session.detach();
    this.sendToClient({ code, reason });
    return session;
  }

  deliverToServer(limit: number) {
    for (const item of this.toServer.splice(0, limit)) {
      if (typeof item === "string") this.session?.receive(item);
      else this.closedByClient(item);
    }
  }

  private closedByClient({ code }: Close) {
    const { session } = this;
    if (session && !isResumable(code)) session.secrets = [];
    this.closeByServer(code);
  }

  deliverToClient(limit: number) {
    for (let n = 0; n < limit && this.toClient.length; n++) {
      const item = this.toClient.shift() as string | Close;
      if (typeof item !== "string") return this.end(item.code, item.reason);
      const [name, data] = JSON.parse(item);
      const seen = name === "$ack" ? data : name === "$welcome" ? data.received : 0;
      const confirmed = this.inFlight.splice(0, Math.max(0, seen - this.confirmed));
      if (this.readyState === 1) for (const { name } of confirmed) this.seen.add(name);
      this.confirmed = Math.max(this.confirmed, seen);
      this.onmessage?.({ data: item });
    }
  }
}

/** Whether the server keeps the session after the close code. */
export const isResumable = (code: number) => code < 4500 && !lostCodes.includes(code);

/** A server that recovers sessions as defined in `docs/wire.md`. */
export class ModelServer {
  readonly sessions: ModelSession[] = [];
  readonly connections: ModelConnection[] = [];
  /** All handled frames with the id of their session, in order. */
  readonly handled: { name: string; session: number }[] = [];
  private secrets = 0;
  private ids = 0;

  private readonly ackEvery: () => number;

  constructor(ackEvery: () => number) {
    this.ackEvery = ackEvery;
  }

  newSecret() {
    return String(++this.secrets).padStart(22, "_");
  }

  handle(name: string, session: ModelSession) {
    this.handled.push({ name, session: session.id });
  }

  /** Returns a WebSocket class that connects to this server. */
  webSocket() {
    const { connections } = this;
    return class extends ModelConnection {
      constructor(url: string, protocols?: string[]) {
        super(url, protocols);
        connections.push(this);
      }
    };
  }

  accept(connection: ModelConnection) {
    connection.open();
    if (connection.readyState !== 1) return;
    const request = connection.protocols.map((it) => /^parlor\.resume\.([\w-]{22})\.(\d+)$/.exec(it)).find(Boolean);
    const [, secret = "", count = 0] = request ?? [];
    let reason = request ? "unknown" : undefined;
    let session = this.sessions.find(({ secrets }) => secrets.includes(secret));
    if (session?.detachedAt !== undefined && Date.now() - session.detachedAt > recoveryWindow) {
      session.secrets = [];
      session = undefined;
      reason = "expired";
    }
    if (session) {
      assert.ok(session.isPossible(Number(count)), `resumed with ${count}`);
      // The other secret was sent in a welcome that did not arrive, or is used up.
      session.secrets = [secret];
      session.attach(connection, true, Number(count));
      return;
    }
    session = new ModelSession(this, ++this.ids, this.ackEvery());
    this.sessions.push(session);
    session.attach(connection, false, 0, reason);
  }

  /** Drops all sessions. */
  restart(code: number) {
    for (const session of this.sessions) session.secrets = [];
    for (const connection of this.connections) {
      if (connection.readyState === 1) connection.closeByServer(code);
      connection.supersede();
    }
  }
}
