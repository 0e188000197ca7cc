// The parts that need no browser: the event parser, the layout of answers and of flows, forms, differences, OpenAPI, and the words of operations.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { transformWithOxc } from 'vite';
import { openapi } from './support/openapi.js';

async function load(path) {
  const { code } = await transformWithOxc(readFileSync(new URL(`../src/${path}`, import.meta.url), 'utf8'), path);
  return import(`data:text/javascript;base64,${Buffer.from(code).toString('base64')}`);
}

const { EventParser } = await load('api/sse.ts');
const { claimRanges, layout } = await load('text/layout.ts');
const { address, curl, endpoints } = await load('api/openapi.ts');
const { draw, startOf } = await load('text/drawing.ts');
const { changes, gist } = await load('text/json.ts');
const { fieldsOf, valueOf } = await load('text/schema.ts');
const { inputOf } = await load('text/flow-input.ts');
const { stepWords } = await load('text/steps.ts');
const { ago, countdown, lasted } = await load('text/time.ts');
const { atHome } = await load('text/words.ts');
const { browserOf } = await load('text/device.ts');
const { restoreLine } = await load('text/restore.ts');
const { inline, partsOf } = await load('text/runbook.ts');
const { budgetWords, exact } = await load('text/budget.ts');
const { beginning } = await load('text/beginning.ts');
const { asHolder, asTyped, readersInWords } = await load('text/readers.ts');
const { dots, path } = await load('text/chart.ts');
const graph = await load('text/graph.ts');

test('events come whole however the stream is cut', () => {
  const stream = 'id: 4.1\r\nevent: token\r\ndata: {"text":"a"}\r\n\r\n: keep-alive\n\nevent: done\ndata: x\ndata: y\n\n';
  for (let cut = 1; cut < stream.length; cut += 1) {
    const parser = new EventParser();
    const events = [...parser.push(stream.slice(0, cut)), ...parser.push(stream.slice(cut))];
    assert.deepEqual(events, [{ id: '4.1', name: 'token', data: '{"text":"a"}' }, { name: 'done', data: 'x\ny' }]);
  }
});

const shown = ({ pieces }) => pieces.map((piece) => (piece.kind === 'mark' ? piece.number : piece.text));
const words = (blocks) => blocks.map(({ kind, groups }) => [kind, ...groups.map((group) => (group.glued ? shown(group) : shown(group).join('')))]);

test('marks of known citations become marks, held to their word; others stay text', () => {
  assert.deepEqual(words(layout('One [1]. Two [1, 2] and [9].', [], new Set([1, 2]))), [['paragraph', ['One', 1, '.'], ' ', ['Two', 1, 2], ' and [9].']]);
});

test('paragraphs, items, headings and code are told apart', () => {
  const text = '# Head\nA line\ngoes on.\n\n- one\n- two\n1) three\n\n```\nx <b>\n  [1]\n```';
  assert.deepEqual(words(layout(text, [], new Set([1]))), [
    ['heading', 'Head'], ['paragraph', 'A line\ngoes on.'], ['item', 'one'], ['item', 'two'], ['item', 'three'], ['code', 'x <b>\n  [1]'],
  ]);
});

test('claims are found in spite of marks, emphasis and white space', () => {
  const text = 'Leave is **30 days** [1]  a year.\nIt expires [2].';
  const ranges = claimRanges(text, [{ text: 'Leave is 30 days a year.' }, { text: 'It expires.' }, { text: 'Not there.' }]);
  assert.deepEqual(ranges.map((range) => range && text.slice(range.start, range.end)), ['Leave is **30 days** [1]  a year.', 'It expires [2].', null]);
});

test('an answer loses no character but its marks', () => {
  const text = 'A **b** `c` [1] d\n\n2. e [3]';
  const all = layout(text, [{ text: 'b c' }], new Set([1])).flatMap(({ groups }) => groups).flatMap(shown).join('');
  assert.equal(all, 'A b c1 de [3]');
});

test('a long answer is laid out in linear time', () => {
  const text = 'A sentence of the answer that stands here [1]. '.repeat(4000);
  const started = performance.now();
  layout(text, [], new Set([1]));
  assert.ok(performance.now() - started < 2000);
});

test('endpoints are read with references, unions and forms', () => {
  const list = endpoints(openapi);
  assert.deepEqual(list.map(({ method, path, body }) => [method, path, body]), [
    ['POST', '/v1/ask', 'json'], ['GET', '/v1/documents', null], ['POST', '/v1/documents', 'form'], ['GET', '/v1/documents/{id}', null],
  ]);
  assert.equal(address(list[3], { id: 'a/b' }), '/v1/documents/a%2Fb');
  assert.equal(curl(list[2], 'http://x/v1/documents', ''), `curl -X POST -H "Authorization: Bearer $IBID_KEY" -F file=@FILE 'http://x/v1/documents'`);
});

