// Memory: what is known with its sources, search, editing, deciding, forgetting, rights, people and things, and the graph.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { assertNoOverflow, assertNothingToMend, launch, quit, withPage } from './support/browser.js';
import { fact, largeGraph } from './support/memory.js';
import { ScriptedServer } from './support/server.js';

let server;
before(launch);
after(quit);
beforeEach(async () => (server = await ScriptedServer.start()));
afterEach(() => server.stop());

const LISBON = 'Ada Brandt lives in Lisbon';
const at = (hash, work, options = {}) => withPage(server.url, { hash, expectErrors: true, ...options }, work);
const sent = (method, path) => server.requests.filter((one) => one.method === method && one.path === path).map((one) => (one.body.length ? JSON.parse(one.body) : null));
const asked = (path) => server.requests.filter((one) => one.method === 'GET' && one.path === path).map((one) => one.query);
const dialog = (page) => page.getByRole('dialog');
const entry = (page, id) => page.locator(`[data-fact="${id}"]`);
const facts = (page) => page.getByRole('list', { name: 'Facts', exact: true });
const arranged = (page) => page.locator('[data-arranging="false"] canvas').first().waitFor();
// Leaves one role to whoever is signed in.
const only = (role) => (server.identity.grants = [{ holder: 'user:u-ada', name: 'ada', role }]);

test('a fact tells since when, how sure, of whom, and its sources in their place', async () => {
  await at('#/memory', async (page) => {
    const one = entry(page, 'f-lisbon');
    await one.getByText('since 2026-11-13 · confidence 80 % · importance 80 %').waitFor();
    await one.getByText('personal', { exact: true }).waitFor();
    await entry(page, 'f-keys').getByText('shared', { exact: true }).waitFor();
    await entry(page, 'f-berlin').getByText('since 2026-01-12, until 2026-11-13').waitFor();
    await one.getByText('1 source').click();
    await one.getByText('ada · 2026-11-18', { exact: false }).waitFor();
    await one.getByRole('button', { name: 'Show it in its place' }).click();
    // The bytes of the quote stand after letters of more than one byte.
    assert.equal(await one.locator('mark').textContent(), 'I moved to Lisbon last Friday');
    assert.equal(await one.locator('blockquote').textContent(), 'Grüße! I moved to Lisbon last Friday. It is warm here.');
    assert.deepEqual(asked('/v1/memory/episodes').at(-1), { from: '2026-11-18T09:30:00Z', to: '2026-11-18T09:30:01.000Z', limit: '500' });
    await one.getByRole('button', { name: 'History' }).click();
    await one.getByRole('list', { name: 'What was believed of it' }).getByText('perhaps').waitFor();
  });
});

test('the list is limited by kind, entity, day in the world, day of belief, and shows what is archived on demand', async () => {
  await at('#/memory', async (page) => {
    await facts(page).getByText(LISBON).waitFor();
    await page.getByText('Limit to…').click();
    await page.getByLabel('Kind').selectOption('preference');
    await entry(page, 'f-lisbon').waitFor({ state: 'detached' });
    await entry(page, 'f-sugar').waitFor();
    await page.getByLabel('Kind').selectOption('');
    await page.getByLabel('About').fill('postgr');
    await page.getByRole('list', { name: 'About: found' }).getByText('PostgreSQL').waitFor();
    await page.keyboard.press('Enter');
    await entry(page, 'f-sugar').waitFor({ state: 'detached' });
    await entry(page, 'f-depends').waitFor();
    await page.getByRole('button', { name: 'Remove PostgreSQL' }).click();
    await page.getByLabel('As it was in the world on').fill('2026-06-01');
    await entry(page, 'f-berlin').waitFor();
    await entry(page, 'f-lisbon').waitFor({ state: 'detached' });
    await page.getByLabel('As it was believed on').fill('2026-06-02');
    const endOfDay = await page.evaluate(() => new Date(2026, 5, 3).toISOString());
    await page.getByLabel('also what is archived').check();
    await entry(page, 'f-old').getByText('archived', { exact: true }).waitFor();
    assert.deepEqual(asked('/v1/memory/facts').at(-1), { valid_at: '2026-06-01', believed_at: endOfDay, archived: 'true', limit: '50' });
    await page.getByRole('button', { name: 'Clear all limits' }).click();
    await entry(page, 'f-lisbon').waitFor();
    assert.ok(server.requests.every(({ query }) => Object.values(query).every((value) => !['postgr', 'PostgreSQL'].includes(value))), 'what is typed stands in no address');
  });
});

