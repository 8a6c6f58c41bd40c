// Opens a page in a browser that has no network, wide and narrow, light and dark, and sees that nothing of it stands out, asks for
// anything or complains.

import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { chromium } from "playwright-core";

const settings = [
  { name: "wide-light", width: 1280, height: 900, colorScheme: "light" },
  { name: "wide-dark", width: 1280, height: 900, colorScheme: "dark" },
  { name: "narrow-light", width: 400, height: 860, colorScheme: "light" },
  { name: "narrow-dark", width: 400, height: 860, colorScheme: "dark" },
];

// `work` gets the tab, and what gives a picture's path for its name. Pictures begin with `prefix`. Gives the number of settings.
export async function inEverySetting({ program, page, pictures, prefix = "" }, work) {
  const address = pathToFileURL(page).href;
  const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
  try {
    for (const { name, width, height, colorScheme } of settings) {
      const context = await browser.newContext({ viewport: { width, height }, colorScheme, offline: true });
      const tab = await context.newPage();
      const wrong = listen(tab, address);
      await tab.goto(address, { waitUntil: "load" });
      await work(tab, (rest) => join(pictures, prefix + name + rest));
      const across = await tab.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(across <= 0, `${across} pixels stand out`);
      await tab.waitForTimeout(100);
      assert.deepEqual(wrong, [], name);
      await tab.screenshot({ path: join(pictures, prefix + name + ".png"), fullPage: true });
      if (name === "wide-light") await tab.pdf({ path: join(pictures, prefix + "printed.pdf"), format: "A4" });
      await context.close();
    }
  } finally {
    await browser.close();
  }
  return settings.length;
}

// Requests to anywhere, complaints, errors and dialogs of a tab.
function listen(tab, address) {
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
  return wrong;
}
