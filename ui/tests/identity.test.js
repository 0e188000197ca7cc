// Who is let in: signing in and out, one-time links, keys, what each role sees, the account, the people and the audit log.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { assertNoOverflow, assertNothingToMend, launch, quit, withPage } from './support/browser.js';
import { PASSWORD } from './support/identity.js';
import { ScriptedServer } from './support/server.js';

let server;
before(launch);
after(quit);
beforeEach(async () => (server = await ScriptedServer.start()));
afterEach(() => server.stop());

const at = (hash, work, options = {}) => withPage(server.url, { hash, expectErrors: true, ...options }, work);
const sent = (method, path) => server.requests.filter((one) => one.method === method && one.path === path).map((one) => (one.body.length ? JSON.parse(one.body) : null));
const asked = (path) => server.requests.filter((one) => one.path === path).length;
const hash = (page) => page.evaluate(() => window.location.hash);
const password = (page) => page.getByLabel('Password', { exact: true });
const dialog = (page) => page.getByRole('dialog');
const somebody = (page, name) => page.locator(`[data-user="${name}"]`);

async function signIn(page, name = 'ada', words = PASSWORD) {
  await page.getByLabel('Name', { exact: true }).fill(name);
  await password(page).fill(words);
  await page.keyboard.press('Enter');
}

// Leaves one role to whoever is signed in.
function only(role, workspace) {
  server.identity.grants = [{ holder: 'user:u-ada', name: 'ada', role, ...(workspace ? { workspace } : {}) }];
}

test('whoever has no session signs in and is where they wanted to go', async () => {
  server.identity.end('key_missing');
  await at('#/documents', async (page) => {
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.waitForFunction(() => document.activeElement.autocomplete === 'username');
    assert.equal(await password(page).getAttribute('autocomplete'), 'current-password');
    assert.equal(asked('/v1/documents'), 0, 'nothing is asked for before somebody is in');
    await signIn(page, ' Ada ');
    await page.getByRole('search').getByText('4 documents').waitFor();
    assert.deepEqual(sent('POST', '/v1/auth/sign-in'), [{ name: 'Ada', password: PASSWORD }]);
    assert.equal(await dialog(page).count(), 0);
  });
});

test('a wrong password is told as the server tells it, and a lock with the time of the next attempt', async () => {
  server.identity.end('key_missing');
  await at('#/', async (page) => {
    await signIn(page, 'ada', 'wrong wrong wrong');
    await page.getByRole('alert').getByText('The name or the password is wrong').waitFor();
    await page.getByText('sign_in_failed').waitFor();
    assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'ada');
    server.identity.lockedUntil = new Date().toISOString();
    const time = await page.evaluate((at) => new Date(at).toLocaleTimeString('en-GB'), server.identity.lockedUntil);
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText(`Too many wrong passwords: the next attempt can be made at ${time}.`).waitFor();
    server.identity.lockedUntil = null;
    await signIn(page);
    await page.getByRole('heading', { name: 'What do you want to know?' }).waitFor();
  });
});

test('there is nothing to see behind the sign-in, and what is typed is shown only when that is wanted', async () => {
  server.identity.end('key_missing');
  await at('#/', async (page) => {
    await password(page).fill('secret');
    assert.equal(await password(page).getAttribute('type'), 'password');
    await page.getByRole('button', { name: 'Show: Password' }).click();
    assert.equal(await password(page).getAttribute('type'), 'text');
    await page.getByRole('button', { name: 'Hide: Password' }).click();
    for (let times = 0; times < 3; times += 1) await page.keyboard.press('Escape');
    assert.equal(await password(page).inputValue(), 'secret');
    await assertNothingToMend(page);
  });
});

test('on the first run there is no form but the way to the first account', async () => {
  server.identity.end('key_missing');
  server.identity.isFirstRun = true;
  await at('#/', async (page) => {
    await page.getByRole('heading', { name: 'Nobody has an account here yet' }).waitFor();
    await page.getByText('ibid auth link', { exact: true }).waitFor();
    assert.equal(await page.locator('form').count(), 0);
    await assertNothingToMend(page);
    // Another tab opens the link.
    Object.assign(server.identity, { isFirstRun: false, signedIn: 'ada' });
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await page.getByRole('heading', { name: 'What do you want to know?' }).waitFor();
  });
});

