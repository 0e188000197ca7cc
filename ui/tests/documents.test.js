// Documents: adding, following, failing, finding, looking at and deleting.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { launch, quit, withPage } from './support/browser.js';
import { entry } from './support/library.js';
import { ScriptedServer } from './support/server.js';

let server;

before(launch);
after(quit);
beforeEach(async () => (server = await ScriptedServer.start()));
afterEach(() => server.stop());

const DOCUMENTS = { hash: '#/documents' };
const file = (name, text = 'Some words.') => ({ name, mimeType: 'text/plain', buffer: Buffer.from(text) });
const line = (page, source) => page.locator(`[data-upload="${source}"]`);

test('an upload is followed to its end, and a file that cannot be read says why', async () => {
  server.read = () => null;
  await withPage(server.url, DOCUMENTS, async (page) => {
    await page.getByLabel('Files to add').setInputFiles([file('notes.md'), file('locked.pdf')]);
    await line(page, 'notes.md').getByText('received, waiting to be read').waitFor();
    server.updateJob('notes.md', { state: 'running', step: 'embed', progress: 0.6 });
    await line(page, 'notes.md').getByText('computing embeddings').waitFor();
    assert.equal(await line(page, 'notes.md').getByRole('progressbar').getAttribute('value'), '0.6');
    server.updateJob('notes.md', { state: 'done', progress: 1, chunks: 3, warnings: ['a link was broken'] });
    await line(page, 'notes.md').getByText('3 chunks').waitFor();
    await line(page, 'notes.md').getByText('A link was broken.').waitFor();
    server.updateJob('locked.pdf', { state: 'failed', failure: { code: 'document_encrypted', reason: 'the PDF is protected by a password' } });
    await line(page, 'locked.pdf').getByText('The PDF is protected by a password.').waitFor();
    assert.match(await line(page, 'locked.pdf').textContent(), /document_encrypted/);
    await page.getByRole('heading', { name: '1 in, 1 failed' }).waitFor();
    await page.getByRole('link', { name: 'notes', exact: true }).waitFor();
    await page.getByRole('button', { name: 'Clear finished' }).click();
    assert.equal(await page.locator('[data-upload]').count(), 0);
  });
});

