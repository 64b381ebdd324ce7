import type { Generated } from 'kysely'

export interface Database {
  products: { id: Generated<number>; name: string; price: number }
  orders: { id: Generated<number>; product_id: number; count: number }
}
