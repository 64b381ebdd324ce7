import { relations } from 'drizzle-orm'
import { integer, pgSchema, serial, text, timestamp } from 'drizzle-orm/pg-core'

export const shop = pgSchema('drizzle_example')

export const customers = shop.table('customers', {
  id: serial().primaryKey(),
  email: text().notNull().unique(),
})

export const orders = shop.table('orders', {
  id: serial().primaryKey(),
  customerId: integer('customer_id')
    .notNull()
    .references(() => customers.id),
  item: text().notNull(),
  count: integer().notNull(),
  orderedAt: timestamp('ordered_at', { withTimezone: true }).notNull().defaultNow(),
})

export const customersRelations = relations(customers, ({ many }) => ({ orders: many(orders) }))

export const ordersRelations = relations(orders, ({ one }) => ({
  customer: one(customers, { fields: [orders.customerId], references: [customers.id] }),
}))
