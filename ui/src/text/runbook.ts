// A runbook's Markdown as parts to show: prose in blocks, and steps. What is not understood stays as text; nothing is HTML.

export interface Step {
  kind: string;
  // The rest of the block: run, manual, confirm, expect, exit, tries.
  fields: Record<string, string>;
}

export type Part =
  | { is: 'heading'; text: string }
  | { is: 'text'; text: string }
  | { is: 'list'; items: string[] }
  | { is: 'code'; text: string }
  | { is: 'step'; step: Step; number: number };

export function partsOf(markdown: string): Part[] {
  const parts: Part[] = [];
  const lines = markdown.split(/\r?\n/);
  let steps = 0;
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    const fence = /^\s*```(\w*)/.exec(line);
    if (fence) {
      const body: string[] = [];
      for (at += 1; at < lines.length && !/^\s*```/.test(lines[at] ?? ''); at += 1) body.push(lines[at] ?? '');
      if (fence[1] === 'runbook') parts.push({ is: 'step', step: stepOf(body), number: (steps += 1) });
      else parts.push({ is: 'code', text: body.join('\n') });
    } else if (/^#+ /.test(line)) parts.push({ is: 'heading', text: line.replace(/^#+ /, '') });
    else if (/^\s*[-*] /.test(line)) listed(parts).push(line.replace(/^\s*[-*] /, ''));
    else if (line.trim()) running(parts, lines[at - 1] ?? '', line.trim());
  }
  return parts;
}

// Words with code in it: every odd one was between backquotes.
export const inline = (text: string): string[] => text.split('`');

function stepOf(lines: string[]): Step {
  const fields: Record<string, string> = {};
  for (const line of lines) {
    const found = /^(\w+):\s*(.*)$/.exec(line.trim());
    if (found?.[1]) fields[found[1]] = found[2] ?? '';
  }
  const { kind = 'step', ...rest } = fields;
  return { kind, fields: rest };
}

function listed(parts: Part[]): string[] {
  const last = parts.at(-1);
  if (last?.is === 'list') return last.items;
  const list = { is: 'list' as const, items: [] };
  parts.push(list);
  return list.items;
}

// Lines that follow each other are one paragraph.
function running(parts: Part[], before: string, line: string) {
  const last = parts.at(-1);
  if (last?.is === 'text' && before.trim()) last.text += ` ${line}`;
  else parts.push({ is: 'text', text: line });
}