test('a link makes the first account, and its token is nowhere afterwards', async () => {
  server.identity.end('key_missing');
  server.identity.isFirstRun = true;
  await at('#/welcome/ibid_first', async (page) => {
    await page.getByRole('heading', { name: 'Welcome. Make your account' }).waitFor();
    assert.equal(await hash(page), '#/welcome');
    assert.equal(asked('/v1/status') + asked('/v1/auth/me'), 0);
    await assertNothingToMend(page);
    await page.getByLabel('Name', { exact: true }).fill('Grace');
    assert.equal(await password(page).getAttribute('autocomplete'), 'new-password');
    await password(page).fill('short');
    await page.keyboard.press('Enter');
    assert.equal(sent('POST', '/v1/auth/link').length, 0);
    await password(page).fill('password password');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('The password is one of those that are tried first').waitFor();
    await password(page).fill('three brown owls wait');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'What do you want to know?' }).waitFor();
    assert.deepEqual(sent('POST', '/v1/auth/link').at(-1), { token: 'ibid_first', password: 'three brown owls wait', name: 'Grace' });
    assert.equal(await hash(page), '#/');
    await page.getByRole('link', { name: 'Account: grace' }).waitFor();
    await page.goBack().catch(() => undefined);
    assert.ok(!page.url().includes('ibid_first'));
  });
});

test('a link is opened in the very tab that says that nobody has an account', async () => {
  server.identity.end('key_missing');
  server.identity.isFirstRun = true;
  await at('#/documents', async (page) => {
    await page.getByRole('heading', { name: 'Nobody has an account here yet' }).waitFor();
    await page.goto(`${server.url}/#/welcome/ibid_first`);
    await page.getByLabel('Name', { exact: true }).fill('grace');
    await password(page).fill('three brown owls wait');
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'Account: grace' }).waitFor();
    assert.equal(await dialog(page).count(), 0);
  });
});

test('a link for an account that is there asks for a password only', async () => {
  server.identity.end('key_missing');
  await at('#/welcome/ibid_jo', async (page) => {
    await page.getByRole('heading', { name: 'Welcome. Choose a password' }).waitFor();
    assert.equal(await page.getByLabel('Name', { exact: true }).count(), 0);
    await password(page).fill('three brown owls wait');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Nothing has been granted to you yet' }).waitFor();
    await page.getByText('You are signed in as jo.').waitFor();
    assert.equal(await page.getByRole('navigation', { name: 'Pages' }).getByRole('link').count(), 1);
    assert.equal(asked('/v1/status'), 0, 'whoever may do nothing asks for nothing');
  });
});

test('a link that is over says what that means, and so does one whose token is gone', async () => {
  server.identity.end('key_missing');
  await at('#/welcome/ibid_used', async (page) => {
    await password(page).fill('three brown owls wait');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'This link is over' }).waitFor();
    await page.getByText('ibid auth link NAME').waitFor();
    await assertNothingToMend(page);
    await page.reload();
    await page.getByRole('heading', { name: 'Open the link once more' }).waitFor();
    await page.getByRole('link', { name: 'sign in' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  });
});

test('whoever opens a link in a page of somebody else begins anew', async () => {
  await at('#/documents', async (page) => {
    await page.getByRole('search').getByText('4 documents').waitFor();
    await page.evaluate(() => (window.isOld = true));
    await page.evaluate(() => (window.location.hash = '#/welcome/ibid_jo'));
    await password(page).fill('three brown owls wait');
    await page.keyboard.press('Enter');
    await page.getByText('You are signed in as jo.').waitFor();
    assert.equal(await page.evaluate(() => window.isOld), undefined);
  });
});

test('a session that ends in the middle of work is gone on with after signing in', async () => {
  await at('#/', async (page) => {
    await page.getByRole('textbox', { name: 'Your question' }).fill('How much annual leave does everyone have?');
    server.identity.end();
    await page.keyboard.press('Enter');
    await page.getByText('You are not signed in any more.').waitFor();
    assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'ada');
    await password(page).fill(PASSWORD);
    await page.keyboard.press('Enter');
    await page.locator('.verdict').waitFor();
    assert.equal(await dialog(page).count(), 0);
  });
});

test('an upload goes on after signing in', async () => {
  await at('#/documents', async (page) => {
    await page.getByRole('search').getByText('4 documents').waitFor();
    server.identity.end();
    await page.getByLabel('Files to add').setInputFiles([{ name: 'k.txt', mimeType: 'text/plain', buffer: Buffer.from('Words.') }]);
    await password(page).fill(PASSWORD);
    await page.keyboard.press('Enter');
    await page.locator('[data-upload="k.txt"]').getByText('3 chunks').waitFor();
  });
});

