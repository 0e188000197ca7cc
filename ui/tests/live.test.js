// One walk through the whole page, against the scripted server or, with IBID_URL (and IBID_KEY), a real one:
// add a file, ask about it, see the very quote, delete it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask, launch, quit, withPage } from './support/browser.js';
import { ScriptedServer } from './support/server.js';

const NAME = `ibid-page-walk-${process.pid}.md`;
const TEXT = `# Observatory of Zwölfendingen

## Opening hours

The observatory of Zwölfendingen opens its dome to visitors on every second Thursday at 21:30. Its telescope has a mirror of 1.83 metres.

## Keeper

The dome is kept by Ottilie Brandwijk, who oils its wheels in spring.
`;

let scripted;
let url = process.env.IBID_URL;

before(async () => {
  await launch();
  if (url) return;
  scripted = await ScriptedServer.start();
  url = scripted.url;
});

after(async () => {
  await quit();
  await scripted?.stop();
});

test('a file goes in, is asked about, quoted and deleted', { timeout: 120_000 }, async () => {
  await withPage(url.replace(/\/$/, ''), { hash: '#/documents', expectErrors: true }, async (page) => {
    page.setDefaultTimeout(60_000);
    if (process.env.IBID_KEY) {
      await page.getByLabel('API key').fill(process.env.IBID_KEY);
      await page.keyboard.press('Enter');
    }
    await page.getByLabel('Files to add').setInputFiles([{ name: NAME, mimeType: 'text/markdown', buffer: Buffer.from(TEXT) }]);
    await page.locator(`[data-upload="${NAME}"]`).getByText(/\d+ chunks?|unchanged/).waitFor();
    await page.getByRole('link', { name: 'Chat', exact: true }).click();
    await ask(page, 'When does the observatory of Zwölfendingen open its dome to visitors?');
    await page.locator('[data-mark]').first().click();
    const mark = page.locator('[data-panel] mark');
    await mark.waitFor();
    const quote = await mark.textContent();
    assert.ok(TEXT.includes(quote) && quote.includes('Zwölfendingen'), `quoted: ${quote}`);
    await page.getByRole('link', { name: 'About the document' }).click();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'Delete it' }).click();
    await page.getByRole('heading', { name: 'Documents', level: 1 }).waitFor();
    await page.getByLabel('Find by title or path').fill(NAME).catch(() => undefined);
    await page.getByText(/No document fits|Nothing here yet/).waitFor();
  });
});
