import type { Subject } from '@alloydb-tooling/conformance/subject'
import type { Duplex } from 'node:stream'
import postgres from 'postgres'
import { postgresConfig } from '../../src/index.ts'
import { subject as createSql } from './create-sql.ts'
import { sqlSession } from './sql-session.ts'

export const subject: Subject = {
  ...createSql,
  name: 'postgresConfig in postgres()',
  module: import.meta.url,
  findsIamUser: false,
  lacks: {
    'lost transactions':
      'postgres.js then writes to no socket, which ends the process: porsager/postgres#1208',
  },
  open({ dialer, instance, ipType, authType, connectTimeoutMs, user, password, ...options }) {
    const config = postgresConfig(dialer, instance, { ipType, authType })
    const sockets: Duplex[] = []
    const recorded: typeof config = {
      ...config,
      async socket(socketOptions) {
        const socket = await config.socket(socketOptions)
        sockets.push(socket)
        return socket
      },
    }
    const sql = postgres({
      ...options,
      ...(user !== undefined && { user }),
      ...(password !== undefined && { password }),
      ...(connectTimeoutMs !== undefined && { connect_timeout: connectTimeoutMs / 1000 }),
      onnotice: () => {},
      ...recorded,
    })
    return {
      ...sqlSession(sql),
      // Without a timeout, postgres.js waits for ever for a connection that was lost at the wrong moment. `createSql` does not.
      end: () => sql.end({ timeout: 5 }),
      sockets: () => sockets.filter(({ destroyed }) => !destroyed),
    }
  },
}
