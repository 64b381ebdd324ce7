import { isIP } from 'node:net'

/** The address that an emulator listens on unless it is told another. */
const LOOPBACK = '127.0.0.1'

/**
 * The IP address to listen on. A name is refused: what it leads to decides whether web pages and other machines are let in, and
 * may change. `localhost` is the one that leads to this machine everywhere.
 */
export function parseListenAddress(text: string = LOOPBACK): string {
  if (text.toLowerCase() === 'localhost') return LOOPBACK
  const mapped = /^::ffff:([\d.]+)$/i.exec(text)?.[1]
  if (mapped !== undefined && isIP(mapped)) return mapped
  if (isIP(text)) return text
  throw new Error(
    `"${text}" is no IP address, and the emulator listens on nothing else.\n` +
      'Give an IP address of this machine, or 0.0.0.0 for all of them (on the command line: --listen 0.0.0.0).',
  )
}
