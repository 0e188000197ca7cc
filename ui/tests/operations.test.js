// The room Operations: its tabs, and what is seen and done in each, with the keyboard, on a phone, and without a server.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { assertNoOverflow, launch, quit, withPage } from './support/browser.js';
import { PASSWORD } from './support/identity.js';
import { gate, ScriptedServer } from './support/server.js';

let server;
before(launch);
beforeEach(async () => (server = await ScriptedServer.start()));
afterEach(() => server.stop());
after(quit);

const at = (tab, work, options = {}) => withPage(server.url, { hash: `#/operations${tab}`, ...options }, work);
const memory = (page) => page.getByRole('slider', { name: 'Memory: moments' });
const asked = () => server.requests.filter((one) => one.path === '/v1/ops/series').length;
const sent = (method, path) => server.requests.filter((one) => one.method === method && one.path === path).map((one) => JSON.parse(one.body));
const firing = (page, rule) => page.locator(`[data-alert="${rule}"]`);

test('the room comes when it is entered, and not before', async () => {
  await withPage(server.url, {}, async (page) => {
    await page.getByRole('contentinfo').getByText('ready').waitFor();
    const fetched = () => page.evaluate(() => performance.getEntriesByType('resource').filter((one) => one.name.includes('Operations')).length);
    assert.equal(await fetched(), 0);
    await page.getByRole('link', { name: 'Operations' }).click();
    await page.getByText('2 alerts fire, 1 incident is open, 1 part has a problem, 1 objective is overdrawn, 1 kind of upkeep failed.').waitFor();
    assert.equal(await fetched(), 2);
  });
});

