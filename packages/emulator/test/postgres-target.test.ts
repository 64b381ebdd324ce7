import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { expect, test, vi } from 'vitest'
import { setUpOtherServer } from '../src/postgres-bootstrap.ts'
import { targetOfUrl } from '../src/postgres-target.ts'

test.each([
  ['postgres://me:secret@localhost:5432/db', 'postgres://me@localhost:5432/db'],
  [
    'postgres://me:se:cr@et@localhost/db?application_name=a@b',
    'postgres://me@localhost/db?application_name=a@b',
  ],
  ['postgres://me@localhost/db', 'postgres://me@localhost/db'],
  ['postgres://me:secret@/db?host=/tmp', 'postgres://me@/db?host=/tmp'],
])('of %s, nobody is told the password', (url, shown) => {
  expect(targetOfUrl(url).url).toBe(shown)
})

test('a server that accepts and says nothing is given up', async () => {
  const silent = createServer().listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const accepted = once(silent, 'connection')
    const failure = setUpOtherServer(targetOfUrl(`postgres://me:secret@127.0.0.1:${port}/db`)).catch(String)
    await accepted
    vi.advanceTimersByTime(10_000)
    expect(await failure).toContain('PostgreSQL has not answered within 10 s')
  } finally {
    vi.useRealTimers()
    silent.close()
  }
})
