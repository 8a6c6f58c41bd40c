// Opens the page of a migration report in a browser that has no network, and looks whether it holds, on the screen and printed.
// Arguments: the browser's program, the page, a directory for pictures.

import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [program, page, pictures] = process.argv.slice(2);
const address = pathToFileURL(page).href;

const settings = [
  { name: "report-wide-light", width: 1280, height: 900, colorScheme: "light" },
  { name: "report-wide-dark", width: 1280, height: 900, colorScheme: "dark" },
  { name: "report-narrow-light", width: 400, height: 860, colorScheme: "light" },
  { name: "report-narrow-dark", width: 400, height: 860, colorScheme: "dark" },
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

    assert.equal(await tab.locator("section.question").count(), 8, "eight questions");
    assert.equal(await tab.locator("script, img, svg").count(), 0, "text stays text");
    assert.equal(await tab.locator(".answers li").count(), 8);
    await tab.click(".answers li:nth-child(7) a");
    assert.ok(await tab.locator("section#way_back").isVisible());
    const hash = await tab.locator(".id.whole").textContent();
    assert.match(hash, /^[0-9a-f]{64}$/);
    assert.ok((await tab.locator("pre").first().textContent()).includes(hash), "the command names it");
    const across = await tab.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(across <= 0, `${across} pixels stand out`);
    await tab.waitForTimeout(100);
    assert.deepEqual(wrong, [], name);
    await tab.screenshot({ path: join(pictures, name + ".png"), fullPage: true });
    if (name === "report-wide-light") await tab.pdf({ path: join(pictures, "report.pdf"), format: "A4" });
    await context.close();
  }
  console.log(`the page of a migration report holds in ${settings.length} settings, and can be printed`);
} finally {
  await browser.close();
}
