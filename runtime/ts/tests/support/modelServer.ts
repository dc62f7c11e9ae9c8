import assert from "node:assert/strict";

import { lostCodes } from "../../src/closeCodes.js";

/** Whether the frame has a number. */
const isCounted = (text: string) => !/^\["(\$(welcome|ack|contract\??)|p[io]ng)"/.test(text);

/** For how long a session is kept without a connection, in ms. */
export const keptFor = 30_000;

/** The end of a connection, among the frames of a pipe. */
interface Close {
  code: number;
  reason: string;
}

/** A session as the server keeps it. */
export class Session {
  /** The secret, and the one before it until the client has shown that it has the new one. */
  secrets: string[] = [];
  wire: Wire | undefined;
  detachedAt: number | undefined;
  /** Counted frames of the client, and how much of that it was told. */
  received = 0;
  private told = 0;
  private owedBytes = 0;
  /** What was sent and not confirmed, from the number `confirmed` on; and what waits to be sent. */
  private confirmed = 0;
  private unconfirmed: string[] = [];
  private waiting: string[] = [];
  /** Whether the client has to begin with an `$ack`. */
  private mustProve = false;
  /** How many events the session has sent. */
  ticks = 0;

  readonly id: number;
  private readonly server: ModelServer;
  /** After how many frames the server confirms them: 1 to 128. */
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
    this.waiting.push(text);
    this.flush();
  }

  /** Hands over what the window lets through: smaller than that of the contract, which is a bound. */
  private flush() {
    const bytes = () => this.unconfirmed.reduce((sum, text) => sum + text.length, 0);
    while (this.wire && this.waiting.length && this.unconfirmed.length < 200 && bytes() < 1 << 16) {
      const text = this.waiting.shift() as string;
      this.unconfirmed.push(text);
      this.wire.sendToClient(text);
    }
  }

  /** Whether `count` counted frames can be what the client has. */
  isPossible(count: number) {
    return count >= this.confirmed && count <= this.confirmed + this.unconfirmed.length;
  }

  private confirm(count: number) {
    assert.ok(this.isPossible(count), `$ack ${count} of ${this.confirmed} + ${this.unconfirmed.length}`);
    this.unconfirmed.splice(0, count - this.confirmed);
    this.confirmed = count;
  }

  attach(wire: Wire, recovered: boolean, count: number, reason?: string) {
    this.wire?.supersede();
    this.wire = wire;
    this.detachedAt = undefined;
    this.secrets = [...this.secrets, this.server.newSecret()].slice(-2);
    wire.session = this;
    this.mustProve = recovered;
    this.confirm(count);
    this.told = this.received;
    this.owedBytes = 0;
    const resume = this.secrets.at(-1);
    const welcome = { resume, received: this.received, recovered, heartbeat: 0, maxMessage: 1 << 20, reason };
    wire.sendToClient(JSON.stringify(["$welcome", welcome]));
    for (const text of this.unconfirmed) wire.sendToClient(text);
    this.flush();
  }

  detach() {
    this.wire = undefined;
    this.detachedAt = Date.now();
  }

  private ack() {
    if (this.received === this.told) return;
    this.told = this.received;
    this.owedBytes = 0;
    this.wire?.sendToClient(JSON.stringify(["$ack", this.received]));
  }

  receive(text: string) {
    const [name, data, id] = JSON.parse(text);
    if (this.mustProve) assert.equal(name, "$ack", "the first frame after a recovery");
    if (name === "$ack") {
      this.confirm(data);
      if (this.mustProve) this.secrets = this.secrets.slice(-1);
      this.mustProve = false;
      this.flush();
    } else if (name === "ping") {
      this.ack();
      this.wire?.sendToClient(JSON.stringify(["pong", data]));
    }
    if (!isCounted(text)) return;
    this.received++;
    this.owedBytes += text.length;
    this.server.handle(name, this);
    if (id) this.send(JSON.stringify(["$ok", name, id]));
    if (this.received - this.told >= this.ackEvery || this.owedBytes >= 1 << 15) this.ack();
  }
}

