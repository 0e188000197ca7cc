// Conversations: the list of threads, follow-up questions, turns that are under way, feedback, questions to a person.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { leave } from './support/answers.js';
import { ask, assertNoOverflow, launch, quit, withPage } from './support/browser.js';
import { answer } from './support/library.js';
import { approval } from './support/runs.js';
import { gate, ScriptedServer } from './support/server.js';

let server;

before(launch);
after(quit);
beforeEach(async () => (server = await ScriptedServer.start()));
afterEach(() => server.stop());

const list = (page) => page.getByRole('navigation', { name: 'Conversations' });
const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };

test('the first question makes a conversation, and further ones go on with it', async () => {
  server.ask = leave;
  await withPage(server.url, {}, async (page) => {
    await ask(page, 'How much leave do I have?');
    await page.getByText('2 of 2 claims (100 %)').waitFor();
    assert.match(page.url(), /#\/chat\/thread-1$/);
    await list(page).getByRole('link', { name: 'How much leave do I have?' }).waitFor();
    server.ask = async (run) => run.done(answer({ text: 'On 31 March.' }));
    await ask(page, 'And when does it expire?');
    await page.getByText('On 31 March.').waitFor();
    assert.equal(await page.getByRole('article').count(), 2);
    assert.deepEqual(server.chat.turns.map(({ thread }) => thread), ['thread-1', 'thread-1']);
    await page.reload();
    await page.getByText('On 31 March.').waitFor();
    assert.equal(await page.getByRole('article').count(), 2);
  });
});

test('a new question comes to the top of the window, and stays there while its answer grows', async () => {
  server.chat.add('Old', [['One?', answer({ text: 'Word. '.repeat(400) })]]);
  const more = gate();
  server.ask = async (run) => {
    run.token('First words. ');
    await more.opened;
    run.token('More words. '.repeat(300));
    run.done(answer({ text: `First words. ${'More words. '.repeat(300)}` }));
  };
  const top = (page) => page.locator('article').last().evaluate((element) => Math.round(element.getBoundingClientRect().top));
  await withPage(server.url, { hash: '#/chat/thread-1' }, async (page) => {
    await page.getByText('Word.').first().waitFor();
    await ask(page, 'Two?');
    await page.getByText('First words.').waitFor();
    const before = await top(page);
    assert.ok(before >= 0 && before < 60, `at ${before}`);
    more.open();
    await page.locator('article').last().getByText('How it was found').waitFor();
    assert.equal(await top(page), before);
  });
});

test('a page that is opened in the middle of a turn shows it running, from its beginning', async () => {
  const more = gate();
  server.ask = async (run) => {
    run.did('retrieve', '8 passages');
    run.step('answer', 'started');
    run.token('Everyone has ');
    await more.opened;
    run.token('30 days.');
    run.step('answer', 'finished');
    run.done(answer({ text: 'Everyone has 30 days.' }));
  };
  await withPage(server.url, {}, async (page) => {
    await ask(page, 'How much leave do I have?');
    await page.getByText('Everyone has').waitFor();
    await page.reload();
    await page.getByText('Everyone has').waitFor();
    await page.getByRole('button', { name: 'Stop' }).waitFor();
    more.open();
    await page.getByText('Everyone has 30 days.').waitFor();
    await page.getByText('How it was found').click();
    const steps = await page.locator('[data-step]').allTextContents();
    assert.deepEqual(steps.map((text) => text.trim()), ['Searched the documents · 8 passages', 'Wrote the answer']);
  });
});

test('the steps of an old answer are read when they are asked for', async () => {
  server.ask = leave;
  await withPage(server.url, {}, async (page) => {
    await ask(page, 'How much leave do I have?');
    await page.getByText('2 of 2 claims (100 %)').waitFor();
    await page.reload();
    await page.getByText('How it was found').click();
    await page.getByText('Checked each claim').waitFor();
    assert.equal(await page.locator('[data-step]').count(), 4);
  });
});

test('what one comes back to is the conversation that was left', async () => {
  server.ask = leave;
  await withPage(server.url, {}, async (page) => {
    await ask(page, 'How much leave do I have?');
    await page.getByText('2 of 2 claims (100 %)').waitFor();
    await page.getByRole('link', { name: 'Documents', exact: true }).click();
    await page.getByRole('heading', { name: 'Documents', level: 1 }).waitFor();
    await page.getByRole('link', { name: 'Chat', exact: true }).click();
    await page.getByText('2 of 2 claims (100 %)').waitFor();
    await page.getByRole('button', { name: 'New conversation' }).click();
    await page.getByRole('heading', { name: 'What do you want to know?' }).waitFor();
    assert.equal(await page.getByRole('article').count(), 0);
  });
});

test('conversations are searched, renamed and, after a question, deleted', async () => {
  server.chat.add('Leave', [['How much leave do I have?', answer({ text: '30 days.' })]]);
  server.chat.add('Hotels', [['What may a hotel cost?', answer({ text: '120 €.' })]]);
  await withPage(server.url, {}, async (page) => {
    const links = list(page).getByRole('link');
    await links.nth(1).waitFor();
    assert.deepEqual((await links.allTextContents()).map((text) => text.trim()), ['Hotels', 'Leave']);
    await page.getByLabel('Find conversations').fill('how much');
    await list(page).getByRole('link', { name: 'Hotels' }).waitFor({ state: 'detached' });
    await list(page).getByRole('link', { name: 'Leave' }).click();
    await page.getByText('30 days.').waitFor();
    await page.getByRole('button', { name: 'Rename “Leave”' }).click();
    await page.getByLabel('New title').fill('Holidays');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Rename “Leave”' }).click();
    await page.getByLabel('New title').fill('Holidays');
    await page.keyboard.press('Enter');
    await list(page).getByRole('link', { name: 'Holidays' }).waitFor();
    assert.equal(server.chat.threads.find((one) => one.id === 'thread-1').title, 'Holidays');
    await page.getByRole('button', { name: 'Delete “Holidays”' }).click();
    await page.getByRole('button', { name: 'Keep it' }).click();
    assert.equal(server.chat.threads.length, 2);
    await page.getByRole('button', { name: 'Delete “Holidays”' }).click();
    await page.getByRole('button', { name: 'Delete it' }).click();
    await page.getByRole('heading', { name: 'What do you want to know?' }).waitFor();
    assert.deepEqual(server.chat.threads.map(({ title }) => title), ['Hotels']);
  });
});

test('a conversation branches off where the reader says', async () => {
  const turns = ['One?', 'Two?', 'Three?'].map((question) => [question, answer({ text: `Answer to ${question}` })]);
  server.chat.add('Long', turns);
  await withPage(server.url, { hash: '#/chat/thread-1' }, async (page) => {
    await page.getByText('Answer to Three?').waitFor();
    await page.getByRole('button', { name: 'Branch off' }).nth(1).click();
    await list(page).getByRole('link', { name: 'Long (branch)' }).waitFor();
    await page.getByText('Answer to Three?').waitFor({ state: 'detached' });
    assert.equal(await page.getByRole('article').count(), 2);
    assert.match(page.url(), /#\/chat\/thread-2$/);
  });
});

test('another workspace begins without the conversation of the first', async () => {
  server.ask = leave;
  server.workspaces = ['default', 'legal'];
  await withPage(server.url, {}, async (page) => {
    await ask(page, 'How much leave do I have?');
    await page.getByText('2 of 2 claims (100 %)').waitFor();
    await page.getByLabel('Workspace').selectOption('legal');
    await page.getByRole('heading', { name: 'What do you want to know?' }).waitFor();
    await ask(page, 'And here?');
    const requests = await server.received('POST', '/v1/threads', 2);
    assert.deepEqual(requests.map(({ body }) => JSON.parse(body).workspace), [undefined, 'legal']);
    assert.equal((await server.received('POST', '/v1/threads/thread-2/turns'))[0].query.workspace, 'legal');
  });
});

test('a conversation that is gone is told so', async () => {
  await withPage(server.url, { hash: '#/chat/nowhere', expectErrors: true }, async (page) => {
    assert.match(await page.getByRole('alert').textContent(), /There is no thread nowhere\..*thread_unknown/s);
  });
});

test('quality and limits go with the question, and the quality is kept', async () => {
  await withPage(server.url, {}, async (page) => {
    await page.getByRole('radio', { name: 'Balanced' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.getByText('Options…').click();
    await page.getByLabel('Passages to look at').fill('20');
    await ask(page, 'How much leave do I have?');
    const [request] = await server.received('POST', '/v1/threads/thread-1/turns');
    assert.deepEqual(JSON.parse(request.body), { question: 'How much leave do I have?', quality: 'thorough', filter: {}, items: 20, stream: true });
    assert.match(request.headers['idempotency-key'], /^[0-9a-f]{32}$/);
    await page.reload();
    assert.ok(await page.getByRole('radio', { name: 'Thorough' }).isChecked());
  });
});

test('a thumb is kept at once, with a reason and a better answer for those who give one', async () => {
  server.ask = leave;
  await withPage(server.url, {}, async (page) => {
    await ask(page, 'How much leave do I have?');
    await page.getByRole('button', { name: 'Bad answer' }).click();
    await page.getByText('Thank you.').waitFor();
    assert.equal(server.chat.turns[0].feedback.rating, -1);
    await page.getByLabel('Why?').fill('Part-time was left out');
    await page.getByLabel('What should the answer have been?').fill('30 days, also part-time.');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByText('that is kept with the run').waitFor();
    const { rating, reason, correction } = server.chat.turns[0].feedback;
    assert.deepEqual([rating, reason, correction], [-1, 'Part-time was left out', '30 days, also part-time.']);
    await page.reload();
    assert.equal(await page.getByRole('button', { name: 'Bad answer' }).getAttribute('aria-pressed'), 'true');
    await page.getByRole('button', { name: 'Bad answer' }).click();
    await page.getByText('Taken back.').waitFor();
    assert.equal(server.chat.turns[0].feedback.rating, 0);
  });
});

test('a question to the reader is answered in the conversation', async () => {
  server.ask = async (run) => {
    run.step('ask', 'waiting', '', { kind: 'human' });
    run.send('interrupt', approval(run.run.id, { prompt: 'Search the archive too?' }));
    const said = await new Promise((resolve) => (run.onanswer = resolve));
    run.step('ask', 'finished', '', { kind: 'human' });
    run.done(answer({ text: said ? 'From the archive.' : 'Without it.' }));
  };
  await withPage(server.url, {}, async (page) => {
    await ask(page, 'What was the limit in 1998?');
    await page.getByText('Search the archive too?').waitFor();
    await page.getByRole('button', { name: 'Yes', exact: true }).click();
    await page.getByText('From the archive.').waitFor();
    assert.equal(await page.getByText('Search the archive too?').count(), 0);
  });
});

test('a failed run says why, and the question is asked anew', async () => {
  server.ask = async (run) => run.done(undefined, 'failed', { code: 'run_over_budget', reason: 'the run used up its 60 seconds' });
  await withPage(server.url, {}, async (page) => {
    await ask(page, 'How much leave do I have?');
    assert.match(await page.getByRole('alert').textContent(), /The run used up its 60 seconds\..*run_over_budget/s);
    server.ask = leave;
    await page.getByRole('button', { name: 'Ask again' }).click();
    await page.getByText('2 of 2 claims (100 %)').waitFor();
    assert.equal(server.chat.turns.length, 2);
  });
});

test('a question that did not arrive is sent again under the same key', async () => {
  server.ask = leave;
  await withPage(server.url, { expectErrors: true }, async (page) => {
    await page.getByRole('contentinfo').getByText('ready').waitFor();
    server.refuse = ({ path }) => (path.endsWith('/turns') ? { status: 503, code: 'server_busy', message: 'busy' } : null);
    await ask(page, 'How much leave do I have?');
    await page.getByRole('alert').waitFor();
    server.refuse = () => null;
    await page.getByRole('button', { name: 'Ask again' }).click();
    await page.getByText('2 of 2 claims (100 %)').waitFor();
    const keys = (await server.received('POST', '/v1/threads/thread-1/turns', 2)).map(({ headers }) => headers['idempotency-key']);
    assert.equal(keys[0], keys[1]);
    assert.equal(await page.getByRole('article').count(), 1);
  });
});

test('on a phone the conversations are in a drawer', async () => {
  server.chat.add('Leave', [['How much leave do I have?', answer({ text: '30 days.' })]]);
  await withPage(server.url, PHONE, async (page) => {
    await page.getByRole('button', { name: 'Conversations' }).tap();
    await page.getByRole('dialog').getByRole('link', { name: 'Leave' }).tap();
    await page.getByText('30 days.').waitFor();
    assert.equal(await page.getByRole('dialog').count(), 0);
    await assertNoOverflow(page);
    const box = await page.getByRole('textbox', { name: 'Your question' }).boundingBox();
    assert.ok(box.y > 400 && box.y + box.height <= 740, 'the box is in sight');
  });
});
