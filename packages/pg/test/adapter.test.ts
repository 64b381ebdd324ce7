import { AlloyDBError } from '@alloydb/core'
import { countConnectors, failureOf, startHarness } from '@alloydb-tooling/conformance'
import pg from 'pg'
import oldestPg from 'pg-8.9'
import { describe, expect, test } from 'vitest'
import { openPoolConfig } from '../src/adapter.ts'

const { instance, login, identity, connector } = await startHarness()
const { database } = login

describe('openPoolConfig', () => {
  test.each([
    ['the newest pg', pg.Pool],
    ['another copy of pg', oldestPg.Pool],
  ])('makes the config of a pool of %s', async (_, Pool) => {
    const counts = countConnectors()
    const { config, close } = await openPoolConfig({ instance, ...identity, authType: 'IAM', database })
    const pool = new Pool(config)
    const { rows } = await pool.query('select current_user as user')
    expect(rows).toEqual([{ user: 'app@emulator.iam' }])
    await pool.end()
    expect(counts.closed).toBe(0)
    await close()
    expect(counts.closed).toBe(1)
  })

  test('fails where IAM login needs a user whom nobody tells', async () => {
    const dialer = { connect: connector.connect.bind(connector) }
    const error = await failureOf(openPoolConfig({ instance, connector: dialer, authType: 'IAM' }))
    expect(AlloyDBError.is(error, 'ALLOYDB_IAM_USER_UNKNOWN')).toBe(true)
  })

  test('refuses what says where to connect', async () => {
    const error = await failureOf(openPoolConfig({ instance, host: 'localhost' } as never))
    expect(AlloyDBError.is(error, 'ALLOYDB_INVALID_OPTION')).toBe(true)
  })
})
