import { defineRelations } from 'drizzle-orm'
import * as schema from '../schema.ts'

export const relations = defineRelations(schema, (r) => ({
  customers: { orders: r.many.orders() },
  orders: { customer: r.one.customers({ from: r.orders.customerId, to: r.customers.id }) },
}))