test('files can be dropped on any page', async () => {
  await withPage(server.url, {}, async (page) => {
    const transfer = await page.evaluateHandle(() => {
      const data = new DataTransfer();
      data.items.add(new File(['Dropped words.'], 'dropped.txt', { type: 'text/plain' }));
      return data;
    });
    await page.dispatchEvent('body', 'dragenter', { dataTransfer: transfer });
    await page.getByText('Drop to add to your documents').waitFor();
    await page.dispatchEvent('body', 'drop', { dataTransfer: transfer });
    await line(page, 'dropped.txt').getByText('3 chunks').waitFor();
    assert.equal(await page.getByText('Drop to add').count(), 0);
    assert.match(page.url(), /#\/documents$/);
  });
});

test('the same bytes again are recognised', async () => {
  await withPage(server.url, DOCUMENTS, async (page) => {
    await page.getByLabel('Files to add').setInputFiles([file('a.txt')]);
    await line(page, 'a.txt').getByText('3 chunks').waitFor();
    await page.getByRole('button', { name: 'Clear finished' }).click();
    await page.getByLabel('Files to add').setInputFiles([file('a.txt')]);
    await line(page, 'a.txt').getByText('already here, unchanged').waitFor();
  });
});

test('a refused upload shows the reason at each file', async () => {
  server.refuse = ({ method, path }) =>
    method === 'POST' && path === '/v1/documents' ? { status: 400, type: 'bad_request', code: 'document_too_large', message: 'big.bin has 900 bytes; 100 are allowed' } : null;
  await withPage(server.url, { ...DOCUMENTS, expectErrors: true }, async (page) => {
    await page.getByLabel('Files to add').setInputFiles([file('big.bin')]);
    await line(page, 'big.bin').getByText('Big.bin has 900 bytes; 100 are allowed.').waitFor();
    assert.match(await line(page, 'big.bin').textContent(), /document_too_large/);
  });
});

test('progress goes on by polling where the event stream cannot be had', async () => {
  server.read = () => null;
  server.jobStreams = false;
  await withPage(server.url, { ...DOCUMENTS, expectErrors: true }, async (page) => {
    await page.getByLabel('Files to add').setInputFiles([file('slow.md')]);
    await line(page, 'slow.md').getByText('received').waitFor();
    server.updateJob('slow.md', { state: 'running', step: 'parse', progress: 0.1 });
    await line(page, 'slow.md').getByText('reading the file').waitFor();
    server.updateJob('slow.md', { state: 'done', progress: 1, chunks: 1 });
    await line(page, 'slow.md').getByText('1 chunk', { exact: true }).waitFor();
  });
});

test('a job stream that is cut is taken up again', async () => {
  server.read = () => null;
  await withPage(server.url, { ...DOCUMENTS, expectErrors: true }, async (page) => {
    await page.getByLabel('Files to add').setInputFiles([file('slow.md')]);
    await server.received('GET', '/v1/jobs/events');
    server.cutJobStreams();
    await server.received('GET', '/v1/jobs/events', 2);
    server.updateJob('slow.md', { state: 'done', progress: 1, chunks: 7 });
    await line(page, 'slow.md').getByText('7 chunks').waitFor();
  });
});

test('the list is searched, filtered and paged', async () => {
  for (let index = 1; index <= 57; index += 1) server.entries.push(entry(`n${index}`, `Note ${index}`, `notes/${index}.md`, 'Words.'));
  await withPage(server.url, DOCUMENTS, async (page) => {
    await page.getByText('61 documents', { exact: true }).first().waitFor();
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByText('page 2 of 2').waitFor();
    await page.getByRole('link', { name: 'Note 57', exact: true }).waitFor();
    await page.getByLabel('Find by title or path').fill('handbook');
    await page.getByRole('search').getByText('2 documents').waitFor();
    assert.deepEqual(server.requests.filter(({ query }) => 'text' in query), [], 'what is looked for stands in no address');
    await page.getByLabel('Find by title or path').fill('');
    await page.getByLabel('Status', { exact: true }).selectOption('failed');
    await page.getByRole('search').getByText('1 document', { exact: true }).waitFor();
    await page.getByText('remove it and add the file again').waitFor();
  });
});

test('a document shows what is known of it', async () => {
  await withPage(server.url, { hash: '#/documents/doc-runbook' }, async (page) => {
    await page.getByRole('heading', { level: 1, name: 'Backup runbook' }).waitFor();
    const text = await page.locator('main').textContent();
    for (const part of ['operations/backup-runbook.md', 'One table had no header row', 'Nearly the same text as another document', 'answers are made from it']) {
      assert.ok(text.includes(part), part);
    }
    await page.getByRole('button', { name: 'Read its text' }).click();
    await page.locator('[data-panel] .passage').waitFor();
    assert.equal(await page.locator('[data-panel] .passage').textContent(), server.find('runbook').text);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Ask about it' }).click();
    await page.getByText('1 chosen').waitFor();
  });
});

test('the original opens in a tab of its own', async () => {
  await withPage(server.url, { hash: '#/documents/doc-travel' }, async (page) => {
    const [tab] = await Promise.all([page.context().waitForEvent('page'), page.getByRole('link', { name: 'Open the original' }).click()]);
    await tab.waitForLoadState();
    assert.match(await tab.textContent('body'), /Reisekostenrichtlinie/);
  });
});

test('a document is deleted after a question, and not without', async () => {
  await withPage(server.url, { hash: '#/documents/doc-travel' }, async (page) => {
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'Keep it' }).click();
    assert.ok(server.find('travel'));
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'Delete it' }).click();
    await page.getByRole('search').getByText('3 documents').waitFor();
    assert.equal(server.find('travel'), undefined);
    await page.getByRole('contentinfo').getByText('3 documents').waitFor();
  });
});

