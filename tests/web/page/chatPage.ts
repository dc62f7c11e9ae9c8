import type { Locator, Page } from "playwright-core";

import { fill } from "../support/fill";

/** The page of the chat example, found by roles and labels. */
export class ChatPage {
  readonly page: Page;
  readonly status: Locator;
  /** Present while the connection has a problem. */
  readonly problem: Locator;
  readonly people: Locator;
  readonly log: Locator;
  readonly pending: Locator;
  readonly composer: Locator;

  constructor(page: Page) {
    this.page = page;
    this.status = page.getByRole("status", { name: "Connection" });
    this.problem = page.getByRole("region", { name: "Connection problem" });
    this.people = page.getByRole("complementary", { name: "People" });
    this.log = page.getByRole("log");
    this.pending = page.getByRole("list", { name: "Not said yet" });
    this.composer = page.getByRole("textbox", { name: /^Message to / });
  }

  async enterName(name: string): Promise<void> {
    await fill(this.page.getByRole("textbox", { name: "Your name" }), name);
    await this.page.getByRole("button", { name: "Come in" }).click();
    await this.connected();
  }

  connected(): Promise<void> {
    return this.status.getByText("Connected", { exact: true }).waitFor();
  }

  async send(text: string): Promise<void> {
    await fill(this.composer, text);
    await this.composer.press("Enter");
  }

  /** Waits for a message with the text in the current room. Pending texts do not count. */
  waitForMessage(text: string): Promise<void> {
    return this.log.locator(".entries:not(.pending) .text").getByText(text, { exact: true }).waitFor();
  }

  /** The texts of the messages in the current room, in order. */
  messages(): Promise<string[]> {
    return this.log.locator(".entries:not(.pending) .text").allTextContents();
  }

  /** The notices in the current room: of connections, and of people who joined or left. */
  notices(): Promise<string[]> {
    return this.log.locator(".notice > span").allTextContents();
  }

  async enter(room: string): Promise<void> {
    await fill(this.page.getByRole("textbox", { name: "Enter a room" }), room);
    await this.page.getByRole("button", { name: "Enter", exact: true }).click();
    await this.page.getByRole("heading", { name: room, level: 2 }).waitFor();
  }

  /** Waits until the person is listed in the current room. */
  waitForPerson(name: string): Promise<void> {
    return this.people.getByRole("listitem").getByText(name).waitFor();
  }
}
