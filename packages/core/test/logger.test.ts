import { hasSubscribers } from 'node:diagnostics_channel'
import { expect, test } from 'vitest'
import { Connector } from '../src/index.ts'

// In a file of its own: the channels are those of the process.
const channels = ['tracing:alloydb:dial:start', 'tracing:alloydb:refresh:asyncEnd', 'alloydb:cache']

test('a logger is subscribed until its connector is closed, and nobody is without one', async () => {
  const subscribed = (): boolean[] => channels.map((channel) => hasSubscribers(channel))
  const logger = { debug: () => {}, warn: () => {} }
  await using silent = new Connector({ refreshStrategy: 'lazy' })
  expect(subscribed()).toEqual([false, false, false])
  const connector = new Connector({ refreshStrategy: 'lazy', logger })
  expect(subscribed()).toEqual([true, true, true])
  await connector.close()
  expect(subscribed()).toEqual([false, false, false])
  await silent.close()
})
