// What a step does, in words: while it is at work, and afterwards.

const WORDS: Record<string, [doing: string, did: string]> = {
  rewrite: ['Reading the question', 'Read the question'],
  split: ['Telling the questions apart', 'Told the questions apart'],
  route: ['Choosing where to look', 'Chose where to look'],
  retrieve: ['Searching the documents', 'Searched the documents'],
  recall: ['Looking for an answer from before', 'Looked for an answer from before'],
  judge: ['Judging the passages', 'Judged the passages'],
  widen: ['Widening the search', 'Widened the search'],
  answer: ['Writing the answer', 'Wrote the answer'],
  reply: ['Writing a reply', 'Wrote a reply'],
  verify: ['Checking each claim', 'Checked each claim'],
  improve: ['Improving the answer', 'Improved the answer'],
  keep: ['Keeping the answer', 'Kept the answer'],
  guard: ['Looking for what must not get out', 'Looked for what must not get out'],
  summarise: ['Summing up the conversation', 'Summed up the conversation'],
  remember: ['Remembering', 'Remembered'],
  human: ['Waiting for a person', 'Asked a person'],
  tool: ['Using a tool', 'Used a tool'],
  http: ['Calling a server', 'Called a server'],
  wait: ['Waiting', 'Waited'],
};

// By the node's name where it is a known one, else by its kind, else the name itself.
export function stepWords(step: { node: string; kind: string; state: string }, running: boolean): string {
  const words = WORDS[step.node] ?? (WORDS[step.kind] && [`${WORDS[step.kind]?.[0]} (${step.node})`, `${WORDS[step.kind]?.[1]} (${step.node})`]);
  const [doing, did] = words ?? [step.node, step.node];
  return (running && step.state === 'started') || step.state === 'waiting' ? (doing ?? '') : (did ?? '');
}
