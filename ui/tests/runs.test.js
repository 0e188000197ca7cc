// Runs under the glass, approvals, and flows.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { launch, quit, withPage } from './support/browser.js';
import { approval, triageHistory } from './support/runs.js';
import { ScriptedServer } from './support/server.js';

let server;

before(launch);
after(quit);
beforeEach(async () => (server = await ScriptedServer.start()));
afterEach(() => server.stop());

const RUN = { hash: '#/runs/run-finished' };
const changed = (page) => page.locator('[data-state] .leaf.changed, [data-state] .leaf.added, [data-state] .node.added > summary, [data-state] .node.changed > summary');

test('the list shows what became of each run, and is filtered', async () => {
  await withPage(server.url, { hash: '#/runs' }, async (page) => {
    await page.getByText('1 finished, 1 waiting, 1 failed · 13 checkpoints, 5 kB, and 2 large values, 18 kB').waitFor();
    assert.equal(await page.locator('[data-run]').count(), 3);
    await page.getByText('The server of “send” answered 403').waitFor();
    await page.getByLabel('Status', { exact: true }).selectOption('waiting');
    await page.locator('[data-run="run-failed"]').waitFor({ state: 'detached' });
    assert.deepEqual(await page.locator('[data-run]').evaluateAll((rows) => rows.map((row) => row.dataset.run)), ['run-waiting']);
    await page.getByLabel('Flow', { exact: true }).selectOption('chat');
    await page.getByText('No run fits.').waitFor();
  });
});

test('a run shows its newest state, and at each checkpoint what changed', async () => {
  await withPage(server.url, RUN, async (page) => {
    await page.getByRole('heading', { name: 'State at checkpoint 5' }).waitFor();
    await changed(page).first().waitFor();
    assert.match((await changed(page).allTextContents()).join(' '), /sent.*new.*receipt.*changed/s);
    await page.locator('[data-checkpoint="2"]').click();
    await page.getByRole('heading', { name: 'State at checkpoint 2' }).waitFor();
    await page.getByText('Employee handbook').waitFor();
    await page.keyboard.press('ArrowDown');
    await page.getByRole('heading', { name: 'State at checkpoint 3' }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.dataset.checkpoint), '3');
    await page.getByRole('button', { name: 'What happened' }).click();
    await page.locator('[data-state="command"]').getByText('performed').waitFor();
  });
});

test('the flow is drawn with what the run has passed and where it is', async () => {
  await withPage(server.url, RUN, async (page) => {
    const marks = (state) => page.locator(`.box.${state}`).evaluateAll((boxes) => boxes.map((box) => box.dataset.node));
    await page.locator('.box.visited').first().waitFor();
    assert.deepEqual(await marks('visited'), ['look', 'draft', 'ask', 'send']);
    await page.locator('[data-checkpoint="3"]').click();
    await page.locator('.box.current').waitFor();
    assert.deepEqual(await marks('current'), ['ask']);
    await page.locator('[data-node="look"]').click();
    await page.getByRole('heading', { name: 'State at checkpoint 2' }).waitFor();
    await page.getByRole('list', { name: 'Nodes of the flow' }).getByText('look (retrieve, passed) leads to sorry, draft').waitFor({ state: 'attached' });
  });
});

test('a run is drawn by the version of its flow that it goes by', async () => {
  await withPage(server.url, { hash: '#/runs/run-failed' }, async (page) => {
    await server.received('GET', '/v1/runs/run-failed/flow');
    await page.locator('.box.visited[data-node="look"]').waitFor();
    await page.getByRole('link', { name: 'checkpoint 3 of run-finished' }).click();
    await page.getByRole('heading', { name: 'State at checkpoint 5' }).waitFor();
  });
});

