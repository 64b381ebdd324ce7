export { PrismaAlloyDB, type PrismaAlloyDBConfig, type PrismaAlloyDBOptions } from './prisma-alloydb.ts'
