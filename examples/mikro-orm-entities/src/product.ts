import { defineEntity, p } from '@mikro-orm/core'

export const Tag = defineEntity({
  name: 'Tag',
  properties: { name: p.text().primary() },
})

export const Product = defineEntity({
  name: 'Product',
  properties: {
    id: p.integer().primary(),
    name: p.text().unique(),
    price: p.double(),
    tags: () => p.manyToMany(Tag),
  },
})
