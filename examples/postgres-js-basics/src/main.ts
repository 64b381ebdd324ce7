import { createSql } from '@alloydb/postgres-js'
import assert from 'node:assert/strict'

// User, password and database are those of PGUSER, PGPASSWORD and PGDATABASE. All but the instance is postgres.js's own.
const sql = createSql({
  instance: process.env['ALLOYDB_INSTANCE'] ?? '',
  max: 5,
  connect_timeout: 10, // seconds, for the dial; the login has as long once more
  connection: { application_name: 'postgres-js-basics' },
  onnotice: () => {}, // "drop cascades to table books"
})

try {
  await sql`drop schema if exists basics_example cascade`
  await sql`create schema basics_example`
  await sql`
    create table basics_example.books (
      id int generated always as identity primary key,
      title text not null unique,
      tags text[] not null
    )`

  // What stands in ${ } travels beside the SQL, never in it; sql() makes the list of columns and of rows.
  const books = [
    { title: 'Thinking in Sets', tags: ['sql', 'theory'] },
    { title: 'The Patient Index', tags: ['sql', 'practice'] },
    { title: 'A Walk in the Woods', tags: ['travel'] },
  ]
  const inserted = await sql`insert into basics_example.books ${sql(books)} returning id, title`
  console.log('inserted:', [...inserted])
  assert.equal(inserted.count, 3)

  const tag = 'sql'
  const found = await sql<{ title: string }[]>`
    select title from basics_example.books where ${tag} = any(tags) order by id`
  console.log(`about ${tag}:`, found.map(({ title }) => title).join(', '))
  assert.deepEqual([...found], [{ title: 'Thinking in Sets' }, { title: 'The Patient Index' }])

  // A transaction has a connection of its own; what throws in it rolls it back. A savepoint undoes a part.
  await sql.begin(async (sql) => {
    await sql`delete from basics_example.books where title = ${'A Walk in the Woods'}`
    const again = sql.savepoint((sql) => sql`insert into basics_example.books ${sql(books.slice(0, 1))}`)
    // PostgreSQL's own error, with its SQLSTATE: that title is there already.
    await assert.rejects(again, { code: '23505' })
  })
  const [left] = await sql<[{ count: number }]>`select count(*)::int from basics_example.books`
  console.log(`${left.count} books are left after the transaction`)
  assert.equal(left.count, 2)

  // A large result comes in parts, by a cursor: here 250 rows at a time.
  let sum = 0
  for await (const rows of sql<{ n: number }[]>`select n from generate_series(1, 1000) as n`.cursor(250)) {
    for (const { n } of rows) sum += n
  }
  console.log(`the sum of 1000 rows, read by a cursor, is ${sum}`)
  assert.equal(sum, 500_500)

  // postgres.js listens on a connection of its own, and listens again if that is lost.
  const received = Promise.withResolvers<string>()
  await sql.listen('basics_example', received.resolve)
  await sql.notify('basics_example', 'the shelf is full')
  console.log('notified:', await received.promise)
  assert.equal(await received.promise, 'the shelf is full')
} finally {
  await sql.end({ timeout: 5 }) // waits for queries that run, for so many seconds, and closes the connector as well
}