test('another person than before sees nothing of what was on the screen', async () => {
  server.identity.passwords.mara = PASSWORD;
  await at('#/search', async (page) => {
    await page.getByLabel('Words to search for').fill('annual');
    await page.keyboard.press('Enter');
    await page.getByText(/passages? in/).waitFor();
    server.identity.end();
    await page.evaluate(() => window.dispatchEvent(new Event('online')));
    await signIn(page, 'mara');
    await page.getByRole('link', { name: 'Account: mara' }).waitFor();
    await page.getByRole('heading', { name: 'What do you want to know?' }).waitFor();
    assert.equal(await page.getByText('annual').count(), 0);
  });
});

test('a key does instead: refused where it is wrong, kept for the tab, and forgotten', async () => {
  server.identity.end('key_missing');
  server.key = 'ibid_right';
  await at('#/documents', async (page) => {
    await page.getByRole('button', { name: 'Use an API key instead' }).click();
    await page.getByLabel('API key').fill('ibid_wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('That key was not accepted').waitFor();
    await page.getByLabel('API key').fill('ibid_right');
    await page.keyboard.press('Enter');
    await page.getByRole('search').getByText('4 documents').waitFor();
    await page.goto(`${server.url}/#/documents/doc-travel`);
    const [saved] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save the original' }).click()]);
    assert.equal(saved.suggestedFilename(), 'reisekosten.md');
    await page.getByRole('link', { name: 'Account: laptop' }).click();
    await page.getByText('an API key').waitFor();
    await page.getByRole('button', { name: 'Forget the key' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  });
});

test('a key is kept nowhere in the browser, and one that was revoked is said to be', async () => {
  server.identity.end('key_missing');
  server.key = 'ibid_right';
  const kept = (page) => page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
  await at('#/documents', async (page) => {
    // As a former version of the page left it.
    await page.evaluate(() => localStorage.setItem('ibid.key', 'ibid_former'));
    await page.reload();
    await page.getByRole('button', { name: 'Use an API key instead' }).click();
    await page.getByLabel('API key').fill('ibid_right');
    await page.getByRole('button', { name: 'Use this key' }).click();
    await page.getByRole('search').getByText('4 documents').waitFor();
    const found = await kept(page);
    assert.ok(!found.includes('ibid_right') && !found.includes('ibid_former'), found);
    server.key = null;
    await page.getByLabel('Find by title or path').fill('handbook');
    await page.getByText('The key that this browser has is not accepted any more.').waitFor();
    await page.getByRole('button', { name: 'Sign in with a name instead' }).click();
    await signIn(page);
    // Somebody else than the key: nothing of what it saw is left.
    await page.getByRole('heading', { name: 'What do you want to know?' }).waitFor();
  });
});

test('a reader sees neither operations nor people, and changes nothing', async () => {
  only('reader');
  await at('#/documents', async (page) => {
    await page.getByRole('search').getByText('4 documents').waitFor();
    const links = await page.getByRole('navigation', { name: 'Pages' }).getByRole('link').allTextContents();
    assert.deepEqual(links, ['Chat', 'Search', 'Documents', 'Memory', 'Runs', 'Flows', 'API']);
    assert.equal(await page.getByRole('button', { name: 'Add files' }).count(), 0);
    await page.goto(`${server.url}/#/documents/doc-runbook`);
    await page.getByRole('button', { name: 'Ask about it' }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Delete' }).count(), 0);
    await page.goto(`${server.url}/#/flows`);
    await page.getByText('Sorts a request').waitFor();
    assert.equal(await page.getByRole('link', { name: 'New flow' }).count(), 0);
    await page.goto(`${server.url}/#/flows/triage`);
    await page.getByText('Whoever may build can save it').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Save' }).count(), 0);
  });
});

test('what is refused all the same is told as the server tells it', async () => {
  only('reader');
  server.refuse = ({ path }) => (path.startsWith('/v1/users') || path.startsWith('/v1/grants') ? { status: 403, type: 'forbidden', code: 'not_allowed', message: 'user ada may not decide who may what on this server' } : null);
  await at('#/people', (page) => page.getByRole('alert').getByText('User ada may not decide who may what on this server.').waitFor());
});

test('whoever runs the server begins in its room and reads no documents', async () => {
  only('operator');
  await at('#/', async (page) => {
    await page.getByRole('meter').first().waitFor();
    assert.equal(await hash(page), '#/operations');
    const links = await page.getByRole('navigation', { name: 'Pages' }).getByRole('link').allTextContents();
    assert.deepEqual(links, ['Operations', 'API']);
    assert.equal(await page.getByRole('link', { name: /Approvals/ }).count(), 0);
    assert.equal(asked('/v1/approvals') + asked('/v1/threads'), 0);
  });
});

test('whoever may look into one workspace is in it', async () => {
  server.workspaces = ['default', 'legal'];
  only('editor', 'legal');
  await at('#/documents', async (page) => {
    await page.getByRole('button', { name: 'Add files' }).waitFor();
    await page.getByRole('search').getByText('4 documents').waitFor();
    assert.ok(server.requests.filter((one) => one.path === '/v1/documents' || one.path === '/v1/status').every((one) => one.query.workspace === 'legal'));
  });
});

test('one signs out, and the page is empty', async () => {
  await at('#/', async (page) => {
    await page.getByRole('link', { name: 'Account: ada' }).click();
    await page.getByText('add and delete documents').waitFor();
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    assert.equal(sent('POST', '/v1/auth/sign-out').length, 1);
    assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), '');
    await signIn(page);
    await page.getByRole('heading', { name: 'What do you want to know?' }).waitFor();
  });
});

test('a password is changed by whoever knows the former one', async () => {
  await at('#/account', async (page) => {
    await page.getByRole('button', { name: 'Change the password…' }).click();
    await dialog(page).getByLabel('Password until now', { exact: true }).fill('wrong wrong wrong');
    await dialog(page).getByLabel('New password', { exact: true }).fill('three brown owls wait');
    await page.keyboard.press('Enter');
    await dialog(page).getByText('The name or the password is wrong.').waitFor();
    await dialog(page).getByLabel('Password until now', { exact: true }).fill(PASSWORD);
    await page.keyboard.press('Enter');
    await page.getByText('The password is changed. Other devices are signed out.').waitFor();
    await page.waitForFunction(() => document.querySelectorAll('[data-session]').length === 1);
  });
});

async function confirmOut(page, words = PASSWORD) {
  await dialog(page).getByLabel('Your password', { exact: true }).fill(words);
  await dialog(page).getByRole('button', { name: 'Sign out' }).click();
}

test('devices are signed out one by one, or all at once', async () => {
  await at('#/account', async (page) => {
    await page.getByRole('button', { name: 'Sign out Safari on iPhone from 10.0.0.7…' }).click();
    await page.waitForFunction(() => document.activeElement?.autocomplete === 'current-password');
    await confirmOut(page, 'wrong wrong wrong');
    await dialog(page).getByText('The name or the password is wrong.').waitFor();
    await assertNothingToMend(page);
    await confirmOut(page);
    await page.locator('[data-session="s-2"]').waitFor({ state: 'detached' });
    server.identity.sessions.push({ ...server.identity.sessions[0], id: 's-3', is_this: false, device: '' });
    await page.reload();
    await page.getByText('a program without a name').waitFor();
    await page.getByRole('button', { name: 'Sign out everywhere…' }).click();
    await confirmOut(page);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    assert.deepEqual(sent('DELETE', '/v1/auth/sessions'), [{ password: PASSWORD }]);
  });
});

test('the device that one is at is signed out without more ado', async () => {
  await at('#/account', async (page) => {
    await page.locator('[data-session="s-1"]').getByRole('button', { name: 'Sign out' }).click();
    assert.equal(await dialog(page).getByLabel('Your password').count(), 0);
    await dialog(page).getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  });
});

test('the room comes when it is entered, and its tabs are walked with the arrows', async () => {
  await at('#/', async (page) => {
    await page.getByRole('heading', { level: 1 }).waitFor();
    const fetched = () => page.evaluate(() => performance.getEntriesByType('resource').filter((one) => /People|Entrance/.test(one.name)).length);
    assert.equal(await fetched(), 0);
    await page.getByRole('link', { name: 'People' }).click();
    await page.getByRole('tab', { name: 'Accounts', selected: true }).focus();
    await page.keyboard.press('End');
    await page.getByRole('tab', { name: 'Audit log', selected: true }).waitFor();
    assert.equal(await hash(page), '#/people/audit');
    await page.keyboard.press('ArrowRight');
    await page.getByRole('tab', { name: 'Accounts', selected: true }).waitFor();
  });
});

test('somebody is added with the keyboard alone, and the link to hand over is copied', async () => {
  await at('#/people', async (page) => {
    await page.getByRole('button', { name: 'Add somebody…' }).focus();
    await page.keyboard.press('Enter');
    await page.keyboard.type('bo');
    await page.keyboard.press('Tab');
    await page.keyboard.type('editor');
    await page.keyboard.press('Tab');
    await page.keyboard.type('in default');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText(`${server.url}/#/welcome/ibid_new`).waitFor();
    assert.deepEqual(sent('POST', '/v1/users'), [{ name: 'bo', role: 'editor', workspace: 'default' }]);
    await page.waitForFunction(() => document.activeElement.getAttribute('aria-labelledby') === 'hand-over');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('Copied').first().waitFor();
    await somebody(page, 'bo').getByText('no password yet').waitFor();
    await page.getByRole('button', { name: 'I have it' }).click();
    assert.equal(await page.getByText('ibid_new').count(), 0);
  });
});

test('somebody is kept out, let in and deleted after a question; oneself is not', async () => {
  await at('#/people', async (page) => {
    await somebody(page, 'eve').getByText('kept out').waitFor();
    assert.equal(await somebody(page, 'ada').getByRole('button', { name: /Keep|Delete/ }).count(), 0);
    await page.getByRole('button', { name: 'Keep out mara…' }).click();
    await dialog(page).getByRole('button', { name: 'Keep out' }).click();
    await page.getByRole('button', { name: 'Let in mara…' }).click();
    await dialog(page).getByRole('button', { name: 'Let in' }).click();
    await page.getByRole('button', { name: 'Keep out mara…' }).waitFor();
    assert.deepEqual(sent('PATCH', '/v1/users/u-mara'), [{ is_disabled: true }, { is_disabled: false }]);
    await page.getByRole('button', { name: 'Delete eve…' }).click();
    await dialog(page).getByRole('button', { name: 'Leave it' }).click();
    await page.getByRole('button', { name: 'Delete eve…' }).click();
    await dialog(page).getByRole('button', { name: 'Delete it' }).click();
    await somebody(page, 'eve').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'New link for jo…' }).click();
    await dialog(page).getByRole('button', { name: 'Make it' }).click();
    await page.getByText('/#/welcome/ibid_again').waitFor();
    assert.deepEqual(sent('POST', '/v1/auth/links'), [{ user: 'jo' }]);
  });
});

