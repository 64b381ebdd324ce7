import { expect, test } from 'vitest'
import { parseCommandLine, UsageError } from '../src/command-line.ts'
import type { Metric } from '../src/metric.ts'

const metric = (...names: [string, ...string[]]): Metric => ({
  names,
  title: '',
  measure: () => Promise.reject(new Error('not in this test')),
})
const connect = metric('connect_vs_floor', 'connect_vs_other')
const install = metric('install_kb')
const metrics = [connect, install]

test('measures everything unless told otherwise', () => {
  expect(parseCommandLine([], metrics)).toEqual({ metrics, quick: false, jsonFile: undefined })
})

test('measures what is named, by any of its names', () => {
  expect(parseCommandLine(['connect_vs_other'], metrics)).toMatchObject({ metrics: [connect] })
})

test('reads options wherever they stand', () => {
  const command = parseCommandLine(['--quick', 'install_kb', '--json', 'out.json'], metrics)
  expect(command).toEqual({ metrics: [install], quick: true, jsonFile: 'out.json' })
})

test('gives its help', () => {
  expect(parseCommandLine(['--help'], metrics)).toBe('help')
})

test('says which metrics there are where an unknown one is named', () => {
  expect(() => parseCommandLine(['instal_kb'], metrics)).toThrow(
    new UsageError(
      'There is no metric "instal_kb".\nThere are: connect_vs_floor, connect_vs_other, install_kb.',
    ),
  )
})

test.each([[['--fast']], [['--json']]])('refuses %j', (args) => {
  expect(() => parseCommandLine(args, metrics)).toThrow(UsageError)
})
