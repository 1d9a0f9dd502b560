import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startBrowser } from "../support/browser.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { inspect } from "../support/received.ts";

/** The reference page in a browser, and everything that went wrong on it. */
interface OpenPage extends AsyncDisposable {
  readonly page: Page;
  /** Addresses on other origins that the page asked for. */
  readonly outside: readonly string[];
  /** Errors of scripts, and what the browser refused or missed. */
  readonly errors: readonly string[];
}

let gateway: TestGateway;
let browser: Browser;
beforeAll(async () => {
  gateway = await startGateway();
  browser = await startBrowser();
});
afterAll(async () => {
  await browser.close();
  await gateway.harness.close();
});

async function openReference(): Promise<OpenPage> {
  const context = await browser.newContext({ viewport: { width: 1400, height: 1000 } });
  const page = await context.newPage();
  const outside: string[] = [];
  const errors: string[] = [];
  await context.route("**/*", async (route) => {
    const { origin, href, protocol } = new URL(route.request().url());
    if (origin === gateway.url.origin || protocol === "data:" || protocol === "blob:")
      return route.continue();
    outside.push(href);
    return route.abort();
  });
  page.on("websocket", (socket) => outside.push(socket.url()));
  page.on("pageerror", ({ message }) => errors.push(message));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  const inspections: Promise<void>[] = [];
  page.on("response", (response) => {
    if (response.status() >= 400) errors.push(`${response.status()} ${response.url()}`);
    // The script of the page is a library's: nothing in it is the gateway's.
    if (response.url().endsWith("/docs/scalar.js")) return;
    inspections.push(response.text().then((text) => inspect(response.url(), text), ignore));
  });
  await page.goto(new URL("/docs", gateway.url).href);
  await page.getByRole("heading", { name: "Data desk" }).waitFor();
  const close = async (): Promise<void> => {
    await Promise.all(inspections);
    await context.close();
  };
  return { page, outside, errors, [Symbol.asyncDispose]: close };
}

/** A response without a body. */
function ignore(): void {}

/** Opens a group of the sidebar and goes to one of its operations. */
async function goTo(page: Page, group: string, summary: RegExp): Promise<void> {
  await page.getByRole("button", { name: `Open Group - ${group}` }).click();
  await page.getByRole("link", { name: summary }).click();
  await page.getByRole("heading", { name: summary }).waitFor();
}

describe("the reference page", () => {
  test("shows the operations and schemas of the gateway, and asks nobody else for anything", async () => {
    await using opened = await openReference();
    const { page } = opened;
    await goTo(page, "catalog", /^Publish a release of the catalog/);
    await page.getByText("startPublishRelease", { exact: true }).waitFor();
    await goTo(page, "dataset", /^Read a CSV, have its rows approved/);
    await page.getByText("startImportDataset", { exact: true }).waitFor();
    await page.getByText("ImportDatasetParams").first().waitFor();
    await page
      .getByText(/^instance_exists/)
      .first()
      .waitFor();
    expect(opened.outside).toEqual([]);
    expect(opened.errors).toEqual([]);
  });

  test("sends a request with a key, to this gateway alone", async () => {
    await using opened = await openReference();
    const { page } = opened;
    // A section is made as it is scrolled to. The first group is open.
    await page.getByRole("link", { name: /^List the agents and workflows/ }).click();
    await page.getByRole("button", { name: "Test Request (get /agents)" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("textbox", { name: "Bearer Token" }).fill(gateway.key);
    const answer = page.waitForResponse((response) => new URL(response.url()).pathname === "/agents");
    await dialog.getByRole("button", { name: /^Send/ }).first().click();
    expect((await answer).status()).toBe(200);
    await dialog.getByText("publish-release").first().waitFor();
    expect(opened.outside).toEqual([]);
    expect(opened.errors).toEqual([]);
  });

  test("could not load or send anything elsewhere if it tried", async () => {
    await using opened = await openReference();
    const attempts = await opened.page.evaluate(async () => {
      const fetched = await globalThis.fetch("https://example.com/").then(
        () => "sent",
        () => "refused",
      );
      const image = await new Promise<string>((resolve) => {
        const element = new Image();
        element.addEventListener("load", () => resolve("sent"));
        element.addEventListener("error", () => resolve("refused"));
        element.src = "https://example.com/pixel.png";
      });
      return [fetched, image];
    });
    expect(attempts).toEqual(["refused", "refused"]);
    // Refused by the policy, before the request came to be.
    expect(opened.outside).toEqual([]);
    expect(opened.errors.join("\n")).toMatch(/Content Security Policy/);
  });
});
