import type { Replacement } from './fault.ts'

/** Replaces fields of a response as a fault wants it; one that is replaced by `null` is removed. */
export function replaceFields(
  replacement: Replacement | undefined,
  response: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const all = Object.entries({ ...response, ...replacement })
  return Object.fromEntries(all.filter(([, value]) => value !== null))
}
