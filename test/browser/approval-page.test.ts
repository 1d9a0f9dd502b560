import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startBrowser } from "../support/browser.ts";
import type { TestGateway } from "../support/gateway.ts";
import { makeLink, startWithSenders, waiting } from "../support/links.ts";
import { untilStatus } from "../support/until.ts";

const AGENT = "/agents/workshop/browsed";
const QUESTION = {
  summary: "May the crane lift the glass roof on Monday?",
  details: {
    crane: { name: "Liebherr 81 K", tons: 8, checked: true },
    lifts: ["steel frame", "glass roof"],
    note: "The wind must be below 8 m/s.\nThe street is closed from 6 to 10.",
  },
};

let gateway: TestGateway;
let browser: Browser;
beforeAll(async () => {
  gateway = await startWithSenders();
  browser = await startBrowser();
});
afterAll(async () => {
  await browser.close();
  await gateway.harness.close();
});

/** Opens the page of a new link, at the width of a small phone. */
async function openLink(options: Parameters<Browser["newPage"]>[0] = {}) {
  const { approval, self } = await waiting(gateway, AGENT, "permit", QUESTION);
  const { url } = await makeLink(gateway, approval, { for: "Ada Lovelace" });
  const page = await browser.newPage({ viewport: { width: 320, height: 900 }, ...options });
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("requestfailed", (request) => complaints.push(request.url()));
  await page.goto(url);
  return { approval, self, page, complaints };
}

/** What a person who cannot see the page would miss in it; each is a sentence. */
async function barriers(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    const say = (isWrong: boolean, what: string): void => {
      if (isWrong) found.push(what);
    };
    say(document.documentElement.lang === "", "the page has no language");
    say(document.title === "", "the page has no title");
    say(document.querySelectorAll("h1").length !== 1, "there is not one h1");
    say(document.querySelectorAll("main").length !== 1, "there is not one main");
    const levels = [...document.querySelectorAll("h1,h2,h3")].map(({ tagName }) => Number(tagName[1]));
    say(
      levels.some((level, at) => level > (levels[at - 1] ?? 0) + 1),
      "a level of headings is left out",
    );
    const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
    say(new Set(ids).size < ids.length, "an id is there twice");
    for (const input of document.querySelectorAll<HTMLInputElement>("input,select,textarea")) {
      if (input.type === "hidden") continue;
      say(input.labels?.length !== 1, `${input.name} has no label`);
      const described = input.getAttribute("aria-describedby")?.split(" ") ?? [];
      say(
        described.some((id) => document.getElementById(id) === null),
        `${input.name} is described by nothing`,
      );
    }
    for (const button of document.querySelectorAll("button"))
      say(!button.hidden && (button.textContent ?? "").trim() === "", "a button has no name");
    for (const set of document.querySelectorAll("fieldset"))
      say(set.firstElementChild?.tagName !== "LEGEND", "a fieldset has no legend");
    say(document.documentElement.scrollWidth > window.innerWidth, "the page is wider than the window");
    // Contrast (WCAG 2.2): every text against what is behind it.
    // oxlint-disable-next-line unicorn/consistent-function-scoping -- runs in the page, where nothing of this file is
    const parse = (color: string): number[] => (color.match(/[\d.]+/g) ?? []).map(Number);
    // oxlint-disable-next-line unicorn/consistent-function-scoping -- the same
    const luminance = (rgb: number[]): number => {
      const [r = 0, g = 0, b = 0] = rgb.map((channel) => {
        const part = channel / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    for (const element of document.querySelectorAll<HTMLElement>("main *")) {
      const hasText = [...element.childNodes].some(
        (node) => node.nodeType === Node.TEXT_NODE && (node.textContent ?? "").trim() !== "",
      );
      if (!hasText || element.offsetParent === null) continue;
      let behind: HTMLElement | null = element;
      while (behind !== null && parse(getComputedStyle(behind).backgroundColor)[3] === 0)
        behind = behind.parentElement;
      const ground = behind === null ? [255, 255, 255] : parse(getComputedStyle(behind).backgroundColor);
      const lights = [
        luminance(parse(getComputedStyle(element).color).slice(0, 3)),
        luminance(ground.slice(0, 3)),
      ];
      const ratio = (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05);
      say(
        ratio < 4.5,
        `"${(element.textContent ?? "").trim().slice(0, 30)}" has a contrast of ${ratio.toFixed(1)}`,
      );
    }
    return found;
  });
}

test.each(["light", "dark"] as const)(
  "a person reads what is asked, is told what is missing, and approves, on a phone: %s",
  async (colorScheme) => {
    const { approval, self, page, complaints } = await openLink({ colorScheme });
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe(QUESTION.summary);
    for (const text of ["Liebherr 81 K", "glass roof", "Ada Lovelace", "permit"])
      expect(await page.getByText(text).count(), text).toBeGreaterThan(0);
    expect(await barriers(page)).toEqual([]);

    // The browser itself asks for what is required: nothing is sent.
    await page.getByRole("button", { name: "Approve" }).click();
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe(QUESTION.summary);
    await page.getByLabel("Ticket number").fill("T1");
    await page.getByLabel("Amount").fill("1200.5");
    await page.getByLabel("Priority").selectOption("high");
    await page.getByLabel("Urgent").check();
    await page.getByLabel("Reason").fill("The wind is fine,\nthe street is closed.");
    // What only the contract knows comes back with all that was filled in. Enter in a field sends nothing.
    await page.getByLabel("Amount").press("Enter");
    expect(await page.getByRole("alert").count()).toBe(0);
    await page.getByRole("button", { name: "Approve" }).click();
    await page.getByRole("alert").waitFor();
    expect(await barriers(page)).toEqual([]);
    expect(await page.getByLabel("Amount").inputValue()).toBe("1200.5");
    expect(await page.getByLabel("Reason").inputValue()).toBe("The wind is fine,\nthe street is closed.");
    expect(await page.getByLabel("Ticket number").getAttribute("aria-invalid")).toBe("true");

    await page.getByLabel("Ticket number").fill("T-1200");
    await page.getByRole("button", { name: "Approve" }).click();
    await page.getByRole("heading", { name: "Approved" }).waitFor();
    expect(await page.getByText("Ada Lovelace").count()).toBe(1);
    expect(await barriers(page)).toEqual([]);
    expect(complaints.filter((one) => !one.includes("400 (Bad Request)"))).toEqual([]);
    expect((await gateway.get(approval)).json()).toMatchObject({
      status: "approved",
      decidedBy: "Ada Lovelace",
      reason: "The wind is fine,\nthe street is closed.",
    });
    const ended = await untilStatus(() => gateway.get(self), "complete");
    expect(ended.json()).toMatchObject({ output: { ticketNumber: "T-1200", amount: 1200.5, urgent: true } });
    await page.close();
  },
);

test("a person rejects with the keyboard alone, and nothing has to be filled in", async () => {
  const { approval, page } = await openLink({ javaScriptEnabled: false });
  await page.getByLabel("Reason").focus();
  await page.keyboard.type("Not on a Monday.");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Rejected" }).waitFor();
  expect((await gateway.get(approval)).json()).toMatchObject({
    status: "rejected",
    decidedBy: "Ada Lovelace",
    reason: "Not on a Monday.",
  });
  await page.close();
});

test("a link that cannot be used says what to do", async () => {
  const page = await browser.newPage({ viewport: { width: 320, height: 700 } });
  await page.goto(new URL("/approvals/nothing", gateway.url).href);
  await page.getByRole("heading", { name: "This link cannot be used" }).waitFor();
  expect(await barriers(page)).toEqual([]);
  await page.close();
});
