import { integer, pgTable, serial, text, timestamp } from 'drizzle-orm/pg-core'

export const customers = pgTable('customers', {
  id: serial().primaryKey(),
  name: text().notNull(),
})

export const orders = pgTable('orders', {
  id: serial().primaryKey(),
  customerId: integer('customer_id').references(() => customers.id),
  item: text().notNull(),
  tags: text().array(),
  paidAt: timestamp('paid_at', { withTimezone: true }),
})