test('more than a page of facts is read page by page', async () => {
  server.memory.facts = Array.from({ length: 70 }, (_, index) => fact(`f-${index}`, `Fact number ${index}`, { id: 'e-ada', name: 'Ada', kind: 'person' }, 'IS', `${index}`, [], {}));
  await at('#/memory', async (page) => {
    await entry(page, 'f-49').waitFor();
    assert.equal(await entry(page, 'f-50').count(), 0);
    await page.getByRole('button', { name: 'Earlier ones' }).click();
    await entry(page, 'f-69').waitFor();
    await entry(page, 'f-0').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Earlier ones' }).count(), 0);
  });
});

test('memory is asked, and each hit says why it is there', async () => {
  await at('#/memory', async (page) => {
    await entry(page, 'f-lisbon').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('Where is Lisbon?');
    await page.keyboard.press('Enter');
    const recalled = page.getByRole('list', { name: 'Recalled' });
    await page.getByText('that they answer the question: 73 % likely').waitFor();
    await recalled.locator('[data-hit="fact"] summary', { hasText: 'Why' }).click();
    assert.deepEqual(await recalled.locator('[data-hit="fact"] .why li').allTextContents(), ['its words: 0.82 × 0.40', 'links from what you asked about: 0.31 × 0.20']);
    await recalled.locator('[data-hit="episode"]').getByText('It is warm here').waitFor();
    await recalled.locator('[data-hit="entity"]').getByRole('link', { name: 'Lisbon' }).waitFor();
    assert.deepEqual(sent('POST', '/v1/memory/recall'), [{ query: 'Where is Lisbon?', limit: 20, explain: true }]);
    await page.getByRole('button', { name: 'All facts again' }).click();
    await entry(page, 'f-sugar').waitFor();
  });
});

test('a fact is edited where it stands: only what changed is sent, and both days where one changed', async () => {
  await at('#/memory', async (page) => {
    await page.getByRole('button', { name: `Edit “${LISBON}”…` }).click();
    await dialog(page).getByLabel('What it says').fill('Ada Brandt lives in Porto');
    await dialog(page).getByLabel('Archived').check();
    await dialog(page).getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved: “Ada Brandt lives in Porto”.').waitFor();
    assert.deepEqual(sent('PATCH', '/v1/memory/facts/f-lisbon'), [{ statement: 'Ada Brandt lives in Porto', archived: true }]);
    await page.getByRole('button', { name: 'Edit “Ada Brandt lives in Berlin”…' }).click();
    await dialog(page).getByLabel('Until').fill('2026-10-31');
    await dialog(page).getByRole('button', { name: 'Save' }).click();
    await entry(page, 'f-berlin').getByText('until 2026-10-31').waitFor();
    assert.deepEqual(sent('PATCH', '/v1/memory/facts/f-berlin'), [{ valid_from: '2026-01-12T00:00:00Z', valid_to: '2026-10-31' }]);
    await page.getByRole('button', { name: 'Edit “Harbour depends on PostgreSQL”…' }).click();
    await dialog(page).getByLabel('Holds from').fill('');
    await dialog(page).getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved: “Harbour depends on PostgreSQL”.').waitFor();
    assert.deepEqual(sent('PATCH', '/v1/memory/facts/f-depends'), [{ valid_from: null, valid_to: null }]);
  });
});

