/** Files that stdin was put into. */
const files = new Set<string>()

/** Remembers a file as one that holds what came from stdin. */
export function holdsStdin(file: string): void {
  files.add(file)
}

/** A text in which such a file is called what it is: nobody else knows it, and it goes with the program. */
export function asStdin(text: string): string {
  return [...files].reduce((shown, file) => shown.replaceAll(file, 'stdin'), text)
}