test('a second factor that somebody lost is reset after a question', async () => {
  await at('#/people', async (page) => {
    await page.getByRole('button', { name: 'Reset second factor of mara…' }).click();
    await dialog(page).getByText('Be sure that it is mara who asks.').waitFor();
    await dialog(page).getByRole('button', { name: 'Reset it' }).click();
    await somebody(page, 'mara').getByText('second factor', { exact: true }).waitFor({ state: 'detached' });
    assert.equal(server.requests.filter((one) => one.method === 'DELETE' && one.path === '/v1/users/u-mara/factors').length, 1);
    assert.equal(await page.getByRole('button', { name: /^Reset second/ }).count(), 0);
  });
});

test('roles are given and taken, and the last owner stays one', async () => {
  await at('#/people', async (page) => {
    await page.getByRole('button', { name: 'Give a role to jo…' }).click();
    await dialog(page).getByLabel('Role').selectOption('operator');
    await dialog(page).getByRole('button', { name: 'Give it' }).click();
    await somebody(page, 'jo').getByText('operator').waitFor();
    await page.getByRole('button', { name: 'mara is auditor in default. Take it away…' }).click();
    await dialog(page).getByRole('button', { name: 'Take it away' }).click();
    await page.getByRole('button', { name: 'mara is auditor in default.' }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Give a role to mara…' }).click();
    await dialog(page).getByText('It takes the place of editor.').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'ada is owner. Take it away…' }).click();
    await dialog(page).getByRole('button', { name: 'Take it away' }).click();
    await dialog(page).getByText('Nobody else is an owner').waitFor();
    assert.deepEqual(sent('PUT', '/v1/grants'), [{ holder: 'user:u-jo', role: 'operator' }]);
  });
});

