import { describe, expect, test } from 'vitest'
import { isMisspelt } from '../src/is-misspelt.ts'

describe('a name is misspelt', () => {
  test.each(['iptype', 'IPTYPE', 'ipTyp', 'ipTypes', 'ipTipe', 'iTpype'])('as %s is', (name) => {
    expect(isMisspelt(name, 'ipType')).toBe(true)
  })
})

describe('a name is no other one misspelt', () => {
  test.each([
    ['ipType', 'ipType'],
    ['type', 'ipType'],
    ['types', 'ipType'],
    ['authors', 'authType'],
    ['path', 'auth'],
    ['oauth', 'auth'],
    ['', 'ipType'],
  ])('as %s is not %s', (name, meant) => {
    expect(isMisspelt(name, meant)).toBe(false)
  })
})
