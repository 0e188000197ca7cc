// Files as a reader drops or picks them, with the path that names each within what was dropped.

export interface Picked {
  file: File;
  source: string;
}

// A dropped folder is read to this depth and number; what lies deeper is left to the command line.
const DEPTH_MAX = 12;
const FILES_MAX = 2_000;

export function picked(files: FileList): Picked[] {
  return [...files].map((file) => ({ file, source: file.webkitRelativePath || file.name }));
}

// The transfer is readable only until the first await, so its entries are taken at once.
export async function dropped(transfer: DataTransfer): Promise<Picked[]> {
  const plain = [...transfer.files];
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  if (!entries.some((entry) => entry?.isDirectory)) return plain.map((file) => ({ file, source: file.name }));
  const found: Picked[] = [];
  for (const entry of entries) if (entry) await walk(entry, found, 0);
  return found;
}

async function walk(entry: FileSystemEntry, found: Picked[], depth: number): Promise<void> {
  if (found.length >= FILES_MAX || depth > DEPTH_MAX || entry.name.startsWith('.')) return;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    found.push({ file, source: entry.fullPath.replace(/^\//, '') });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return;
    for (const inner of some) await walk(inner, found, depth + 1);
  }
}
