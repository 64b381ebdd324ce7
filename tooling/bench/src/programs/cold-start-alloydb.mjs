// Connects once, as a program that has just been started. Plain JavaScript: nothing is to be measured but the connector.
import { connect } from 'node:net'
import { env, stdout } from 'node:process'
import { Connector } from '@alloydb/core'

const connector = new Connector({
  apiEndpoint: env['BENCH_API'],
  // The bench's server has another port than AlloyDB's, which may be in use here.
  createConnection: (host) =>
    connect({ host, port: Number(env['BENCH_PORT']), noDelay: true, keepAlive: true }),
})
await connector.connect(env['BENCH_INSTANCE'] ?? '')
stdout.write('connected')
