/** @param {import('kysely').Kysely<unknown>} db */
export async function up(db) {
  await db.schema.alterTable('customers').addColumn('name', 'text').execute()
}

/** @param {import('kysely').Kysely<unknown>} db */
export async function down(db) {
  await db.schema.alterTable('customers').dropColumn('name').execute()
}
