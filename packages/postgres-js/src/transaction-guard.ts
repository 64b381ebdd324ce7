import type { PoolConnections } from './pool-connections.ts'

/** A query of postgres.js, which is handed to its transaction when it is awaited; the types lack that. */
interface Query {
  handler: (query: Query) => unknown
  reject: (error: unknown) => void
}

/** What postgres.js gives the callback of a transaction, or of a savepoint. */
type Transaction = ((...args: unknown[]) => unknown) &
  Record<'unsafe' | 'file' | 'notify' | 'savepoint', (...args: unknown[]) => unknown>

type Work = (transaction: Transaction) => unknown

/** The one method of postgres.js's `sql` that is changed. */
export interface TransactionSource {
  begin(...args: unknown[]): Promise<unknown>
}

/**
 * Ends transactions for good when they have failed. Where it is the connection that was lost, postgres.js itself goes on writing
 * their queries and their rollback: to a socket that is gone, which ends the process, or into the transaction that has the
 * connection by then.
 *
 * @see https://github.com/porsager/postgres/issues/1208
 */
export function guardTransactions(sql: TransactionSource, connections: PoolConnections): void {
  const begin = sql.begin.bind(sql)
  sql.begin = async (...args) => {
    const work = args.pop() as Work
    const guard = new TransactionGuard(connections)
    try {
      return await begin(...args, (transaction: Transaction) => guard.run(work, transaction))
    } catch (error) {
      guard.end(error)
      throw error
    }
  }
}

const nextTurn = (): Promise<void> => new Promise(setImmediate)

class TransactionGuard {
  readonly #connections: PoolConnections
  #end: { readonly error: unknown } | undefined

  constructor(connections: PoolConnections) {
    this.#connections = connections
  }

  /** From here on, queries of the transaction fail with the error, and postgres.js is told nothing more of it. */
  end(error: unknown): void {
    this.#end = { error }
  }

  /** Does the work of a transaction. Once that has ended, this is never settled: postgres.js would roll back, or commit. */
  async run(work: Work, transaction: Transaction): Promise<unknown> {
    try {
      const result = work(this.#guard(transaction))
      return await (Array.isArray(result) ? Promise.all(result) : result)
    } catch (error) {
      // A server that ends a connection says so first.
      await nextTurn()
      throw error
    } finally {
      // A connection that has failed is lost by its close, and what postgres.js does of it in between is never answered.
      if (await this.#connections.untilFailedAreClosed()) await nextTurn()
      if (this.#end) await new Promise(() => {})
    }
  }

  #guard(transaction: Transaction): Transaction {
    const { unsafe, file, notify, savepoint } = transaction
    const guarded = (...args: unknown[]): unknown => this.#guardQuery(transaction(...args))
    return Object.assign(guarded, transaction, {
      unsafe: (...args: unknown[]) => this.#guardQuery(unsafe(...args)),
      file: (...args: unknown[]) => this.#guardQuery(file(...args)),
      notify: async (...args: unknown[]) => {
        this.#requireGoingOn()
        return notify(...args)
      },
      savepoint: async (...args: unknown[]) => {
        this.#requireGoingOn()
        const work = args.at(-1)
        if (typeof work !== 'function') return savepoint(...args) // a query, as a template
        return savepoint(...args.slice(0, -1), (inner: Transaction) => this.run(work as Work, inner))
      },
    })
  }

  /** Leaves what is no query as it is: names, and values to insert. */
  #guardQuery(made: unknown): unknown {
    const query = made as Partial<Query>
    const { handler } = query
    if (typeof handler !== 'function') return made
    const guarded: Query['handler'] = (query) => (this.#end ? query.reject(this.#end.error) : handler(query))
    query.handler = Object.assign(guarded, handler) // with its `debug`
    return made
  }

  #requireGoingOn(): void {
    if (this.#end) throw this.#end.error
  }
}
