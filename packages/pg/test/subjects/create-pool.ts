import { poolSession } from '@alloydb-tooling/conformance/pool-session'
import type { Subject } from '@alloydb-tooling/conformance/subject'
import { createPool } from '../../src/index.ts'

export const subject: Subject = {
  name: 'createPool',
  module: import.meta.url,
  findsIamUser: true,
  open({ dialer, connectTimeoutMs, ...config }) {
    return poolSession(
      createPool({ ...config, connector: dialer, connectionTimeoutMillis: connectTimeoutMs }),
    )
  },
}
