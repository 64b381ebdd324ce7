import { PrismaAlloyDB } from '../../src/index.ts'
import { PrismaClient } from '@alloydb-tooling/prisma-client'

// Does what its argument says, and has to end by itself. ALLOYDB_EMULATOR_HOST leads it to the emulator.
const { INSTANCE: instance = '' } = process.env
const config = { instance, user: 'postgres', password: 'postgres', database: 'prisma_exit' }

function open(): PrismaClient {
  return new PrismaClient({ adapter: new PrismaAlloyDB(config) })
}

const ways: Record<string, () => Promise<void>> = {
  async 'a Prisma Client that is never used'() {
    open()
  },
  async 'a Prisma Client that is disconnected'() {
    const prisma = open()
    await prisma.customer.findMany()
    await prisma.$disconnect()
  },
  async 'a Prisma Client that is disconnected while it dials'() {
    const prisma = open()
    const query = prisma.customer.findMany().catch(() => {})
    await prisma.$disconnect()
    await query
  },
}
await ways[process.argv[2] ?? '']?.()
console.log('done')
