import { dirname } from 'node:path'
import { startPostgres, type PostgresServer } from '@alloydb/emulator'
import pg from 'pg'
import { AdminApi, cloudSqlInstance } from '../backend/admin-api.ts'
import type { BackendAddresses, BackendCommands, Service } from '../backend/backend.ts'
import { Identities } from '../backend/identities.ts'
import { Terminator } from '../backend/terminator.ts'
import { serve } from '../program.ts'

const { project, region, name } = cloudSqlInstance
const user = 'bench'

const identities = await Identities.create(`${project}:${name}`)
const terminator = new Terminator(identities)
const adminApi = new AdminApi(identities)
let postgres: PostgresServer | undefined
let opened: Promise<BackendAddresses> | undefined
const listening = new Map<number, Promise<boolean>>()
let database: Promise<void> | undefined

async function open(): Promise<BackendAddresses> {
  const host = await adminApi.listen()
  adminApi.proxyPort = await terminator.listenForAlloyDB()
  return {
    host,
    proxyPort: adminApi.proxyPort,
    driverPort: await terminator.listenForDrivers(),
    instance: 'projects/bench/locations/local/clusters/main/instances/primary',
    cloudSqlInstance: `${project}:${region}:${name}`,
  }
}

async function listenOn(service: Service, port: number): Promise<boolean> {
  try {
    await (service === 'AlloyDB' ? terminator.listenForAlloyDB(port) : terminator.listenForCloudSql(port))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false
    throw error
  }
}

/** Starts PostgreSQL with a user whom it trusts, as AlloyDB does once the server-side proxy has verified an IAM user. */
async function openDatabase(): Promise<void> {
  postgres = await startPostgres()
  const admin = new pg.Client({
    host: dirname(postgres.socketPath),
    user: 'alloydbadmin',
    password: postgres.adminPassword,
    database: 'postgres',
  })
  await admin.connect()
  await admin.query(`create role ${user} login in role alloydbiamuser`)
  await admin.query(`create unlogged table public.copied (id integer, name text)`)
  await admin.query(`grant all on table public.copied to ${user}`)
  await admin.end()
  terminator.socketPath = postgres.socketPath
}

serve(
  {
    open: () => (opened ??= open()),
    setApiLatency: (ms) => {
      adminApi.latencyMs = ms
    },
    listenOn: ({ service, port }) => {
      const known = listening.get(port) ?? listenOn(service, port)
      listening.set(port, known)
      return known
    },
    openDatabase: async () => {
      await (database ??= openDatabase())
      return { user, database: 'postgres' }
    },
    createClientIdentity: () => identities.createClient(),
  } satisfies BackendCommands,
  () => Promise.all([terminator.close(), adminApi.close(), postgres?.stop()]),
)
