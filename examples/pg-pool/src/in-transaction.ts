import type pg from 'pg'

/** Commits what `work` does with the client, or rolls it back when that throws. */
export async function inTransaction<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect()
  let isBroken = false
  // A client whose connection ends while it is taken from the pool emits this; with no listener, the process would end.
  const onError = (): void => void (isBroken = true)
  client.on('error', onError)
  try {
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (error) {
    // Where not even this succeeds, the connection is of no more use, and the pool must not keep it.
    await client.query('rollback').catch(() => (isBroken = true))
    throw error
  } finally {
    client.off('error', onError)
    client.release(isBroken)
  }
}
