// Second factors: the code after the password, passkeys with an authenticator of the browser's own, the sign-in provider, setting
// all of it up, and a server that wants it of everybody.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { assertNoOverflow, assertNothingToMend, launch, quit, withPage } from './support/browser.js';
import { APP_CODE, RECOVERY_CODES } from './support/factors.js';
import { PASSWORD } from './support/identity.js';
import { ScriptedServer } from './support/server.js';

let server;
before(launch);
after(quit);
beforeEach(async () => (server = await ScriptedServer.start()));
afterEach(() => server.stop());

const PHONE = { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true };
const at = (hash, work, options = {}) => withPage(server.url, { hash, expectErrors: true, ...options }, work);
const sent = (method, path) => server.requests.filter((one) => one.method === method && one.path === path).map((one) => JSON.parse(one.body));
const dialog = (page) => page.getByRole('dialog');
const password = (page) => page.getByLabel('Password', { exact: true });
const code = (page) => page.getByLabel('Code', { exact: true });
const focused = (page, name) => page.waitForFunction((wanted) => document.activeElement.name === wanted, name);

async function signIn(page) {
  await page.getByLabel('Name', { exact: true }).fill('ada');
  await password(page).fill(PASSWORD);
  await page.keyboard.press('Enter');
}

// Types the password, and a code where one is given, into the dialog that asks for it.
async function confirm(page, words = PASSWORD, typed = null) {
  await dialog(page).getByLabel('Your password', { exact: true }).fill(words);
  if (typed) await code(page).fill(typed);
  await page.keyboard.press('Enter');
}

function withApp() {
  server.identity.factors.hasApp = true;
  server.identity.factors.codes = [...RECOVERY_CODES];
}

test('after the password the code is asked for, and nothing else again', async () => {
  withApp();
  server.identity.end('key_missing');
  await at('#/documents', async (page) => {
    await signIn(page);
    await page.getByText('Type the code that your authenticator app shows, or a recovery code.').waitFor();
    await focused(page, 'one-time-code');
    assert.equal(await code(page).getAttribute('autocomplete'), 'one-time-code');
    assert.equal(await code(page).getAttribute('inputmode'), 'numeric');
    assert.equal(await password(page).count(), 0);
    await assertNothingToMend(page);
    await page.keyboard.type('000000');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('The code is wrong, or was used before').waitFor();
    await code(page).fill(` ${APP_CODE} `);
    await page.keyboard.press('Enter');
    await page.getByRole('search').getByText('4 documents').waitFor();
    assert.deepEqual(sent('POST', '/v1/auth/sign-in').at(-1), { name: 'ada', password: PASSWORD, code: APP_CODE });
  });
});

test('a recovery code does instead, once, and there is a way back', async () => {
  withApp();
  server.identity.end('key_missing');
  await at('#/', async (page) => {
    await signIn(page);
    await page.getByRole('button', { name: 'Back' }).click();
    assert.equal(await password(page).inputValue(), PASSWORD);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('button', { name: 'Type a recovery code' }).click();
    await focused(page, 'one-time-code');
    assert.equal(await page.getByLabel('Recovery code').getAttribute('inputmode'), 'text');
    await page.keyboard.type(RECOVERY_CODES[3]);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'What do you want to know?' }).waitFor();
    assert.equal(server.identity.factors.codes.length, 9);
  });
});

test('whoever guesses codes is locked out as with passwords', async () => {
  withApp();
  server.identity.end('key_missing');
  await at('#/', async (page) => {
    await signIn(page);
    await code(page).fill('000000');
    server.identity.lockedUntil = new Date().toISOString();
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('Too many wrong passwords: the next attempt can be made at').waitFor();
  });
});

test('a one-time link asks for the code too', async () => {
  withApp();
  server.identity.end('key_missing');
  await at('#/welcome/ibid_ada', async (page) => {
    await password(page).fill('three brown owls wait');
    await page.keyboard.press('Enter');
    await focused(page, 'one-time-code');
    await page.keyboard.type(APP_CODE);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'What do you want to know?' }).waitFor();
    assert.deepEqual(sent('POST', '/v1/auth/link').at(-1), { token: 'ibid_ada', password: 'three brown owls wait', code: APP_CODE });
  });
});

test('the sign-in provider is a link, and where it fails that is told in plain words', async () => {
  server.identity.end('key_missing');
  server.identity.offered = { provider: 'Example' };
  await at('#/', async (page) => {
    assert.equal(await page.getByRole('link', { name: 'Sign in with Example' }).getAttribute('href'), '/v1/auth/oidc');
    assert.equal(await page.getByRole('button', { name: 'Sign in with a passkey' }).count(), 0);
    await assertNothingToMend(page);
  });
  await at('#/sign-in/oidc_unknown', async (page) => {
    await page.getByRole('alert').getByText('you have no account here').waitFor();
    assert.equal(await page.evaluate(() => window.location.hash), '#/');
    await signIn(page);
    await page.getByRole('heading', { name: 'What do you want to know?' }).waitFor();
  });
  server.identity.end('key_missing');
  await at('#/sign-in/oidc_new', (page) => page.getByRole('alert').getByText('The sign-in with the provider failed.').waitFor());
});

