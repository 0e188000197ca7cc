// What holds everywhere: keys, keyboard, colours, phones, a server that goes and comes, search, and the API page.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { hotels, leave } from './support/answers.js';
import { ask, assertNoOverflow, launch, quit, withPage } from './support/browser.js';
import { EXPIRY_QUOTE, LEAVE_QUOTE } from './support/library.js';
import { ScriptedServer } from './support/server.js';

let server;

before(launch);
after(quit);
beforeEach(async () => (server = await ScriptedServer.start()));
afterEach(() => server.stop());

const PHONE = { viewport: { width: 375, height: 740 }, hasTouch: true, isMobile: true };
const focused = (page) => page.evaluate(() => document.activeElement?.dataset.mark ?? document.activeElement?.id ?? '');

test('the page can be used with the keyboard alone', async () => {
  server.ask = leave;
  await withPage(server.url, {}, async (page) => {
    await page.waitForFunction(() => document.activeElement?.id === 'question');
    await page.keyboard.type('How much');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('leave do I have?');
    await page.keyboard.press('Enter');
    await page.getByText('2 of 2 claims (100 %)').waitFor();
    const [request] = await server.received('POST', '/v1/ask');
    assert.equal(JSON.parse(request.body).question, 'How much\nleave do I have?');
    for (let tabs = 0; tabs < 10 && (await focused(page)) !== '1'; tabs += 1) await page.keyboard.press('Tab');
    assert.equal(await focused(page), '1');
    await page.keyboard.press('Enter');
    await page.locator('[data-panel] mark').filter({ hasText: LEAVE_QUOTE }).waitFor();
    await page.waitForFunction(() => document.activeElement?.id === 'panel-title');
    await page.keyboard.press('j');
    await page.locator('[data-panel] mark').filter({ hasText: EXPIRY_QUOTE }).waitFor();
    await page.keyboard.press('k');
    await page.locator('[data-panel] mark').filter({ hasText: LEAVE_QUOTE }).waitFor();
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('[data-panel]').count(), 0);
    assert.equal(await focused(page), '1');
    await page.keyboard.press('/');
    assert.equal(await focused(page), 'question');
    await page.keyboard.type('j/k');
    assert.equal(await page.locator('#question').inputValue(), 'j/k');
  });
});

test('j opens the first citation, and the arrows walk the notes', async () => {
  server.ask = leave;
  await withPage(server.url, {}, async (page) => {
    await ask(page, 'How much leave do I have?');
    await page.getByText('2 of 2 claims (100 %)').waitFor();
    await page.locator('[data-note="1"]').focus();
    await page.keyboard.press('ArrowDown');
    assert.equal(await page.evaluate(() => document.activeElement.dataset.note), '2');
    await page.keyboard.press('j');
    await page.locator('[data-panel] mark').filter({ hasText: LEAVE_QUOTE }).waitFor();
  });
});

for (const hash of ['#/', '#/documents', '#/documents/doc-runbook', '#/search', '#/api']) {
  test(`nothing is wider than a phone: ${hash}`, async () => {
    server.find('runbook').document.source = `operations/${'a-very-long-path-without-a-break'.repeat(6)}.md`;
    await withPage(server.url, { ...PHONE, hash }, async (page) => {
      await page.getByRole('contentinfo').getByText('4 documents').waitFor();
      await page.getByRole('heading', { level: 1 }).waitFor();
      await assertNoOverflow(page);
    });
  });
}

test('on a phone the source comes up as a sheet', async () => {
  server.ask = hotels;
  await withPage(server.url, PHONE, async (page) => {
    await page.getByRole('textbox', { name: 'Your question' }).fill('What may a hotel cost?');
    await page.getByRole('button', { name: 'Ask', exact: true }).tap();
    await page.locator('[data-mark="1"]').first().tap();
    await page.locator('[data-panel] mark').waitFor();
    await assertNoOverflow(page);
    const sheet = await page.locator('[data-panel]').boundingBox();
    assert.ok(sheet.y > 100 && sheet.width === 375 && Math.abs(sheet.y + sheet.height - 740) < 1);
    await page.getByRole('button', { name: 'Close the source' }).tap();
    assert.equal(await page.locator('[data-panel]').count(), 0);
  });
});

test('colours follow the system until the reader chooses', async () => {
  const background = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await withPage(server.url, { colorScheme: 'dark' }, async (page) => {
    const dark = await background(page);
    assert.equal(dark, 'rgb(24, 23, 21)');
    await page.getByRole('button', { name: /Colours/ }).click();
    const light = await background(page);
    assert.equal(light, 'rgb(251, 249, 245)');
    await page.reload();
    assert.equal(await background(page), light);
    await page.getByRole('button', { name: /Colours/ }).click();
    assert.equal(await background(page), dark);
  });
});

for (const colorScheme of ['light', 'dark']) {
  test(`all words are readable against their ground: ${colorScheme}`, async () => {
    server.ask = hotels;
    await withPage(server.url, { colorScheme }, async (page) => {
      await ask(page, 'What may a hotel cost?');
      await page.locator('[data-mark="1"]').first().click();
      await page.locator('[data-panel] mark').waitFor();
      assert.deepEqual(await page.evaluate(faint), []);
    });
  });
}

