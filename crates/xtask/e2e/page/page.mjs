// Opens a report's page in a browser that has no network, works it, and looks whether it holds.
// Arguments: the browser's program, the page, a directory for pictures.

import assert from "node:assert/strict";
import { inEverySetting } from "./frame.mjs";

const [program, page, pictures] = process.argv.slice(2);

const settings = await inEverySetting({ program, page, pictures }, async (tab, picture) => {
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
  await details.nth(1).screenshot({ path: picture("-answers.png") });
});
console.log(`the page of a replay holds in ${settings} settings, and can be printed`);