test('what the server refuses is told in the dialog, which stays open', async () => {
  server.refuse = ({ method }) => (method === 'PATCH' ? { status: 409, type: 'conflict', code: 'fact_times', message: 'the fact would end before it begins' } : null);
  await at('#/memory', async (page) => {
    await page.getByRole('button', { name: `Edit “${LISBON}”…` }).click();
    await dialog(page).getByLabel('Until').fill('2020-01-01');
    await dialog(page).getByRole('button', { name: 'Save' }).click();
    await dialog(page).getByText('The fact would end before it begins.').waitFor();
    await dialog(page).getByText('fact_times').waitFor();
  });
});

test('a fact is taken back after a question', async () => {
  await at('#/memory', async (page) => {
    await page.getByRole('button', { name: `Take back “${LISBON}”…` }).click();
    await dialog(page).getByText('was a mistake').waitFor();
    await dialog(page).getByRole('button', { name: 'Take it back' }).click();
    await page.getByText(`Taken back: “${LISBON}”.`).waitFor();
    await entry(page, 'f-lisbon').waitFor({ state: 'detached' });
    assert.deepEqual(sent('PATCH', '/v1/memory/facts/f-lisbon'), [{ retracted: true }]);
  });
});

test('before something is forgotten the page says what goes, and afterwards shows the receipt', async () => {
  await at('#/memory', async (page) => {
    await page.getByRole('button', { name: `Forget “${LISBON}”…` }).click();
    await dialog(page).getByText('in every state in which it was ever believed').waitFor();
    await dialog(page).getByText('they are erased from what was told').waitFor();
    await dialog(page).getByRole('button', { name: 'Leave it' }).click();
    assert.deepEqual(sent('POST', '/v1/memory/forget'), []);
    await page.getByRole('button', { name: `Forget “${LISBON}”…` }).click();
    await dialog(page).getByRole('button', { name: 'Forget it' }).click();
    await page.getByRole('region', { name: 'Forgotten' }).getByText('Gone: 1 fact. Words of 1 text were erased.').waitFor();
    await page.getByText(/Backups that may hold it are deleted by 2026-12-2/).waitFor();
    await entry(page, 'f-lisbon').waitFor({ state: 'detached' });
    await page.getByText('5 facts about').waitFor();
    assert.deepEqual(sent('POST', '/v1/memory/forget'), [{ fact: 'f-lisbon' }]);
    await page.getByText('Receipt r-1, with its signature').click();
    await page.getByText('eyJhbGciOiJFZERTQSIs').waitFor();
  });
});

test('a note is added, and what was found in it is shown', async () => {
  server.memory.found = [fact('f-tea', 'Ada Brandt likes tea', { id: 'e-ada', name: 'Ada Brandt', kind: 'person' }, 'LIKE', 'tea', [], {})];
  await at('#/memory', async (page) => {
    await page.getByLabel('Add a note').fill('I like tea.');
    await page.getByRole('button', { name: 'Remember it' }).click();
    await page.getByRole('list', { name: 'Found in the note' }).getByText('Ada Brandt likes tea').waitFor();
    await entry(page, 'f-tea').waitFor();
    const [{ episodes, shared, wait }] = sent('POST', '/v1/memory/episodes');
    assert.equal(episodes[0].text, 'I like tea.');
    assert.equal(episodes[0].zone, await page.evaluate(() => Intl.DateTimeFormat().resolvedOptions().timeZone));
    assert.deepEqual([shared, wait], [false, true]);
    server.memory.found = [];
    await page.getByLabel('Add a note').fill('Nice weather.');
    await page.getByRole('button', { name: 'Remember it' }).click();
    await page.getByText('No fact was found in it').waitFor();
  });
});

test('where nothing is remembered the page says what to do, by what is allowed', async () => {
  Object.assign(server.memory, { facts: [], episodes: [], entities: [], ended: null });
  await at('#/memory', async (page) => {
    await page.getByText('Nothing is remembered yet.').waitFor();
    await page.getByText('Consent is for what you ask for').waitFor();
    server.memory.consent = { consent: 'off' };
    await page.reload();
    await page.getByText('Consent is off, so nothing will be.').waitFor();
    await page.goto(`${server.url}/#/memory/graph`);
    await page.getByText('There is no graph yet.').waitFor();
    await page.goto(`${server.url}/#/memory/conflicts`);
    await page.getByText('Nothing contradicts.').waitFor();
  });
});

