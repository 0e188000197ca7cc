// Lays an answer out: paragraphs and lists of pieces, each piece plain text of one claim or a citation mark.
// Keeps true: the pieces' texts are the answer's own characters; nothing in them is read as HTML.
import type { Claim } from '../api/types';

export interface TextPiece {
  kind: 'text';
  text: string;
  // Index into the claims that were given.
  claim: number | null;
  // Whether the claim's words end with this piece.
  ends: boolean;
  strong: boolean;
  code: boolean;
}

export interface MarkPiece {
  kind: 'mark';
  number: number;
}

export type Piece = TextPiece | MarkPiece;

// Pieces that stay on one line, where `glued`: a mark with the word before it and the full stop after it.
export interface Group {
  glued: boolean;
  pieces: Piece[];
}

export interface Block {
  kind: 'paragraph' | 'item' | 'heading' | 'code';
  // Of a list item: `•` or its number.
  bullet: string;
  groups: Group[];
}

interface Range {
  start: number;
  end: number;
}

// A longer word may break, or it would push the page wider than a phone.
const GLUED_CHARS_MAX = 24;
const MARK = /\[\s*\d{1,3}(?:\s*,\s*\d{1,3})*\s*\]/g;

// `known` are the numbers of citations that exist; other marks stay text.
export function layout(text: string, claims: Claim[], known: ReadonlySet<number>): Block[] {
  const owners = claimRanges(text, claims);
  const result = blocks(text).map((block) => ({
    kind: block.kind,
    bullet: block.bullet,
    groups: glue(block.kind === 'code' ? [plain(text.slice(block.start, block.end), false, true)] : inline(text, block, owners, known)),
  }));
  markEnds(result.flatMap(({ groups }) => groups.flatMap(({ pieces }) => pieces)));
  return result;
}

function glue(pieces: Piece[]): Group[] {
  const groups: Group[] = [];
  for (const piece of pieces) {
    const last = groups.at(-1);
    if (piece.kind === 'mark') addMark(groups, piece);
    else if (last?.glued) addAfterMark(groups, last, piece);
    else if (last) last.pieces.push(piece);
    else groups.push({ glued: false, pieces: [piece] });
  }
  return groups;
}

function addMark(groups: Group[], mark: MarkPiece) {
  const last = groups.at(-1);
  if (last?.glued) {
    last.pieces.push(mark);
    return;
  }
  const word = takeLastWord(last);
  if (last?.pieces.length === 0) groups.pop();
  groups.push({ glued: true, pieces: [...word, mark] });
}

function addAfterMark(groups: Group[], glued: Group, piece: TextPiece) {
  const stop = /^[.,;:!?)”’"]+/.exec(piece.text)?.[0] ?? '';
  if (stop) glued.pieces.push({ ...piece, text: stop });
  const rest = piece.text.slice(stop.length);
  if (rest) groups.push({ glued: false, pieces: [{ ...piece, text: rest }] });
}

function takeLastWord(group: Group | undefined): TextPiece[] {
  const piece = group?.pieces.at(-1);
  if (!group || piece?.kind !== 'text' || piece.code) return [];
  const word = /\S+$/.exec(piece.text)?.[0] ?? '';
  if (word === '' || word.length > GLUED_CHARS_MAX) return [];
  piece.text = piece.text.slice(0, -word.length);
  if (piece.text === '') group.pieces.pop();
  return [{ ...piece, text: word }];
}

function markEnds(pieces: Piece[]) {
  const last = new Map<number, TextPiece>();
  for (const piece of pieces) {
    if (piece.kind === 'text' && piece.claim !== null) last.set(piece.claim, piece);
  }
  for (const piece of last.values()) piece.ends = true;
}

// Where each claim stands in the text. Marks, emphasis and the width of white space do not count.
export function claimRanges(text: string, claims: Claim[]): (Range | null)[] {
  const { letters, places } = compact(text);
  let from = 0;
  return claims.map((claim) => {
    const wanted = compact(claim.text).letters;
    if (wanted === '') return null;
    let at = letters.indexOf(wanted, from);
    if (at < 0) at = letters.indexOf(wanted);
    if (at < 0) return null;
    from = at + wanted.length;
    return { start: places[at] ?? 0, end: (places[from - 1] ?? 0) + 1 };
  });
}

