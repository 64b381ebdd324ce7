/** @param {import('kysely').Kysely<unknown>} db */
export async function up(db) {
  await db.schema.alterTable('customers').addColumn('email', 'text').execute()
  await db.schema.alterTable('customers').addColumn('name', 'text').execute() // exists already
}
