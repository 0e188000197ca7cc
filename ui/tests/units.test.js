// The parts that need no browser: the event parser, the layout of answers, the API page's reading of OpenAPI.
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

test('events come whole however the stream is cut', () => {
  const stream = 'event: token\r\ndata: {"text":"a"}\r\n\r\n: keep-alive\n\nevent: done\ndata: x\ndata: y\n\n';
  for (let cut = 1; cut < stream.length; cut += 1) {
    const parser = new EventParser();
    const events = [...parser.push(stream.slice(0, cut)), ...parser.push(stream.slice(cut))];
    assert.deepEqual(events, [{ name: 'token', data: '{"text":"a"}' }, { name: 'done', data: 'x\ny' }]);
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
  assert.equal(curl(list[2], 'http://x/v1/documents', '', true), `curl -X POST -H "Authorization: Bearer $IBID_KEY" -F file=@FILE 'http://x/v1/documents'`);
});
