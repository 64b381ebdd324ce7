import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeResponse, encodeRequest } from '../src/metadata-exchange-messages.ts'

describe('encodeRequest', () => {
  test('writes the three fields with their length in front', () => {
    const bytes = encodeRequest({ userAgent: 'ua', authType: 'IAM', token: 'tok' })
    expect(bytes.toString('hex')).toBe(['0000000b', '0a02', '7561', '1002', '1a03', '746f6b'].join(''))
  })

  test('writes DB_NATIVE for password login', () => {
    expect(encodeRequest({ userAgent: '', authType: 'PASSWORD', token: '' }).toString('hex')).toBe(
      '00000006' + '0a00' + '1001' + '1a00',
    )
  })

  test('writes the length of a long token in several bytes', () => {
    const bytes = encodeRequest({ userAgent: '', authType: 'PASSWORD', token: 'x'.repeat(300) })
    expect(bytes.subarray(8, 11).toString('hex')).toBe('1aac02')
    expect(bytes.readUInt32BE()).toBe(bytes.length - 4)
  })
})

describe('decodeResponse', () => {
  test('reads OK', () => {
    expect(decodeResponse(Buffer.from('0801', 'hex'))).toEqual({ responseCode: 1, error: '' })
  })

  test('reads ERROR with its text', () => {
    expect(decodeResponse(Buffer.concat([Buffer.from('08021204', 'hex'), Buffer.from('nope')]))).toEqual({
      responseCode: 2,
      error: 'nope',
    })
  })

  test('reads an empty message as unspecified', () => {
    expect(decodeResponse(Buffer.alloc(0))).toEqual({ responseCode: 0, error: '' })
  })

  test('skips fields that it does not know, of every wire type, before and behind', () => {
    const unknown = fc.oneof(
      fc.tuple(fc.integer({ min: 3, max: 15 }), fc.constantFrom('9f01', '00')).map(([f, v]) => tag(f, 0) + v),
      fc.integer({ min: 3, max: 15 }).map((f) => tag(f, 1) + '0102030405060708'),
      fc
        .tuple(fc.integer({ min: 3, max: 15 }), fc.uint8Array({ maxLength: 100 }))
        .map(([f, bytes]) => tag(f, 2) + hex(bytes.length) + Buffer.from(bytes).toString('hex')),
      fc.integer({ min: 3, max: 15 }).map((f) => tag(f, 5) + '01020304'),
    )
    fc.assert(
      fc.property(fc.array(unknown), fc.array(unknown), (before, behind) => {
        const bytes = Buffer.from([...before, '0801', ...behind].join(''), 'hex')
        expect(decodeResponse(bytes)).toEqual({ responseCode: 1, error: '' })
      }),
    )
  })

  test('answers any garbage with a response or a RangeError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          expect(decodeResponse(Buffer.from(bytes)).responseCode).toBeTypeOf('number')
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test.each([
    ['ends in a number', '08'],
    ['ends in a text', '120541'],
    ['has a number of eleven bytes', '08' + 'ff'.repeat(11)],
    ['has a group', '0b'],
    ['has the field number 0', '0001'],
  ])('refuses a message that %s', (_, bytes) => {
    expect(() => decodeResponse(Buffer.from(bytes, 'hex'))).toThrow(RangeError)
  })
})

function tag(field: number, type: number): string {
  return hex((field << 3) | type)
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}
