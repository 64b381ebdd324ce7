/** What must never be seen in an output, an error or an inspected object: tokens, keys, certificates, assertions. */
export const secret: RegExp = /ya29\.|1\/\/[\w-]{20}|-----BEGIN|MII[\w+/]{20}|eyJ[\w-]{10}/