/** A WebSocket whose two pipes the test drives. */
export class Wire {
  readyState = 0;
  protocol = "";
  onopen: ((event: unknown) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: Close) => void) | null = null;
  onerror: ((event: unknown) => void) | null = null;
  readonly toServer: (string | Close)[] = [];
  readonly toClient: (string | Close)[] = [];
  /** What is under way in a direction that is cut gets lost, unsaid. */
  cutToServer = false;
  cutToClient = false;
  session: Session | undefined;
  /** The counted frames that the client has not seen confirmed, and how many it has. */
  private readonly underWay: { name: string; bytes: number }[] = [];
  private confirmed = 0;
  /** The names of those that it has. */
  readonly seen = new Set<string>();

  readonly protocols: string[];

  constructor(_: string, protocols: string[] = []) {
    this.protocols = protocols;
  }

  /** What waits in the operating system is not the client's concern here. */
  get bufferedAmount() {
    return 0;
  }

  send(text: string) {
    assert.notEqual(this.readyState, 0, "sent before it is open");
    if (this.readyState !== 1) return;
    if (isCounted(text)) {
      const bytes = this.underWay.reduce((sum, { bytes }) => sum + bytes, 0);
      assert.ok(this.underWay.length < 4096 && bytes < 1 << 18, "more under way than the window");
      this.underWay.push({ name: JSON.parse(text)[0], bytes: text.length });
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

  /** The client hears that it has ended. */
  end(code = 1006, reason = "") {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.cut();
    this.onclose?.({ code, reason });
  }

  /** Nothing goes through any more, and nobody hears of it. */
  cut() {
    this.cutToServer = this.cutToClient = true;
    this.toServer.length = this.toClient.length = 0;
  }

  /** The session has another connection: the server listens to this one no more. */
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
    if (session?.wire === this) session.detach();
    this.sendToClient({ code, reason });
    return session;
  }

  deliverToServer(most: number) {
    for (const item of this.toServer.splice(0, most)) {
      if (typeof item === "string") this.session?.receive(item);
      else this.closedByClient(item);
    }
  }

  private closedByClient({ code }: Close) {
    const { session } = this;
    if (session && !resumable(code)) session.secrets = [];
    this.closeByServer(code);
  }

  deliverToClient(most: number) {
    for (let n = 0; n < most && this.toClient.length; n++) {
      const item = this.toClient.shift() as string | Close;
      if (typeof item !== "string") return this.end(item.code, item.reason);
      const [name, data] = JSON.parse(item);
      const seen = name === "$ack" ? data : name === "$welcome" ? data.received : 0;
      const confirmed = this.underWay.splice(0, Math.max(0, seen - this.confirmed));
      if (this.readyState === 1) for (const { name } of confirmed) this.seen.add(name);
      this.confirmed = Math.max(this.confirmed, seen);
      this.onmessage?.({ data: item });
    }
  }
}

/** Whether the server keeps the session after the code. */
export const resumable = (code: number) => code < 4500 && !lostCodes.includes(code);

/** A server that keeps sessions as `docs/wire.md` says. */
export class ModelServer {
  readonly sessions: Session[] = [];
  readonly wires: Wire[] = [];
  /** The names of all counted frames that a session has handled, in order. */
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

  handle(name: string, session: Session) {
    this.handled.push({ name, session: session.id });
  }

  /** The class of the connections to this server. */
  webSocket() {
    const { wires } = this;
    return class extends Wire {
      constructor(url: string, protocols?: string[]) {
        super(url, protocols);
        wires.push(this);
      }
    };
  }

  accept(wire: Wire) {
    wire.open();
    if (wire.readyState !== 1) return;
    const asked = wire.protocols.map((it) => /^parlor\.resume\.([\w-]{22})\.(\d+)$/.exec(it)).find(Boolean);
    const [, secret = "", count = 0] = asked ?? [];
    let reason = asked ? "unknown" : undefined;
    let session = this.sessions.find(({ secrets }) => secrets.includes(secret));
    if (session?.detachedAt !== undefined && Date.now() - session.detachedAt > keptFor) {
      session.secrets = [];
      session = undefined;
      reason = "expired";
    }
    if (session) {
      assert.ok(session.isPossible(Number(count)), `resumed with ${count}`);
      // The other secret is that of an attempt whose welcome did not arrive.
      session.secrets = [secret];
      session.attach(wire, true, Number(count));
      return;
    }
    session = new Session(this, ++this.ids, this.ackEvery());
    this.sessions.push(session);
    session.attach(wire, false, 0, reason);
  }

  /** All sessions are gone. */
  restart(code: number) {
    for (const session of this.sessions) session.secrets = [];
    for (const wire of this.wires) {
      if (wire.readyState === 1) wire.closeByServer(code);
      wire.supersede();
    }
  }
}
