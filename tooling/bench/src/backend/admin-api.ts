import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Identities } from './identities.ts'

/** The instance of Cloud SQL that is known, as its connector calls it; its server certificate must have this name. */
export const cloudSqlInstance = { project: 'bench', region: 'local', name: 'primary' } as const

/** One way to answer a request whose path matches. */
interface Route {
  readonly pattern: RegExp
  readonly answer: (body: string) => unknown
  /** The metadata server is on the machine itself, and has no latency. */
  readonly isLocal?: boolean
}

/**
 * What connectors ask before they dial: tokens of the metadata server, AlloyDB's Admin API and Cloud SQL's. The answers
 * are as short as their clients let them be, and both APIs have the same latency.
 */
export class AdminApi {
  latencyMs = 0
  /** The port of AlloyDB's server-side proxy, told as the emulator tells it. */
  proxyPort = 0
  readonly #identities: Identities
  readonly #routes: readonly Route[]
  readonly #server: Server
  /** Certificates by public key: signing is the service's cost, not the client's. */
  readonly #chains = new Map<string, Promise<readonly string[]>>()

  constructor(identities: Identities) {
    this.#identities = identities
    this.#routes = [
      { pattern: /^\/computeMetadata\/v1\/instance\/?$/, answer: () => ({}), isLocal: true },
      { pattern: /^\/computeMetadata\/v1\/project\/project-id$/, answer: () => 'bench', isLocal: true },
      {
        pattern: /^\/computeMetadata\/.*\/token(\?|$)/,
        answer: () => ({ access_token: 'bench', expires_in: 3_599, token_type: 'Bearer' }),
        isLocal: true,
      },
      { pattern: /\/connectionInfo(\?|$)/, answer: () => ({ ipAddress: '127.0.0.1' }) },
      {
        pattern: /:generateClientCertificate(\?|$)/,
        answer: (body) => this.#generateClientCertificate(body),
      },
      { pattern: /\/connectSettings(\?|$)/, answer: () => this.#connectSettings() },
      { pattern: /:generateEphemeralCert(\?|$)/, answer: (body) => this.#generateEphemeralCert(body) },
    ]
    this.#server = createServer((request, response) => {
      void this.#answer(request).then((answer) => {
        response.writeHead(answer === undefined ? 404 : 200, {
          'content-type': 'application/json',
          'metadata-flavor': 'Google',
          'x-alloydb-emulator-port': this.proxyPort,
        })
        response.end(
          JSON.stringify(answer ?? { error: { code: 404, message: `No such path: ${request.url}` } }),
        )
      })
    })
  }

  /** Listens on a free port, and gives `127.0.0.1:<port>`. */
  async listen(): Promise<string> {
    this.#server.keepAliveTimeout = 0 // a client that was busy must not find its connection closed
    await once(this.#server.listen(0, '127.0.0.1'), 'listening')
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  async #answer(request: IncomingMessage): Promise<unknown> {
    let body = ''
    for await (const chunk of request.setEncoding('utf8') as AsyncIterable<string>) body += chunk
    const route = this.#routes.find(({ pattern }) => pattern.test(request.url ?? ''))
    if (this.latencyMs > 0 && route?.isLocal !== true) await sleep(this.latencyMs)
    return route?.answer(body)
  }

  async #generateClientCertificate(body: string): Promise<unknown> {
    return {
      pemCertificateChain: await this.#certify(publicKeyIn(body)),
      caCert: this.#identities.rootPem,
    }
  }

  #connectSettings(): unknown {
    return {
      kind: 'sql#connectSettings',
      region: cloudSqlInstance.region,
      backendType: 'SECOND_GEN',
      ipAddresses: [{ type: 'PRIMARY', ipAddress: '127.0.0.1' }],
      serverCaCert: { cert: this.#identities.rootPem, expirationTime: '2036-01-01T00:00:00Z' },
    }
  }

  async #generateEphemeralCert(body: string): Promise<unknown> {
    const chain = await this.#certify(publicKeyIn(body))
    return { ephemeralCert: { cert: chain.join('') } }
  }

  #certify(publicKey: string): Promise<readonly string[]> {
    const known = this.#chains.get(publicKey) ?? this.#identities.certify(publicKey)
    this.#chains.set(publicKey, known)
    return known
  }
}

/** Clients write the name in either way. */
function publicKeyIn(body: string): string {
  const request = JSON.parse(body) as { public_key?: string; publicKey?: string }
  return request.public_key ?? request.publicKey ?? ''
}