test('tabs are walked with the arrows, and each has an address', async () => {
  await at('', async (page) => {
    await page.getByRole('tab', { name: 'Overview', selected: true }).focus();
    await page.keyboard.press('ArrowRight');
    await page.getByRole('tab', { name: 'Charts', selected: true }).waitFor();
    assert.equal(await page.evaluate(() => window.location.hash), '#/operations/charts');
    await page.keyboard.press('End');
    await page.getByRole('tab', { name: 'Runbooks', selected: true }).waitFor();
    await page.keyboard.press('ArrowRight');
    await page.getByRole('tab', { name: 'Overview', selected: true }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Overview');
    await page.keyboard.press('ArrowLeft');
    await page.waitForFunction(() => document.title === 'Runbooks · Operations · Ibid.');
    await page.goBack();
    await page.getByRole('tabpanel', { name: 'Overview' }).waitFor();
  });
});

test('the overview tells what is wrong, what is left and what to do', async () => {
  await at('', async (page) => {
    await page.getByText('The backup to elsewhere is 12 min behind.').first().waitFor();
    await page.getByRole('timer').getByText(/^1\d:\d\d$/).waitFor();
    await page.getByText('elsewhere not reachable').waitFor();
    await page.getByText('passed 10 h ago, working again in 8 s').waitFor();
    assert.equal(await page.getByRole('meter', { name: 'Error budget of availability' }).getAttribute('aria-valuenow'), '82');
    assert.equal(await page.getByRole('meter', { name: 'Error budget of answers' }).getAttribute('aria-valuetext'), 'overdrawn by 50 %');
    await page.getByText('burns 3.2 times too fast').waitFor();
    await page.getByText('ibid jobs list --state failed, then').waitFor();
    await page.getByText('1 round of 2 failed.').waitFor();
    await page.getByRole('link', { name: 'Read the runbook' }).click();
    await page.getByRole('heading', { name: 'A backup is late' }).waitFor();
  });
});

test('where all is well the overview says so', async () => {
  Object.assign(server.operations, { alerts: [], pending: [], silences: [], incidents: [], findings: [], drills: [], slo: [], tasks: { tasks: [], rounds: [] } });
  await at('', async (page) => {
    await page.getByText('All is well.').waitFor();
    for (const words of ['No alert fires.', 'No incident is open.', 'No objectives are set.', 'none yet']) await page.getByText(words).waitFor();
  });
});

test('a server without a backup says what to set', async () => {
  server.operations.backup = null;
  await at('', async (page) => page.getByText('Nothing is backed up.').waitFor(), { expectErrors: true });
  await at('/backups', async (page) => {
    await page.getByText('Set it to true and start the server again.').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Back up now…' }).count(), 0);
  }, { expectErrors: true });
});

test('a server that goes away keeps what was read, says so once, and is found again', async () => {
  await at('', async (page) => {
    await page.getByText('2 alerts fire').waitFor();
    server.down = true;
    server.http.closeAllConnections();
    await page.getByRole('button', { name: 'Look at everything' }).click();
    const note = page.getByRole('alert');
    await note.getByText('What you see is as of the last answer.').waitFor();
    assert.equal(await note.count(), 1);
    await page.getByText('The backup to elsewhere is 12 min behind.').first().waitFor();
    server.down = false;
    await note.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('2 alerts fire').waitFor();
    assert.equal(await note.count(), 0);
  }, { expectErrors: true });
});

test('what reads the whole library is looked at when somebody asks for it', async () => {
  server.operations.looked = [{ area: 'store', state: 'problem', code: 'store_corrupt', what: 'page 7 is damaged', fix: 'ibid runbook run store-damaged' }];
  await at('', async (page) => {
    await page.getByText('The backup to elsewhere is 12 min behind.').first().waitFor();
    assert.equal(await page.getByText('page 7 is damaged').count(), 0);
    await page.getByRole('button', { name: 'Look at everything' }).click();
    await page.getByText('page 7 is damaged').first().waitFor();
    assert.equal(await page.getByText('The backup to elsewhere is 12 min behind.').count() > 0, true);
  });
});

test('who may not look is told so once and not asked again', async () => {
  server.refuse = ({ path }) => (/^\/v1\/(ops|providers|limits)/.test(path) ? { status: 403, type: 'forbidden', code: 'role_forbidden', message: 'this key may not look at operations' } : null);
  await at('', async (page) => {
    await page.getByRole('alert').getByText('This key may not look at operations.').waitFor();
    assert.equal(await page.getByRole('alert').count(), 1);
  }, { expectErrors: true });
  for (const tab of ['/alerts', '/backups', '/incidents', '/charts', '/providers', '/blocked', '/runbooks']) {
    await at(tab, async (page) => {
      await page.getByRole('alert').waitFor();
      await page.waitForLoadState('networkidle');
      assert.equal(await page.getByRole('alert').count(), 1, tab);
    }, { expectErrors: true });
  }
});

test('a session that ends shows the room again as it was, once somebody has signed in', async () => {
  await at('/alerts', async (page) => {
    await page.getByLabel('Find a rule').fill('disk');
    server.identity.end();
    await page.getByRole('button', { name: 'Send a test…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Send it' }).click();
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.keyboard.press('Enter');
    await page.getByRole('list', { name: 'The test' }).getByText('delivered').waitFor();
    assert.equal(await page.getByLabel('Find a rule').inputValue(), 'disk');
  }, { expectErrors: true });
});

test('charts of a day, a week and a month, in five views', async () => {
  await at('/charts', async (page) => {
    await memory(page).waitFor();
    assert.equal(await page.locator('figure').count(), 9);
    assert.match(await memory(page).getAttribute('aria-valuetext'), /latest: resident \d+ MB/);
    await page.getByText('and 2 smaller').waitFor();
    const before = asked();
    await page.getByRole('button', { name: '30 days' }).click();
    await page.getByRole('button', { name: '30 days', pressed: true }).waitFor();
    await page.waitForFunction(() => document.querySelectorAll('figure').length === 9);
    assert.ok(asked() > before);
    for (const view of ['Performance', 'Quality', 'Security', 'Business']) {
      await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: view }).click();
      await page.locator('figure').first().waitFor();
      assert.equal(await page.evaluate(() => window.location.hash), `#/operations/charts/${view.toLowerCase()}`);
    }
  });
});

