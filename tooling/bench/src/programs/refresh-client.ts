import { setTimeout as sleep } from 'node:timers/promises'
import { AdminApi } from '../../../../packages/core/src/admin-api.ts'
import { Credentials } from '../../../../packages/core/src/credentials.ts'
import { fetchConnectionInfo } from '../../../../packages/core/src/fetch-connection-info.ts'
import { parseInstanceUri } from '../../../../packages/core/src/instance-uri.ts'
import { createKeyPair } from '../../../../packages/core/src/key-pair.ts'
import { RateLimiter } from '../../../../packages/core/src/rate-limiter.ts'
import { Refresher } from '../../../../packages/core/src/refresher.ts'
import { serve } from '../program.ts'

/** Refreshes as a connector does, only without pauses, in a process that is started with `--expose-gc`. */
export type RefreshClientCommands = {
  open: (target: { host: string; instance: string }) => void
  /** Refreshes so many times, one after the other, and gives the resident set afterwards, in bytes. */
  refresh: (count: number) => Promise<number>
}

let refresher: Refresher

function open({ host, instance }: { host: string; instance: string }): void {
  const origin = `http://${host}`
  const timeoutMs = 60_000
  const credentials = new Credentials({}, origin, timeoutMs)
  const adminApi = new AdminApi(credentials, { endpoint: origin, userAgent: 'bench', isEmulator: true })
  const keyPair = createKeyPair()
  const uri = parseInstanceUri(instance)
  const options = { connector: {}, adminApi, keyPair: () => keyPair, timeoutMs }
  refresher = new Refresher({
    fetch: (signal) => fetchConnectionInfo(uri, options, signal),
    limiter: new RateLimiter(Number.MAX_SAFE_INTEGER, 1),
    publish: () => {},
  })
}

async function refresh(count: number): Promise<number> {
  for (let index = 0; index < count; index += 1) await refresher.refresh()
  for (let turn = 0; turn < 4; turn += 1) {
    await sleep(20)
    globalThis.gc?.()
  }
  return process.memoryUsage.rss()
}

serve({ open, refresh } satisfies RefreshClientCommands)