test('who has no documents is told how to begin', async () => {
  server.entries = [];
  await withPage(server.url, DOCUMENTS, async (page) => {
    await page.getByText('Nothing here yet.').waitFor();
    await page.getByText('ibid ingest FOLDER').waitFor();
    await page.getByRole('link', { name: 'Chat', exact: true }).click();
    await page.getByText('There is nothing to ask yet.').waitFor();
  });
});

test('a document that is gone is told so', async () => {
  await withPage(server.url, { hash: '#/documents/nothing', expectErrors: true }, async (page) => {
    assert.match(await page.getByRole('alert').textContent(), /There is no document nothing\..*document_unknown/s);
  });
});

test('a large drop goes in requests of bounded size, and is followed as one batch', async () => {
  await withPage(server.url, DOCUMENTS, async (page) => {
    const files = Array.from({ length: 120 }, (_, index) => file(`f${index}.txt`, `Words ${index}.`));
    await page.getByLabel('Files to add').setInputFiles(files);
    await page.getByRole('heading', { name: '120 in' }).waitFor();
    await page.getByText('and 20 more').waitFor();
    const sent = server.requests.filter(({ method, path }) => method === 'POST' && path === '/v1/documents');
    assert.equal(sent.length, 3);
    assert.equal(new Set(sent.map(({ query }) => query.batch)).size, 1);
  });
});

test('who may read a document is told, and changed by a dialog that says what is wrong', async () => {
  await withPage(server.url, { hash: '#/documents/doc-runbook', expectErrors: true }, async (page) => {
    await page.getByText('Everybody in the workspace').waitFor();
    await page.getByRole('button', { name: 'Change who may read it…' }).click();
    const dialog = page.getByRole('dialog');
    const typed = dialog.getByLabel('Who may read it', { exact: true });
    const change = dialog.getByRole('button', { name: 'Change it' });
    await typed.fill('nobody');
    await change.click();
    await dialog.getByText('There is no user:nobody.').waitFor();
    await dialog.getByRole('button', { name: 'Remove user:nobody' }).click();
    await typed.fill('group:legal');
    await page.keyboard.press('Enter');
    await change.click();
    await dialog.getByText('This list would shut you out yourself').waitFor();
    await typed.fill('ada');
    await page.keyboard.press('Enter');
    await change.click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByText('group legal, ada').waitFor();
    await page.getByRole('button', { name: 'Change who may read it…' }).click();
    await dialog.getByRole('button', { name: 'Remove group:legal' }).click();
    await dialog.getByRole('button', { name: 'Remove user:ada' }).click();
    await change.click();
    // What the dialog says of itself has the same words.
    await dialog.waitFor({ state: 'detached' });
    await page.getByText('Everybody in the workspace').waitFor();
    const sent = server.requests.filter((one) => one.method === 'PATCH').map((one) => JSON.parse(one.body).readers);
    assert.deepEqual(sent, [['user:nobody'], ['group:legal'], ['group:legal', 'user:ada'], []]);
  });
});

test('what is added may be for some only', async () => {
  await withPage(server.url, { hash: '#/documents' }, async (page) => {
    await page.getByText('What is added may be read by:').click();
    await page.getByLabel('Who may read it', { exact: true }).fill('ada');
    await page.keyboard.press('Enter');
    await page.getByLabel('Who may read it', { exact: true }).fill('group:legal');
    // The name that was not taken with Enter counts too.
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByRole('button', { name: 'Add files' }).click()]);
    await chooser.setFiles([{ name: 'board.txt', mimeType: 'text/plain', buffer: Buffer.from('Words.') }]);
    await page.locator('[data-upload="board.txt"]').getByText('3 chunks').waitFor();
    assert.equal(server.uploadReaders, 'user:ada,group:legal');
    await page.getByText('ada, group legal').waitFor();
  });
});
