import { AuthProxy } from '../../testing/auth-proxy.ts'
import { run } from './run-program.ts'

/** Queries by psql through the Auth Proxy: with a password, and by the proxy's own IAM login. */
export async function queryThroughAuthProxy(program: string, env: NodeJS.ProcessEnv): Promise<void> {
  const host = env['ALLOYDB_EMULATOR_HOST'] ?? ''
  const instance = env['ALLOYDB_INSTANCE'] ?? ''
  for (const login of [
    { flags: [], user: 'postgres', password: 'postgres' },
    { flags: ['--lazy-refresh'], user: 'postgres', password: 'postgres' },
    { flags: ['--public-ip'], user: 'postgres', password: 'postgres' },
    { flags: ['--psc'], user: 'postgres', password: 'postgres' },
    { flags: ['--auto-iam-authn'], user: env['ALLOYDB_IAM_USER'] ?? '', password: '' },
  ]) {
    await using proxy = await AuthProxy.start({ program, host, instance, flags: login.flags, env })
    const query = `select 'connected: ' || current_user || ' ${login.flags.join(' ')}'`
    const where = ['-h', '127.0.0.1', '-p', String(proxy.port), '-U', login.user]
    try {
      await run('psql', [...where, '-Atc', query, 'postgres'], {
        env: { ...env, PGPASSWORD: login.password },
      })
    } catch (error) {
      console.log(proxy.log)
      throw error
    }
  }
}
