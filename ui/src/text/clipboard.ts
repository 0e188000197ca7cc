// Puts text on the clipboard. Browsers give the modern way to secure origins only, which a plain address in a home network is not.
// True where it is there now.
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

function copyBySelection(text: string): boolean {
  const focused = document.activeElement;
  // In an open dialog nothing outside can be selected.
  const host = document.querySelector('dialog[open]') ?? document.body;
  const area = Object.assign(document.createElement('textarea'), { value: text, className: 'visually-hidden' });
  host.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return done;
}

// Hands a text to the browser as a file to keep.
export function save(name: string, text: string, type: string) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  Object.assign(document.createElement('a'), { href: address, download: name }).click();
  URL.revokeObjectURL(address);
}