test('contradictions show both sides, and a person decides', async () => {
  await at('#/memory/conflicts', async (page) => {
    const one = page.locator('[data-conflict="f-berlin"]');
    await one.getByText('Was ended').waitFor();
    await one.getByText(LISBON).first().waitFor();
    await one.getByRole('button', { name: 'This one holds: “Ada Brandt lives in Berlin”…' }).click();
    await dialog(page).getByText(`“${LISBON}” gives way`).waitFor();
    await dialog(page).getByRole('button', { name: 'It holds' }).click();
    await page.getByText('Decided: “Ada Brandt lives in Berlin”.').waitFor();
    await one.getByText('decided by a person', { exact: true }).waitFor();
    assert.deepEqual(sent('PATCH', '/v1/memory/facts/f-berlin'), [{ overruling: true }]);
  });
});

test('consent is chosen in plain words, and what is refused changes nothing', async () => {
  await at('#/memory/rights', async (page) => {
    assert.equal(await page.getByRole('radio', { name: 'Only what I ask for' }).isChecked(), true);
    await page.getByText('You have not said yet').waitFor();
    await page.getByRole('radio', { name: 'Conversations as well' }).check();
    await page.getByText('It holds from now on.').waitFor();
    assert.deepEqual(sent('PUT', '/v1/memory/consent'), [{ consent: 'on' }]);
    await page.getByText('You said so on 2026-11-22').waitFor();
    server.refuse = ({ method }) => (method === 'PUT' ? { status: 503, type: 'unavailable', code: 'server_busy', message: 'try again' } : null);
    await page.getByRole('radio', { name: 'Off' }).click();
    await page.getByText('server_busy').waitFor();
  });
});

test('memory is taken along as a file', async () => {
  await at('#/memory/rights', async (page) => {
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Take it all along' }).click()]);
    assert.match(download.suggestedFilename(), /^memory-\d{4}-\d\d-\d\d\.jsonl$/);
    assert.match(await readFile(await download.path(), 'utf8'), /Harbour depends on PostgreSQL/);
    assert.deepEqual(asked('/v1/memory/export'), [{ format: 'jsonl' }]);
  });
});

test('a time is forgotten after both days were said and what lies between was counted', async () => {
  await at('#/memory/rights', async (page) => {
    await page.getByRole('button', { name: 'Forget a time…' }).click();
    await dialog(page).getByLabel('First day').fill('2026-11-18');
    await dialog(page).getByLabel('Last day').fill('2026-11-10');
    await dialog(page).getByRole('button', { name: 'Say what goes…' }).click();
    await dialog(page).getByText('The first day comes after the last').waitFor();
    await dialog(page).getByLabel('First day').fill('2026-11-10');
    await dialog(page).getByLabel('Last day').fill('2026-11-18');
    await dialog(page).getByRole('button', { name: 'Say what goes…' }).click();
    await dialog(page).getByText('from 2026-11-10 to 2026-11-18, both included; 2 texts').waitFor();
    await dialog(page).getByRole('button', { name: 'Forget it' }).click();
    await page.getByRole('list', { name: 'Receipts' }).getByText('What was said in a time').waitFor();
    const [from, to] = await page.evaluate(() => [new Date(2026, 10, 10).toISOString(), new Date(2026, 10, 19).toISOString()]);
    assert.deepEqual(sent('POST', '/v1/memory/forget'), [{ from, to }]);
  });
});

test('everything is forgotten only by whoever types so, and the receipt stays', async () => {
  await at('#/memory/rights', async (page) => {
    await page.getByRole('button', { name: 'Forget everything…' }).click();
    await dialog(page).getByText('4 texts, 6 facts and 6 people and things').waitFor();
    await dialog(page).getByRole('button', { name: 'Forget it' }).click();
    assert.deepEqual(sent('POST', '/v1/memory/forget'), [], 'nothing goes before it is typed');
    await dialog(page).getByLabel('Type everything to go on').fill('everything');
    await page.keyboard.press('Enter');
    await page.getByRole('list', { name: 'Receipts' }).getByText('Everything', { exact: true }).waitFor();
    assert.deepEqual(sent('POST', '/v1/memory/forget'), [{ everything: true }]);
    await page.locator('[data-stats]').getByText('1', { exact: true }).first().waitFor();
  });
});