test('a fork sends what was changed and leads to the new run', async () => {
  await withPage(server.url, RUN, async (page) => {
    await page.locator('[data-checkpoint="2"]').click();
    await page.getByRole('button', { name: 'Fork from 2…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('hits').fill('[');
    await dialog.getByText('This is not JSON.').waitFor();
    assert.ok(await dialog.getByRole('button', { name: 'Fork', exact: true }).isDisabled());
    await dialog.getByLabel('hits').fill('[]');
    await dialog.getByRole('button', { name: 'Fork', exact: true }).click();
    await page.getByText('checkpoint 2 of run-finished').waitFor();
    const [request] = await server.received('POST', '/v1/runs/run-finished/fork');
    assert.deepEqual(JSON.parse(request.body), { checkpoint: 2, changes: { hits: [] } });
  });
});

test('a replay tells whether it came out the same, or where not', async () => {
  await withPage(server.url, RUN, async (page) => {
    await page.getByRole('button', { name: 'Replay' }).click();
    await page.getByText('The same result: all 6 checkpoints came out equal.').waitFor();
    server.runs.replayed = { equal: false, differs_at: 4, differences: [{ path: '/draft', left: 'a', right: 'b' }] };
    await page.getByRole('button', { name: 'Replay' }).click();
    await page.getByText('it differs from checkpoint 4 on').waitFor();
    await page.getByText('/draft').waitFor();
  });
});

test('two runs are compared', async () => {
  await withPage(server.url, RUN, async (page) => {
    await page.getByRole('button', { name: 'Compare…' }).click();
    await page.getByLabel('The other run').fill('run-failed');
    await page.keyboard.press('Enter');
    await page.getByText('The first 3 checkpoints are the same.').waitFor();
    await page.getByText('/hits/0/score').waitFor();
    await page.getByText('not there').waitFor();
  });
});

test('a run is followed as it goes on, resumed and cancelled', async () => {
  await withPage(server.url, { hash: '#/runs/run-failed' }, async (page) => {
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Cancel' }).waitFor();
    const run = server.runs.find('run-failed');
    await server.received('GET', '/v1/runs/run-failed/events');
    run.history = triageHistory().slice(0, 4);
    run.did('draft');
    await page.getByRole('heading', { name: 'State at checkpoint 3' }).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Cancel it' }).click();
    await page.getByText('cancelled', { exact: true }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Cancel' }).count(), 0);
  });
});

test('a run that is over is deleted after a question', async () => {
  await withPage(server.url, RUN, async (page) => {
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByRole('button', { name: 'Delete it' }).click();
    await page.getByText('Nothing').or(page.locator('[data-run="run-failed"]')).first().waitFor();
    assert.equal(await page.locator('[data-run="run-finished"]').count(), 0);
  });
});

test('an unknown run is told so', async () => {
  await withPage(server.url, { hash: '#/runs/nowhere', expectErrors: true }, async (page) => {
    assert.match(await page.getByRole('alert').textContent(), /run_unknown/);
  });
});

test('what waits for a person is counted in the header and answered in place', async () => {
  await withPage(server.url, { hash: '#/documents' }, async (page) => {
    assert.equal((await page.locator('[data-badge]').textContent()).trim().slice(0, 1), '1');
    await page.getByRole('link', { name: 'Approvals' }).click();
    await page.getByText('1 question waits for an answer.').waitFor();
    await page.getByRole('button', { name: 'Yes', exact: true }).click();
    await page.getByText('Nothing waits for you.').waitFor();
    assert.equal(server.runs.find('run-waiting').answered, true);
    assert.equal(await page.locator('[data-badge]').count(), 0);
  });
});

const asks = (schema) => (server.runs.find('run-waiting').run.approvals = [approval('run-waiting', { schema })]);
const answered = async () => {
  const [request] = await server.received('POST', '/v1/runs/run-waiting/answer');
  return JSON.parse(request.body);
};

test('one of few is chosen with one press', async () => {
  asks({ enum: ['send', 'rewrite', 3] });
  await withPage(server.url, { hash: '#/approvals' }, async (page) => {
    await page.getByRole('button', { name: '3', exact: true }).click();
    assert.deepEqual(await answered(), { interrupt: 3, value: 3 });
  });
});

test('an object is asked for field by field, and wrong entries are said', async () => {
  asks({
    type: 'object',
    required: ['amount', 'sure'],
    properties: {
      amount: { type: 'integer', title: 'Amount', minimum: 1, maximum: 10 },
      sure: { type: 'boolean', title: 'Sure' },
      note: { type: 'string', title: 'Note', maxLength: 40 },
      more: { type: 'array', title: 'More' },
    },
  });
  await withPage(server.url, { hash: '#/approvals' }, async (page) => {
    await page.getByLabel('Amount').fill('11');
    await page.getByRole('button', { name: 'Answer' }).click();
    await page.getByText('At most 10.').waitFor();
    await page.getByLabel('Amount').fill('7');
    await page.getByRole('button', { name: 'Answer' }).click();
    await page.getByText('Choose one.').waitFor();
    await page.getByRole('radio', { name: 'No' }).check();
    await page.getByLabel('More, may be left out').fill('[1, {"a": 2}]');
    await page.getByRole('button', { name: 'Answer' }).click();
    assert.deepEqual(await answered(), { interrupt: 3, value: { amount: 7, sure: false, more: [1, { a: 2 }] } });
  });
});

test('what no form fits is answered in JSON', async () => {
  asks({ oneOf: [{ type: 'array' }, { type: 'null' }] });
  await withPage(server.url, { hash: '#/approvals' }, async (page) => {
    await page.getByLabel('Your answer').fill('[tru');
    await page.getByRole('button', { name: 'Answer' }).click();
    await page.getByText('This is not JSON.').waitFor();
    await page.getByLabel('Your answer').fill('[true]');
    await page.getByRole('button', { name: 'Answer' }).click();
    assert.deepEqual((await answered()).value, [true]);
  });
});

test('an answer that came too late is told', async () => {
  server.refuse = ({ path }) => (path.endsWith('/answer') ? { status: 409, type: 'conflict', code: 'interrupt_over', message: 'somebody has answered already' } : null);
  await withPage(server.url, { hash: '#/approvals', expectErrors: true }, async (page) => {
    await page.getByRole('button', { name: 'No', exact: true }).click();
    assert.match(await page.getByRole('alert').textContent(), /Somebody has answered already\./);
  });
});

test('a flow is drawn, shown and run', async () => {
  await withPage(server.url, { hash: '#/flows' }, async (page) => {
    await page.getByText('built in').waitFor();
    await page.getByRole('link', { name: 'triage' }).click();
    await page.locator('[data-node="sorry"]').waitFor();
    assert.equal(await page.locator('[data-node]').count(), 5);
    assert.match(await page.getByLabel('YAML of the flow').inputValue(), /^name: triage\n/);
    assert.deepEqual(JSON.parse(await page.getByLabel('Input, JSON').inputValue()), { question: '' });
    await page.getByLabel('Input, JSON').fill('{"question": "Leave?"}');
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByRole('heading', { name: 'Checkpoints' }).waitFor();
    const [request] = await server.received('POST', '/v1/runs');
    assert.deepEqual(JSON.parse(request.body), { flow: 'triage', input: { question: 'Leave?' } });
  });
});

test('a file that holds no valid flow is told with its reason', async () => {
  server.runs.broken = [{ name: 'nightly', message: 'line 4, column 7: there is no node “sum”' }];
  await withPage(server.url, { hash: '#/flows' }, async (page) => {
    await page.getByText('line 4, column 7: there is no node “sum”').waitFor();
  });
});

test('a flow is checked as it is typed, its problems lead to their places, and only a valid one is saved', async () => {
  server.runs.check = (source) => (source.includes('bogus') ? [{ line: 5, column: 3, severity: 'error', message: 'nodes.look: there is no kind “bogus”' }, { line: 2, column: 1, severity: 'warning', message: 'no one reads this' }] : []);
  await withPage(server.url, { hash: '#/flows/triage' }, async (page) => {
    const editor = page.getByLabel('YAML of the flow');
    const save = page.getByRole('button', { name: 'Save', exact: true });
    await page.getByText('Valid.').waitFor();
    assert.ok(await save.isDisabled());
    const source = await editor.inputValue();
    await editor.fill(`${source}# bogus\n`);
    await page.getByText('nodes.look: there is no kind “bogus”').waitFor();
    await page.getByText('warning: no one reads this').waitFor();
    assert.ok(await save.isDisabled());
    await page.getByRole('button', { name: '5:3' }).click();
    const at = source.split('\n').slice(0, 4).join('\n').length + 1 + 2;
    assert.equal(await editor.evaluate((area) => area.selectionStart), at);
    await editor.fill(source.replace('limit: 8', 'limit: 9'));
    await page.getByText('Valid.').waitFor();
    await save.click();
    await page.getByText('Saved.').waitFor();
    const [request] = await server.received('PUT', '/v1/flows/triage');
    assert.match(JSON.parse(request.body).source, /limit: 9/);
  });
});

test('a new flow begins with one that works, and is saved under its name', async () => {
  await withPage(server.url, { hash: '#/new-flow' }, async (page) => {
    await page.getByText('Valid.').waitFor();
    await page.getByLabel('YAML of the flow').press('Control+Home');
    await page.getByRole('button', { name: 'Save as my-flow' }).click();
    await page.getByRole('heading', { name: 'my-flow', level: 1 }).waitFor();
    assert.match(page.url(), /#\/flows\/my-flow$/);
    assert.deepEqual(JSON.parse(await page.getByLabel('Input, JSON').inputValue()), { who: '' });
  });
});
