import { AlloyDBError } from './alloydb-error.ts'

/** Where Google Cloud is, unless it is a cloud of its own. */
export const defaultUniverseDomain = 'googleapis.com'

const loopback = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

/**
 * Reads the origin of the Admin API; `https://` in front of it is optional.
 *
 * @throws ALLOYDB_INVALID_OPTION for plain HTTP to any other machine, since a token travels
 */
export function parseEndpoint(text: string): string {
  const url = parseUrl('apiEndpoint', text, /^\w+:\/\//.test(text) ? text : `https://${text}`)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback.test(url.hostname))) {
    throw new AlloyDBError(
      'ALLOYDB_INVALID_OPTION',
      `Invalid apiEndpoint: "${withoutLogin(text)}" would send tokens in the clear.`,
      {
        hint: 'Use https://; http:// is for a loopback host alone.',
      },
    )
  }
  return url.origin + url.pathname.replace(/\/$/, '')
}

/**
 * Reads the environment variable that points connectors at the emulator, `ALLOYDB_EMULATOR_HOST=127.0.0.1:9797`.
 *
 * @returns the origin of the emulator's Admin API; `undefined` where the variable is not set
 * @throws ALLOYDB_INVALID_OPTION for a host elsewhere, unless `ALLOYDB_EMULATOR_ALLOW_REMOTE` is `1`
 */
export function parseEmulatorHost(env: NodeJS.ProcessEnv): string | undefined {
  const text = env['ALLOYDB_EMULATOR_HOST']
  if (text === undefined || text === '') return undefined
  const isUrl = /^\w+:\/\//.test(text)
  const url = parseUrl('ALLOYDB_EMULATOR_HOST', text, isUrl ? text : `http://${text}`)
  if (url.protocol !== 'http:') {
    throw new AlloyDBError(
      'ALLOYDB_INVALID_OPTION',
      `Invalid ALLOYDB_EMULATOR_HOST: "${withoutLogin(text)}".`,
      {
        hint: 'The emulator speaks plain HTTP: set it to host and port, such as 127.0.0.1:9797.',
      },
    )
  }
  if (!loopback.test(url.hostname) && env['ALLOYDB_EMULATOR_ALLOW_REMOTE'] !== '1') {
    throw new AlloyDBError(
      'ALLOYDB_INVALID_OPTION',
      `ALLOYDB_EMULATOR_HOST names another machine: "${withoutLogin(text)}".`,
      {
        hint: 'Use a loopback host such as 127.0.0.1:9797, or set ALLOYDB_EMULATOR_ALLOW_REMOTE=1 to mean it.',
      },
    )
  }
  return url.origin
}

function parseUrl(name: string, text: string, url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined || parsed.hostname === '' || parsed.username !== '' || parsed.search !== '') {
    throw new AlloyDBError('ALLOYDB_INVALID_OPTION', `Invalid ${name}: "${withoutLogin(text)}".`, {
      hint: 'Expected a host, with a port where it is not the usual one.',
    })
  }
  return parsed
}

/** What somebody may have put in front of the host is a user and a password. */
function withoutLogin(text: string): string {
  return text.replace(/^(\w+:\/\/)?.*@/, '$1…@')
}
