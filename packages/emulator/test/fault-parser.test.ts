import { expect, test } from 'vitest'
import { parseFault } from '../src/fault-parser.ts'

const instance = 'projects/p/locations/r/clusters/c/instances/i'

test('a fault reads the same from JavaScript and from the JSON that it gives', () => {
  const notAfter = new Date('2026-01-31T12:00:00Z')
  const faults = [
    { step: 'token', lifetimeMs: -1, times: 2, forMs: 1_000, delayMs: 5 },
    { step: 'connectionInfo', replace: { pscDnsName: undefined, ipAddress: '127.0.0.9' }, instance },
    { step: 'certificate', notAfter, untrusted: true, chunkBytes: 1 },
    { step: 'exchange', garbage: new Uint8Array([1, 2, 255]) },
    { step: 'tls', garbage: true, stall: undefined },
    { step: 'postgres', fail: { code: '57P03', message: 'starting up' } },
  ]
  const read = faults.map((fault) => parseFault(fault))
  expect(read.map((fault) => parseFault(JSON.parse(JSON.stringify(fault))))).toEqual(read)
  expect(read[1]).toMatchObject({ replace: { pscDnsName: null, ipAddress: '127.0.0.9' } })
  expect(read[2]).toMatchObject({ notAfter: '2026-01-31T12:00:00.000Z' })
  expect(read[3]).toMatchObject({ garbage: { base64: 'AQL/' } })
})

test.each<[unknown, string, string]>([
  [null, 'null is no fault.', 'A fault is an object with a "step".'],
  [[], '[] is no fault.', 'A fault is an object with a "step".'],
  [{}, 'step is undefined.', 'Expected "token" or'],
  [{ step: 'dns' }, 'step is "dns".', 'Expected "token" or "connectionInfo" or "certificate" or "tcp" or'],
  [
    { step: 'tcp', fail: true },
    'A fault of the step "tcp" has no field "fail".',
    'It may have: times, forMs, instance, delayMs, stall, close, garbage.',
  ],
  [
    { step: 'tcp', times: 3, forMs: 5, instance },
    'A fault of the step "tcp" has no effect.',
    'Give it one or more of: delayMs, stall, close, garbage.',
  ],
  [
    { step: 'exchange', stall: false },
    'A fault of the step "exchange" has no effect.',
    'Give it one or more of',
  ],
  [{ step: 'token', fail: { status: 403, metadata: { a: 1 } } }, 'fail.metadata.a is 1.', 'Expected a text.'],
  [
    { step: 'exchange', delayMs: 0 },
    'A fault of the step "exchange" has no effect.',
    'Give it one or more of',
  ],
  [{ step: 'tls', garbage: '' }, 'garbage is "".', 'Expected true, a text, or'],
  [{ step: 'certificate', replace: {} }, 'replace is {}.', 'Expected an object of fields.'],
  [{ step: 'tcp', times: 0 }, 'times is 0.', 'Expected a whole number, 1 or more.'],
  [{ step: 'tcp', times: 1.5 }, 'times is 1.5.', 'Expected a whole number, 1 or more.'],
  [{ step: 'tcp', forMs: -1 }, 'forMs is -1.', 'Expected milliseconds, 0 to 2147483647.'],
  [{ step: 'tcp', forMs: 2 ** 31 }, 'forMs is 2147483648.', 'Expected milliseconds, 0 to 2147483647.'],
  [{ step: 'tcp', delayMs: '5' }, 'delayMs is "5".', 'Expected milliseconds, 0 to 2147483647.'],
  [{ step: 'tcp', stall: 'yes' }, 'stall is "yes".', 'Expected true or false.'],
  [{ step: 'tcp', close: 'fin' }, 'close is "fin".', 'Expected "FIN" or "RST".'],
  [{ step: 'tcp', garbage: 7 }, 'garbage is 7.', 'Expected true, a text, or {"base64": "…"}.'],
  [{ step: 'tcp', garbage: { base64: '?' } }, 'garbage is {"base64":"?"}.', 'Expected true, a text, or'],
  [{ step: 'tcp', instance: 'i' }, 'instance is "i".', 'Expected an instance URI: "projects/<PROJECT>/'],
  [{ step: 'token', instance }, `instance is "${instance}".`, 'Expected no instance: tokens are for all'],
  [{ step: 'token', fail: 503 }, 'fail is 503.', 'Expected an object of status, message, reason,'],
  [{ step: 'token', fail: {} }, 'fail has no status.', 'It needs status, and may have: status, message,'],
  [{ step: 'token', fail: { status: 200 } }, 'fail.status is 200.', 'Expected an HTTP status of an error'],
  [{ step: 'token', fail: { status: 503, retry: 1 } }, 'fail has no field "retry".', 'It may have: status,'],
  [{ step: 'token', replace: 'x' }, 'replace is "x".', 'Expected an object of fields.'],
  [{ step: 'certificate', notAfter: 'soon' }, 'notAfter is "soon".', 'Expected a time, such as "2026-'],
  [{ step: 'tls', fail: { alert: 40 } }, 'fail.alert is 40.', 'Expected "handshake_failure" or'],
  [{ step: 'postgres', fail: { code: '1' } }, 'fail.code is "1".', 'Expected an SQLSTATE, such as "57P03".'],
])('%j is refused, and says what would do', (fault, wrong, expected) => {
  const message = new RegExp(`^${escape(wrong)}\\n${escape(expected)}`)
  expect(() => parseFault(fault)).toThrow(message)
})

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
}