test('only owners make owners and sign everybody out', async () => {
  only('admin');
  await at('#/people', async (page) => {
    await page.getByRole('button', { name: 'Give a role to jo…' }).click();
    const roles = await dialog(page).getByLabel('Role').locator('option').allTextContents();
    assert.equal(roles.length, 5);
    assert.equal(await page.getByRole('button', { name: 'Sign everybody out…' }).count(), 0);
  });
  only('owner');
  await at('#/people', async (page) => {
    await page.getByRole('button', { name: 'Sign everybody out…' }).click();
    await dialog(page).getByRole('button', { name: 'Sign everybody out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  });
});

test('a group has members and roles', async () => {
  await at('#/people/groups', async (page) => {
    await page.getByRole('button', { name: 'Make a group…' }).click();
    await dialog(page).getByLabel('Name').fill('night');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Add a member to night…' }).click();
    await dialog(page).getByLabel('Who').selectOption('jo');
    await dialog(page).getByRole('button', { name: 'Add' }).click();
    await page.getByRole('button', { name: 'Take jo out of night…' }).click();
    await dialog(page).getByRole('button', { name: 'Take out' }).click();
    await page.locator('[data-group="night"]').getByText('0 members').waitFor();
    await page.getByRole('button', { name: 'Give a role to night…' }).click();
    await dialog(page).getByRole('button', { name: 'Give it' }).click();
    await page.getByRole('button', { name: 'night is reader. Take it away…' }).waitFor();
    await page.getByRole('button', { name: 'Delete night…' }).click();
    await dialog(page).getByRole('button', { name: 'Delete it' }).click();
    await page.locator('[data-group="night"]').waitFor({ state: 'detached' });
    assert.deepEqual(sent('PUT', '/v1/grants'), [{ holder: 'group:g-night', role: 'reader' }]);
  });
});

test('a key is made, shown once, and revoked', async () => {
  await at('#/people/keys', async (page) => {
    await page.locator('[data-key="old"]').getByText('over', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Make a key…' }).click();
    await dialog(page).getByLabel('Name').fill('scanner');
    await dialog(page).getByLabel('Where').selectOption('default');
    await dialog(page).getByLabel('For').selectOption('30 days');
    await dialog(page).getByRole('button', { name: 'Make it' }).click();
    await page.getByText('ibid_a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4').waitFor();
    const [{ expires_at, ...rest }] = sent('POST', '/v1/keys');
    assert.deepEqual(rest, { name: 'scanner', role: 'reader', workspace: 'default' });
    assert.ok(Math.abs(Date.parse(expires_at) - Date.now() - 30 * 86_400_000) < 60_000);
    await page.getByRole('button', { name: 'Revoke scanner…' }).click();
    await dialog(page).getByRole('button', { name: 'Revoke it' }).click();
    await page.locator('[data-key="scanner"]').waitFor({ state: 'detached' });
    assert.equal(await page.getByText('ibid_a1b2c3d4').count(), 0);
  });
});

test('the audit log is walked, verified and taken away', async () => {
  await at('#/people/audit', async (page) => {
    await page.locator('[data-entry="1"]').waitFor();
    await page.getByRole('button', { name: 'Next' }).click();
    await page.locator('[data-entry="51"]').waitFor();
    await page.getByRole('button', { name: 'To the newest' }).click();
    await page.locator('[data-entry="120"]').waitFor();
    assert.ok(await page.getByRole('button', { name: 'Next' }).isDisabled());
    await page.getByRole('button', { name: 'Previous' }).click();
    await page.locator('[data-entry="100"]').waitFor();
    await page.getByRole('button', { name: 'Verify it' }).click();
    await page.getByText('The chain is whole: 120 entries').waitFor();
    const [saved] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download as JSON lines' }).click()]);
    assert.equal(saved.suggestedFilename(), 'audit.jsonl');
    const lines = readFileSync(await saved.path(), 'utf8').trimEnd().split('\n');
    assert.equal(lines.length, 120);
    assert.equal(JSON.parse(lines[119]).number, 120);
    server.identity.entries[7].hash = '';
    await page.getByRole('button', { name: 'Verify it' }).click();
    await page.getByText('Entry 8 of the audit log was changed.').waitFor();
  });
});

test('an auditor reads the log and sees nobody', async () => {
  only('auditor');
  await at('#/', async (page) => {
    await page.getByRole('link', { name: 'People' }).click();
    await page.locator('[data-entry="1"]').waitFor();
    assert.deepEqual(await page.getByRole('tab').allTextContents(), ['Audit log']);
  });
});

for (const [name, place] of [['the sign-in', '#/'], ['the welcome', '#/welcome/ibid_jo']]) {
  test(`nothing is cut off on a phone: ${name}`, async () => {
    server.identity.end('key_missing');
    await at(place, async (page) => {
      await password(page).waitFor();
      await assertNoOverflow(page);
      const box = await page.getByRole('button', { name: /^(Sign in|Set the password)$/ }).boundingBox();
      assert.ok(box.x >= 0 && box.x + box.width <= 360 && box.y + box.height <= 640);
    }, { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true });
  });
}
