import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { again, compare, runInterleaved, withControl, type Samples } from '../comparison.ts'
import { CannotMeasure, type Bench, type Figure, type Metric } from '../metric.ts'
import { runUntilOutput } from '../run-until-output.ts'

const latenciesMs = [0, 60]
const cloudSqlPort = 3307
const alloydb = '@alloydb/core'
const cloudSql = '@google-cloud/cloud-sql-connector'
const programs = { [alloydb]: 'cold-start-alloydb.mjs', [cloudSql]: 'cold-start-cloud-sql.mjs' }

/** From the start of a process to its first secured connection, with Application Default Credentials. */
export const coldStart: Metric = {
  names: ['cold_start_vs_cloud_sql_api0', 'cold_start_vs_cloud_sql_api60'],
  title: 'Process start to first secured connection',
  async measure(bench) {
    const figures: Figure[] = []
    const rows = []
    for (const latencyMs of latenciesMs) {
      const samples = await measureAt(latencyMs, bench)
      figures.push({
        name: `cold_start_vs_cloud_sql_api${latencyMs}`,
        against: `${cloudSql}, Admin API with ${latencyMs} ms of latency`,
        unit: 'ratio',
        value: compare(samples, alloydb, cloudSql),
        control: compare(samples, again(cloudSql), cloudSql).median,
        bar: { atMost: 0.5 },
      })
      for (const [name, values] of samples) rows.push({ label: `${name}, API ${latencyMs} ms`, values })
    }
    return { figures, plot: { kind: 'strips', unit: 'ms', rows } }
  },
}

async function measureAt(latencyMs: number, { quick, backend, signal }: Bench): Promise<Samples> {
  const { host, proxyPort, instance, cloudSqlInstance, program } = await backend()
  if (!(await program.call('listenOn', { service: 'Cloud SQL', port: cloudSqlPort }))) {
    throw new CannotMeasure(
      `Port ${cloudSqlPort} of 127.0.0.1 is taken, and Cloud SQL's connector dials no other. End what listens there.`,
    )
  }
  await program.call('setApiLatency', latencyMs)
  const directory = await mkdtemp(join(tmpdir(), 'alloydb-bench-'))
  try {
    const env = {
      // Application Default Credentials find no file and no gcloud, and then the metadata server, as on Cloud Run.
      GOOGLE_APPLICATION_CREDENTIALS: undefined,
      GOOGLE_CLOUD_PROJECT: undefined,
      HOME: directory,
      PATH: directory,
      GCE_METADATA_HOST: host,
      BENCH_API: `http://${host}`,
      BENCH_PORT: String(proxyPort),
      BENCH_INSTANCE: instance,
      BENCH_CLOUD_SQL_INSTANCE: cloudSqlInstance,
    }
    const variants = Object.entries(programs).map(([name, file]) => ({
      name,
      measure: () =>
        runUntilOutput([fileURLToPath(new URL(`../programs/${file}`, import.meta.url))], { env, signal }),
    }))
    return await runInterleaved(
      withControl(variants, cloudSql),
      quick ? { rounds: 1, warmUpRounds: 0 } : { rounds: 15 },
      signal,
    )
  } finally {
    await program.call('setApiLatency', 0)
    await rm(directory, { recursive: true, force: true })
  }
}
