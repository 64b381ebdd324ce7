// Connects once, as a program that has just been started. Plain JavaScript: nothing is to be measured but the connector.
import { env, stdout } from 'node:process'
import { Connector } from '@google-cloud/cloud-sql-connector'

const connector = new Connector({ sqlAdminAPIEndpoint: env['BENCH_API'] ?? '' })
const { stream } = await connector.getOptions({
  instanceConnectionName: env['BENCH_CLOUD_SQL_INSTANCE'] ?? '',
})
stream().once('secureConnect', () => stdout.write('connected'))
