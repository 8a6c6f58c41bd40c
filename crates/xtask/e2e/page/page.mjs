// Opens a report's page in a browser that has no network, works it, and looks whether it holds.
// Arguments: the browser's program, the page, a directory for pictures.

import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [program, page, pictures] = process.argv.slice(2);
const address = pathToFileURL(page).href;

const settings = [
  { name: "wide-light", width: 1280, height: 900, colorScheme: "light" },
  { name: "wide-dark", width: 1280, height: 900, colorScheme: "dark" },
  { name: "narrow-light", width: 400, height: 860, colorScheme: "light" },
  { name: "narrow-dark", width: 400, height: 860, colorScheme: "dark" },
];

const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
try {
  for (const { name, width, height, colorScheme } of settings) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme, offline: true });
    const tab = await context.newPage();
    const wrong = [];
    tab.on("request", (request) => {
      const url = request.url();
      if (url !== address && !url.startsWith("data:")) wrong.push("request: " + url);
    });
    tab.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) wrong.push("console: " + message.text());
    });
    tab.on("pageerror", (error) => wrong.push("error: " + error.message));
    tab.on("dialog", async (dialog) => {
      wrong.push("dialog: " + dialog.message());
      await dialog.dismiss();
    });
    await tab.goto(address, { waitUntil: "load" });

    const all = await tab.locator("#cases tbody tr").count();
    assert.ok(all > 0, "there are cases");
    const visible = () => tab.locator("#cases tbody tr:visible").count();
    assert.equal(await visible(), all);
    await tab.click("[data-show=failed]");
    const failed = await visible();
    assert.ok(failed > 0 && failed < all, `${failed} of ${all} failed`);
    assert.equal(await tab.locator("#cases tbody tr:visible[data-outcome=failed]").count(), failed);
    await tab.click("[data-show=all]");
    await tab.fill("#search", "no case is called this");
    assert.equal(await visible(), 0);
    await tab.fill("#search", "");
    assert.equal(await visible(), all);
    const first = () => tab.locator("#cases tbody tr").first().locator("td").first().textContent();
    await tab.click("#cases th:first-child button");
    const up = await first();
    await tab.click("#cases th:first-child button");
    assert.notEqual(await first(), up, "the table turns round");

    const details = tab.locator("details");
    const shown = await details.count();
    assert.ok(shown > 1, "answers are side by side");
    await details.nth(1).locator("summary").click();
    assert.ok(await details.nth(1).locator(".two").isVisible());
    assert.ok((await tab.locator("del, ins").count()) > 0, "words are marked");
    assert.ok((await tab.locator("svg").count()) >= 3, "there are plots");
    const across = await tab.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(across <= 0, `${across} pixels stand out`);
    await tab.waitForTimeout(100);
    assert.deepEqual(wrong, [], name);
    await tab.screenshot({ path: join(pictures, name + ".png"), fullPage: true });
    await details.nth(1).screenshot({ path: join(pictures, name + "-answers.png") });
    await context.close();
  }
  console.log(`the page of a replay holds in ${settings.length} settings`);
} finally {
  await browser.close();
}