test('whom the provider let in with one factor is asked for the second one here', async () => {
  withApp();
  server.identity.end('key_missing');
  server.identity.offered = { provider: 'Example' };
  await at('#/sign-in/second_factor_needed', async (page) => {
    await page.getByText('Example has signed you in.').waitFor();
    await focused(page, 'one-time-code');
    assert.equal(await page.evaluate(() => window.location.hash), '#/');
    await assertNothingToMend(page);
    await page.keyboard.type('000000');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('The code is wrong, or was used before').waitFor();
    await code(page).fill(APP_CODE);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'What do you want to know?' }).waitFor();
    assert.deepEqual(sent('POST', '/v1/auth/oidc/code').at(-1), { code: APP_CODE });
  });
  server.identity.end('key_missing');
  await at('#/sign-in/second_factor_needed', async (page) => {
    await page.getByRole('button', { name: 'Sign in otherwise' }).click();
    await password(page).waitFor();
  }, PHONE);
});

test('an authenticator app is set up, and its recovery codes are kept before anything else', async () => {
  await at('#/account', async (page) => {
    await page.getByRole('button', { name: 'Set up an authenticator app…' }).click();
    await confirm(page, 'wrong wrong wrong');
    await dialog(page).getByText('The name or the password is wrong.').waitFor();
    await confirm(page);
    await page.getByRole('heading', { name: 'Scan the picture' }).waitFor();
    await focused(page, 'one-time-code');
    assert.equal(await dialog(page).getByRole('img').evaluate((picture) => getComputedStyle(picture.querySelector('rect')).fill), 'rgb(255, 255, 255)');
    await dialog(page).getByText('GEZD GNBV').waitFor();
    await assertNothingToMend(page);
    await page.keyboard.type('000000');
    await page.keyboard.press('Enter');
    await dialog(page).getByText('This is not the code that the app shows').waitFor();
    await code(page).fill(APP_CODE);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Keep these recovery codes' }).waitFor();
    assert.deepEqual(await page.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem').allTextContents(), RECOVERY_CODES);
    await assertNothingToMend(page);
    for (let times = 0; times < 3; times += 1) await page.keyboard.press('Escape');
    await dialog(page).getByRole('button', { name: 'Done' }).click();
    await dialog(page).getByText(RECOVERY_CODES[0]).waitFor();
    const [saved] = await Promise.all([page.waitForEvent('download'), dialog(page).getByRole('button', { name: 'Download' }).click()]);
    assert.equal(saved.suggestedFilename(), 'ibid-recovery-codes.txt');
    const text = readFileSync(await saved.path(), 'utf8');
    assert.ok(RECOVERY_CODES.every((one) => text.includes(`${one}\n`)));
    await dialog(page).getByRole('button', { name: 'Copy' }).click();
    await dialog(page).getByText('Copied').waitFor();
    await dialog(page).getByLabel('I have kept them').check();
    await dialog(page).getByRole('button', { name: 'Done' }).click();
    await page.getByText('10 codes are left.').waitFor();
    assert.equal(await page.getByText(RECOVERY_CODES[0]).count(), 0);
  });
});

test('few recovery codes are told of and renewed; an app is removed', async () => {
  withApp();
  server.identity.factors.codes.splice(2);
  await at('#/account', async (page) => {
    await page.getByText('2 codes are left.').waitFor();
    await page.getByText('few left').waitFor();
    await assertNothingToMend(page);
    await page.getByRole('button', { name: 'Renew the recovery codes…' }).click();
    await confirm(page, PASSWORD, '000000');
    await dialog(page).getByText('The code is wrong, or was used before').waitFor();
    await assertNothingToMend(page);
    await confirm(page, PASSWORD, APP_CODE);
    await dialog(page).getByLabel('I have kept them').check();
    await page.keyboard.press('Enter');
    await page.getByText('10 codes are left.').waitFor();
    assert.equal(await page.getByText('few left').count(), 0);
    await page.getByRole('button', { name: 'Remove the authenticator app…' }).click();
    await confirm(page, PASSWORD, APP_CODE);
    await page.getByRole('button', { name: 'Set up an authenticator app…' }).waitFor();
    assert.equal(await page.getByText('Recovery codes').count(), 0);
  });
});

test('whoever has no password but a provider leaves it empty', async () => {
  server.identity.offered = { provider: 'Example' };
  server.identity.passwords.ada = '';
  await at('#/account', async (page) => {
    await page.getByRole('button', { name: 'Set up an authenticator app…' }).click();
    await dialog(page).getByText('Leave it empty where you have none and sign in with Example.').waitFor();
    await confirm(page, '');
    await page.getByRole('heading', { name: 'Scan the picture' }).waitFor();
    assert.deepEqual(sent('POST', '/v1/auth/app'), [{ password: '' }]);
  });
});

test('where browsers make no passkeys, that is said and no button is there', async () => {
  server.identity.offered = { passkey_host: 'ibid.example.org' };
  await at('#/account', async (page) => {
    await page.getByText('At ibid.example.org, a newer one does.').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Add a passkey…' }).count(), 0);
  });
});

// Gives the browser an authenticator of its own, which holds what it makes and says yes at once.
async function withAuthenticator(page) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  const options = { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true };
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', { options });
  return { says: (isUserVerified) => devtools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified }) };
}

