import { isIP } from 'node:net'

/** The headers that say for whom a request is, and which page made a browser send it. */
type Headers = Readonly<Record<string, string>>

/**
 * Why a request is to be refused, if it is: a page from elsewhere must not get at tokens through a browser on this machine,
 * neither by a name of its own that it lets resolve to 127.0.0.1 nor by a request across origins.
 */
export function refuseStranger(headers: Headers): string | undefined {
  const { host, origin } = headers
  if (host !== undefined && !isTrusted(hostnameOf(`http://${host}`))) {
    return `The emulator answers requests to this machine alone, and this one is for "${host}".`
  }
  if (origin !== undefined && !isTrusted(hostnameOf(origin))) {
    return `The emulator does not answer web pages from elsewhere, and this one is from "${origin}".`
  }
  return undefined
}

function hostnameOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : ''
}

/** Loopback names; and Google's, for clients that are led here by a hosts file. Nobody else can have those. */
function isTrusted(hostname: string): boolean {
  if (isIP(hostname) === 4) return hostname.startsWith('127.')
  return /^(\[::1\]|(.+\.)?localhost|.+\.googleapis\.com|metadata\.google\.internal)\.?$/.test(hostname)
}
