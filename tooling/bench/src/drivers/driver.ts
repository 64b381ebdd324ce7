import type { ClientIdentity } from '../backend/identities.ts'

/** The ways from a driver to PostgreSQL that are compared. */
export type Route = 'connector' | PortRoute

/** Those that begin at a port of 127.0.0.1. */
export type PortRoute = "driver's own TLS" | 'local proxy' | 'Auth Proxy'

/** Where each of them begins. */
export interface RouteTargets {
  /** The Admin API, for the connector. */
  readonly host: string
  readonly instance: string
  /** The ports of the other routes that are taken. */
  readonly ports: { readonly [route in PortRoute]?: number }
  readonly identity: ClientIdentity
  readonly user: string
  readonly database: string
}

/** A driver with its connections open on one route. */
export interface OpenDriver {
  /** Runs `select 1` so many times, over so many connections at once. */
  readonly select: (connections: number, count: number) => Promise<void>
  /** Reads a result of 4 MB. */
  readonly readRows: () => Promise<void>
  /** Writes 4 MB by COPY. */
  readonly copyIn: () => Promise<void>
  readonly close: () => Promise<void>
}

/** Opens a driver's connections on a route. */
export type OpenDriverOn = (route: Route, targets: RouteTargets) => Promise<OpenDriver>

/** The most connections that are used at once. */
export const maxConnections = 10

/** 4 MB in rows of a kilobyte. */
export const selectRows = "select repeat('x', 1024) as text from generate_series(1, 4096)"

/** Has PostgreSQL read every row, and keep none. */
export const copyRows = 'copy public.copied from stdin where false'

/** What is copied: 4 MB in pieces of 64 kB. */
export const copyPieces: readonly Buffer[] = Array.from({ length: 64 }, () =>
  Buffer.from(`1\t${'x'.repeat(1021)}\n`.repeat(64)),
)

/** Opens them all, so that none is dialed while the time is taken. */
export async function openAll(select: (connection: number) => Promise<unknown>): Promise<void> {
  await Promise.all(Array.from({ length: maxConnections }, (_, connection) => select(connection)))
}

/** Runs the work so many times, with so many of them under way at once. */
export async function runConcurrently(
  atOnce: number,
  count: number,
  work: () => Promise<unknown>,
): Promise<void> {
  let left = count
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      await work()
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}
