// Takes a picture of every page in both colours and two widths into test-results/, for people to look at.
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { abstain, hotels, leave } from './support/answers.js';
import { APP_CODE, RECOVERY_CODES } from './support/factors.js';
import { PASSWORD } from './support/identity.js';
import { answer } from './support/library.js';
import { largeGraph } from './support/memory.js';
import { approval } from './support/runs.js';
import { ask, quit, withPage } from './support/browser.js';
import { gate, ScriptedServer } from './support/server.js';

const OUT = fileURLToPath(new URL('../test-results/', import.meta.url));
const WIDTHS = { desktop: { viewport: { width: 1280, height: 860 } }, phone: { viewport: { width: 360, height: 780 }, hasTouch: true, isMobile: true } };

// In the dialogs of the account, up to the picture for the authenticator app.
async function toPicture(page) {
  await page.getByRole('button', { name: 'Set up an authenticator app…' }).click();
  await page.getByLabel('Your password', { exact: true }).fill(PASSWORD);
  await page.keyboard.press('Enter');
  await page.getByText('Scan the picture').waitFor();
}

async function signIn(page, server) {
  server.identity.end('key_missing');
  await page.reload();
  await page.getByLabel('Name', { exact: true }).fill('ada');
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.keyboard.press('Enter');
}

const file = (name, text) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(text) });

