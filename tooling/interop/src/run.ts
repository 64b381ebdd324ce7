// Runs connectors that others have written against the emulator: Google's own for Go, Python and Java, and the Auth Proxy; or those
// that the command line names. What a machine lacks for one of them is said, and that one is skipped.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmulator } from '@alloydb/emulator'
import { queryThroughAuthProxy } from './query-through-auth-proxy.ts'
import { isInstalled, prepare, run, SkipError } from './run-program.ts'

const home = join(import.meta.dirname, '..')
const cache = join(home, 'node_modules/.cache')
const goDirectory = join(home, 'go')

interface Interop {
  /** What the command line calls it. */
  id: string
  name: string
  run(env: NodeJS.ProcessEnv): Promise<void>
}

const interops: readonly Interop[] = [
  {
    id: 'go',
    name: "Google's connector for Go",
    run: async (env) => {
      await run(await buildGo('interop', '.'), [], { env })
    },
  },
  {
    id: 'auth-proxy',
    name: 'the AlloyDB Auth Proxy',
    run: async (env) => {
      if (!(await isInstalled('psql', '--version'))) throw new SkipError('psql is not installed')
      const program = await buildGo('alloydb-auth-proxy', 'github.com/GoogleCloudPlatform/alloydb-auth-proxy')
      await queryThroughAuthProxy(program, env)
    },
  },
  {
    id: 'python',
    name: "Google's connector for Python",
    run: async (env) => {
      await run(await makePython(), [join(home, 'python/main.py')], { env })
    },
  },
  {
    id: 'java',
    name: "Google's connector for Java",
    run: async (env) => {
      const classPath = await resolveJava()
      const trustStore = join(directory, 'trust.p12')
      const password = 'emulator'
      const store = `-keystore ${trustStore} -storetype PKCS12 -storepass ${password}`
      await run('keytool', `-importcert -noprompt -file ${authority} ${store}`.split(' '))
      const trust = [
        `-Djavax.net.ssl.trustStore=${trustStore}`,
        `-Djavax.net.ssl.trustStorePassword=${password}`,
      ]
      await run('java', [...trust, '-cp', classPath, join(home, 'java/Main.java')], { env })
    },
  },
]

async function buildGo(name: string, target: string): Promise<string> {
  if (!(await isInstalled('go', 'version'))) throw new SkipError('go is not installed')
  const program = join(cache, name)
  await prepare('go', ['build', '-o', program, target], { cwd: goDirectory })
  return program
}

/** Makes a virtual environment with what `requirements.txt` names, once, and returns its Python. */
async function makePython(): Promise<string> {
  if (!(await isInstalled('python3', '--version'))) throw new SkipError('python3 is not installed')
  const requirements = join(home, 'python/requirements.txt')
  const digest = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
  const directory = join(cache, `python-${digest.slice(0, 12)}`)
  const python = join(directory, 'bin/python')
  const isComplete = join(directory, 'complete')
  if (!existsSync(isComplete)) {
    await rm(directory, { recursive: true, force: true })
    await prepare('python3', ['-m', 'venv', directory])
    await prepare(python, ['-m', 'pip', 'install', '--quiet', '--only-binary', ':all:', '-r', requirements])
    await writeFile(isComplete, '')
  }
  return python
}

/** Finds, or downloads, the libraries that `pom.xml` names, and returns the class path. */
async function resolveJava(): Promise<string> {
  for (const program of ['java', 'mvn']) {
    if (!(await isInstalled(program, '-version'))) throw new SkipError(`${program} is not installed`)
  }
  const file = join(cache, 'class-path')
  const goal = ['dependency:build-classpath', `-Dmdep.outputFile=${file}`]
  await prepare('mvn', ['-q', '-B', '-f', join(home, 'java/pom.xml'), ...goal])
  return readFile(file, 'utf8')
}

/** Those that the command line names, or all. */
function chooseInterops(ids: readonly string[]): readonly Interop[] {
  const unknown = ids.find((id) => !interops.some((interop) => interop.id === id))
  if (unknown === undefined)
    return ids.length === 0 ? interops : interops.filter(({ id }) => ids.includes(id))
  throw new Error(`There is no "${unknown}"; there are: ${interops.map(({ id }) => id).join(', ')}.`)
}

const chosen = chooseInterops(process.argv.slice(2))

// Other connectors dial port 5433 and no other one. Only Linux has more loopback addresses than one.
const [privateIpAddress, publicIpAddress] =
  process.platform === 'linux' ? ['127.0.0.2', '127.0.0.3'] : ['127.0.0.1', '127.0.0.1']
const uri = 'projects/interop/locations/local/clusters/main/instances/primary'
await mkdir(cache, { recursive: true })
const directory = await mkdtemp(join(tmpdir(), 'alloydb-interop-'))
const authority = join(directory, 'ca.pem')
const outcomes: string[] = []
try {
  await using emulator = await startEmulator({
    instances: [{ uri, port: 5433, privateIpAddress, publicIpAddress, pscDnsName: 'localhost' }],
  })
  const credentials = join(directory, 'service-account.json')
  await writeFile(credentials, JSON.stringify(emulator.serviceAccount), { mode: 0o600 })
  await writeFile(authority, await emulator.caCertificate())
  const env = {
    ...process.env,
    ...emulator.env,
    ALLOYDB_INSTANCE: emulator.instance,
    ALLOYDB_IAM_USER: emulator.serviceAccount.client_email.replace('.gserviceaccount.com', ''),
    GOOGLE_APPLICATION_CREDENTIALS: credentials,
    GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: authority,
  }
  for (const interop of chosen) {
    console.log(`\n${interop.name}`)
    const startedAt = performance.now()
    try {
      await interop.run(env)
      outcomes.push(`${interop.name}: passed in ${Math.round((performance.now() - startedAt) / 1000)} s`)
    } catch (error) {
      if (!(error instanceof SkipError)) throw error
      outcomes.push(`${interop.name}: SKIPPED, ${error.message}`)
    }
  }
} finally {
  await rm(directory, { recursive: true })
}
console.log(`\n${outcomes.join('\n')}`)