test('somebody is called otherwise, has a timeline, and is forgotten with every sentence', async () => {
  await at('#/memory/entities', async (page) => {
    await page.getByLabel('Part of a name').fill('postgres');
    await page.getByText('1 of 6 entries').waitFor();
    await page.getByRole('link', { name: 'PostgreSQL' }).click();
    await page.getByRole('list', { name: 'Timeline of PostgreSQL' }).getByText('2026-03-01').waitFor();
    await page.getByRole('button', { name: 'Call it otherwise…' }).click();
    await dialog(page).getByLabel('Name', { exact: true }).fill('The database');
    await dialog(page).getByLabel('Other names', { exact: true }).fill('PG');
    await page.keyboard.press('Enter');
    await dialog(page).getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'The database' }).waitFor();
    assert.deepEqual(sent('PATCH', '/v1/memory/entities/e-postgres'), [{ name: 'The database', kind: 'product', aliases: ['Postgres', 'PG'] }]);
    await page.getByRole('button', { name: 'Forget…', exact: true }).click();
    await dialog(page).getByText('Every sentence that names The database').waitFor();
    await dialog(page).getByRole('button', { name: 'Forget it' }).click();
    await page.getByRole('heading', { name: 'Forgotten' }).waitFor();
    assert.deepEqual(sent('POST', '/v1/memory/forget'), [{ entity: 'e-postgres' }]);
  });
});

test('what was told is listed, limited and forgotten', async () => {
  await at('#/memory/told', async (page) => {
    const list = page.getByRole('list', { name: 'What was told' });
    await list.getByText('It is warm here').waitFor();
    await page.getByLabel('Kind').selectOption('passage');
    await list.getByText('It is warm here').waitFor({ state: 'detached' });
    await list.getByText('handbook/keys.md').waitFor();
    await page.locator('[data-episode="m-shared"]').getByRole('button', { name: /^Forget/ }).click();
    await dialog(page).getByRole('button', { name: 'Forget it' }).click();
    await list.getByText('Nothing fits.').waitFor();
    assert.deepEqual(sent('POST', '/v1/memory/forget'), [{ episode: 'm-shared', shared: true }]);
  });
});

test('whoever may not change documents sees what is shared and cannot touch it', async () => {
  only('reader');
  await at('#/memory', async (page) => {
    await entry(page, 'f-lisbon').getByRole('button', { name: /^Edit/ }).waitFor();
    assert.deepEqual(await entry(page, 'f-keys').getByRole('button').allTextContents(), ['History']);
    assert.equal(await page.getByLabel('for everybody in this workspace').count(), 0);
  });
});

test('whoever may not read has no room of memory', async () => {
  only('operator');
  await at('#/operations', async (page) => {
    await page.getByRole('navigation', { name: 'Pages' }).getByText('Operations').waitFor();
    assert.equal(await page.getByRole('navigation', { name: 'Pages' }).getByText('Memory').count(), 0);
  });
});

test('the graph is drawn under the content policy, and its code comes only with it', async () => {
  await at('#/memory', async (page) => {
    await facts(page).getByText(LISBON).waitFor();
    const loaded = () => page.evaluate(() => performance.getEntriesByType('resource').map((one) => one.name.split('/').at(-1)));
    assert.ok(!(await loaded()).includes('Explorer.js'));
    await page.getByRole('tab', { name: 'Graph' }).click();
    await arranged(page);
    assert.ok((await loaded()).includes('Explorer.js'));
    await page.getByText('5 people and things, 3 facts between them.').waitFor();
    assert.equal(await page.getByRole('img', { name: /A drawing of 5 people and things and 3 facts/ }).count(), 1);
  });
});