test('a passkey is added, signs in by itself, and is removed', async () => {
  server.identity.offered = { passkey_host: 'localhost' };
  await withPage(server.url.replace('127.0.0.1', 'localhost'), { hash: '#/account', expectErrors: true }, async (page) => {
    const authenticator = await withAuthenticator(page);
    await page.getByRole('button', { name: 'Add a passkey…' }).click();
    await dialog(page).getByLabel('Name, to know it by').fill('work laptop');
    await confirm(page);
    await dialog(page).getByLabel('I have kept them').check();
    await page.keyboard.press('Enter');
    await page.locator('[data-passkey="work laptop"]').getByText('never used').waitFor();
    // The same device again, which shows who it is.
    await page.getByRole('button', { name: 'Add a passkey…' }).click();
    await dialog(page).getByLabel('Show a passkey instead').check();
    assert.equal(await dialog(page).getByLabel('Your password', { exact: true }).count(), 0);
    await dialog(page).getByRole('button', { name: 'Add it' }).click();
    await dialog(page).getByText('This device has a passkey of your account already.').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await authenticator.says(false);
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await page.getByRole('alert').getByText('No passkey was given').waitFor();
    await authenticator.says(true);
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await page.getByRole('heading', { name: 'What do you want to know?' }).waitFor();
    await page.getByRole('link', { name: 'Account: ada' }).click();
    await page.locator('[data-passkey="work laptop"]').getByText('last used just now').waitFor();
    await page.getByRole('button', { name: 'Remove the passkey work laptop…' }).click();
    await dialog(page).getByLabel('Show a passkey instead').check();
    await dialog(page).getByRole('button', { name: 'Remove it' }).click();
    await page.locator('[data-passkey="work laptop"]').waitFor({ state: 'detached' });
  });
});

test('an account with a passkey alone is led to it after the password', async () => {
  server.identity.offered = { passkey_host: 'localhost' };
  server.identity.factors.passkeys = [{ id: 'AAAA', name: 'lost', created_at: '2026-11-01T08:00:00Z', is_backed_up: true }];
  server.identity.end('key_missing');
  await withPage(server.url.replace('127.0.0.1', 'localhost'), { expectErrors: true }, async (page) => {
    await signIn(page);
    await page.getByText('Sign in with your passkey, or type a recovery code.').waitFor();
    await page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor();
  });
});

test('where the server wants a second factor, it is set up in place of what was asked for, which then comes', async () => {
  server.identity.factors.isRequired = true;
  await at('#/documents', async (page) => {
    await page.getByRole('heading', { name: 'One more thing before you go on' }).waitFor();
    await assertNothingToMend(page);
    await page.getByRole('button', { name: 'Set up an authenticator app…' }).click();
    await confirm(page);
    await code(page).fill(APP_CODE);
    await page.keyboard.press('Enter');
    await page.getByLabel('I have kept them').check();
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('search').getByText('4 documents').waitFor();
    assert.equal(await dialog(page).count(), 0);
  });
});

test('whoever does not want to set it up signs out', async () => {
  server.identity.factors.isRequired = true;
  await at('#/', async (page) => {
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  });
});

test('nothing is cut off on a phone: the code, the set-up, the picture and the codes', async () => {
  withApp();
  server.identity.end('key_missing');
  await at('#/', async (page) => {
    await signIn(page);
    await code(page).waitFor();
    await assertNoOverflow(page);
    Object.assign(server.identity.factors, { hasApp: false, codes: [], isRequired: true });
    server.identity.signedIn = 'ada';
    await page.reload();
    await page.getByRole('button', { name: 'Set up an authenticator app…' }).click();
    await confirm(page);
    const use = await page.getByRole('button', { name: 'Use this app' }).boundingBox();
    assert.ok(use.x >= 0 && use.x + use.width <= 360);
    await assertNoOverflow(page);
    await code(page).fill(APP_CODE);
    await page.keyboard.press('Enter');
    await page.getByLabel('I have kept them').waitFor();
    const lines = await page.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem').evaluateAll((all) => all.map((one) => one.scrollWidth - one.clientWidth));
    assert.ok(lines.every((more) => more <= 0));
    await assertNoOverflow(page);
  }, PHONE);
});
