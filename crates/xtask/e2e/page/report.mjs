// Opens the page of a migration report in a browser that has no network, and looks whether it holds, on the screen and printed.
// Arguments: the browser's program, the page, a directory for pictures.

import assert from "node:assert/strict";
import { inEverySetting } from "./frame.mjs";

const [program, page, pictures] = process.argv.slice(2);

const settings = await inEverySetting({ program, page, pictures, prefix: "report-" }, async (tab) => {
  assert.equal(await tab.locator("section.question").count(), 8, "eight questions");
  assert.equal(await tab.locator("script, img, svg").count(), 0, "text stays text");
  assert.equal(await tab.locator(".answers li").count(), 8);
  await tab.click(".answers li:nth-child(7) a");
  assert.ok(await tab.locator("section#way_back").isVisible());
  const hash = await tab.locator(".id.whole").textContent();
  assert.match(hash, /^[0-9a-f]{64}$/);
  assert.ok((await tab.locator("pre").first().textContent()).includes(hash), "the command names it");
});
console.log(`the page of a migration report holds in ${settings} settings, and can be printed`);
