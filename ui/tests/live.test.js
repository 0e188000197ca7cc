// Walks through the whole page, against the scripted server or, with IBID_URL (and IBID_KEY), a real one: add a file, ask
// about it, see the very quote, delete it; and, against a real one only, a flow of one's own from its YAML to a fork of its run, and
// the room Operations from an incident to a rehearsal.
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

async function giveKey(page) {
  if (!process.env.IBID_KEY) return;
  await page.getByRole('button', { name: 'Use an API key instead' }).click();
  await page.getByLabel('API key').fill(process.env.IBID_KEY);
  await page.keyboard.press('Enter');
}

test('a file goes in, is asked about, quoted and deleted', { timeout: 120_000 }, async () => {
  await withPage(url.replace(/\/$/, ''), { hash: '#/documents', expectErrors: true }, async (page) => {
    page.setDefaultTimeout(60_000);
    await giveKey(page);
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

const FLOW = `page-walk-${process.pid}`;
const SOURCE = `name: ${FLOW}
description: asks a person
input: {question: text}
state:
  approved: boolean
  note: text
start: ask
nodes:
  ask:
    kind: human
    with: {prompt: "Go on with {{ question }}?", schema: {type: boolean}}
    into: approved
    next: [finish]
  finish:
    kind: set
    with: {note: "{{ 'yes' if approved else 'no' }}"}
output: "{{ note }}"
`;

test('a flow is written, run, answered, inspected, replayed and forked', { timeout: 120_000, skip: !process.env.IBID_URL }, async () => {
  await withPage(url.replace(/\/$/, ''), { hash: '#/new-flow', expectErrors: true }, async (page) => {
    page.setDefaultTimeout(60_000);
    await giveKey(page);
    const editor = page.getByLabel('YAML of the flow');
    await editor.fill(SOURCE.replace('[finish]', '[finis]'));
    await page.locator('.problems li').first().waitFor();
    await editor.fill(SOURCE);
    await page.getByText('Valid.').waitFor();
    await page.getByRole('button', { name: `Save as ${FLOW}` }).click();
    await page.locator('[data-node="finish"]').waitFor();
    await page.getByLabel('Input, JSON').fill('{"question": "the walk"}');
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByText('Go on with the walk?').waitFor();
    await page.locator('.box.current[data-node="ask"]').waitFor();
    await page.getByRole('button', { name: 'Yes', exact: true }).click();
    await page.getByText('finished', { exact: true }).waitFor();
    await page.locator('[data-state="channels"]').getByText('yes').waitFor();
    await page.getByRole('button', { name: 'Replay' }).click();
    await page.getByText('came out equal').waitFor();
    await page.locator('[data-checkpoint="0"]').click();
    await page.getByRole('button', { name: 'Fork from 0…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Fork', exact: true }).click();
    await page.getByText('Forked from', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Cancel', exact: true }).click();
    await page.getByRole('button', { name: 'Cancel it' }).click();
    await page.getByText('cancelled', { exact: true }).waitFor();
  });
});

test('an incident is opened, led and closed, and a restore rehearsed', { timeout: 180_000, skip: !process.env.IBID_URL }, async () => {
  await withPage(url.replace(/\/$/, ''), { hash: '#/operations', expectErrors: true }, async (page) => {
    page.setDefaultTimeout(90_000);
    await giveKey(page);
    const dialog = page.getByRole('dialog');
    const log = page.getByRole('log');
    await page.getByRole('meter').first().waitFor();
    await page.getByRole('tab', { name: 'Charts' }).click();
    await page.getByRole('slider', { name: 'Memory: moments' }).waitFor();
    await page.getByRole('tab', { name: 'Alerts' }).click();
    await page.locator('[data-rule="disk-full"]').waitFor();
    await page.getByRole('tab', { name: 'Incidents' }).click();
    await page.getByRole('button', { name: 'Open an incident…' }).click();
    await dialog.getByLabel('What is wrong').fill(`a walk ${process.pid}`);
    await dialog.getByLabel('Priority').selectOption('3');
    await dialog.getByRole('button', { name: 'Open it' }).click();
    await page.getByRole('button', { name: 'Priority…' }).click();
    await dialog.getByLabel('Priority').selectOption('2');
    await dialog.getByRole('button', { name: 'Change it' }).click();
    await page.getByRole('timer').waitFor();
    for (const step of ['Take it', 'It is over', 'Close it']) {
      await page.getByRole('button', { name: `${step}…` }).click();
      await dialog.getByRole('button', { name: step }).click();
    }
    await log.getByText('closed').waitFor();
    await page.getByRole('tab', { name: 'Backups' }).click();
    await page.getByRole('button', { name: 'Rehearse a restore…' }).click();
    await dialog.getByRole('button', { name: 'Rehearse' }).click();
    await page.getByText('The rehearsal passed').waitFor();
    await page.getByRole('tab', { name: 'Runbooks' }).click();
    await page.getByRole('link', { name: 'The disk is full' }).click();
    await page.getByText('Step 1').waitFor();
  });
});
