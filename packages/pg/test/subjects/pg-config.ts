import { poolSession } from '@alloydb-tooling/conformance/pool-session'
import type { Subject } from '@alloydb-tooling/conformance/subject'
import pg from 'pg'
import { pgConfig } from '../../src/index.ts'

export const subject: Subject = {
  name: 'pgConfig in a pg.Pool',
  module: import.meta.url,
  open({ dialer, instance, ipType, authType, connectTimeoutMs, ...config }) {
    const pool = new pg.Pool({
      ...config,
      connectionTimeoutMillis: connectTimeoutMs,
      ...pgConfig(dialer, instance, { ipType, authType }),
    })
    pool.on('error', () => {})
    return poolSession(pool)
  },
}