const boxes = (drawing) => Object.fromEntries(drawing.boxes.map((box) => [box.name, box]));
const nodes = (rows) => rows.map(([name, ...next]) => ({ name, kind: 'set', next }));

test('a flow is drawn from top to bottom, with what leads back marked as such', () => {
  const { lines, ...drawing } = draw(nodes([['b', 'c', 'd'], ['a', 'b'], ['c', 'e'], ['d', 'e', 'b'], ['e', 'end']]), 'a');
  const at = boxes(drawing);
  assert.ok(at.a.y < at.b.y && at.b.y < at.c.y && at.c.y === at.d.y && at.d.y < at.e.y && at.e.y < at.end.y);
  assert.deepEqual(lines.filter((line) => line.back).map(({ from, to }) => `${from}-${to}`), ['d-b']);
  assert.equal(lines.length, 7);
});

test('boxes never overlap and lie within the drawing, whatever the flow', () => {
  let seed = 7;
  const random = (below) => (seed = (seed * 1103515245 + 12345) % 2147483648) % below;
  for (let round = 0; round < 200; round += 1) {
    const count = 1 + random(25);
    const rows = Array.from({ length: count }, (_, index) => [`n${index}`, ...Array.from({ length: random(4) }, () => (random(8) ? `n${random(count)}` : 'end'))]);
    const drawing = draw(nodes(rows), 'n0');
    for (const [index, one] of drawing.boxes.entries()) {
      assert.ok(one.x - one.width / 2 >= 0 && one.x + one.width / 2 <= drawing.width && one.y + one.height / 2 <= drawing.height);
      for (const other of drawing.boxes.slice(index + 1)) {
        assert.ok(one.y !== other.y || Math.abs(one.x - other.x) >= (one.width + other.width) / 2, `${one.name} on ${other.name} in round ${round}`);
      }
    }
    assert.ok(drawing.lines.every(({ path }) => !/NaN|undefined/.test(path)));
  }
});

test('a flow without nodes, one that names what is not there, and a circle are drawn', () => {
  assert.equal(draw([], undefined).boxes.length, 0);
  assert.equal(draw(nodes([['a', 'nowhere']]), 'b').lines.length, 0);
  assert.deepEqual(draw(nodes([['a', 'b'], ['b', 'a'], ['c', 'c']]), 'a').lines.map(({ from, to, back }) => [from, to, back]), [['a', 'b', false], ['b', 'a', true], ['c', 'c', true]]);
  assert.equal(startOf('name: x\nstart: "go-on"  # here\n'), 'go-on');
});

test('a long chain is drawn in time', () => {
  const started = performance.now();
  draw(nodes(Array.from({ length: 300 }, (_, index) => [`n${index}`, `n${index + 1}`, `n${index + 9}`])), 'n0');
  assert.ok(performance.now() - started < 2000);
});

test('changes are told by their place, and what is gone with its value', () => {
  const found = changes({ a: 1, b: { c: [1, 2], 'd/e': 0 }, f: 'x' }, { a: 1, b: { c: [1, 3, 4], 'd/e': 1 }, g: null });
  assert.deepEqual([...found.byPath], [['/b/c/1', 'changed'], ['/b/c/2', 'added'], ['/b/d~1e', 'changed'], ['/g', 'added'], ['/f', 'removed']]);
  assert.deepEqual([...found.removed], [['/f', 'x']]);
  assert.equal(changes({ a: [1] }, { a: [1] }).byPath.size, 0);
  assert.deepEqual([...changes([1], { 0: 1 }).byPath], [['', 'changed']]);
});

test('a folded value is told in short', () => {
  assert.deepEqual([gist({ a: 1, b: 2, c: 3, d: 4, e: 5 }), gist([1, 2]), gist({}), gist([]), gist('x')], ['{a, b, c, d, …}', '[2]', '{}', '[]', '"x"']);
});

const read = (schema, entered) => valueOf(fieldsOf(schema), entered);

test('entries become values of the types that are asked for', () => {
  assert.deepEqual(read({ type: 'string' }, { '': ' yes ' }), { value: ' yes ' });
  assert.deepEqual(read({ type: 'number' }, { '': '1.5' }), { value: 1.5 });
  assert.deepEqual(read({ type: ['integer', 'null'] }, { '': '1.5' }), { problem: 'a whole number is wanted', field: '' });
  assert.deepEqual(read({ enum: ['a', null] }, { '': 'null' }), { value: null });
  assert.deepEqual(read({ properties: { a: { type: 'string' }, b: { type: 'number' } } }, { a: '', b: '' }), { value: {} });
  assert.deepEqual(read({ type: 'object', properties: { a: { default: { x: 1 } } } }, {}), { value: { a: { x: 1 } } });
  assert.deepEqual(read({ type: 'object', required: ['a'], properties: { a: { type: 'string' } } }, {}), { problem: 'say something', field: 'a' });
  for (const odd of [null, true, 'x', [], {}, { type: 7 }, { type: 'object' }, { properties: { a: null } }]) assert.ok(fieldsOf(odd).length === 1);
});

