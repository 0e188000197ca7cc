// The page Operations: charts, ranges, the keyboard, a phone.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { assertNoOverflow, launch, quit, withPage } from './support/browser.js';
import { ScriptedServer } from './support/server.js';

let server;
before(launch);
beforeEach(async () => (server = await ScriptedServer.start()));
afterEach(() => server.stop());
after(quit);

const memory = (page) => page.getByRole('slider', { name: 'Memory: moments' });
const asked = () => server.requests.filter((one) => one.path === '/v1/ops/series').length;

test('charts of a day, a week and a month', async () => {
  await withPage(server.url, { hash: '#/operations' }, async (page) => {
    await memory(page).waitFor();
    assert.equal(await page.locator('figure').count(), 13);
    assert.match(await memory(page).getAttribute('aria-valuetext'), /latest: resident \d+ MB/);
    const before = asked();
    await page.getByRole('button', { name: '30 days' }).click();
    await page.getByRole('button', { name: '30 days', pressed: true }).waitFor();
    await page.waitForFunction(() => document.querySelectorAll('figure').length === 13);
    assert.ok(asked() > before);
  });
});

test('a chart is walked through with the keyboard', async () => {
  await withPage(server.url, { hash: '#/operations' }, async (page) => {
    await memory(page).focus();
    await page.keyboard.press('Home');
    assert.match(await memory(page).getAttribute('aria-valuetext'), /resident –/);
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowLeft');
    assert.match(await memory(page).getAttribute('aria-valuetext'), /^\d{4}-\d\d-\d\d \d\d:\d\d: resident \d+ MB/);
    assert.equal(await memory(page).getAttribute('aria-valuenow'), '94');
    await page.keyboard.press('Escape');
    assert.match(await memory(page).getAttribute('aria-valuetext'), /^latest/);
  });
});

test('nothing is cut off on a phone', async () => {
  await withPage(server.url, { hash: '#/operations', viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true }, async (page) => {
    await memory(page).waitFor();
    await assertNoOverflow(page);
  });
});

test('a server that keeps no metrics says so', async () => {
  server.refuse = ({ path }) => (path === '/v1/ops/series' ? { status: 503, type: 'unavailable', code: 'series_missing', message: 'no metrics are kept here' } : null);
  await withPage(server.url, { hash: '#/operations', expectErrors: true }, async (page) => {
    await page.getByRole('alert').getByText('No metrics are kept here.').waitFor();
    await page.getByRole('button', { name: 'Try again' }).waitFor();
  });
});
