// Saves a text as a file of the browser's download folder.

export function saveText(name: string, type: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The file is written from the blob after this turn.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
