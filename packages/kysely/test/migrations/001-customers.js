/** @param {import('kysely').Kysely<unknown>} db */
export async function up(db) {
  await db.schema.createTable('customers').addColumn('id', 'serial').execute()
}

/** @param {import('kysely').Kysely<unknown>} db */
export async function down(db) {
  await db.schema.dropTable('customers').execute()
}
