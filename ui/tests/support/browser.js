// Opens the page in headless Chromium and fails a test whose page logged an error or broke the content policy.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

const AXE = readFileSync(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

let browser;

export async function launch() {
  const executablePath = process.env.IBID_BROWSER ?? BROWSERS.find((path) => existsSync(path));
  assert.ok(executablePath, 'there is no Chromium: install it, or name one in IBID_BROWSER');
  browser ??= await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  return browser;
}

export async function quit() {
  await browser?.close();
  browser = undefined;
}

// Runs `work(page)` in a fresh context. `expectErrors` allows messages that the browser itself logs for failed requests.
export async function withPage(url, options, work) {
  const { hash = '', expectErrors = false, ...contextOptions } = options;
  const context = await (await launch()).newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce', ...contextOptions });
  context.setDefaultTimeout(15_000);
  const errors = [];
  const page = await context.newPage();
  page.on('pageerror', (error) => errors.push(`page error: ${error.stack ?? error.message}`));
  page.on('console', (message) => {
    const byNetwork = /Failed to load resource/.test(message.text());
    if (message.type() === 'error' && !(byNetwork && expectErrors)) errors.push(`console: ${message.text()}`);
  });
  try {
    await page.goto(`${url}/${hash}`);
    await work(page);
    assert.deepEqual(errors, [], 'the page logged errors');
  } finally {
    await context.close();
  }
}

export async function ask(page, question) {
  await page.getByRole('textbox', { name: 'Your question' }).fill(question);
  await page.keyboard.press('Enter');
}

// Fails where the page is wider than its window.
export async function assertNoOverflow(page) {
  const width = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  assert.ok(width[0] <= width[1], `the page is ${width[0]} px wide in a window of ${width[1]} px`);
}

// Fails where axe finds something that keeps somebody out.
export async function assertNothingToMend(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run());
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`), []);
}