function compact(text: string): { letters: string; places: number[] } {
  const bare = text.replace(MARK, (mark) => ' '.repeat(mark.length));
  const places: number[] = [];
  let letters = '';
  for (let at = 0; at < bare.length; at += 1) {
    const letter = bare[at] ?? '';
    if (/[\s*_`#]/.test(letter)) continue;
    letters += letter;
    places.push(at);
  }
  return { letters, places };
}

type RawBlock = Range & { kind: Block['kind']; bullet: string };

function blocks(text: string): RawBlock[] {
  const result: RawBlock[] = [];
  let fence: RawBlock | null = null;
  let at = 0;
  for (const line of text.split('\n')) {
    const start = at;
    const end = at + line.length;
    at = end + 1;
    if (/^\s*```/.test(line)) {
      if (fence) result.push(fence);
      fence = fence ? null : { kind: 'code', bullet: '', start: at, end: at };
    } else if (fence) {
      fence.end = end;
    } else {
      addLine(result, line, start, end);
    }
  }
  if (fence) result.push(fence);
  return result.filter((block) => block.end > block.start);
}

function addLine(result: RawBlock[], line: string, start: number, end: number) {
  const item = /^\s*(?:[-*•]|(\d{1,3})[.)])\s+/.exec(line);
  const heading = /^#{1,6}\s+/.exec(line);
  const last = result.at(-1);
  if (item) {
    result.push({ kind: 'item', bullet: item[1] ? `${item[1]}.` : '•', start: start + item[0].length, end });
  } else if (heading) {
    result.push({ kind: 'heading', bullet: '', start: start + heading[0].length, end });
  } else if (line.trim() === '') {
    result.push({ kind: 'paragraph', bullet: '', start, end: start });
  } else if (last && (last.kind === 'paragraph' || last.kind === 'item') && last.end > last.start && last.end === start - 1) {
    last.end = end;
  } else {
    result.push({ kind: 'paragraph', bullet: '', start, end });
  }
}

function inline(text: string, block: Range, owners: (Range | null)[], known: ReadonlySet<number>): Piece[] {
  const pieces: Piece[] = [];
  const token = new RegExp(`${MARK.source}|\\*\\*|\`[^\`\\n]+\``, 'g');
  token.lastIndex = block.start;
  let strong = false;
  let from = block.start;
  for (let match = token.exec(text); match && match.index + match[0].length <= block.end; match = token.exec(text)) {
    const numbers = match[0].startsWith('[') ? (match[0].match(/\d+/g) ?? []).map(Number) : [];
    if (numbers.length > 0 && !numbers.every((number) => known.has(number))) continue;
    addText(pieces, text, { start: from, end: match.index }, owners, strong);
    if (numbers.length > 0) trimEnd(pieces);
    for (const number of numbers) pieces.push({ kind: 'mark', number });
    if (match[0] === '**') strong = !strong;
    if (match[0].startsWith('`')) pieces.push(plain(match[0].slice(1, -1), strong, true, ownerAt(owners, match.index + 1)));
    from = match.index + match[0].length;
  }
  addText(pieces, text, { start: from, end: block.end }, owners, strong);
  return pieces;
}

function addText(pieces: Piece[], text: string, range: Range, owners: (Range | null)[], strong: boolean) {
  const cuts = new Set([range.start, range.end]);
  for (const owner of owners) {
    for (const cut of owner ? [owner.start, owner.end] : []) {
      if (cut > range.start && cut < range.end) cuts.add(cut);
    }
  }
  const sorted = [...cuts].sort((a, b) => a - b);
  for (let i = 0; i + 1 < sorted.length; i += 1) {
    const start = sorted[i] ?? 0;
    const piece = text.slice(start, sorted[i + 1]);
    if (piece) pieces.push(plain(piece, strong, false, ownerAt(owners, start)));
  }
}

function ownerAt(owners: (Range | null)[], at: number): number | null {
  const index = owners.findIndex((owner) => owner !== null && owner.start <= at && at < owner.end);
  return index < 0 ? null : index;
}

// A mark sits close to the word that it belongs to.
function trimEnd(pieces: Piece[]) {
  const last = pieces.at(-1);
  if (last?.kind !== 'text') return;
  last.text = last.text.trimEnd();
  if (last.text === '') pieces.pop();
}

function plain(text: string, strong: boolean, code: boolean, claim: number | null = null): TextPiece {
  return { kind: 'text', text, claim, ends: false, strong, code };
}
