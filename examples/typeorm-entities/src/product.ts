import { EntitySchema } from 'typeorm'

export interface Product {
  id: number
  name: string
  price: number
  tags: Tag[]
}

export interface Tag {
  name: string
}

/** Entities without decorators, which Node.js does not run as they are. Classes with decorators work as well. */
export const tagEntity = new EntitySchema<Tag>({
  name: 'Tag',
  columns: { name: { type: 'text', primary: true } },
})

export const productEntity = new EntitySchema<Product>({
  name: 'Product',
  columns: {
    id: { type: 'integer', primary: true, generated: true },
    name: { type: 'text', unique: true },
    price: { type: 'double precision' },
  },
  relations: {
    tags: { type: 'many-to-many', target: 'Tag', joinTable: true, cascade: true },
  },
})
