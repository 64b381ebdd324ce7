import {
  cacheChannel,
  dialChannel,
  refreshChannel,
  type CacheEvent,
  type DialEvent,
  type RefreshEvent,
} from './diagnostics.ts'
import { messageOf } from './message-of.ts'

/** Where a connector's log lines go. Only these two methods are called, each with one text. */
export interface Logger {
  debug(message: string): void
  warn(message: string): void
}

/** The logger that `NODE_DEBUG=alloydb` turns on; `undefined` where it is off. */
export function debugLogger(): Logger | undefined {
  if (process.env['NODE_DEBUG'] === undefined) return undefined
  const log = process.getBuiltinModule('node:util').debuglog('alloydb')
  return log.enabled
    ? { debug: (message) => log('%s', message), warn: (message) => log('%s', message) }
    : undefined
}

/**
 * Writes what one connector does to a logger, until the returned function is called.
 *
 * The lines are made of the events on the diagnostics channels, which hold no token and no key. A logger that throws,
 * or gives a promise that is rejected, disturbs nothing.
 */
export function logEvents(connector: object, logger: Logger): () => void {
  // A connection is worth more than a line about it.
  const write = (level: keyof Logger, message: string): void => {
    try {
      const written: unknown = logger[level](message)
      if (written instanceof Promise) written.catch(() => {})
    } catch {}
  }
  const mine = <E extends { connector: object }>(listener: (event: E) => void) => {
    return (event: unknown): void => {
      if ((event as E).connector === connector) listener(event as E)
    }
  }

  const dialListeners = {
    start: mine<DialEvent>((event) =>
      write('debug', `dial ${event.instance}: start, ${describeDial(event)}`),
    ),
    asyncEnd: mine<DialEvent>((event) => write(...describeDialEnd(event))),
  }
  const refreshListeners = {
    start: mine<RefreshEvent>((event) => write('debug', `refresh ${event.instance}: start`)),
    asyncEnd: mine<RefreshEvent>((event) => write(...describeRefreshEnd(event))),
  }
  const cacheListener = mine<CacheEvent>((event) => write('debug', describeCache(event)))

  dialChannel.subscribe(dialListeners as Parameters<typeof dialChannel.subscribe>[0])
  refreshChannel.subscribe(refreshListeners as Parameters<typeof refreshChannel.subscribe>[0])
  cacheChannel.subscribe(cacheListener)
  return () => {
    dialChannel.unsubscribe(dialListeners as Parameters<typeof dialChannel.unsubscribe>[0])
    refreshChannel.unsubscribe(refreshListeners as Parameters<typeof refreshChannel.unsubscribe>[0])
    cacheChannel.unsubscribe(cacheListener)
  }
}

function describeDial({ ipType, authType, address, port }: DialEvent): string {
  return `ipType ${ipType}, authType ${authType}${address === undefined ? '' : `, ${address} port ${port}`}`
}

function describeDialEnd(event: DialEvent): [keyof Logger, string] {
  const { instance, phases, attempts, error } = event
  const tries = attempts > 1 ? `, ${attempts} tries` : ''
  const details = `${describeDial(event)}${tries}, ${describePhases(phases)}`
  if (error !== undefined) return ['warn', `dial ${instance}: failed, ${details}: ${firstLine(error)}`]
  return ['debug', `dial ${instance}: TLS and exchange OK, ${details}`]
}

function describeRefreshEnd({ instance, phases, expiresAt, error }: RefreshEvent): [keyof Logger, string] {
  if (error !== undefined) {
    return ['warn', `refresh ${instance}: failed, ${describePhases(phases)}: ${firstLine(error)}`]
  }
  const expiry = expiresAt === undefined ? 'unknown' : new Date(expiresAt).toISOString()
  return ['debug', `refresh ${instance}: done, certificate expires ${expiry}, ${describePhases(phases)}`]
}

function describeCache({ instance, action, delayMs }: CacheEvent): string {
  const seconds = ((delayMs ?? 0) / 1_000).toFixed(1)
  if (action === 'schedule') return `refresh ${instance}: next in ${seconds} s`
  if (action === 'wait') return `refresh ${instance}: waits ${seconds} s for the limit on refreshes`
  return `cache ${instance}: ${action}`
}

function describePhases(phases: Partial<Record<string, number>>): string {
  const parts = Object.entries(phases).map(([name, ms]) => `${name} ${(ms ?? 0).toFixed(1)} ms`)
  return parts.join(', ') || 'no phase begun'
}

function firstLine(error: unknown): string {
  const [line = ''] = messageOf(error).split('\n', 1)
  return line
}
