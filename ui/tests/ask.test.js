// Asking: streaming, citations, what is unsupported, what is missing, what fails.
import assert from 'node:assert/strict';
import { after, before, beforeEach, afterEach, test } from 'node:test';
import { abstain, hotels, leave, leaveCitations, moved } from './support/answers.js';
import { ask, launch, quit, withPage } from './support/browser.js';
import { answer, cite, claim, entry, EXPIRY_QUOTE, LEAVE_QUOTE, NIGHT_QUOTE } from './support/library.js';
import { gate, ScriptedServer } from './support/server.js';

let server;

before(launch);
after(quit);
beforeEach(async () => (server = await ScriptedServer.start()));
afterEach(() => server.stop());

test('an answer streams with its steps, and its marks open the exact quote', async () => {
  const more = gate();
  server.ask = async (run, request) => {
    run.step('retrieve', 'started');
    run.token('Everyone has 30 days ');
    await more.opened;
    await leave(run, request, server);
  };
  await withPage(server.url, {}, async (page) => {
    await ask(page, 'How much leave do I have?');
    await page.locator('article summary').getByText('Searching the documents').waitFor();
    await page.getByText('Everyone has 30 days').waitFor();
    await page.getByRole('button', { name: 'Stop' }).waitFor();
    more.open();
    await page.getByRole('button', { name: 'Citation 1: Employee handbook, p. 12 · Leave › Annual leave', exact: true }).click();
    const panel = page.locator('[data-panel]');
    await panel.locator('mark').waitFor();
    assert.equal(await panel.locator('mark').textContent(), LEAVE_QUOTE);
    assert.match(await panel.locator('[data-place]').textContent(), /p\. 12 · Leave › Annual leave/);
    assert.ok(await isInView(panel.locator('mark')));
    assert.match(await page.locator('.verdict').textContent(), /2 of 2 claims \(100 %\).*high \(83 %\).*no language model/s);
  });
});

