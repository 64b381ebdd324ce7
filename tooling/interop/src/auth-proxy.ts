import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { run } from './run-program.ts'

/** Queries by psql through the Auth Proxy: with a password, and by the proxy's own IAM login. */
export async function queryThroughAuthProxy(program: string, env: NodeJS.ProcessEnv): Promise<void> {
  for (const login of [
    { flags: [], user: 'postgres', password: 'postgres' },
    { flags: ['--lazy-refresh'], user: 'postgres', password: 'postgres' },
    { flags: ['--public-ip'], user: 'postgres', password: 'postgres' },
    { flags: ['--psc'], user: 'postgres', password: 'postgres' },
    { flags: ['--auto-iam-authn'], user: env['ALLOYDB_IAM_USER'] ?? '', password: '' },
  ]) {
    const port = await freePort()
    const proxy = spawn(
      program,
      [
        `--alloydbadmin-api-endpoint=http://${env['ALLOYDB_EMULATOR_HOST']}`,
        `--port=${port}`,
        ...login.flags,
        env['ALLOYDB_INSTANCE'] ?? '',
      ],
      { env, stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const ended = once(proxy, 'close')
    try {
      await isReady(createInterface(proxy.stdout))
      const query = `select 'connected: ' || current_user || ' ${login.flags.join(' ')}'`
      await run(
        'psql',
        ['-h', '127.0.0.1', '-p', String(port), '-U', login.user, '-Atc', query, 'postgres'],
        {
          env: { ...env, PGPASSWORD: login.password },
        },
      )
    } finally {
      proxy.kill()
      await ended
    }
  }
}

async function isReady(lines: AsyncIterable<string>): Promise<void> {
  for await (const line of lines) if (line.includes('ready for new connections')) return
  throw new Error('The Auth Proxy did not start.')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
