// Scripts of answers as the real flow sends them.
import { answer, cite, claim, EXPIRY_QUOTE, LEAVE_QUOTE, NIGHT_QUOTE } from './library.js';

export const LEAVE_ANSWER = `${LEAVE_QUOTE} [1] ${EXPIRY_QUOTE} [2]`;

export function leaveCitations(server) {
  const handbook = server.find('handbook');
  const place = { page: 12, heading: ['Leave', 'Annual leave'] };
  return [cite(1, handbook, LEAVE_QUOTE, place), cite(2, handbook, EXPIRY_QUOTE, place)];
}

// An extractive answer of two sentences.
export async function leave(run, _request, server) {
  const citations = leaveCitations(server);
  run.did('retrieve', '8 passages of 2 documents');
  run.did('judge', '3 passages speak of it');
  run.step('answer', 'started');
  for (const [index, quote] of [LEAVE_QUOTE, EXPIRY_QUOTE].entries()) {
    run.send('citation', citations[index]);
    run.token(`${index ? ' ' : ''}${quote} [${index + 1}]`);
  }
  run.step('answer', 'finished', '2 sentences');
  run.did('verify', '2 of 2 claims supported');
  const claims = [claim(LEAVE_QUOTE, 'supported', [1]), claim(EXPIRY_QUOTE, 'supported', [2])];
  run.done(answer({ text: LEAVE_ANSWER, citations, claims }));
}

// An answer of what somebody told.
export async function moved(run, _request, server) {
  const told = server.memory.episodes.find((one) => one.id === 'm-move');
  const quote = 'I moved to Lisbon last Friday.';
  const start_byte = Buffer.byteLength(told.text.slice(0, told.text.indexOf(quote)));
  const place = { title: 'ada, 2026-11-18', source: 'memory', heading_path: [], start_byte, end_byte: start_byte + Buffer.byteLength(quote) };
  const citation = { number: 1, document: told.id, version: told.id, chunk: told.id, episode: told.id, quote, ...place };
  run.did('retrieve', '3 passages');
  run.send('citation', citation);
  run.token(`${quote} [1]`);
  run.done(answer({ text: `${quote} [1]`, citations: [citation], claims: [claim(quote, 'supported', [1])] }));
}

const GENERATED = [
  'Hotels are paid for up to 120 € a night [1].',
  'In Munich the limit is 180 € [1].',
  'Anything above needs approval beforehand, **also during fairs** [1].',
];
const BARE = ['Hotels are paid for up to 120 € a night.', 'In Munich the limit is 180 €.', 'Anything above needs approval beforehand, also during fairs.'];

// A model's answer, of which one sentence is made up.
export async function hotels(run, _request, server) {
  const citations = [cite(1, server.find('travel'), NIGHT_QUOTE, { heading: ['Übernachtung'] })];
  run.did('retrieve', '6 passages of 3 documents');
  run.did('judge', '2 passages speak of it');
  for (const word of GENERATED.join(' ').split(/(?<= )/)) run.token(word);
  run.did('verify', '2 of 3 claims supported');
  const claims = BARE.map((text, index) => claim(text, index === 1 ? 'unsupported' : 'supported', index === 1 ? [] : [1]));
  run.done(answer({
    text: GENERATED.join(' '), citations, claims, mode: 'generative', model: 'qwen2.5-1.5b', confidence: 0.58,
    notices: ['one mark of the model pointed to no source and was dropped'],
  }));
}

export async function abstain(run) {
  run.did('retrieve', '5 passages of 3 documents');
  run.did('judge', 'none speaks of it');
  run.done(answer({
    confidence: 0.91,
    abstained: {
      reason: 'none of the passages that were found speaks of a company car',
      looked_for: ['company car', 'Dienstwagen', 'car policy'],
      nearest: ['Reisekostenrichtlinie (handbook/reisekosten.md)', 'Employee handbook (handbook/employee-handbook.pdf)'],
    },
  }));
}