test('the day moves through the facts, in the list as in the drawing', async () => {
  await at('#/memory/graph', async (page) => {
    await page.getByText('5 people and things, 3 facts').waitFor();
    const day = page.getByLabel('In the world on');
    assert.equal(await day.getAttribute('aria-valuetext'), 'now');
    await day.focus();
    await page.keyboard.press('Home');
    assert.equal(await day.getAttribute('aria-valuetext'), '2026-01-12');
    await page.getByText('4 people and things, 2 facts between them').waitFor();
    assert.equal(asked('/v1/memory/graph').at(-1).valid_at, '2026-01-12');
    await page.getByRole('button', { name: 'List' }).click();
    const names = () => page.getByRole('list', { name: 'People and things in the graph' }).locator('strong').allTextContents();
    assert.deepEqual((await names()).sort(), ['Ada Brandt', 'Berlin', 'Harbour', 'Mara']);
    await page.getByRole('button', { name: 'Now', exact: true }).click();
    await page.getByText('5 people and things, 3 facts').waitFor();
    assert.ok(!(await names()).includes('Berlin'), 'whom only another day brought is gone with it');
    await page.getByLabel('The day itself').fill('2025-06-01');
    await page.getByLabel('The day itself').press('Enter');
    await page.getByText('2 people and things, 1 fact between them').waitFor();
    assert.equal(await day.getAttribute('aria-valuetext'), '2025-06-01');
  });
});

test('relations are left out one by one', async () => {
  await at('#/memory/graph', async (page) => {
    const relations = page.getByRole('group', { name: 'Relations that show' });
    await relations.getByRole('button', { name: 'live in 1' }).click();
    await page.getByText('3 people and things, 2 facts between them').waitFor();
    assert.equal(await relations.getByRole('button', { name: 'live in 1' }).getAttribute('aria-pressed'), 'false');
    assert.equal(asked('/v1/memory/graph').at(-1).relations, 'DEPENDS_ON,WRITE');
    await relations.getByRole('button', { name: 'All of them' }).click();
    await page.getByText('5 people and things, 3 facts').waitFor();
  });
});

test('a part of a graph says that there is more', async () => {
  server.memory.graph = largeGraph(500, 900);
  await at('#/memory/graph', async (page) => {
    await page.getByText('there is more than this').waitFor();
    await page.getByLabel('Show at most').selectOption('1000');
    await page.getByText('900 facts between them.').waitFor();
  });
});

test('with the keyboard: a name is chosen from the list, told about, expanded and left', async () => {
  await at('#/memory/graph', async (page) => {
    await page.getByRole('button', { name: 'List' }).click();
    const list = page.getByRole('list', { name: 'People and things in the graph' });
    await list.getByRole('button').first().focus();
    await page.keyboard.press('ArrowDown');
    const second = await list.locator('strong').nth(1).textContent();
    await page.keyboard.press('Enter');
    await page.waitForFunction((name) => document.activeElement?.textContent === name && document.activeElement.tagName === 'H2', second);
    await page.getByRole('list', { name: `Timeline of ${second}` }).waitFor();
    await page.getByRole('button', { name: 'Show what is around it' }).click();
    await page.getByText(`0 more around ${second}.`).waitFor();
    await page.getByRole('button', { name: `Close what is known of ${second}` }).click();
    assert.equal(await page.locator('[data-detail]').count(), 0);
  });
});

test('the graph around one is walked to another by the shortest way', async () => {
  await at('#/memory/graph/e-mara', async (page) => {
    await page.getByText('2 people and things, 1 fact').waitFor();
    await page.locator('[data-detail="Mara"]').getByLabel('The way from here to').fill('Postgre');
    await page.getByRole('list', { name: 'The way from here to: found' }).getByText('PostgreSQL').click();
    const way = page.getByRole('list', { name: 'The way', exact: true });
    await way.getByText('Harbour depends on PostgreSQL').waitFor();
    assert.equal(await way.getByRole('listitem').count(), 2);
    await page.getByText('3 people and things, 2 facts').waitFor();
    assert.deepEqual(asked('/v1/memory/graph/path'), [{ from: 'e-mara', to: 'e-postgres' }]);
    await page.getByRole('button', { name: 'Leave the way' }).click();
    await page.locator('[data-detail="Mara"]').getByLabel('The way from here to').fill('Lisbon');
    await page.getByRole('list', { name: 'The way from here to: found' }).getByText('Lisbon').click();
    await page.getByText('No chain of facts leads there.').waitFor();
  });
});

