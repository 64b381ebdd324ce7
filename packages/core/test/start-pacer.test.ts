import { describe, expect, test } from 'vitest'
import { StartPacer } from '../src/start-pacer.ts'

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

describe('StartPacer', () => {
  test('lets so many begin at once, and the others in the turns that follow, in order', async () => {
    const pacer = new StartPacer(2)
    const begun: number[] = []
    const begin = async (dial: number): Promise<void> => {
      await pacer.enter()
      begun.push(dial)
    }
    const dials = Promise.all([1, 2, 3, 4, 5].map(begin))
    await Promise.resolve()
    expect(begun).toEqual([1, 2])
    await turn()
    expect(begun).toEqual([1, 2, 3, 4])
    await dials
    expect(begun).toEqual([1, 2, 3, 4, 5])
  })

  test('does not let one who comes later begin before those who wait', async () => {
    const pacer = new StartPacer(1)
    expect(pacer.enter()).toBeUndefined()
    const second = pacer.enter()
    await turn()
    await second
    expect(pacer.enter()).toBeInstanceOf(Promise)
  })

  test('has room again in a later turn', async () => {
    const pacer = new StartPacer(1)
    expect(pacer.enter()).toBeUndefined()
    await turn()
    expect(pacer.enter()).toBeUndefined()
  })
})
