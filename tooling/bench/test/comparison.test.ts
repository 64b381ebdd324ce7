import { expect, test } from 'vitest'
import { again, compare, runInterleaved, withControl } from '../src/comparison.ts'

const never = new AbortController().signal

function countingVariants(): {
  calls: string[]
  variants: { name: string; measure: () => Promise<number> }[]
} {
  const calls: string[] = []
  const variant = (name: string, value: number) => ({
    name,
    measure: async () => {
      calls.push(name)
      return value
    },
  })
  return { calls, variants: [variant('subject', 2), variant('reference', 4)] }
}

test('runs every variant once in each round, and leaves the warm-up out', async () => {
  const { calls, variants } = countingVariants()
  const samples = await runInterleaved(variants, { rounds: 5, warmUpRounds: 2 }, never)
  expect(samples.get('subject')).toEqual([2, 2, 2, 2, 2])
  expect(calls).toHaveLength(14)
  for (let round = 0; round < 7; round += 1) {
    expect(calls.slice(2 * round, 2 * round + 2).toSorted()).toEqual(['reference', 'subject'])
  }
})

test('measures the control as one more variant', async () => {
  const { variants } = countingVariants()
  const samples = await runInterleaved(withControl(variants, 'reference'), { rounds: 3 }, never)
  expect(compare(samples, 'subject', 'reference').median).toBe(0.5)
  expect(compare(samples, again('reference'), 'reference').median).toBe(1)
})

test('stops between two blocks when it is interrupted', async () => {
  const { calls, variants } = countingVariants()
  const interrupt = new AbortController()
  interrupt.abort(new Error('interrupted'))
  await expect(runInterleaved(variants, { rounds: 3 }, interrupt.signal)).rejects.toThrow('interrupted')
  expect(calls).toEqual([])
})