test('colours by group and sizes by centrality come from the server', async () => {
  await at('#/memory/graph', async (page) => {
    await arranged(page);
    await page.getByLabel('Colours by').selectOption('community');
    await page.getByRole('list', { name: 'The largest groups, by their most central' }).getByRole('listitem').nth(1).waitFor();
    await page.getByLabel('Size by').selectOption('pagerank');
    await page.getByRole('button', { name: 'List' }).click();
    // The server of this test finds the last ones the most central.
    await page.getByRole('list', { name: 'People and things in the graph' }).locator('strong').first().getByText('Mara').waitFor();
    assert.deepEqual(asked('/v1/memory/graph/central'), [{ by: 'pagerank', limit: '500' }]);
  });
});

test('a click in the drawing tells about whom it hits, and two show what is around', async () => {
  server.memory.graph = largeGraph(150, 250);
  server.memory.entities.push({ id: 'n-0', name: 'Node 0', kind: 'person', shared: false, facts: 9, created_at: '2026-01-01T00:00:00Z' });
  await at('#/memory/graph', async (page) => {
    await arranged(page);
    const middle = async () => {
      await page.getByLabel('Find in the graph').fill('Node 0');
      await page.getByRole('list', { name: 'Find in the graph: found' }).getByText('Node 0').click();
      await page.locator('[data-detail="Node 0"]').waitFor();
      await page.getByRole('button', { name: 'Close what is known of Node 0' }).click();
      const box = await page.locator('[data-arranging]').boundingBox();
      return [box.x + box.width / 2, box.y + box.height / 2];
    };
    await page.mouse.click(...(await middle()));
    await page.locator('[data-detail="Node 0"]').waitFor();
    assert.equal(asked('/v1/memory/graph').length, 1);
    await page.mouse.dblclick(...(await middle()));
    await page.getByText('0 more around Node 0.').waitFor();
    const { around, depth } = asked('/v1/memory/graph').at(-1);
    assert.deepEqual([around, depth], ['n-0', '1']);
  });
});

test('where there is no WebGL the list stands in for the drawing', async () => {
  await at('#/memory', async (page) => {
    await page.evaluate(() => {
      HTMLCanvasElement.prototype.getContext = () => null;
    });
    await page.getByRole('tab', { name: 'Graph' }).click();
    await page.getByText('there is no WebGL').waitFor();
    await page.getByRole('list', { name: 'People and things in the graph' }).getByText('Ada Brandt').waitFor();
  });
});

test('what goes wrong is told, and tried again', async () => {
  server.refuse = ({ path }) => (path === '/v1/memory/facts' ? { status: 503, type: 'unavailable', code: 'server_busy', message: 'try again in a second' } : null);
  await at('#/memory', async (page) => {
    await page.getByRole('alert').getByText('server_busy').waitFor();
    server.refuse = () => null;
    await page.getByRole('button', { name: 'Try again' }).click();
    await facts(page).getByText(LISBON).waitFor();
  });
});

for (const hash of ['#/memory', '#/memory/told', '#/memory/entities', '#/memory/entities/e-ada', '#/memory/conflicts', '#/memory/graph', '#/memory/graph/e-harbour', '#/memory/rights']) {
  test(`fits a phone and keeps nobody out: ${hash}`, async () => {
    server.memory.facts[0].statement = 'unbroken'.repeat(30);
    server.memory.entities[0].name = 'unbroken'.repeat(20);
    server.memory.episodes[0].text = 'unbroken'.repeat(40);
    await at(hash, async (page) => {
      await page.getByRole('contentinfo').getByText('4 documents').waitFor();
      await page.getByRole('heading', { name: 'Memory' }).waitFor();
      await page.waitForLoadState('networkidle');
      await assertNoOverflow(page);
      await assertNothingToMend(page);
    }, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, colorScheme: hash.includes('graph') ? 'dark' : 'light' });
  });
}
