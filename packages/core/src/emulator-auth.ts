import type { AuthClient } from 'google-auth-library'

/**
 * Credentials from the emulator itself, for applications that have none: tokens of its default service account, as a
 * virtual machine gets them from its metadata server.
 */
export async function openEmulatorAuth(origin: string, scope: string): Promise<AuthClient> {
  const { OAuth2Client } = await import('google-auth-library')
  const client = new OAuth2Client()
  client.refreshHandler = async () => {
    const answer = await readMetadata(origin, `token?scopes=${encodeURIComponent(scope)}`)
    const { access_token, expires_in } = JSON.parse(answer) as { access_token: string; expires_in: number }
    return { access_token, expiry_date: Date.now() + expires_in * 1_000 }
  }
  return client
}

/** Asks the emulator whose its default credentials are. */
export function findEmulatorPrincipal(origin: string): Promise<string> {
  return readMetadata(origin, 'email')
}

async function readMetadata(origin: string, path: string): Promise<string> {
  const response = await fetch(`${origin}/computeMetadata/v1/instance/service-accounts/default/${path}`, {
    headers: { 'metadata-flavor': 'Google' },
  })
  if (!response.ok) throw new Error(`the emulator at ${origin} answered with HTTP ${response.status}`)
  return response.text()
}
