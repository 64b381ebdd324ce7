import { recordClients } from '@alloydb-tooling/conformance/record-clients'
import type { Query, Subject } from '@alloydb-tooling/conformance/subject'
import pg from 'pg'
import { PrismaAlloyDB } from '../../src/index.ts'
import { Prisma, PrismaClient } from '@alloydb-tooling/prisma-client'

export const subject: Subject = {
  name: 'PrismaAlloyDB',
  module: import.meta.url,
  findsIamUser: true,
  types: {
    int8: 9007199254740993n,
    numeric: new Prisma.Decimal('12.34'),
    bytea: Uint8Array.of(0, 255),
  },
  lacks: {
    'dial errors as they are': 'Prisma throws an error of its own, with code and message of the original',
    'PostgreSQL errors as they are':
      'Prisma throws an error of its own, with code and message of the original',
  },
  unwrapError,
  open({ dialer, connectTimeoutMs, ...config }) {
    const { Client, sockets } = recordClients(pg.Client)
    const prisma = new PrismaClient({
      adapter: new PrismaAlloyDB({
        ...config,
        connector: dialer,
        connectionTimeoutMillis: connectTimeoutMs,
        Client: Client as unknown as NonNullable<pg.PoolConfig['Client']>,
      }),
      transactionOptions: { maxWait: 60_000, timeout: 60_000 },
    })
    return {
      query: queryOf(prisma),
      transaction: (work) => prisma.$transaction((transaction) => work(queryOf(transaction))),
      end: () => prisma.$disconnect(),
      sockets,
    }
  },
}

function queryOf(client: Pick<PrismaClient, '$queryRawUnsafe'>): Query {
  return (sql, parameters = []) => client.$queryRawUnsafe<object[]>(sql, ...parameters).then((rows) => rows) // begins when it is waited for
}

/** What PostgreSQL said, where it was PostgreSQL. */
function unwrapError(error: unknown): unknown {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return error
  const { driverAdapterError } = (error.meta ?? {}) as {
    driverAdapterError?: Error & { cause: { originalCode?: string; originalMessage?: string } }
  }
  if (driverAdapterError === undefined) return error
  const { originalCode, originalMessage } = driverAdapterError.cause
  return Object.assign(new Error(originalMessage), { code: originalCode })
}
