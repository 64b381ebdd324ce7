import pg from 'pg'
import type { DriverTypeParser } from 'slonik'

/** Slonik's parsers, which go by the names of PostgreSQL's types, where pg looks for them by number. */
export class TypeParsers implements pg.CustomTypesConfig {
  readonly #byName: ReadonlyMap<string, DriverTypeParser>
  readonly #byOid = new Map<number, (text: string) => unknown>()

  constructor(parsers: readonly DriverTypeParser[]) {
    this.#byName = new Map(parsers.map((parser) => [parser.name, parser]))
  }

  /** Finds the numbers that this server has for the types. */
  async load(client: pg.Client): Promise<void> {
    const { rows } = await client.query<{ oid: number; name: string }>(
      'select oid::integer as oid, typname as name from pg_type where typname = any($1::text[])',
      [[...this.#byName.keys()]],
    )
    for (const { oid, name } of rows) this.#byOid.set(oid, this.#byName.get(name)!.parse)
  }

  getTypeParser = (oid: number, format?: unknown): ((value: string) => unknown) =>
    this.#byOid.get(oid) ?? (pg.types.getTypeParser(oid, format as 'text') as (value: string) => unknown)
}