test('an empty input has what the flow asks for', () => {
  assert.deepEqual(inputOf('name: x\ninput: {question: text, limit: integer?, tags: list}\n'), { question: '', tags: [] });
  assert.deepEqual(inputOf('input:\n  question: text\n  deep: {type: list, default: []}\n  sure: boolean # really\nstart: a\n'), { question: '', sure: false });
  assert.deepEqual(inputOf('name: x'), {});
});

test('steps are told in words, and unknown nodes by their name', () => {
  assert.equal(stepWords({ node: 'retrieve', kind: 'retrieve', state: 'started' }, true), 'Searching the documents');
  assert.equal(stepWords({ node: 'look', kind: 'retrieve', state: 'finished' }, true), 'Searched the documents (look)');
  assert.equal(stepWords({ node: 'calc', kind: 'set', state: 'finished' }, false), 'calc');
});

test('times are told as people tell them', () => {
  assert.deepEqual([0, 59_400, 61_000, 3_600_000, 11_100_000, 172_800_000].map(lasted), ['0 s', '59 s', '1 min', '1 h', '3 h 5 min', '2 days']);
  assert.deepEqual([ago(0, 59_000), ago(0, 180_000)], ['just now', '3 min ago']);
  assert.deepEqual([299_999, 3_723_000, -61_000, 0].map(countdown), ['4:59', '1:02:03', '−1:01', '0:00']);
});

test('times in a sentence are told in the zone of whoever reads it', () => {
  const now = new Date('2026-11-21T09:00:00Z');
  const told = atHome('the next attempt can be made at 2026-11-21T09:05:12.345Z', now);
  assert.equal(told, `the next attempt can be made at ${new Date('2026-11-21T09:05:12Z').toLocaleTimeString('en-GB')}`);
  assert.match(atHome('until 2026-12-24T12:00:00Z', now), /^until 2026-12-2\d \d\d:\d\d$/);
  assert.equal(atHome('at 12:30 of 2026-11-21', now), 'at 12:30 of 2026-11-21');
});

test('a browser is named as people name it', () => {
  const linux = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)';
  assert.equal(browserOf(`${linux} Chrome/142.0.0.0 Safari/537.36`), 'Chrome on Linux');
  assert.equal(browserOf(`${linux} Chrome/142.0.0.0 Safari/537.36 Edg/142.0`), 'Edge on Linux');
  assert.equal(browserOf('Mozilla/5.0 (Linux; Android 16) Gecko/145.0 Firefox/145.0'), 'Firefox on Android');
  assert.equal(browserOf('curl/8.14.1'), 'curl');
  assert.deepEqual([browserOf(' '), browserOf('x'.repeat(200)).length], ['a program without a name', 60]);
});

test('the command of a restore names the moment and the directory as a shell takes them', () => {
  const latest = { kind: 'latest', time: '', commit: '' };
  assert.equal(restoreLine(latest, null), 'ibid restore --to latest --dry-run');
  assert.equal(restoreLine(latest, '/srv/a b'), "ibid restore --to latest --into '/srv/a b'");
  assert.equal(restoreLine(latest, ' '), null);
  assert.equal(restoreLine({ ...latest, kind: 'commit', commit: '41' }, '/x'), 'ibid restore --to 41 --into /x');
  assert.equal(restoreLine({ ...latest, kind: 'commit', commit: '41; rm' }, '/x'), null);
  assert.equal(restoreLine({ ...latest, kind: 'time', time: '2026-11-21T14:30:00Z' }, null), 'ibid restore --to 2026-11-21T14:30:00Z --dry-run');
  assert.equal(restoreLine({ ...latest, kind: 'time', time: 'soon' }, null), null);
});

test('a runbook is prose and steps', () => {
  const parts = partsOf('# Full\n\nMake room,\nat once.\n- a\n- b\n\n```runbook\nkind: action\nrun: ibid x\n```\n```\nplain\n```\n```runbook\nkind: verify');
  assert.deepEqual(parts, [
    { is: 'heading', text: 'Full' },
    { is: 'text', text: 'Make room, at once.' },
    { is: 'list', items: ['a', 'b'] },
    { is: 'step', number: 1, step: { kind: 'action', fields: { run: 'ibid x' } } },
    { is: 'code', text: 'plain' },
    { is: 'step', number: 2, step: { kind: 'verify', fields: {} } },
  ]);
  assert.deepEqual(inline('see `a` now'), ['see ', 'a', ' now']);
});

