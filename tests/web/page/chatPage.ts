import type { Locator, Page } from "playwright-core";

/** The page of the chat example, as those who use it find their way around. */
export class ChatPage {
  readonly page: Page;
  readonly status: Locator;
  /** There while something is wrong with the connection. */
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

  async comeIn(name: string): Promise<void> {
    await this.page.getByRole("textbox", { name: "Your name" }).fill(name);
    await this.page.getByRole("button", { name: "Come in" }).click();
    await this.connected();
  }

  connected(): Promise<void> {
    return this.status.getByText("Connected", { exact: true }).waitFor();
  }

  async say(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.composer.press("Enter");
  }

  /** Waits until the text was said in the room that is shown: what is on its way does not count. */
  hears(text: string): Promise<void> {
    return this.log.locator(".entries:not(.pending) .text").getByText(text, { exact: true }).waitFor();
  }

  /** What was said in the room that is shown, in order. */
  said(): Promise<string[]> {
    return this.log.locator(".entries:not(.pending) .text").allTextContents();
  }

  /** What the page has told of connections, and of who came and left. */
  notices(): Promise<string[]> {
    return this.log.locator(".notice > span").allTextContents();
  }

  async enter(room: string): Promise<void> {
    await this.page.getByRole("textbox", { name: "Enter a room" }).fill(room);
    await this.page.getByRole("button", { name: "Enter", exact: true }).click();
    await this.page.getByRole("heading", { name: room, level: 2 }).waitFor();
  }

  /** Waits until somebody is listed in the room that is shown. */
  sees(name: string): Promise<void> {
    return this.people.getByRole("listitem").getByText(name).waitFor();
  }
}
