// Takes a picture of every page in both colours and two widths into test-results/, for people to look at.
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { abstain, hotels, leave } from './support/answers.js';
import { ask, quit, withPage } from './support/browser.js';
import { gate, ScriptedServer } from './support/server.js';

const OUT = fileURLToPath(new URL('../test-results/', import.meta.url));
const WIDTHS = { desktop: { viewport: { width: 1280, height: 860 } }, phone: { viewport: { width: 375, height: 740 }, hasTouch: true, isMobile: true } };

const file = (name, text) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(text) });

const SCENES = {
  welcome: ['#/', async () => undefined],
  empty: ['#/documents', async (page, server) => {
    server.entries = [];
    await page.reload();
    await page.getByText('Nothing here yet.').waitFor();
  }],
  answer: ['#/', async (page, server) => {
    server.ask = leave;
    await ask(page, 'How much annual leave do I have, and when does it expire?');
    await page.locator('.verdict').waitFor();
  }],
  panel: ['#/', async (page, server) => {
    server.ask = leave;
    await ask(page, 'How much annual leave do I have, and when does it expire?');
    await page.locator('[data-mark="2"]').click();
    await page.locator('[data-panel] mark').waitFor();
  }],
  streaming: ['#/', async (page, server) => {
    const never = gate();
    server.ask = async (run) => {
      run.did('retrieve', '8 passages of 2 documents');
      run.step('answer', 'started');
      run.token('Everyone has 30 days of annual');
      await Promise.race([never.opened, run.over]);
    };
    await ask(page, 'How much leave do I have?');
    await page.getByText('Everyone has 30 days').waitFor();
  }],
  unsupported: ['#/', async (page, server) => {
    server.chatModels = ['qwen2.5-1.5b'];
    server.ask = hotels;
    await page.getByText('Limit to…').click();
    await page.getByLabel('Tags, all of them', { exact: true }).fill('policy');
    await page.keyboard.press('Enter');
    await ask(page, 'What may a hotel cost?');
    await page.locator('.verdict').waitFor();
  }],
  abstained: ['#/', async (page, server) => {
    server.ask = leave;
    await ask(page, 'How much leave do I have?');
    await page.locator('.verdict').waitFor();
    server.ask = abstain;
    await ask(page, 'Do I get a company car?');
    await page.locator('.abstained').waitFor();
  }],
  failed: ['#/', async (page, server) => {
    server.refuse = ({ path }) => (path === '/v1/ask' ? { status: 503, type: 'unavailable', code: 'server_busy', message: 'the server works on as many requests as it may; try again in a second' } : null);
    await ask(page, 'Anything?');
    await page.getByRole('alert').waitFor();
  }],
  documents: ['#/documents', async (page, server) => {
    server.read = ({ source }) => (source === 'scan.pdf' ? { state: 'failed', failure: { code: 'document_damaged', reason: 'the PDF ends in the middle; fetch it again' } } : { state: 'running', step: 'embed', progress: 0.6 });
    await page.getByLabel('Files to add').setInputFiles([file('minutes-2026-11.md', 'Minutes.'), file('scan.pdf', 'x')]);
    await page.getByText('document_damaged').waitFor();
  }],
  document: ['#/documents/doc-runbook', async (page) => page.getByText('BLAKE3').waitFor()],
  search: ['#/search', async (page) => {
    await page.getByLabel('explain').check();
    await page.getByLabel('Words to search for').fill('annual restore');
    await page.keyboard.press('Enter');
    await page.getByText(/passages? in/).waitFor();
  }],
  api: ['#/api', async (page) => {
    await page.locator('[data-endpoint="GET /v1/documents"] summary').click();
    await page.locator('[data-endpoint="GET /v1/documents"]').getByRole('button', { name: 'Send' }).click();
    await page.getByRole('region', { name: 'Response' }).waitFor();
  }],
  key: ['#/', async (page, server) => {
    server.key = 'ibid_x';
    await page.reload();
    await page.getByLabel('API key').waitFor();
  }],
};

const wanted = process.argv.slice(2);
mkdirSync(OUT, { recursive: true });
for (const [name, [hash, play]] of Object.entries(SCENES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  for (const colorScheme of ['light', 'dark']) {
    for (const [width, options] of Object.entries(WIDTHS)) {
      const server = await ScriptedServer.start();
      await withPage(server.url, { ...options, colorScheme, hash, expectErrors: true }, async (page) => {
        await page.getByRole('contentinfo').getByText('ready').waitFor();
        await play(page, server);
        await page.screenshot({ path: `${OUT}${name}-${width}-${colorScheme}.png` });
      });
      await server.stop();
    }
  }
}
await quit();