test('a budget is told in words', () => {
  const words = (budget_left, burn) => budgetWords({ budget_left, burn });
  assert.deepEqual([words(null, null), words(0.82, 0.5), words(-0.5, 12)], ['nothing measured yet', '82 % of the budget left', 'overdrawn by 50 %, burns 12 times too fast']);
  assert.deepEqual([exact(0.9991), exact(0.985), exact(1)], ['99.91 %', '98.5 %', '100 %']);
});

test('a long chain of causes is cut between two of them', () => {
  const chain = `cannot write to the bucket: ${'because of another cause: '.repeat(12)}end`;
  assert.equal(beginning('short'), 'short');
  assert.ok(chain.startsWith(beginning(chain)) && beginning(chain).endsWith('cause'));
});

test('a line is interrupted where nothing was measured, and a lone point is a dot', () => {
  const points = [1, null, 2, 4].map((value, at) => ({ at, value }));
  const box = { width: 30, height: 10 };
  assert.equal(path(points, 4, box), 'M0.0 7.5M20.0 5.0L30.0 0.0');
  assert.equal(dots(points, 4, box), 'M0.0 7.5h0');
});

test('readers are people unless something else is said', () => {
  assert.deepEqual([' ada ', 'group:legal', 'key:scanner', 'user:bo'].map(asHolder), ['user:ada', 'group:legal', 'key:scanner', 'user:bo']);
  assert.equal(readersInWords(['user:ada', 'group:legal', 'key:scanner']), 'ada, group legal, key scanner');
  assert.equal(readersInWords([]), 'everybody in the workspace');
});

test('a reader that is gone, or shares its name, keeps its id', () => {
  const readers = [['user:1', 'ada'], ['group:2', 'ada'], ['key:3', 'scanner'], ['key:4', 'scanner'], ['user:5', '']].map(([holder, name]) => ({ holder, name }));
  assert.deepEqual(readers.map((one) => asTyped(one, readers)), ['user:ada', 'group:ada', 'key:3', 'key:4', 'user:5']);
});

test('a fact holds from its first moment on and no more at its last, as the server takes a day', () => {
  const link = graph.link({ id: 'l', from: 'a', to: 'b', relation: 'R', importance: 1, valid_from: '2026-03-01T00:00:00Z', valid_to: '2026-06-01T00:00:00Z' });
  const on = (day) => graph.holdsAt(link, graph.startOf(graph.dayNumber(Date.parse(day))));
  assert.deepEqual(['2026-02-28', '2026-03-01', '2026-05-31', '2026-06-01'].map(on), [false, true, true, false]);
  assert.ok(graph.holdsAt(graph.times({}), 0), 'what has no times holds always');
  assert.equal(graph.dayOf(graph.dayNumber(Date.parse('2026-03-01T23:59:00Z'))), '2026-03-01');
});

test('the days go from the first time of any fact to today, or to the last time where that is later', () => {
  const times = [{ valid_from: '2026-01-12T08:00:00Z' }, { valid_to: '2026-11-13T00:00:00Z' }, {}].map(graph.times);
  const days = (now) => Object.values(graph.span(times, Date.parse(now))).map(graph.dayOf);
  assert.deepEqual(days('2026-06-01'), ['2026-01-12', '2026-11-13']);
  assert.deepEqual(days('2026-12-24'), ['2026-01-12', '2026-12-24']);
  assert.equal(graph.span([graph.times({})], 0), null);
});

test('whoever the server named in no group takes that of most neighbours, and of none where there are none', () => {
  const nodes = ['a', 'b', 'c', 'd', 'e', 'alone'].map((id) => ({ id, name: id, kind: 'other', score: 0 }));
  const edges = [['a', 'c'], ['b', 'c'], ['a', 'c'], ['c', 'd'], ['d', 'e']].map(([from, to], at) => ({ id: `${at}`, from, to, relation: 'R', importance: 1 }));
  const found = [{ number: 4, size: 1, nodes: [nodes[0]] }, { number: 7, size: 1, nodes: [nodes[1]] }];
  assert.deepEqual(Object.fromEntries(graph.communitiesOf(nodes, edges, found)), { a: 4, b: 7, c: 4, d: 4, e: 4 });
  assert.equal(graph.communitiesOf(nodes, edges, []).size, 0);
  assert.equal(graph.communitiesOf([{ ...nodes[0], community: 2 }], [], found).get('a'), 2, 'what the node itself says counts');
});

test('a connection to oneself counts once', () => {
  const edges = [['a', 'a'], ['a', 'b']].map(([from, to], at) => ({ id: `${at}`, from, to, relation: 'R', importance: 1 }));
  assert.deepEqual(Object.fromEntries(graph.degrees(edges)), { a: 2, b: 1 });
  assert.deepEqual(graph.tally(['x', 'y', 'y', 'a']), [['y', 2], ['a', 1], ['x', 1]]);
});
