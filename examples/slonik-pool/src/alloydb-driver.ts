import type { PgConfig } from '@alloydb/pg'
import { Readable } from 'node:stream'
import pg from 'pg'
import Cursor from 'pg-cursor'
import { createDriverFactory, type DriverCommand, type DriverFactory, type DriverStreamResult } from 'slonik'
import { toSlonikError } from './slonik-error.ts'
import { TypeParsers } from './type-parsers.ts'

type Fields = DriverStreamResult['fields']

/**
 * Makes a driver with which Slonik connects to AlloyDB: its own takes a URL alone, which says where to connect.
 *
 * @param config pg's options
 */
export function createAlloyDBDriver(config: PgConfig & pg.ClientConfig): DriverFactory {
  return createDriverFactory(async ({ driverConfiguration }) => ({
    createPoolClient: async ({ clientEventEmitter }) => {
      const types = new TypeParsers(driverConfiguration.typeParsers)
      const client = new pg.Client({ ...config, types })
      client.on('error', (error) => clientEventEmitter.emit('error', toSlonikError(error)))
      client.on('notice', ({ message = '' }) => clientEventEmitter.emit('notice', { message }))
      return {
        connect: async () => {
          await client.connect()
          await types.load(client)
        },
        end: () => client.end(),
        query: async (sql, values = []) => {
          try {
            const { command, fields, rowCount, rows } = await client.query<Record<string, unknown>>(
              sql,
              values,
            )
            return { command: command as DriverCommand, fields: toFields(fields), rowCount, rows }
          } catch (error) {
            throw toSlonikError(error)
          }
        },
        stream: (sql, values) => Readable.from(readRows(client.query(new Cursor(sql, values)))),
      }
    },
  }))
}

async function* readRows(cursor: Cursor<Record<string, unknown>>): AsyncGenerator<DriverStreamResult> {
  try {
    for (;;) {
      const { rows, fields } = await readSome(cursor)
      if (rows.length === 0) return
      for (const row of rows) yield { row, fields }
    }
  } finally {
    await cursor.close()
  }
}

function readSome(
  cursor: Cursor<Record<string, unknown>>,
): Promise<{ rows: Record<string, unknown>[]; fields: Fields }> {
  return new Promise((resolve, reject) => {
    cursor.read(100, (error: Error | undefined, rows, result) => {
      if (error) reject(toSlonikError(error))
      else resolve({ rows, fields: rows.length === 0 ? [] : toFields(result.fields) }) // none after the last row
    })
  })
}

function toFields(fields: readonly pg.FieldDef[]): Fields {
  return fields.map(({ dataTypeID, name }) => ({ dataTypeId: dataTypeID, name }))
}
