import { createHook } from 'node:async_hooks'
import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { parseRefreshStrategy } from '../src/connector-option-checks.ts'
import { Connector } from '../src/index.ts'
import { startHarness } from './harness.ts'

const { emulator, openConnector } = await startHarness()
const invalid = (summary: string) =>
  expect.objectContaining({ code: 'ALLOYDB_INVALID_OPTION', summary }) as Error

describe('an option', () => {
  test.each<[object | null, string]>([
    [{ ipType: 'vpn' }, 'Invalid ipType: "vpn".'],
    [{ ipType: 4 }, 'Invalid ipType: 4.'],
    [{ authType: '' }, 'Invalid authType: "".'],
    [{ refreshStrategy: 'eager' }, 'Invalid refreshStrategy: "eager".'],
    [{ connectTimeoutMs: 0 }, 'Invalid connectTimeoutMs: 0.'],
    [{ connectTimeoutMs: 2 ** 31 }, 'Invalid connectTimeoutMs: 2147483648.'], // no timer waits for so long
    [{ connectTimeoutMs: '30s' }, 'Invalid connectTimeoutMs: "30s".'],
    [{ refreshTimeoutMs: 0.5 }, 'Invalid refreshTimeoutMs: 0.5.'],
    [{ refreshTimeoutMs: Infinity }, 'Invalid refreshTimeoutMs: Infinity.'],
    [{ maxConcurrentHandshakes: -1 }, 'Invalid maxConcurrentHandshakes: -1.'],
    [
      { apiEndpoint: 'http://example.com' },
      'Invalid apiEndpoint: "http://example.com" would send tokens in the clear.',
    ],
    [{ hostname: 'x' }, 'The connector has no option "hostname".'],
    [{ userAgent: 'a\nb' }, 'Invalid userAgent: string.'],
    [{ quotaProject: 7 }, 'Invalid quotaProject: 7.'],
    [{ universeDomain: 'a/b' }, 'Invalid universeDomain: "a/b".'],
    [{ auth: '{ "private_key": "hunter2" }' }, 'Invalid auth: string.'],
    [{ auth: { getRequestHeaders: () => ({}) } }, 'Invalid auth: object.'],
    [{ loginAuth: { key: 'hunter2' } }, 'Invalid loginAuth: object.'],
    [{ impersonate: {} }, 'Invalid impersonate: object.'],
    [{ impersonate: { targetPrincipal: 'a@b', delegate: ['c@d'] } }, 'Invalid impersonate: object.'],
    [{ impersonate: { targetPrincipal: 'a@b', delegates: 'c@d' } }, 'Invalid impersonate: object.'],
    [{ apiEndpoint: 'https://me:hunter2@host' }, 'Invalid apiEndpoint: "https://…@host".'],
    [null, 'The connector takes its options as an object.'],
    [[], 'The connector takes its options as an object.'],
    [{ createConnection: 'socks' }, 'Invalid createConnection: string.'],
    [{ logger: 5 }, 'Invalid logger: 5.'],
  ])('that cannot be is refused: %o', (options, summary) => {
    expect(() => new Connector(options as object)).toThrow(invalid(summary))
  })

  test('that is undefined is one that was left out', async () => {
    const connector = new Connector({ ipType: undefined, authType: undefined, keyPair: undefined })
    await connector.close()
    expect(connector.authType).toBe('PASSWORD')
  })
})

describe('refreshStrategy', () => {
  test.each([
    ['auto', {}, 'background'],
    ['auto', { K_SERVICE: 'shop' }, 'lazy'],
    ['auto', { FUNCTION_TARGET: 'handle' }, 'lazy'],
    ['auto', { AWS_LAMBDA_FUNCTION_NAME: 'handle' }, 'lazy'],
    ['AUTO', { VERCEL: '1' }, 'lazy'],
    ['background', { K_SERVICE: 'shop' }, 'background'],
    ['lazy', {}, 'lazy'],
  ])('%s in %o is %s', (strategy, env, expected) => {
    expect(parseRefreshStrategy(strategy, env)).toBe(expected)
  })

  test.each([
    ['background', 1, 1],
    ['lazy', 0, 1],
  ] as const)(
    '%s makes %i keys before the first connect, and %i in all',
    async (refreshStrategy, early, inAll) => {
      const jobs: string[] = []
      const hook = createHook({
        init: (_, type) => void (type === 'KEYPAIRGENREQUEST' && jobs.push(type)),
      }).enable()
      try {
        const connector = openConnector({ refreshStrategy, keyPair: undefined })
        await import('../src/connector-engine.ts')
        await new Promise(setImmediate)
        expect(jobs).toHaveLength(early)
        const sockets = await Promise.all([
          connector.connect(emulator.instance),
          connector.connect(emulator.instance),
        ])
        expect(jobs).toHaveLength(inAll)
        for (const socket of sockets) socket.destroy()
      } finally {
        hook.disable()
      }
    },
  )
})

describe('keyPair', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const { privateKey: small } = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const { privateKey: curve, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

  test.each([
    ['a KeyObject', privateKey],
    ['PKCS#8 PEM', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
    ['PKCS#1 PEM', privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()],
    ["the connector's to make", undefined],
  ])('may be %s', async (_, keyPair) => {
    ;(await openConnector({ keyPair }).connect(emulator.instance)).destroy()
  })

  test.each([
    ['too small', small],
    ['of another kind', curve],
    ['a public key', publicKey],
    ['no key', '-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----'],
  ])('that is %s is refused, without quoting it', (_, keyPair) => {
    expect(() => new Connector({ keyPair })).toThrow(
      invalid('keyPair is not an RSA private key of at least 2,048 bits.'),
    )
    expect(() => new Connector({ keyPair })).not.toThrow('hunter2')
  })
})
