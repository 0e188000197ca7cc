// The beginning of a long text, up to the last cause or word that ends within so many characters.
const CHARS_MAX = 140;

export function beginning(text: string): string {
  if (text.length <= CHARS_MAX * 1.3) return text;
  const cut = text.slice(0, CHARS_MAX);
  const end = Math.max(cut.lastIndexOf('; '), cut.lastIndexOf(': '));
  return cut.slice(0, end > CHARS_MAX / 3 ? end : Math.max(cut.lastIndexOf(' '), 1));
}
