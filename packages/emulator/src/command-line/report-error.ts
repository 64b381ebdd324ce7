/** Says on stderr what is wrong, and who says so. */
export function reportError(message: string): void {
  process.stderr.write(`alloydb-emulator: ${message}\n`)
}
