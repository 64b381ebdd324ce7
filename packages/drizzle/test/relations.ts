import { relations } from 'drizzle-orm'
import { customers, orders } from './schema.ts'

// As drizzle-orm 0.45 has them; those of 1.0 are in drizzle-1.0/relations.ts.

export const customersRelations = relations(customers, ({ many }) => ({ orders: many(orders) }))

export const ordersRelations = relations(orders, ({ one }) => ({
  customer: one(customers, { fields: [orders.customerId], references: [customers.id] }),
}))
