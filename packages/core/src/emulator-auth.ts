import type { AuthClient } from 'google-auth-library'
import { property } from './property.ts'
import { readToken } from './read-token.ts'
import { singleFlight } from './single-flight.ts'

/**
 * Credentials from the emulator itself, for applications that have none: tokens of its default service account, as a
 * virtual machine gets them from its metadata server.
 */
export async function openEmulatorAuth(origin: string, scope: string): Promise<AuthClient> {
  const { OAuth2Client } = await import('google-auth-library')
  const client = new OAuth2Client()
  client.refreshHandler = singleFlight(async () => {
    const answer = await readMetadata(client, origin, `token?scopes=${encodeURIComponent(scope)}`)
    const expiresAt = Date.now() + Number(property(answer, 'expires_in')) * 1_000
    return readToken(property(answer, 'access_token'), expiresAt)
  })
  return client
}

/** Asks the emulator whose its default credentials are. */
export async function findEmulatorPrincipal(origin: string): Promise<string> {
  const { OAuth2Client } = await import('google-auth-library')
  return String(await readMetadata(new OAuth2Client(), origin, 'email'))
}

async function readMetadata({ transporter }: AuthClient, origin: string, path: string): Promise<unknown> {
  const { data } = await transporter.request<unknown>({
    url: `${origin}/computeMetadata/v1/instance/service-accounts/default/${path}`,
    headers: { 'metadata-flavor': 'Google' },
    noProxy: [new URL(origin).hostname], // it is on this machine
  })
  return data
}
