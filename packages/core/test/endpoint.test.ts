import { describe, expect, test } from 'vitest'
import { parseEmulatorHost, parseEndpoint } from '../src/endpoint.ts'

const invalid = expect.objectContaining({ code: 'ALLOYDB_INVALID_OPTION' }) as Error

describe('parseEndpoint', () => {
  test.each([
    ['alloydb.googleapis.com', 'https://alloydb.googleapis.com'],
    ['https://alloydb.googleapis.com', 'https://alloydb.googleapis.com'],
    ['https://alloydb.googleapis.com/', 'https://alloydb.googleapis.com'],
    ['https://gateway.example/alloydb/', 'https://gateway.example/alloydb'],
    ['alloydb-pc.p.googleapis.com:8443', 'https://alloydb-pc.p.googleapis.com:8443'],
    ['http://localhost:9797', 'http://localhost:9797'],
    ['http://127.0.0.1:9797', 'http://127.0.0.1:9797'],
    ['http://[::1]:9797', 'http://[::1]:9797'],
  ])('reads %s', (text, endpoint) => {
    expect(parseEndpoint(text)).toBe(endpoint)
  })

  test.each([
    ['http://alloydb.googleapis.com'],
    ['http://127.0.0.1.example'],
    ['http://localhost.example'],
    ['ftp://localhost'],
    ['https://user:secret@alloydb.googleapis.com'],
    ['https://'],
    [''],
  ])('refuses %s', (text) => {
    expect(() => parseEndpoint(text)).toThrow(invalid)
  })
})

describe('parseEmulatorHost', () => {
  test.each([
    [{}, undefined],
    [{ ALLOYDB_EMULATOR_HOST: '' }, undefined],
    [{ ALLOYDB_EMULATOR_HOST: '127.0.0.1:9797' }, 'http://127.0.0.1:9797'],
    [{ ALLOYDB_EMULATOR_HOST: 'localhost:9797' }, 'http://localhost:9797'],
    [{ ALLOYDB_EMULATOR_HOST: '[::1]:9797' }, 'http://[::1]:9797'],
    [{ ALLOYDB_EMULATOR_HOST: 'http://127.0.0.1:9797/' }, 'http://127.0.0.1:9797'],
    [{ ALLOYDB_EMULATOR_HOST: 'emulator:9797', ALLOYDB_EMULATOR_ALLOW_REMOTE: '1' }, 'http://emulator:9797'],
  ])('reads %o as %s', (env, origin) => {
    expect(parseEmulatorHost(env)).toBe(origin)
  })

  test.each([
    ['emulator:9797'],
    ['10.0.0.1:9797'],
    ['127.0.0.1.example:9797'],
    ['127.0.0.1:port'],
    ['https://127.0.0.1:9797'],
  ])('refuses %s', (host) => {
    expect(() => parseEmulatorHost({ ALLOYDB_EMULATOR_HOST: host })).toThrow(invalid)
  })
})