test('a citation of what was told shows all of it, and where it is kept', async () => {
  server.ask = moved;
  await withPage(server.url, {}, async (page) => {
    await ask(page, 'Where do I live?');
    await page.getByRole('button', { name: 'Citation 1: ada, 2026-11-18, from memory', exact: true }).click();
    const panel = page.locator('[data-panel]');
    await panel.locator('mark').waitFor();
    assert.equal(await panel.locator('.passage').textContent(), 'Grüße! I moved to Lisbon last Friday. It is warm here.');
    assert.equal(await panel.locator('mark').textContent(), 'I moved to Lisbon last Friday.');
    assert.equal(await panel.getByText(/original/i).count(), 0);
    await panel.getByRole('link', { name: 'What was told' }).click();
    await page.waitForURL(/#\/memory\/told$/);
  });
});

test('the steps and their times can be read afterwards', async () => {
  server.ask = leave;
  await withPage(server.url, {}, async (page) => {
    await ask(page, 'How much leave do I have?');
    await page.getByText('How it was found').click();
    const steps = await page.locator('[data-step]').allTextContents();
    assert.deepEqual(steps.map((text) => text.split('·')[0].trim()), ['Searched the documents', 'Judged the passages', 'Wrote the answer', 'Checked each claim']);
    assert.match(steps[0], /8 passages of 2 documents\s*· \d+ ms/);
  });
});

test('more of the document can be read on both sides, without gap or repetition', async () => {
  server.ask = leave;
  await withPage(server.url, {}, async (page) => {
    await ask(page, 'How much leave do I have?');
    await page.locator('[data-mark="2"]').click();
    const passage = page.locator('[data-panel] .passage');
    await passage.waitFor();
    const shown = async () => (await passage.textContent()).length;
    const first = await shown();
    await page.getByRole('button', { name: 'Show more before' }).click();
    await page.waitForFunction((length) => document.querySelector('[data-panel] .passage').textContent.length > length, first);
    const second = await shown();
    await page.getByRole('button', { name: 'Show more after' }).click();
    await page.waitForFunction((length) => document.querySelector('[data-panel] .passage').textContent.length > length, second);
    const text = await passage.textContent();
    assert.ok(text.length > 10_000);
    assert.ok(server.find('handbook').text.includes(text));
    assert.equal(await page.locator('[data-panel] mark').textContent(), EXPIRY_QUOTE);
  });
});

test('quotes beyond ASCII are cut at their bytes', async () => {
  server.ask = hotels;
  await withPage(server.url, {}, async (page) => {
    await ask(page, 'What may a hotel cost?');
    await page.locator('[data-note="1"]').click();
    await page.locator('[data-panel] mark').waitFor();
    assert.equal(await page.locator('[data-panel] mark').textContent(), NIGHT_QUOTE);
    assert.equal(await page.getByRole('button', { name: /Show more/ }).count(), 0);
  });
});

test('what the documents do not support is marked and listed', async () => {
  server.ask = hotels;
  server.chatModels = ['qwen2.5-1.5b'];
  await withPage(server.url, {}, async (page) => {
    const words = async (verdict) => (await page.locator(`.piece.${verdict}`).allTextContents()).join('');
    await ask(page, 'What may a hotel cost?');
    await page.getByRole('heading', { name: 'Your documents do not support 1 claim' }).waitFor();
    assert.deepEqual(await page.locator('.verdict .unsupported li').allTextContents(), ['In Munich the limit is 180 €.']);
    assert.equal(await words('unsupported'), 'In Munich the limit is 180 €. (not supported by the documents)');
    assert.equal(await words('supported'), 'Hotels are paid for up to 120 € a night.Anything above needs approval beforehand, also during fairs.');
    const verdict = await page.locator('.verdict').textContent();
    assert.match(verdict, /2 of 3 claims \(67 %\)/);
    assert.match(verdict, /medium \(58 %\)/);
    assert.match(verdict, /Written by qwen2\.5-1\.5b from the cited passages/);
    assert.match(verdict, /pointed to no source and was dropped\./);
    assert.equal((await page.locator('.text .strong').allTextContents()).join(''), 'also during fairs');
  });
});

test('no answer is said as such, with what was looked for and what came nearest', async () => {
  server.ask = abstain;
  await withPage(server.url, {}, async (page) => {
    await ask(page, 'Do I get a company car?');
    await page.locator('.abstained').waitFor();
    const told = await page.locator('.abstained').textContent();
    for (const text of ['Your documents do not hold the answer.', 'None of the passages', 'Dienstwagen', 'handbook/reisekosten.md', 'Confidence in this: high', '91 %']) {
      assert.ok(told.includes(text), text);
    }
    assert.equal(await page.locator('[data-mark]').count(), 0);
  });
});

test('words of a model that failed midway give way to the answer that follows', async () => {
  const more = gate();
  server.ask = async (run, request) => {
    run.step('answer', 'started', 'qwen2.5-1.5b');
    run.token('Half a sentence that');
    await more.opened;
    run.step('answer', 'failed', 'it gave no answer within 60 s');
    await leave(run, request, server);
  };
  await withPage(server.url, {}, async (page) => {
    await ask(page, 'How much leave do I have?');
    await page.getByText('Half a sentence that').waitFor();
    more.open();
    await page.getByText('2 of 2 claims (100 %)').waitFor();
    assert.equal(await page.getByText('Half a sentence that').count(), 0);
    await page.getByText('How it was found').click();
    await page.getByText('Wrote the answer: failed').waitFor();
  });
});

test('a greeting is not called an extract', async () => {
  server.ask = async (run) => run.done(answer({ text: 'Hello. Ask me something.', claims: [claim('Hello. Ask me something.', 'not_checkable')], confidence: 1 }));
  await withPage(server.url, {}, async (page) => {
    await ask(page, 'Hello!');
    await page.getByText('Hello. Ask me something.').waitFor();
    await page.getByText('How it was found').waitFor();
    assert.equal(await page.getByText(/Extractive|Confidence/).count(), 0);
  });
});

test('a stop cancels the run and keeps what came', async () => {
  const gone = gate();
  server.ask = async (run) => {
    run.token('The first words');
    await run.over;
    gone.open();
  };
  await withPage(server.url, {}, async (page) => {
    await ask(page, 'A long question?');
    await page.getByText('The first words').waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await gone.opened;
    assert.equal((await server.received('POST', '/v1/runs/run-of-thread-1-1/cancel')).length, 1);
    await page.getByText('Stopped.').first().waitFor();
    assert.ok(await page.getByText('The first words').isVisible());
  });
});

test('a lost connection is made again, and nothing of the answer is lost or said twice', async () => {
  const [seen, more] = [gate(), gate()];
  server.ask = async (run) => {
    run.step('answer', 'started');
    run.token('Everyone has ');
    await seen.opened;
    run.cut();
    run.token('30 days ');
    await more.opened;
    run.token('of leave.');
    run.done(answer({ text: 'Everyone has 30 days of leave.' }));
  };
  await withPage(server.url, { expectErrors: true }, async (page) => {
    await ask(page, 'How much leave do I have?');
    await page.getByText('Everyone has').waitFor();
    seen.open();
    await page.getByText('Everyone has 30 days').waitFor();
    const [again] = await server.received('GET', '/v1/runs/run-of-thread-1-1/events');
    assert.equal(again.headers['last-event-id'], '2.1');
    assert.equal(await page.locator('.words .text').textContent(), 'Everyone has 30 days ');
    more.open();
    await page.getByText('Everyone has 30 days of leave.').waitFor();
    await page.getByText('How it was found').waitFor();
    assert.equal(await page.getByRole('alert').count(), 0);
    assert.equal(server.requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/turns')).length, 1);
  });
});

test('a connection that falls silent is made anew', async () => {
  const started = gate();
  server.ask = async (run) => {
    run.step('answer', 'started');
    run.token('Everyone has ');
    started.open(run);
  };
  await withPage(server.url, { expectErrors: true }, async (page) => {
    await page.clock.install();
    await ask(page, 'How much leave do I have?');
    await page.getByText('Everyone has').waitFor();
    const run = await started.opened;
    await page.clock.fastForward(61_000);
    await page.clock.fastForward(1_000);
    await server.received('GET', '/v1/runs/run-of-thread-1-1/events');
    run.token('30 days.');
    await page.getByText('Everyone has 30 days.').waitFor();
  });
});

test('a server that is killed and comes back goes on with the answer', async () => {
  const run = gate();
  server.ask = async (started) => {
    started.did('retrieve');
    started.step('answer', 'started');
    started.token('A word of the first ');
    run.open(started);
  };
  await withPage(server.url, { expectErrors: true }, async (page) => {
    await ask(page, 'How much leave do I have?');
    await page.getByText('A word of the first').waitFor();
    const held = await run.opened;
    server.down = true;
    held.cut();
    server.http.closeAllConnections();
    await page.getByText('Connecting again; nothing of the answer gets lost.').waitFor();
    server.down = false;
    held.step('answer', 'started', '', { state: 'restarted', attempt: 2 });
    held.token('Everyone has');
    await page.getByText('Everyone has', { exact: true }).waitFor();
    assert.equal(await page.getByText('A word of the first').count(), 0);
    held.token('Everyone has 30 days.', { replace: true });
    await page.getByText('Everyone has 30 days.', { exact: true }).waitFor();
    held.done(answer({ text: 'Everyone has 30 days.' }));
    await page.getByText('How it was found').click();
    await page.getByText('Wrote the answer, attempt 2').waitFor();
  });
});

test('a server error is shown with its code and request', async () => {
  server.refuse = ({ path }) => (path.endsWith('/turns') ? { status: 503, type: 'unavailable', code: 'server_busy', message: 'the server works on as many requests as it may' } : null);
  await withPage(server.url, { expectErrors: true }, async (page) => {
    await ask(page, 'Anything?');
    const alert = page.getByRole('alert');
    await alert.waitFor();
    assert.match(await alert.textContent(), /The server works on as many requests as it may\..*server_busy.*req-7f3a/s);
  });
});

test('an error within the stream is shown too', async () => {
  server.ask = async (run) => run.send('error', { error: { type: 'timeout', code: 'chat_timeout', message: 'the chat model did not answer in 60 s' } });
  await withPage(server.url, {}, async (page) => {
    await ask(page, 'Anything?');
    assert.match(await page.getByRole('alert').textContent(), /The chat model did not answer in 60 s\..*chat_timeout/s);
    await page.getByRole('link', { name: 'Inspect the run' }).waitFor();
  });
});

test('markup in answers, titles, quotes and documents stays text', async () => {
  const evil = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>';
  const quote = `${evil} javascript:alert(1)`;
  const held = entry('evil', `${evil}title`, `${evil}.md`, `Before. ${quote} After.`);
  server.entries.push(held);
  server.ask = async (run) => {
    const citation = cite(1, held, quote, { heading: [evil] });
    run.step('retrieve', 'started', evil);
    const text = `${quote} [1] [click](javascript:alert(1))`;
    run.done(answer({ text, citations: [citation], claims: [claim(quote, 'unsupported')], notices: [evil] }));
  };
  await withPage(server.url, {}, async (page) => {
    await ask(page, evil);
    await page.locator('[data-mark="1"]').click();
    await page.locator('[data-panel] mark').waitFor();
    assert.equal(await page.locator('[data-panel] mark').textContent(), quote);
    assert.ok((await page.locator('.words .text').textContent()).includes('[click](javascript:alert(1))'));
    await page.getByRole('link', { name: 'About the document' }).click();
    await page.getByRole('heading', { level: 1, name: `${evil}title` }).waitFor();
    assert.equal(await page.evaluate(() => window.hacked), undefined);
    assert.equal(await page.locator('main img, main script').count(), 0);
  });
});

test('filters go with the question', async () => {
  await withPage(server.url, {}, async (page) => {
    await page.getByText('Options…').click();
    await page.getByLabel('Tags, all of them', { exact: true }).fill('policy');
    await page.keyboard.press('Enter');
    await page.getByLabel('Path begins with').fill('handbook/');
    await page.getByLabel('Documents', { exact: true }).fill('reise');
    await page.getByRole('button', { name: 'Reisekostenrichtlinie', exact: true }).click();
    await page.getByLabel('Made of').selectOption({ label: 'documents only' });
    await page.getByText('4 chosen').waitFor();
    await ask(page, 'What may a hotel cost?');
    const [request] = await server.received('POST', '/v1/threads/thread-1/turns');
    assert.deepEqual(JSON.parse(request.body), {
      question: 'What may a hotel cost?',
      quality: 'balanced',
      filter: { tags: ['policy'], documents: ['doc-travel'], path_prefix: 'handbook/', without_memory: true },
      stream: true,
    });
    await page.getByText('Options…').click();
    await page.getByRole('button', { name: 'Clear all limits' }).click();
    assert.equal(await page.getByText('chosen').count(), 0);
  });
});

test('a chat model can be chosen, or done without', async () => {
  server.chatModels = ['qwen2.5-1.5b'];
  await withPage(server.url, {}, async (page) => {
    await page.getByText('Options…').click();
    await page.getByLabel('Answered by').selectOption('extractive, no model');
    await ask(page, 'What may a hotel cost?');
    const [request] = await server.received('POST', '/v1/threads/thread-1/turns');
    assert.equal(JSON.parse(request.body).mode, 'extractive');
  });
});

test('a screen reader hears states, not tokens', async () => {
  const more = gate();
  server.ask = async (run, request) => {
    run.token('Every');
    await more.opened;
    await leave(run, request, server);
  };
  await withPage(server.url, {}, async (page) => {
    const live = page.locator('[aria-live="polite"]');
    await ask(page, 'How much leave do I have?');
    await live.filter({ hasText: 'The answer is being written.' }).waitFor({ state: 'attached' });
    more.open();
    await live.filter({ hasText: 'The answer is complete, with 2 citations.' }).waitFor({ state: 'attached' });
  });
});

test('notes in the margin begin at the line of their mark', async () => {
  server.ask = async (run) => {
    const citations = leaveCitations(server);
    const text = `${LEAVE_QUOTE} [1]\n\n${'A long paragraph that stands between. '.repeat(40)}\n\n${EXPIRY_QUOTE} [2]`;
    run.done(answer({ text, citations, claims: [] }));
  };
  await withPage(server.url, {}, async (page) => {
    await ask(page, 'How much leave do I have?');
    const top = async (selector) => (await page.locator(selector).boundingBox()).y;
    await page.waitForFunction(() => {
      const [mark, note] = ['[data-mark="2"]', '[data-note="2"]'].map((one) => document.querySelector(one)?.getBoundingClientRect().top);
      return mark !== undefined && Math.abs(mark - note) < 12;
    });
    assert.ok(Math.abs((await top('[data-mark="1"]')) - (await top('[data-note="1"]'))) < 12);
  });
});

function isInView(locator) {
  return locator.evaluate((element) => {
    const box = element.getBoundingClientRect();
    return box.top >= 0 && box.bottom <= window.innerHeight;
  });
}
