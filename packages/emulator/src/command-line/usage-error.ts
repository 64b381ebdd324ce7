/** What was typed can't be understood, or asks for what can't be done. */
export class UsageError extends Error {
  override name = 'UsageError'
}