test('a key is asked for once, refused where it is wrong, and kept for the tab', async () => {
  server.key = 'ibid_right';
  await withPage(server.url, { expectErrors: true, hash: '#/documents' }, async (page) => {
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('API key').fill('ibid_wrong');
    await dialog.getByRole('button', { name: 'Use this key' }).click();
    await dialog.getByText('That key was not accepted.').waitFor();
    await dialog.getByLabel('API key').fill('ibid_right');
    await page.keyboard.press('Enter');
    await page.getByRole('search').getByText('4 documents').waitFor();
    await page.reload();
    await page.getByRole('search').getByText('4 documents').waitFor();
    assert.equal(await dialog.count(), 0);
    assert.equal(await page.evaluate(() => localStorage.getItem('ibid.key')), null);
    await page.getByLabel('Files to add').setInputFiles([{ name: 'k.txt', mimeType: 'text/plain', buffer: Buffer.from('Words.') }]);
    await page.locator('[data-upload="k.txt"]').getByText('3 chunks').waitFor();
    await page.goto(`${server.url}/#/documents/doc-travel`);
    const [saved] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save the original' }).click()]);
    assert.equal(saved.suggestedFilename(), 'reisekosten.md');
  });
});

test('a key is kept in the browser only where that is wanted, and no key is no endless question', async () => {
  server.key = 'ibid_right';
  await withPage(server.url, { expectErrors: true }, async (page) => {
    await page.getByRole('button', { name: 'Not now' }).click();
    await page.getByRole('contentinfo').getByText('a key is needed').waitFor();
    await page.getByRole('button', { name: 'Give the key' }).click();
    await page.getByLabel('API key').fill('ibid_right');
    await page.getByLabel('Remember it in this browser').check();
    await page.keyboard.press('Enter');
    await page.getByRole('contentinfo').getByText('4 documents').waitFor();
    assert.equal(await page.evaluate(() => localStorage.getItem('ibid.key')), 'ibid_right');
    await page.getByRole('button', { name: 'Forget the key' }).click();
    assert.equal(await page.evaluate(() => localStorage.getItem('ibid.key')), null);
  });
});

test('a server that goes away is noticed and found again', async () => {
  await withPage(server.url, { expectErrors: true }, async (page) => {
    const footer = page.getByRole('contentinfo');
    await footer.getByText('ready').waitFor();
    server.down = true;
    server.http.closeAllConnections();
    await ask(page, 'Anybody there?');
    await page.getByText('The server cannot be reached').waitFor();
    await page.evaluate(() => window.dispatchEvent(new Event('online')));
    await footer.getByText('server not reachable, trying again').waitFor();
    server.down = false;
    await footer.getByText('ready').waitFor();
  });
});

test('search shows passages, their scores and why', async () => {
  await withPage(server.url, { hash: '#/search' }, async (page) => {
    await page.getByLabel('Words to search for').fill('annual');
    await page.keyboard.press('Enter');
    await page.getByText(/\d passages? in/).waitFor();
    await page.getByLabel('explain').check();
    await page.getByText('terms: annual').first().waitFor();
    await page.getByText('40 of 40 chunks eligible').waitFor();
    await page.getByRole('button', { name: 'Employee handbook' }).click();
    await page.locator('[data-panel] mark').waitFor();
    assert.match(await page.locator('[data-panel] mark').textContent(), /annual leave/i);
  });
});

test('the API page lists the endpoints and calls them', async () => {
  await withPage(server.url, { hash: '#/api' }, async (page) => {
    const list = page.locator('[data-endpoint="GET /v1/documents"]');
    await list.locator('summary').click();
    await list.getByLabel('status').fill('failed');
    assert.equal(await list.locator('[data-curl]').textContent(), `curl '${server.url}/v1/documents?status=failed'`);
    await list.getByRole('button', { name: 'Send' }).click();
    await list.getByRole('region', { name: 'Response' }).getByText('document_encrypted').waitFor();
    assert.match(await list.getByRole('status').textContent(), /^200 · application\/json · \d+ ms$/);
    const question = page.locator('[data-endpoint="POST /v1/ask"]');
    await question.locator('summary').click();
    assert.deepEqual(JSON.parse(await question.getByLabel('Body, JSON').inputValue()), { question: '' });
    await question.getByLabel('Body, JSON').fill('{"question": "Who\'s on leave?", "stream": true}');
    assert.match(await question.locator('[data-curl]').textContent(), /^curl -N -X POST .* -d '\{"question":"Who'\\''s on leave\?","stream":true\}'/);
    await question.getByRole('button', { name: 'Send' }).click();
    await question.getByRole('region', { name: 'Response' }).getByText('done: {').waitFor();
  });
});

// Runs in the page: texts whose contrast with what lies behind them is under 4.5 (WCAG 2.2, 1.4.3).
function faint() {
  const channel = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const numbers = (colour) => colour.match(/[\d.]+/g).map(Number);
  const luminance = ([red, green, blue]) => 0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = numbers(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.body.querySelectorAll('*')) {
    const own = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
    if (!own || element.closest(':disabled, .visually-hidden, noscript') || element.getClientRects().length === 0) continue;
    const lights = [numbers(getComputedStyle(element).color), ground(element)].map(luminance).sort((a, b) => b - a);
    const contrast = (lights[0] + 0.05) / (lights[1] + 0.05);
    if (contrast < 4.5) found.push(`${contrast.toFixed(2)} ${element.tagName}.${element.className} ${element.textContent.trim().slice(0, 40)}`);
  }
  return found;
}
