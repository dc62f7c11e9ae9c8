import type { Page, WebSocket } from "playwright-core";

/** The page of the guide, as a user sees it. */
export class ChatPage {
  readonly page: Page;
  /** The connections to the chat, one for each attempt. Vite's own are left out. */
  readonly connections: WebSocket[] = [];

  constructor(page: Page) {
    this.page = page;
    page.on("websocket", (socket) => {
      if (socket.url().endsWith("/api/chat")) this.connections.push(socket);
    });
  }

  async logIn(name: string): Promise<void> {
    await this.page.getByLabel("Your name").fill(name);
    await this.page.getByRole("button", { name: "Log in" }).click();
    await this.connected();
  }

  connected(): Promise<void> {
    return this.page.getByRole("status").getByText("connected", { exact: true }).waitFor();
  }

  get text() {
    return this.page.getByLabel("Message", { exact: true });
  }

  async send(text: string): Promise<void> {
    await this.text.fill(text);
    await this.page.getByRole("button", { name: "Send" }).click();
  }

  /** Waits for the message. */
  async message(text: string): Promise<void> {
    await this.page.getByLabel("Messages").getByText(text, { exact: true }).waitFor();
  }

  messages(): Promise<string[]> {
    return this.page.getByLabel("Messages").locator("p").allTextContents();
  }

  alert(text: string | RegExp): Promise<void> {
    return this.page.getByRole("alert").getByText(text).waitFor();
  }

  /** Waits until the list has exactly these people. */
  async people(...names: string[]): Promise<void> {
    await this.page.waitForFunction(
      (names) => [...document.querySelectorAll("[aria-label=People] li")].map((it) => it.textContent).join() === names,
      names.join(),
    );
  }
}