const SCENES = {
  welcome: ['#/', async () => undefined],
  empty: ['#/documents', async (page, server) => {
    server.entries = [];
    await page.reload();
    await page.getByText('Nothing here yet.').waitFor();
  }],
  answer: ['#/', async (page, server) => {
    server.ask = leave;
    await ask(page, 'How much annual leave do I have, and when does it expire?');
    await page.locator('.verdict').waitFor();
  }],
  panel: ['#/', async (page, server) => {
    server.ask = leave;
    await ask(page, 'How much annual leave do I have, and when does it expire?');
    await page.locator('[data-mark="2"]').click();
    await page.locator('[data-panel] mark').waitFor();
  }],
  streaming: ['#/', async (page, server) => {
    const never = gate();
    server.ask = async (run) => {
      run.did('retrieve', '8 passages of 2 documents');
      run.step('answer', 'started');
      run.token('Everyone has 30 days of annual');
      await Promise.race([never.opened, run.over]);
    };
    await ask(page, 'How much leave do I have?');
    await page.getByText('Everyone has 30 days').waitFor();
  }],
  unsupported: ['#/', async (page, server) => {
    server.chatModels = ['qwen2.5-1.5b'];
    server.ask = hotels;
    await page.getByText('Options…').click();
    await page.getByLabel('Tags, all of them', { exact: true }).fill('policy');
    await page.keyboard.press('Enter');
    await ask(page, 'What may a hotel cost?');
    await page.locator('.verdict').waitFor();
  }],
  abstained: ['#/', async (page, server) => {
    server.ask = leave;
    await ask(page, 'How much leave do I have?');
    await page.locator('.verdict').waitFor();
    server.ask = abstain;
    await ask(page, 'Do I get a company car?');
    await page.locator('.abstained').waitFor();
  }],
  failed: ['#/', async (page, server) => {
    server.refuse = ({ path }) => (path.endsWith('/turns') ? { status: 503, type: 'unavailable', code: 'server_busy', message: 'the server works on as many requests as it may; try again in a second' } : null);
    await ask(page, 'Anything?');
    await page.getByRole('alert').waitFor();
  }],
  conversation: ['#/', async (page, server) => {
    for (const title of ['Notice period in the first year', 'Hotels in Munich during the fair', 'What the drill of May told']) server.chat.add(title, [[title, answer({ text: 'Words.' })]]);
    server.ask = leave;
    await ask(page, 'How much annual leave do I have?');
    await page.locator('.verdict').waitFor();
    server.ask = hotels;
    await ask(page, 'And what may a hotel cost?');
    await page.getByText('2 of 3 claims (67 %)').waitFor();
    await page.getByRole('button', { name: 'Bad answer' }).last().click();
  }],
  threads: ['#/', async (page, server) => {
    for (const title of ['Notice period in the first year', 'Hotels in Munich during the fair', 'What the drill of May told']) server.chat.add(title, [[title, answer({ text: 'Words.' })]]);
    await page.reload();
    if (page.viewportSize().width < 1000) await page.getByRole('button', { name: 'Conversations' }).click();
    await page.getByRole('link', { name: 'Hotels in Munich' }).click();
    await page.getByText('Words.').waitFor();
    if (page.viewportSize().width < 1000) await page.getByRole('button', { name: /Hotels in/ }).click();
    await page.getByText('How it was found').first().waitFor();
  }],
  interrupt: ['#/', async (page, server) => {
    server.ask = async (run) => {
      run.did('retrieve', '8 passages of 2 documents');
      run.step('ask', 'waiting', '', { kind: 'human' });
      run.send('interrupt', approval(run.run.id, { prompt: 'The archive holds more. Search it too?' }));
    };
    await ask(page, 'What was the limit in 1998?');
    await page.getByText('Search it too?').waitFor();
  }],
  runs: ['#/runs', async (page) => page.getByText('13 checkpoints').waitFor()],
  run: ['#/runs/run-finished', async (page) => {
    await page.locator('[data-checkpoint="3"]').click();
    await page.getByRole('heading', { name: 'State at checkpoint 3' }).waitFor();
  }],
  compare: ['#/runs/run-finished', async (page) => {
    await page.getByRole('button', { name: 'Replay' }).click();
    await page.getByText('came out equal').waitFor();
    await page.getByRole('button', { name: 'Compare…' }).click();
    await page.getByLabel('The other run').fill('run-failed');
    await page.keyboard.press('Enter');
    await page.getByText('Where they part').waitFor();
  }],
  fork: ['#/runs/run-finished', async (page) => {
    await page.getByRole('button', { name: 'Fork from 5…' }).click();
    await page.getByRole('dialog').getByLabel('hits').fill('[]');
  }],
  approvals: ['#/approvals', async (page, server) => {
    const fields = { amount: { type: 'integer', title: 'Amount in €', minimum: 1 }, kind: { enum: ['hotel', 'train', 'flight'], title: 'Kind' }, note: { type: 'string', title: 'Note' } };
    server.runs.find('run-waiting').run.approvals.push(approval('run-waiting', { interrupt: 4, prompt: 'What may be spent?', schema: { type: 'object', required: ['amount'], properties: fields } }));
    await page.reload();
    await page.getByText('What may be spent?').waitFor();
  }],
  flows: ['#/flows', async (page) => page.getByText('Sorts a request').waitFor()],
  flow: ['#/flows/triage', async (page, server) => {
    server.runs.check = () => [{ line: 15, column: 13, severity: 'error', message: 'there is no node “replay”; did you mean “reply”?' }];
    await page.getByLabel('YAML of the flow').press('Space');
    await page.getByText('there is no node').waitFor();
  }],
  bigflow: ['#/flows/chat', async (page) => page.locator('[data-node="guard"]').waitFor()],
  newflow: ['#/new-flow', async (page) => page.getByText('Valid.').waitFor()],
  documents: ['#/documents', async (page, server) => {
    server.read = ({ source }) => (source === 'scan.pdf' ? { state: 'failed', failure: { code: 'document_damaged', reason: 'the PDF ends in the middle; fetch it again' } } : { state: 'running', step: 'embed', progress: 0.6 });
    await page.getByLabel('Files to add').setInputFiles([file('minutes-2026-11.md', 'Minutes.'), file('scan.pdf', 'x')]);
    await page.getByText('document_damaged').waitFor();
  }],
  document: ['#/documents/doc-runbook', async (page) => page.getByText('BLAKE3').waitFor()],
  search: ['#/search', async (page) => {
    await page.getByLabel('explain').check();
    await page.getByLabel('Words to search for').fill('annual restore');
    await page.keyboard.press('Enter');
    await page.getByText(/passages? in/).waitFor();
  }],
  api: ['#/api', async (page) => {
    await page.locator('[data-endpoint="GET /v1/documents"] summary').click();
    await page.locator('[data-endpoint="GET /v1/documents"]').getByRole('button', { name: 'Send' }).click();
    await page.getByRole('region', { name: 'Response' }).waitFor();
  }],
  operations: ['#/operations', async (page) => page.getByRole('meter').first().waitFor()],
  well: ['#/operations', async (page, server) => {
    Object.assign(server.operations, { alerts: [], pending: [], silences: [], incidents: [] });
    server.operations.findings = server.operations.findings.filter((one) => one.state === 'ok');
    server.operations.slo = server.operations.slo.filter((one) => one.name !== 'answers');
    server.operations.tasks.rounds.pop();
    server.operations.backup.destinations.pop();
    await page.reload();
    await page.getByText('All is well.').waitFor();
  }],
  charts: ['#/operations/charts', async (page) => page.getByRole('slider', { name: 'Memory: moments' }).waitFor()],
  quality: ['#/operations/charts/quality', async (page) => page.getByRole('slider', { name: 'Feedback: moments' }).waitFor()],
  alerts: ['#/operations/alerts', async (page) => {
    await page.locator('[data-rule="disk-low"] summary').click();
    await page.evaluate(() => window.scrollTo(0, 0));
  }],
  silence: ['#/operations/alerts', async (page) => page.locator('[data-alert="backup-behind"]').getByRole('button', { name: 'Silence' }).click()],
  incidents: ['#/operations/incidents', async (page) => page.getByText('uploads of scans fail').waitFor()],
  incident: ['#/operations/incidents/3', async (page) => page.getByText('opened as P1').waitFor()],
  backups: ['#/operations/backups', async (page) => page.getByRole('list', { name: 'Rehearsals' }).waitFor()],
  verified: ['#/operations/backups', async (page) => {
    await page.getByRole('button', { name: 'Verify every object' }).click();
    await page.getByText('all sound').waitFor();
  }],
  runbooks: ['#/operations/runbooks', async (page) => page.getByText('The disk is full').waitFor()],
  runbook: ['#/operations/runbooks/backup-failed', async (page) => page.getByText('Step 4').waitFor()],
  gone: ['#/operations', async (page, server) => {
    await page.getByRole('meter').first().waitFor();
    server.down = true;
    server.http.closeAllConnections();
    await page.getByRole('button', { name: 'Look at everything' }).click();
    await page.getByRole('alert').first().waitFor();
  }],
  signin: ['#/', async (page, server) => {
    server.identity.end('key_missing');
    await page.reload();
    await page.getByLabel('Name', { exact: true }).fill('ada');
    await page.getByLabel('Password', { exact: true }).fill('wrong wrong wrong');
    await page.keyboard.press('Enter');
    await page.getByText('sign_in_failed').waitFor();
  }],
  firstrun: ['#/', async (page, server) => {
    server.identity.end('key_missing');
    server.identity.isFirstRun = true;
    await page.reload();
    await page.getByText('ibid auth link', { exact: true }).waitFor();
  }],
  key: ['#/', async (page, server) => {
    server.identity.end('key_missing');
    await page.reload();
    await page.getByRole('button', { name: 'Use an API key instead' }).click();
    await page.getByLabel('API key').waitFor();
  }],
  welcomefirst: ['#/', async (page, server) => {
    server.identity.isFirstRun = true;
    await page.goto(`${server.url}/#/welcome/ibid_first`);
    await page.getByLabel('Name', { exact: true }).fill('ada');
  }],
  linkover: ['#/', async (page, server) => {
    await page.goto(`${server.url}/#/welcome/ibid_used`);
    await page.getByLabel('Password', { exact: true }).fill('three brown owls wait');
    await page.keyboard.press('Enter');
    await page.getByText('This link is over').waitFor();
  }],
  code: ['#/', async (page, server) => {
    Object.assign(server.identity.factors, { hasApp: true, codes: RECOVERY_CODES });
    server.identity.offered = { provider: 'Example' };
    await signIn(page, server);
    await page.getByLabel('Code', { exact: true }).waitFor();
  }],
  ways: ['#/', async (page, server) => {
    server.identity.end('key_missing');
    server.identity.offered = { provider: 'Example', passkey_host: 'localhost' };
    await page.goto(`${server.url.replace('127.0.0.1', 'localhost')}/#/sign-in/oidc_unknown`);
    await page.getByText('you have no account here').waitFor();
  }],
  providercode: ['#/sign-in/second_factor_needed', async (page, server) => {
    server.identity.end('key_missing');
    server.identity.offered = { provider: 'Example' };
    await page.reload();
    await page.goto(`${server.url}/#/sign-in/second_factor_needed`);
    await page.getByText('Example has signed you in.').waitFor();
  }],
  factors: ['#/account', async (page, server) => {
    Object.assign(server.identity.factors, { hasApp: true, codes: RECOVERY_CODES.slice(2, 4) });
    server.identity.factors.passkeys = [{ id: 'AAAA', name: 'Chrome on Android', created_at: '2026-11-01T08:00:00Z', used_at: '2026-11-20T08:00:00Z', is_backed_up: true }];
    await page.reload();
    await page.getByText('2 codes are left').waitFor();
  }],
  appbegin: ['#/account', (page) => page.getByRole('button', { name: 'Set up an authenticator app…' }).click()],
  picture: ['#/account', (page) => toPicture(page)],
  codes: ['#/account', async (page) => {
    await toPicture(page);
    await page.getByLabel('Code', { exact: true }).fill(APP_CODE);
    await page.keyboard.press('Enter');
    await page.getByText('I have kept them').waitFor();
  }],
  factormissing: ['#/documents', async (page, server) => {
    server.identity.factors.isRequired = true;
    await page.reload();
    await page.getByText('Set up…').waitFor();
  }],
  providers: ['#/operations/providers', async (page) => {
    await page.getByRole('button', { name: 'Try it: spare' }).click();
    await page.getByText('does not take the key').waitFor();
  }],
  blocked: ['#/operations/blocked', async (page) => page.getByText('198.51.100.23').waitFor()],
  block: ['#/operations/blocked', async (page) => page.getByRole('button', { name: 'Block an address…' }).click()],
  readers: ['#/documents/doc-runbook', async (page) => {
    await page.getByRole('button', { name: 'Change who may read it…' }).click();
    for (const name of ['ada', 'group:legal', 'nobody']) {
      await page.getByLabel('Who may read it', { exact: true }).fill(name);
      await page.keyboard.press('Enter');
    }
    await page.getByRole('button', { name: 'Change it' }).click();
    await page.getByText('holder_unknown').waitFor();
  }],
  shared: ['#/documents/doc-runbook', async (page) => page.getByText('Everybody in the workspace').waitFor()],
  added: ['#/documents', async (page) => {
    await page.getByText('What is added may be read by:').click();
    await page.getByLabel('Who may read it', { exact: true }).fill('group:legal');
    await page.keyboard.press('Enter');
  }],
  reset: ['#/people', async (page) => page.getByRole('button', { name: 'Reset second factor of mara…' }).click()],
  account: ['#/account', async (page) => page.getByText('Safari on iPhone').waitFor()],
  endother: ['#/account', async (page) => {
    await page.locator('[data-session="s-2"]').getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Your password', { exact: true }).waitFor();
  }],
  password: ['#/account', async (page) => page.getByRole('button', { name: 'Change the password…' }).click()],
  people: ['#/people', async (page) => {
    await page.getByRole('button', { name: 'New link for jo…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Make it' }).click();
    await page.getByText('The link for jo').waitFor();
  }],
  somebody: ['#/people', async (page) => page.getByRole('button', { name: 'Add somebody…' }).click()],
  groups: ['#/people/groups', async (page) => page.getByText('1 member').waitFor()],
  keys: ['#/people/keys', async (page) => page.getByText('nightly import').waitFor()],
  audit: ['#/people/audit', async (page) => {
    await page.getByRole('button', { name: 'Verify it' }).click();
    await page.getByText('The chain is whole').waitFor();
  }],
  memory: ['#/memory', async (page) => page.getByRole('list', { name: 'Facts' }).getByText('lives in Lisbon').first().waitFor()],
  memorysources: ['#/memory', async (page, server) => {
    server.memory.found = server.memory.facts.splice(0, 2);
    await page.getByLabel('Add a note').fill('I moved to Lisbon last Friday.');
    await page.getByRole('button', { name: 'Remember it' }).click();
    await page.getByText('2 facts were found').waitFor();
    await page.locator('[data-fact="f-depends"]').getByText('1 source').click();
    await page.getByRole('button', { name: 'Show it in its place' }).click();
    await page.locator('mark').first().waitFor();
  }],
  memoryempty: ['#/memory', async (page, server) => {
    Object.assign(server.memory, { facts: [], episodes: [], entities: [], ended: null });
    await page.reload();
    await page.getByText('Nothing is remembered yet').waitFor();
  }],
  recall: ['#/memory', async (page) => {
    await page.getByLabel('Ask your memory').fill('Where does Ada live, and what of Lisbon?');
    await page.keyboard.press('Enter');
    await page.getByRole('list', { name: 'Recalled' }).waitFor();
    await page.getByText('Why: score').first().click();
  }],
  memoryedit: ['#/memory', async (page) => page.getByRole('button', { name: 'Edit “Ada Brandt lives in Lisbon”…' }).click()],
  memoryforget: ['#/memory', async (page) => page.getByRole('button', { name: 'Forget “Ada Brandt lives in Lisbon”…' }).click()],
  forgotten: ['#/memory', async (page) => {
    await page.getByRole('button', { name: 'Forget “Ada Brandt lives in Lisbon”…' }).click();
    await page.getByRole('button', { name: 'Forget it' }).click();
    await page.getByRole('heading', { name: 'Forgotten' }).waitFor();
  }],
  told: ['#/memory/told', async (page) => page.getByText('It is warm here').waitFor()],
  entities: ['#/memory/entities', async (page) => page.getByText('also called Postgres').waitFor()],
  entity: ['#/memory/entities/e-ada', async (page) => page.getByRole('list', { name: 'Timeline of Ada Brandt' }).waitFor()],
  contradictions: ['#/memory/conflicts', async (page) => page.getByText('Was ended').waitFor()],
  rights: ['#/memory/rights', async (page) => page.getByText('Nothing was forgotten yet').waitFor()],
  graph: ['#/memory/graph', async (page) => {
    await page.locator('[data-arranging="false"] canvas').first().waitFor();
  }],
  graphchosen: ['#/memory/graph/e-harbour', async (page) => {
    await page.locator('[data-arranging="false"] canvas').first().waitFor();
    await page.getByRole('list', { name: 'Timeline of Harbour' }).waitFor();
  }],
  graphlist: ['#/memory/graph', async (page) => {
    await page.getByRole('button', { name: 'List' }).click();
    await page.locator('[data-node="Mara"]').click();
    await page.getByRole('list', { name: 'Timeline of Mara' }).waitFor();
  }],
  graphlarge: ['#/memory/graph', async (page, server) => {
    server.memory.graph = largeGraph(2000, 4000);
    await page.reload();
    await page.getByLabel('Show at most').selectOption('5000');
    await page.getByText('4,000 facts').waitFor();
    await page.locator('[data-arranging="false"] canvas').first().waitFor({ timeout: 60_000 });
  }],
  graphempty: ['#/memory/graph', async (page, server) => {
    Object.assign(server.memory, { facts: [], ended: null });
    await page.reload();
    await page.getByText('There is no graph yet').waitFor();
  }],
  stranger: ['#/', async (page, server) => {
    server.identity.grants = [];
    await page.reload();
    await page.getByText('Nothing has been granted').waitFor();
  }],
  reader: ['#/documents', async (page, server) => {
    server.workspaces = ['default', 'a-long-workspace'];
    server.identity.grants = [{ holder: 'user:u-ada', name: 'ada', role: 'reader' }];
    await page.reload();
    await page.getByRole('search').getByText('4 documents').waitFor();
  }],
};

// Pages that are read downwards.
const FULL = ['operations', 'well', 'charts', 'quality', 'alerts', 'incident', 'backups', 'verified', 'runbook', 'gone', 'providers', 'blocked', 'factors', 'factormissing', 'shared', 'account', 'people', 'groups', 'keys', 'memory', 'memorysources', 'recall', 'entity', 'contradictions', 'rights', 'graph', 'graphchosen', 'graphlist', 'graphlarge'];

const wanted = process.argv.slice(2);
mkdirSync(OUT, { recursive: true });
for (const [name, [hash, play]] of Object.entries(SCENES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  for (const colorScheme of ['light', 'dark']) {
    for (const [width, options] of Object.entries(WIDTHS)) {
      const server = await ScriptedServer.start();
      await withPage(server.url, { ...options, colorScheme, hash, expectErrors: true }, async (page) => {
        await page.getByRole('contentinfo').getByText('ready').waitFor();
        await play(page, server);
        await page.screenshot({ path: `${OUT}${name}-${width}-${colorScheme}.png`, fullPage: FULL.includes(name) });
      });
      await server.stop();
    }
  }
}
await quit();
