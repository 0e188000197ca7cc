// What holds everywhere: keyboard, colours, phones, a server that goes and comes, search, and the API page.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { abstain, hotels, leave } from './support/answers.js';
import { ask, assertNoOverflow, assertNothingToMend, launch, quit, withPage } from './support/browser.js';
import { answer, EXPIRY_QUOTE, LEAVE_QUOTE } from './support/library.js';
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
    const [request] = await server.received('POST', '/v1/threads/thread-1/turns');
    assert.equal(JSON.parse(request.body).question, 'How much\nleave do I have?');
    for (let tabs = 0; tabs < 15 && (await focused(page)) !== '1'; tabs += 1) await page.keyboard.press('Shift+Tab');
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

for (const hash of ['#/', '#/chat/thread-1', '#/documents', '#/documents/doc-runbook', '#/search', '#/runs', '#/runs/run-finished', '#/approvals', '#/flows', '#/flows/triage', '#/new-flow', '#/account', '#/people', '#/people/groups', '#/people/keys', '#/people/audit', '#/api']) {
  test(`nothing is wider than a phone: ${hash}`, async () => {
    server.find('runbook').document.source = `operations/${'a-very-long-path-without-a-break'.repeat(6)}.md`;
    server.identity.users[1].name = 'mara.of-a-long-house@a-long-name-of-a-firm.example.org';
    server.identity.sessions[1].device = 'unbroken'.repeat(30);
    server.identity.entries[1].subject = 'unbroken'.repeat(30);
    server.chat.add(`A question ${'that does not end '.repeat(12)}`, [['unbroken'.repeat(40), answer({ text: 'Yes.' })]]);
    await withPage(server.url, { ...PHONE, viewport: { width: 360, height: 740 }, hash }, async (page) => {
      await page.getByRole('contentinfo').getByText('4 documents').waitFor();
      await page.getByRole('heading', { level: 1 }).waitFor({ state: 'attached' });
      await page.waitForLoadState('networkidle');
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

// What a reader may have on the screen, each brought there from its page.
const VIEWS = {
  'the question box': ['#/', (page) => page.getByText('Options…').click()],
  'an answer with its source': ['#/', async (page) => {
    await ask(page, 'What may a hotel cost?');
    await page.locator('[data-mark="1"]').first().click();
    await page.locator('[data-panel] mark').waitFor();
  }],
  'no answer': ['#/', async (page) => {
    server.ask = abstain;
    await ask(page, 'Do I get a company car?');
    await page.locator('.abstained').waitFor();
  }],
  'documents on the way in': ['#/documents', async (page) => {
    server.read = ({ source }) => (source === 'a.md' ? { state: 'running', step: 'embed', progress: 0.5 } : { state: 'failed', failure: { code: 'document_damaged', reason: 'it ends in the middle' } });
    const files = ['a.md', 'b.md'].map((name) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(name) }));
    await page.getByLabel('Files to add').setInputFiles(files);
    await page.getByText('document_damaged').waitFor();
  }],
  'a document': ['#/documents/doc-runbook', (page) => page.getByText('BLAKE3').waitFor()],
  'a search': ['#/search', async (page) => {
    await page.getByLabel('explain').check();
    await page.getByLabel('Words to search for').fill('annual');
    await page.keyboard.press('Enter');
    await page.getByText(/passages? in/).waitFor();
  }],
  'a conversation with a bad answer': ['#/', async (page) => {
    await ask(page, 'What may a hotel cost?');
    await page.getByRole('button', { name: 'Bad answer' }).click();
    await page.getByText('How it was found').click();
    await page.getByLabel('What should the answer have been?').waitFor();
  }],
  'the runs': ['#/runs', (page) => page.getByText('13 checkpoints').waitFor()],
  'a run': ['#/runs/run-finished', async (page) => {
    await page.locator('[data-checkpoint="2"]').click();
    await page.getByRole('heading', { name: 'State at checkpoint 2' }).waitFor();
    await page.getByRole('button', { name: 'Compare…' }).click();
    await page.getByLabel('The other run').fill('run-failed');
    await page.keyboard.press('Enter');
    await page.getByText('Where they part').waitFor();
  }],
  'a fork': ['#/runs/run-finished', async (page) => {
    await page.getByRole('button', { name: 'Fork from 5…' }).click();
    await page.getByRole('dialog').getByLabel('hits').fill('nonsense');
  }],
  'approvals': ['#/approvals', (page) => page.getByText('Send this answer').waitFor()],
  'the flows': ['#/flows', (page) => page.getByText('Sorts a request').waitFor()],
  'a flow': ['#/flows/triage', async (page) => {
    await page.getByText('Valid.').waitFor();
    await page.getByLabel('YAML of the flow').fill('start: here');
    await page.getByText('a flow needs a name').waitFor();
  }],
  'operations': ['#/operations', (page) => page.getByRole('meter').first().waitFor()],
  'charts': ['#/operations/charts', (page) => page.getByRole('slider', { name: 'Memory: moments' }).waitFor()],
  'alerts': ['#/operations/alerts', async (page) => {
    await page.locator('[data-rule="disk-low"] summary').click();
    await page.getByText('Pending (1)').waitFor();
  }],
  'a silence': ['#/operations/alerts', (page) => page.getByRole('button', { name: 'Silence a rule…' }).click()],
  'incidents': ['#/operations/incidents', (page) => page.getByText('Uploads of scans fail').waitFor()],
  'an incident': ['#/operations/incidents/3', async (page) => {
    for (const summary of await page.locator('summary').all()) await summary.click();
  }],
  'backups': ['#/operations/backups', async (page) => {
    await page.getByText('As a table').click();
    await page.getByRole('button', { name: 'Verify every object' }).click();
    await page.getByText('all sound').waitFor();
  }],
  'providers': ['#/operations/providers', async (page) => {
    await page.getByRole('button', { name: 'Try it: spare' }).click();
    await page.getByText('The provider does not take the key.').waitFor();
  }],
  'blocked addresses': ['#/operations/blocked', (page) => page.getByText('203.0.113.0/24').waitFor()],
  'an address to block': ['#/operations/blocked', (page) => page.getByRole('button', { name: 'Block an address…' }).click()],
  'a runbook': ['#/operations/runbooks/backup-failed', (page) => page.getByText('Step 4').waitFor()],
  'who may read a document': ['#/documents/doc-runbook', async (page) => {
    await page.getByRole('button', { name: 'Change who may read it…' }).click();
    await page.getByRole('dialog').getByLabel('Who may read it').fill('ada');
    await page.keyboard.press('Enter');
  }],
  'who may read what is added': ['#/documents', (page) => page.getByText('What is added may be read by:').click()],
  'the account': ['#/account', (page) => page.getByText('Safari on iPhone').waitFor()],
  'another password': ['#/account', (page) => page.getByRole('button', { name: 'Change the password…' }).click()],
  'the people': ['#/people', async (page) => {
    await page.getByRole('button', { name: 'New link for jo…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Make it' }).click();
    await page.getByText('The link for jo').waitFor();
  }],
  'a second factor to reset': ['#/people', (page) => page.getByRole('button', { name: 'Reset second factor of mara…' }).click()],
  'somebody new': ['#/people', (page) => page.getByRole('button', { name: 'Add somebody…' }).click()],
  'the groups': ['#/people/groups', (page) => page.getByText('1 member').waitFor()],
  'the keys': ['#/people/keys', (page) => page.getByText('nightly import').waitFor()],
  'the audit log': ['#/people/audit', async (page) => {
    await page.getByRole('button', { name: 'Verify it' }).click();
    await page.getByText('The chain is whole').waitFor();
  }],
  'the API': ['#/api', async (page) => {
    for (const summary of await page.locator('summary').all()) await summary.click();
  }],
};

for (const colorScheme of ['light', 'dark']) {
  for (const [name, [hash, play]] of Object.entries(VIEWS)) {
    test(`axe finds nothing to mend: ${name}, ${colorScheme}`, async () => {
      server.ask = hotels;
      await withPage(server.url, { colorScheme, hash }, async (page) => {
        await page.getByRole('contentinfo').getByText('ready').waitFor();
        await play(page);
        await assertNothingToMend(page);
      });
    });
  }
}

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
    assert.equal(await list.locator('[data-curl]').textContent(), `curl -H "Authorization: Bearer $IBID_KEY" '${server.url}/v1/documents?status=failed'`);
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
