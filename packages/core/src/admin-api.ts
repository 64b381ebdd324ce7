import { Readable } from 'node:stream'
import { within } from './abortable.ts'
import { AlloyDBError } from './alloydb-error.ts'
import { adminApiError } from './admin-api-error.ts'
import type { Credentials } from './credentials.ts'
import { readHosts, serverProxyPort, type ServerAddresses } from './server-addresses.ts'
import { describeHttpFailure } from './http-failure.ts'
import { property } from './property.ts'
import type { InstanceUri } from './instance-uri.ts'
import { version } from './version.ts'

/** A client certificate with its chain, and the CA that the server's certificate is verified with; all PEM. */
export interface CertificateResponse {
  /** The leaf, then the intermediate, then the root. */
  readonly certificateChain: readonly string[]
  readonly caCertificate: string
}

/** Where the Admin API is, and how to introduce oneself. */
export interface AdminApiOptions {
  /** The API's origin, such as `https://alloydb.googleapis.com`. */
  readonly endpoint: string
  readonly userAgent: string
  /** Whether the endpoint is the emulator, whose server-side proxies listen where they find a free port. */
  readonly isEmulator: boolean
}

/** How long an error may wait for the name of the principal, which has to be asked for with some credentials. */
const principalTimeoutMs = 1_000
/** What is asked for; the certificate's own expiry is what counts. */
const certificateDuration = '3600s'
const apiVersion = 'v1beta' // v1's ConnectionInfo lacks the PSC name

/**
 * The two calls of the AlloyDB Admin API that connecting takes.
 *
 * @see https://cloud.google.com/alloydb/docs/reference/rest/v1beta/projects.locations.clusters.instances/getConnectionInfo
 * @see https://cloud.google.com/alloydb/docs/reference/rest/v1beta/projects.locations.clusters/generateClientCertificate
 */
export class AdminApi {
  readonly #credentials: Credentials
  readonly #options: AdminApiOptions

  constructor(credentials: Credentials, options: AdminApiOptions) {
    this.#credentials = credentials
    this.#options = options
  }

  /** Asks where the instance can be reached. */
  async getConnectionInfo(instance: InstanceUri, signal: AbortSignal): Promise<ServerAddresses> {
    const { data, headers } = await this.#call(instance, 'instance', '/connectionInfo', signal)
    const port = Number(new Headers(headers).get('x-alloydb-emulator-port'))
    const hosts = readHosts({
      PRIVATE: property(data, 'ipAddress'),
      PUBLIC: property(data, 'publicIpAddress'),
      PSC: property(data, 'pscDnsName') || property(data, 'pscAutoDnsName'),
    })
    // An instance may have no address at all, but it has a name.
    if (Object.keys(hosts).length === 0 && typeof property(data, 'name') !== 'string') {
      throw invalidResponseError(instance, 'connection info')
    }
    return {
      hosts,
      port: this.#options.isEmulator && port > 0 ? port : serverProxyPort,
    }
  }

  /** Has a client certificate made for a public key (SPKI PEM). */
  async generateClientCertificate(
    instance: InstanceUri,
    publicKey: string,
    signal: AbortSignal,
  ): Promise<CertificateResponse> {
    const { data } = await this.#call(instance, 'cluster', ':generateClientCertificate', signal, {
      publicKey,
      certDuration: certificateDuration,
      useMetadataExchange: true,
    })
    const certificateChain = property(data, 'pemCertificateChain')
    const caCertificate = property(data, 'caCert')
    if (!isNonEmptyStrings(certificateChain) || typeof caCertificate !== 'string') {
      throw invalidResponseError(instance, 'client certificate')
    }
    return { certificateChain, caCertificate }
  }

  async #call(
    instance: InstanceUri,
    resource: 'instance' | 'cluster',
    method: string,
    signal: AbortSignal,
    data?: object,
  ): Promise<Response> {
    const name = resource === 'instance' ? instance.name : instance.cluster
    const url = `${this.#options.endpoint}/${apiVersion}/${name}${method}`
    const tokens = this.#credentials.tokenGeneration
    const { transporter } = await this.#credentials.adminClient()
    const headers = await this.#credentials.adminHeaders(url)
    headers.set('user-agent', this.#options.userAgent)
    if (data !== undefined) headers.set('content-type', 'application/json')
    headers.set('x-goog-api-client', `gl-node/${process.versions.node} gccl/${version}`)
    try {
      return await transporter.request<unknown>({
        url,
        headers,
        signal,
        method: data === undefined ? 'GET' : 'POST',
        responseType: 'json',
        ...(this.#options.isEmulator && { noProxy: [new URL(url).hostname] }), // it is on this machine
        retry: false, // the refresh that this is part of is tried again, as one
        ...(data !== undefined && { data: streamJson(data), duplex: 'half' }), // which Node's fetch wants to be told
      })
    } catch (error) {
      signal.throwIfAborted()
      const failure = describeHttpFailure(error)
      // A token that was revoked before its time; with another one there may be nothing wrong.
      if (failure.status === 401 && this.#credentials.forgetTokens(tokens)) {
        return await this.#call(instance, resource, method, signal, data)
      }
      const finding = failure.status === 403 ? this.#credentials.adminPrincipal() : undefined
      const principal = finding && (await within(finding, principalTimeoutMs))
      throw adminApiError(failure, instance, resource, principal)
    }
  }
}

/** An answer; clients of older versions of google-auth-library give its headers as a plain object. */
interface Response {
  readonly data: unknown
  readonly headers: Headers | Record<string, string>
}

/** What answered gave something else than what was asked for. */
function invalidResponseError({ name }: InstanceUri, what: string): AlloyDBError {
  return new AlloyDBError(
    'ALLOYDB_ADMIN_API_INVALID_RESPONSE',
    `The Admin API gave no ${what} for instance "${name}".`,
    {
      instance: name,
      hint: 'Something else may have answered in its place, such as a proxy or the login page of a network. If apiEndpoint is set, check that it is the AlloyDB Admin API.',
    },
  )
}

/**
 * A body that an aborted request may destroy with an error. node-fetch, which google-auth-library uses, does so to the
 * stream that it makes of a text, with nobody listening: that ends the process.
 */
function streamJson(data: object): Readable {
  return Readable.from([JSON.stringify(data)], { objectMode: false }).on('error', () => {})
}

function isNonEmptyStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string')
}