test('a share is one part of another', async () => {
  server.operations.series = ({ name, verdict, to, by }) => {
    const value = verdict === 'supported' ? 3 : 4;
    return { name, how: 'increase', step: 900, lines: by ? [] : [{ label: '', points: [{ at: Number(to), value }] }] };
  };
  await at('/charts/quality', async (page) => {
    const chart = page.getByRole('slider', { name: 'Claims with support: moments' });
    await chart.waitFor();
    assert.equal(await chart.getAttribute('aria-valuetext'), 'latest: supported 75 %');
  });
});

test('a chart is walked through with the keyboard', async () => {
  await at('/charts', async (page) => {
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

test('a server that keeps no metrics says so', async () => {
  server.refuse = ({ path }) => (path === '/v1/ops/series' ? { status: 503, type: 'unavailable', code: 'series_missing', message: 'no metrics are kept here' } : null);
  await at('/charts', async (page) => {
    await page.getByRole('alert').getByText('No metrics are kept here.').waitFor();
    await page.getByRole('button', { name: 'Try again' }).waitFor();
  }, { expectErrors: true });
});

test('an alert is taken under a name that is remembered', async () => {
  await at('/alerts', async (page) => {
    await firing(page, 'backup-behind').getByText('nobody has it').waitFor();
    await firing(page, 'backup-behind').getByRole('button', { name: 'Take it…' }).click();
    await page.getByRole('dialog').getByLabel('Your name').fill('jo');
    await page.keyboard.press('Enter');
    await firing(page, 'backup-behind').getByText('taken by jo').waitFor();
    assert.deepEqual(sent('POST', '/v1/ops/alerts/7/acknowledge'), [{ by: 'jo' }]);
    assert.equal(await page.getByRole('dialog').count(), 0);
    assert.equal(await page.evaluate(() => document.activeElement.id), 'tab-panel');
    await page.getByText('Fires when it has held for 10 min.').waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'Silence a rule…' }).click();
    assert.equal(await page.getByRole('dialog').getByLabel('Your name').inputValue(), 'jo');
    await page.keyboard.press('Escape');
    assert.equal(await page.getByRole('dialog').count(), 0);
  });
});

test('an alert is silenced for a time and a reason, and the silence ended', async () => {
  await at('/alerts', async (page) => {
    await firing(page, 'backup-behind').getByRole('button', { name: 'Silence…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('combobox', { name: 'For' }).selectOption('4 hours');
    await dialog.getByRole('button', { name: 'Silence' }).click();
    assert.equal(await dialog.count(), 1, 'a silence has a reason');
    await dialog.getByLabel('Reason').fill('the line is being mended');
    await dialog.getByRole('button', { name: 'Silence' }).click();
    const made = page.locator('[data-silence="backup-behind"]');
    await made.getByText('The line is being mended.').waitFor();
    assert.deepEqual(sent('POST', '/v1/ops/silences'), [{ rule: 'backup-behind', subject: 'elsewhere', minutes: 240, reason: 'the line is being mended', by: '' }]);
    await firing(page, 'backup-behind').getByText('silenced', { exact: true }).waitFor();
    await made.getByRole('button', { name: 'End it…' }).click();
    await dialog.getByRole('button', { name: 'End it' }).click();
    await made.waitFor({ state: 'detached' });
  });
});

test('what the server refuses is told in the dialog, which stays', async () => {
  await at('/alerts', async (page) => {
    await page.getByRole('button', { name: 'Silence a rule…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Rule,').fill('nonsense');
    await dialog.getByLabel('Reason').fill('to see');
    await page.keyboard.press('Enter');
    await dialog.getByText("There is no rule 'nonsense'").waitFor();
    await dialog.getByLabel('Rule,').fill('back*');
    await page.keyboard.press('Enter');
    await page.locator('[data-silence="back*"]').waitFor();
  }, { expectErrors: true });
});

test('rules are found, and say what they measure', async () => {
  await at('/alerts', async (page) => {
    await page.getByLabel('Find a rule').fill('disk');
    await page.locator('[data-rule="searches-slow"]').waitFor({ state: 'detached' });
    await page.locator('[data-rule="disk-low"] summary').click();
    await page.getByText('ibid_disk_free_bytes / ibid_disk_total_bytes < 0.1').waitFor();
    await page.getByLabel('Find a rule').fill('no such thing');
    await page.getByText('No rule fits.').waitFor();
    await page.getByRole('button', { name: 'Send a test…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Send it' }).click();
    await page.getByRole('list', { name: 'The test' }).getByText('delivered').waitFor();
  });
});

test('an incident is opened by hand', async () => {
  await at('/incidents', async (page) => {
    await page.locator('[data-incident="2"]').getByText('taken after 10 min, in time').waitFor();
    await page.getByRole('button', { name: 'Open an incident…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('What is wrong').fill('answers take a minute');
    await dialog.getByLabel('Priority').selectOption('1');
    await dialog.getByLabel('Your name').fill('jo');
    await dialog.getByRole('button', { name: 'Open it' }).click();
    await page.getByRole('heading', { name: 'Answers take a minute' }).waitFor();
    assert.equal(await page.evaluate(() => window.location.hash), '#/operations/incidents/4');
    assert.deepEqual(sent('POST', '/v1/ops/incidents'), [{ title: 'answers take a minute', priority: 1, runbook: '', by: 'jo' }]);
  });
});

test('an incident is taken, led, told of, noted in and over', async () => {
  await at('/incidents/3', async (page) => {
    const log = page.getByRole('log');
    const dialog = page.getByRole('dialog');
    await page.getByRole('timer').waitFor();
    await page.getByRole('button', { name: 'Take it…' }).click();
    await dialog.getByLabel('Your name').fill('jo');
    await dialog.getByRole('button', { name: 'Take it' }).click();
    await page.getByText('taken after').waitFor();
    await page.getByRole('button', { name: 'Take the role commander' }).click();
    assert.equal(await dialog.getByLabel('Name;').inputValue(), 'jo');
    await dialog.getByRole('button', { name: 'Give it' }).click();
    await log.getByText('commander: jo').waitFor();
    await page.getByLabel('Add to it').fill('the cable was loose');
    await page.getByLabel('What it is').selectOption('what I changed');
    await page.getByLabel('Add to it').press('Enter');
    await log.getByText('the cable was loose').waitFor();
    assert.equal(await page.getByLabel('Add to it').inputValue(), '');
    await page.getByRole('button', { name: 'Priority…' }).click();
    await dialog.getByLabel('Priority').selectOption('2');
    await dialog.getByRole('button', { name: 'Change it' }).click();
    await page.getByText('P2', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Write it…' }).click();
    assert.match(await dialog.getByLabel('Message').inputValue(), /^We see a problem/);
    await dialog.getByRole('button', { name: 'Say it' }).click();
    await page.getByRole('blockquote').getByText('We see a problem').waitFor();
    await page.getByRole('button', { name: 'It is over…' }).click();
    await dialog.getByRole('button', { name: 'It is over' }).click();
    await page.getByRole('button', { name: 'Close it…' }).waitFor();
    const changes = sent('POST', '/v1/ops/incidents/3/events');
    assert.deepEqual(changes[2], { by: 'jo', note: 'the cable was loose', kind: 'change' });
    assert.ok(changes.every((one) => one.by === 'jo'));
    const [saved] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save the review' }).click()]);
    assert.equal(saved.suggestedFilename(), 'incident-3.md');
  });
});

test('the timeline follows what others write', async () => {
  await at('/incidents/3', async (page) => {
    await page.getByRole('log').getByText('opened as P1').waitFor();
    server.operations.note(3, 'note', 'mara', 'the provider mends it');
    await page.getByRole('log').getByText('the provider mends it').waitFor();
  });
});

test('an incident that there is not says so', async () => {
  await at('/incidents/99', async (page) => page.getByRole('alert').getByText('There is no incident 99').waitFor(), { expectErrors: true });
});

test('backups are made, verified and rehearsed, and what was found is told', async () => {
  const held = gate();
  server.operations.until = held.opened;
  await at('/backups', async (page) => {
    await page.getByText('Cannot write to elsewhere: connection refused.').waitFor();
    await page.getByText('8 of 8').waitFor();
    await page.getByRole('button', { name: 'Back up now…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Back up' }).click();
    await page.getByRole('progressbar', { name: 'A base is made' }).waitFor();
    assert.ok(await page.getByRole('button', { name: 'Verify every object' }).isDisabled());
    held.open();
    await page.getByText('A base of commit 4212 is in disk').waitFor();
    const reading = gate();
    server.operations.until = reading.opened;
    await page.getByRole('button', { name: 'Verify every object' }).click();
    assert.equal(await page.getByRole('progressbar', { name: 'Every object is read: disk, pieces' }).getAttribute('value'), '0.25');
    await page.getByText('25 %, for').waitFor();
    reading.open();
    await page.getByText('elsewhere: pieces/ab/cdef: its checksum is not that of its content').waitFor();
    await page.getByRole('button', { name: 'Rehearse a restore…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Rehearse' }).click();
    await page.getByText('the first correct answer came after 8 s').waitFor();
    await page.getByRole('list', { name: 'Rehearsals' }).getByRole('listitem').nth(2).waitFor();
  });
});

test('a destination that cannot be read says why, and the others are shown', async () => {
  const failure = { code: 'backup_unreachable', reason: `the backup elsewhere cannot be read: ${'because of another: '.repeat(20)}` };
  server.operations.held[1] = server.operations.verified[1] = { destination: 'elsewhere', failure };
  await at('/backups', async (page) => {
    await page.getByText('elsewhere: the backup elsewhere cannot be read').waitFor();
    await page.getByText('Newest moment that can be restored').locator('..').getByText('1 min ago').waitFor();
    await page.getByRole('button', { name: 'Verify every object' }).click();
    await page.getByText('disk: 812 objects, 88.0 MB, all sound.').waitFor();
    assert.equal(await page.getByText('elsewhere: the backup elsewhere cannot be read').count(), 2);
  });
});

test('a part comes back after one has seen what would come', async () => {
  await at('/backups', async (page) => {
    await page.getByLabel('Its id or source').fill('handbook.md');
    await page.getByRole('button', { name: 'What would come?' }).click();
    await page.getByText('1 document would come').waitFor();
    await page.getByText('document, takes the place').waitFor();
    await page.getByRole('button', { name: 'Bring it back…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Bring it back' }).click();
    await page.getByText('1 document came back').waitFor();
    const asked = { to: 'latest', only: 'document=handbook.md' };
    assert.deepEqual(sent('POST', '/v1/ops/restores'), [{ ...asked, dry_run: true }, { ...asked, dry_run: false }]);
  });
});

test('the command of a restore is exact, and copied', async () => {
  await at('/backups', async (page) => {
    await page.getByText('ibid restore --to latest --dry-run').waitFor();
    await page.getByLabel('Moment').selectOption('a time');
    await page.getByText('Choose a time.').waitFor();
    await page.getByLabel('All that was committed up to').fill('2026-11-21T14:30:05');
    await page.getByLabel('Into a new directory').fill("/srv/mara's copy");
    await page.getByText("ibid restore --to 2026-11-21T14:30:05Z --into '/srv/mara'\\''s copy'").waitFor();
    await page.getByRole('button', { name: 'Copy the command that restores' }).click();
    await page.getByText('Copied').first().waitFor();
  }, { timezoneId: 'UTC' });
});

test('providers tell how they fare, what is left and who is asked after whom', async () => {
  await at('/providers', async (page) => {
    const large = page.getByRole('article', { name: 'large' });
    await large.getByText('41 calls, 1 failed').waitFor();
    await large.getByText('p50 421 ms, p95 1.8 s').waitFor();
    await large.getByText('46 of 60 left').waitFor();
    assert.equal(await large.getByRole('meter', { name: 'requests per minute of large' }).getAttribute('aria-valuenow'), '77');
    await page.getByRole('article', { name: 'spare' }).getByText('not asked for now').waitFor();
    assert.deepEqual(await page.getByRole('list', { name: 'Models of standard, in order' }).getByRole('listitem').allTextContents(), ['large', 'then\u00a0spare', 'then\u00a0here']);
    await page.getByRole('button', { name: 'Try it: large' }).click();
    await large.getByText('It answered in 640 ms: “ready”').waitFor();
    await page.getByRole('button', { name: 'Try it: spare' }).click();
    await page.getByText('The provider does not take the key.').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Try it: all-MiniLM-L6-v2' }).count(), 0);
  });
});

test('an address is blocked and unblocked by an administrator; others see it', async () => {
  await at('/blocked', async (page) => {
    await page.locator('[data-block="198.51.100.23"]').getByText('by the server itself').waitFor();
    await page.getByRole('button', { name: 'Block an address…' }).click();
    await page.getByLabel('Address, or a network').fill('everybody');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByText('is no network; write 192.0.2.7').waitFor();
    await page.getByLabel('Address, or a network').fill('192.0.2.7');
    await page.getByLabel('For').selectOption('1 hour');
    await page.getByLabel('Reason').fill('it guesses');
    await page.keyboard.press('Enter');
    await page.locator('[data-block="192.0.2.7"]').getByText('It guesses.').waitFor();
    assert.deepEqual(sent('PUT', '/v1/limits/blocks').at(-1), { network: '192.0.2.7', reason: 'it guesses', minutes: 60 });
    await page.getByRole('button', { name: 'Unblock 203.0.113.0/24…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Unblock it' }).click();
    await page.locator('[data-block="203.0.113.0/24"]').waitFor({ state: 'detached' });
  }, { expectErrors: true });
  server.identity.grants = [{ holder: 'user:u-ada', name: 'ada', role: 'operator' }];
  await at('/blocked', async (page) => {
    await page.locator('[data-block="192.0.2.7"]').waitFor();
    assert.equal(await page.getByRole('button', { name: /lock/ }).count(), 0);
  });
});

test('a runbook is read, step by step', async () => {
  await at('/runbooks', async (page) => {
    await page.getByRole('link', { name: 'A backup is late' }).click();
    await page.getByText('ibid runbook run backup-failed').waitFor();
    await page.getByText('or a rehearsal failed.').waitFor();
    await page.getByText('Step 4').waitFor();
    await page.getByText('Asks first: make a base now?').waitFor();
    assert.equal(await page.locator('code', { hasText: /^ibid backup status$/ }).count(), 2);
  });
});

for (const tab of ['', '/charts', '/charts/performance', '/alerts', '/incidents', '/incidents/3', '/backups', '/providers', '/blocked', '/runbooks', '/runbooks/backup-failed']) {
  test(`nothing is cut off on a phone: operations${tab}`, async () => {
    server.operations.incidents[0].title = 'unbroken'.repeat(30);
    server.operations.alerts[0].summary = 'unbroken'.repeat(30);
    const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };
    await at(tab, async (page) => {
      await page.getByRole('tabpanel').waitFor();
      await page.waitForLoadState('networkidle');
      for (const summary of await page.getByRole('tabpanel').locator('summary').all()) await summary.click();
      await assertNoOverflow(page);
    }, phone);
  });
}
